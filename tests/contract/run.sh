#!/bin/sh
# The contract: schemathesis makes requests of all kinds from docs/openapi.yaml, right ones and wrong ones, and holds a real
# server to what the file says about its answers: no 5xx, no undocumented status, type, header or shape.
#
# EXAMPLES (default 12) requests an operation and phase, SEED (default 1). Its own virtual environment is build/venv-contract.
# Events are left out: their stream does not end (tests/e2e/serve.sh reads it).
set -u
here=tests/contract
venv=$PWD/build/venv-contract

# Before lib.sh moves HOME: pip keeps its cache there.
if ! cmp -s "$here/requirements.txt" "$venv/installed.txt"; then
    rm -rf "$venv"
    python3 -m venv "$venv" && "$venv/bin/pip" -q --disable-pip-version-check install -r "$here/requirements.txt" &&
        cp "$here/requirements.txt" "$venv/installed.txt"
fi
. tests/e2e/lib.sh
. tests/e2e/serve_lib.sh
if [ ! -f "$venv/installed.txt" ]; then
    pass "skipped: schemathesis can't be installed here"
    e2e_done
fi
[ ! -x build/asan/eyeshine ] || eye=$PWD/build/asan/eyeshine
eye=${EYE:-$eye}

# ---- a library with something of everything: pictures, a file that failed, an open job, a root that may be added ----
mkdir -p "$tmp/pictures" "$tmp/more"
cp samples/cat.jpg samples/zebra.jpg samples/coins.png samples/broccoli.webp "$tmp/pictures"
cp samples/fox.jpg "$tmp/more"
echo 'no picture' >"$tmp/pictures/broken.jpg"
start_server --allow-root "$tmp"
[ -n "$url" ] || exit 1
answers 201 "a root is added" POST /api/v1/roots -j "{\"path\": \"$tmp/pictures\"}"
wait_for_job "$(field job.id)"
answers 201 "a job is opened" POST /api/v1/jobs -j '{"kind": "upload", "title": "open"}'
is "$(req GET /api/v1/failures; field total)" 1 "a file failed"

# ---- schemathesis ----
set -- run docs/openapi.yaml --url "$url" --no-color --workers 1 --seed "${SEED:-1}" --max-examples "${EXAMPLES:-12}" \
    --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,response_headers_conformance \
    --exclude-path /api/v1/events --request-timeout 20 --warnings off --continue-on-failure --report-junit-path "$tmp/junit.xml"
(cd "$tmp" && cp -R "$OLDPWD/docs" . && "$venv/bin/st" "$@") >"$tmp/st.out" 2>&1
got=$?
[ ! -f "$tmp/junit.xml" ] || python3 "$here/junit.py" "$tmp/junit.xml" || e2e_failed=1
all=$(grep -cE '^    (get|post|put|delete):$' docs/openapi.yaml)
like "$(cat "$tmp/st.out")" "Selected: $((all - 1))/$all" "every operation but the events"
[ "$got" -eq 0 ] || fail "schemathesis exits with 0" "$(cut -c1-300 "$tmp/st.out" | grep -v '^$' | tail -n 120)"

# ---- the server after all that ----
answers 200 "the server is up" GET /healthz
answers 200 "and ready" GET /readyz
stop_server
is "$stopped" 0 "and ends well"
unlike "$(grep -A 12 -E 'ERROR: |runtime error' "$tmp/serve.err")" '.' "no complaint of the sanitizers"
e2e_done
