#!/bin/sh
# deploy/: the image is assembled, packed and run as a container would run it (read-only root, a user without rights, no capability, no network);
# the compose files and Kubernetes manifests keep to their rules and schemas. No container engine is needed.
set -u
here=tests/deploy
venv=$PWD/build/venv-deploy

# Before lib.sh moves HOME: pip keeps its cache there.
if ! cmp -s "$here/requirements.txt" "$venv/installed.txt"; then
    rm -rf "$venv"
    python3 -m venv "$venv" && "$venv/bin/pip" -q --disable-pip-version-check install -r "$here/requirements.txt" &&
        cp "$here/requirements.txt" "$venv/installed.txt"
fi
. tests/e2e/lib.sh
[ -x build/release/eyeshine-image ] || make -s build/release/eyeshine-image
version=$("$eye" --version | sed 's/^eyeshine //')

# ---- parts, counted from 0 as Kubernetes does or from 1 ----
for i in 0 1 2; do "$eye" --library "$tmp/parts" index -q --part $i/3 samples; done
is "$("$eye" --library "$tmp/parts" status --json | json pictures)" "$(find samples -name '*.*g' -o -name '*.webp' | wc -l)" "parts 0/3, 1/3 and 2/3 are all there is"
is "$("$eye" --library "$tmp/none" index --dry-run --part 0/3 samples 2>&1)" "$("$eye" --library "$tmp/none" index --dry-run --part 3/3 samples 2>&1)" "part 0 is part N"

# ---- keys that are given at the start ----
. tests/e2e/serve_lib.sh
a=eye_$(printf 'a%.0s' $(seq 43))
b=eye_$(printf 'b%.0s' $(seq 43))
printf '# two\nphone:read:%s\nadmin:admin:%s\n' "$a" "$b" >"$tmp/keys"
keys() { "$eye" --library "$served" key list --json | json name | sort | tr '\n' ','; }
EYESHINE_KEYS_FILE=$tmp/keys start_server --require-key
answers 200 "a key of the file is one" GET /api/v1/status -H "Authorization: Bearer $a"
answers 403 "with its scope" POST /api/v1/jobs -H "Authorization: Bearer $a" -j '{"kind": "upload", "title": "t"}'
stop_server
is "$(keys)" "admin (given at start),phone (given at start)," "both are keys of the library"
EYESHINE_KEYS="admin:admin:$b" start_server --require-key
answers 401 "what is no longer given ends" GET /api/v1/status -H "Authorization: Bearer $a"
answers 200 "what still is stays" GET /api/v1/status -H "Authorization: Bearer $b"
stop_server
is "$(keys)" "admin (given at start)," "and one is left"
code 2 "a wrong line is told of" env EYESHINE_KEYS="admin:$b" "$eye" --library "$served" serve --port 0
unlike "$out$errout" 'bbbb' "without the secret in it"

# ---- deploy/env ----
code 0 "deploy/env makes a file" env PICTURES="$PWD/samples" deploy/env "$tmp/env"
like "$out$errout" 'eye_[A-Za-z0-9_-]{43}' "and says the key"
is "$(stat -c %a "$tmp/env")" 600 "that only its owner reads"
sum=$(cksum <"$tmp/env")
code 1 "it is not made again" deploy/env "$tmp/env"
is "$(cksum <"$tmp/env")" "$sum" "and not changed"
deploy/env "$tmp/env2" >/dev/null 2>&1
is "$(grep -cE 'PASSWORD|KEYS|USER' "$tmp/env2")" "$(grep -E 'PASSWORD|KEYS|USER' "$tmp/env2" | grep -vcxFf "$tmp/env")" "the next one's secrets are others"

# ---- the image ----
code 0 "the image's root is assembled" deploy/assemble "$tmp/root"
is "$(find "$tmp/root" -perm /6000 -o -name 'sh' -o -name 'libicu*' | head -n 3)" "" "nothing setuid, no shell, no ICU in it"
code 0 "and packed" deploy/image/pack "$tmp/root" "$tmp/image.tar" "$version"
sum=$(sha256sum <"$tmp/image.tar")
deploy/image/pack "$tmp/root" "$tmp/image.tar" "$version" >/dev/null
is "$(sha256sum <"$tmp/image.tar")" "$sum" "the same root makes the same image"
mkdir -m 700 "$tmp/volume"
[ "$(id -u)" != 0 ] || chown 65532:65532 "$tmp/volume"
chmod 755 "$tmp"
python3 "$here/run_image.py" "$tmp/root" "$tmp/volume" "$PWD/samples" deploy/image/config.json || e2e_failed=1

# ---- what files can show ----
if [ -f "$venv/installed.txt" ]; then
    "$venv/bin/python" "$here/check.py" "$version" "$tmp/image.tar" "$tmp/env" || e2e_failed=1
else
    pass "skipped: readers and schemas of compose files and manifests can't be installed here"
fi
if command -v kubectl >/dev/null 2>&1; then
    for k in base index serve-s3 index-s3; do code 0 "kustomize builds $k" kubectl kustomize "deploy/kubernetes/$k"; done
    like "$out" 's3-secret-key' "with S3's login"
    unlike "$out" '/pictures' "and without the volume"
fi

e2e_done
