#!/bin/sh
# What a hostile client, page, file or address may not do to a server: the list of the issue, each with its status.
set -u
. tests/e2e/lib.sh
. tests/e2e/serve_lib.sh

# ---- a root with links that lead out of it ----
mkdir "$tmp/root" "$tmp/outside" "$tmp/allowed"
cp samples/cat.jpg "$tmp/root/inside.jpg"
cp samples/fox.jpg "$tmp/root/swapped.jpg"
cp samples/rose.jpg "$tmp/outside/secret.jpg"
ln -s "$tmp/outside/secret.jpg" "$tmp/root/link.jpg"
"$eye" --library "$served" index "$tmp/root" 2>/dev/null
rm "$tmp/root/swapped.jpg" && ln -s /etc/passwd "$tmp/root/swapped.jpg"

# ---- what strangers send ----
start_server --allow-root "$tmp/allowed"
strangers=$url
python3 tests/e2e/serve_slow.py "$strangers" >"$tmp/slow" 2>&1 &
slow=$!
python3 tests/e2e/serve_hostile.py "$url" "$served" "$tmp" || e2e_failed=$((e2e_failed + 1))
mkdir "$tmp/allowed-not"
ln -s "$tmp/outside" "$tmp/allowed/way-out"
for p in /etc "$tmp/allowed-not" "$tmp/allowed/../outside" "$tmp/allowed/way-out"; do
    answers 403 "no root from the page at ${p##*/}" POST /api/v1/roots -j "{\"path\":\"$p\"}"
done
answers 201 "but below --allow-root" POST /api/v1/roots -j "{\"path\":\"$tmp/allowed\"}"
kept_pid=$server_pid server_pid=

# ---- keys, with another library ----
first=$served
served=$tmp/keyed
admin=$("$eye" -q --library "$served" key new boss --scope admin)
write=$("$eye" -q --library "$served" key new camera --scope write)
read=$("$eye" -q --library "$served" key new frame)
like "$read" '^eye_[A-Za-z0-9_-]{43}$' "a key"
code 2 "a scope that is none" "$eye" --library "$served" key new x --scope root
if grep -raqF "$read" "$served"; then fail "no secret is stored"; else pass "no secret is stored"; fi
for stage in "keys --require-key --cors https://app.example" "rate --require-key --rate 12" "open --log off"; do
    # shellcheck disable=SC2086 # words
    start_server ${stage#* }
    python3 tests/e2e/serve_keys.py "$url" "${stage%% *}" "$eye" "$served" "$admin" "$write" "$read" || e2e_failed=$((e2e_failed + 1))
    stop_server
done

# ---- the first one, after all that ----
wait $slow || e2e_failed=$((e2e_failed + 1))
cat "$tmp/slow"
served=$first server_pid=$kept_pid kept_pid=
kill -0 "$server_pid" && pass "the server is still there" || fail "the server is still there"
stop_server
is "$stopped" 0 "and ends well"
e2e_done
