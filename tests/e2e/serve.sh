#!/bin/sh
# `eyeshine serve`: starts, answers, tells what goes on, listens where it is told, ends well.
set -u
. tests/e2e/lib.sh
. tests/e2e/serve_lib.sh

mkdir "$tmp/pictures"
cp samples/cat.jpg samples/zebra.jpg samples/fox.jpg samples/husky.jpg samples/rose.jpg "$tmp/pictures"

# ---- usage ----
code 2 "serve takes no argument" "$eye" --library "$served" serve here
code 2 "--port with a Unix socket" "$eye" --library "$served" serve --listen unix:/tmp/x --port 1
code 2 "a port alone as address" "$eye" --library "$served" serve --listen 8000
like "$errout" '--port' "is explained"
code 2 "a bad --log" "$eye" --library "$served" serve --port 0 --log loud
like "$errout" "'loud' is none of text, json, off" "is explained"
code 3 "an --allow-root that is not there" "$eye" --library "$served" serve --port 0 --allow-root "$tmp/nowhere"
like "$errout" "$tmp/nowhere" "is named"
code 2 "every address without a key" "$eye" --library "$served" serve --listen 0.0.0.0:0
like "$errout" 'eyeshine key new NAME --scope admin' "says how to make one"
code 2 "--require-key without a key" "$eye" --library "$served" serve --port 0 --require-key

# ---- an empty library ----
start_server --log json --access-log "$tmp/access.log"
is "$(wc -l <"$tmp/serve.out")" 1 "one line says where"
like "$(cat "$tmp/serve.out")" "^eyeshine: serving $served at http://127.0.0.1:[0-9]+/ \(Ctrl-C stops\)$" "with library and address"
answers 200 "healthz" GET /healthz
answers 200 "readyz" GET /readyz
is "$body" '{"status":"ok"}' "is ok"
answers 200 "session" GET /api/v1/session
is "$(field scope) $(field key_required)" "admin false" "everybody here is admin"
answers 200 "search in an empty library" GET "/api/v1/search?q=a%20cat"
is "$(field hits)" "[]" "finds nothing"
answers 200 "status" GET /api/v1/status
is "$(field samples)" true "an empty library is offered the samples"
answers 200 "the page" GET / -H 'Accept: text/html'
like "$(cat "$tmp/headers")" "content-security-policy: default-src 'none'; script-src 'self'" "with a strict policy"
like "$body" '<base href="/"' "and its base"
answers 200 "a page of the page" GET /search/anything -H 'Accept: text/html'
answers 404 "nothing there in the API" GET /api/v1/nothing
like "$(cat "$tmp/headers")" 'content-type: application/problem\+json' "is a problem"
answers 405 "a method that is none" PUT /api/v1/search
answers 200 "the contract" GET /api/v1/openapi.yaml
like "$body" '^openapi: 3.1' "is OpenAPI"

# ---- another server on the same library; the same port ----
code 3 "a second server on this library" "$eye" --library "$served" serve --port 0
like "$errout" "$server_pid" "names the first one's process"
code 3 "a port in use" "$eye" --library "$tmp/other" serve --port "${url##*:}"
like "$errout" '--port 0' "says how to pick another"

# ---- upload, and events of it ----
python3 tests/e2e/serve_events.py "$url" 2 >"$tmp/events" 2>&1 &
listener=$!
while kill -0 $listener 2>/dev/null && ! grep -q hello "$tmp/events"; do sleep 0.1; done
answers 202 "upload of two pictures" POST /api/v1/images -F samples/cat.jpg=trip/cat.jpg -F samples/zebra.jpg
job=$(field job.id)
wait_for_job "$job"
is "$(field state) $(field indexed) $(field failed)" "done 2 0" "both are indexed"
wait $listener
like "$(cat "$tmp/events")" '^hello' "events greet"
like "$(cat "$tmp/events")" '^job .*"state": ?"done"' "and tell of the job"
like "$(cat "$tmp/events")" '^library .*"pictures": ?2' "and of the library"
like "$(cat "$tmp/events")" '^resumed without reset' "and go on where they were"
answers 200 "search finds them" GET "/api/v1/search?q=a%20cat&limit=1"
is "$(field hits.0.name)" cat.jpg "the right one"
id=$(field hits.0.id)
answers 200 "its thumbnail" GET "/api/v1/images/$id/thumbnail?size=128"
like "$(cat "$tmp/headers")" 'content-type: image/webp' "is WebP"
answers 200 "its original" GET "/api/v1/images/$id/original"
like "$(cat "$tmp/headers")" 'content-type: image/jpeg' "is what was sent"
answers 206 "a range of it" GET "/api/v1/images/$id/original" -H 'Range: bytes=0-9'
answers 200 "metrics" GET /metrics
like "$body" '^eyeshine_pictures 2$' "count the pictures"
like "$body" '^eyeshine_search_seconds_count [1-9]' "and the searches"
like "$body" '^eyeshine_jobs\{state="done"\} 1$' "and the jobs"

# ---- the command line beside the server ----
code 0 "index beside a server" "$eye" --library "$served" index "$tmp/pictures"
code 0 "search beside a server" "$eye" --library "$served" search -n 1 a fox
like "$out" fox.jpg "finds what was just added"
answers 200 "the server finds it too" GET "/api/v1/search?q=a%20fox&limit=1"
is "$(field hits.0.name)" fox.jpg "at once"
code 0 "remove beside a server" "$eye" --library "$served" remove "$tmp/pictures/fox.jpg"
req GET "/api/v1/search?q=a%20fox&limit=1"
is "$([ "$(field hits.0.name)" = fox.jpg ] && echo found)" "" "the server has lost it"

# ---- the end ----
stop_server
is "$stopped" 0 "SIGTERM ends it well"
is "$(json path <"$tmp/access.log" | grep -c '^/healthz$')" 1 "the access log has a line a request"
like "$(cat "$tmp/access.log")" '"method":"POST","path":"/api/v1/images","status":202' "with its status"
unlike "$(cat "$tmp/access.log")" 'a cat|a%20cat' "and no query"

# ---- other places to listen ----
start_server --listen "unix:$tmp/eye.sock"
is "$url" "unix:$tmp/eye.sock" "a Unix socket"
is "$(stat -c %a "$tmp/eye.sock")" 660 "is not for everybody"
answers 200 "answers" GET "/api/v1/status"
stop_server
[ -e "$tmp/eye.sock" ] && fail "the socket is cleared away" || pass "the socket is cleared away"
if [ -e /proc/net/if_inet6 ] && grep -q '^0*1 ' /proc/net/if_inet6; then
    start_server --listen '[::1]:0'
    answers 200 "IPv6" GET /healthz
    stop_server
fi
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$tmp/key.pem" -out "$tmp/cert.pem" -days 2 -subj /CN=localhost 2>/dev/null
start_server --tls-cert "$tmp/cert.pem" --tls-key "$tmp/key.pem"
like "$url" '^https://' "TLS"
answers 200 "answers" GET /healthz
stop_server
code 3 "a certificate that is none" "$eye" --library "$served" serve --port 0 --tls-cert README.md --tls-key "$tmp/key.pem"

# ---- a service manager ----
python3 - "$tmp/notify" >"$tmp/notified" <<'P' &
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
s.settimeout(20)
for _ in range(2):
    print(s.recv(100).decode(), flush=True)
P
waiter=$!
while [ ! -e "$tmp/notify" ]; do sleep 0.05; done
export NOTIFY_SOCKET="$tmp/notify"
start_server
unset NOTIFY_SOCKET
stop_server
wait $waiter
is "$(tr '\n' ' ' <"$tmp/notified")" "READY=1 STOPPING=1 " "is told of start and end"
e2e_done
