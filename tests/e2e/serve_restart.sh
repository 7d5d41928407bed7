#!/bin/sh
# A server that starts anew: another port, host and base path change nothing; killed in the middle of an upload job, it goes on.
set -u
. tests/e2e/lib.sh
. tests/e2e/serve_lib.sh

# ---- one address, then another ----
start_server
answers 202 "pictures are uploaded" POST /api/v1/images -F samples/cat.jpg=trip/cat.jpg -F samples/zebra.jpg -F samples/fox.jpg
wait_for_job "$(field job.id)"
req GET "/api/v1/search?q=a%20cat"
before=$(printf %s "$body" | python3 -c 'import json,sys; print([(h["id"], h["path"], h["score"]) for h in json.load(sys.stdin)["hits"]])')
id=$(field hits.0.id)
req GET "/api/v1/images/$id/thumbnail?size=128"
thumbnail=$(grep '^etag' "$tmp/headers")
unlike "$body" "${url#http://}" "no answer holds host and port"
stop_server
is "$stopped" 0 "SIGTERM ends it well"
if grep -raqF "${url#http://}" "$served"; then fail "nothing stored holds host and port"; else pass "nothing stored holds host and port"; fi

start_server --listen 127.0.0.2:0 --base-path photos/
like "$url" '^http://127\.0\.0\.2:[0-9]+/photos$' "another address, below a base path"
req GET "/api/v1/search?q=a%20cat"
after=$(printf %s "$body" | python3 -c 'import json,sys; print([(h["id"], h["path"], h["score"]) for h in json.load(sys.stdin)["hits"]])')
is "$after" "$before" "the same results"
answers 200 "the same thumbnail" GET "/api/v1/images/$id/thumbnail?size=128"
is "$(grep '^etag' "$tmp/headers")" "$thumbnail" "byte for byte"
answers 200 "the page" GET / -H 'Accept: text/html'
like "$body" '<base href="/photos/"' "knows its base"
answers 200 "a page below it" GET /search/x -H 'Accept: text/html'
whole=$url
url=${url%/photos}
answers 404 "outside of it is nothing" GET /api/v1/status
answers 308 "its root without a slash" GET /photos
url=$whole
answers 200 "a session" POST /api/v1/session -j '{"key":"'"$("$eye" -q --library "$served" key new x)"'"}'
like "$(cat "$tmp/headers")" 'set-cookie: .*; Path=/photos;' "has a cookie for the base only"
stop_server
code 0 "the command line sees the same" "$eye" --library "$served" search -n 1 a cat
like "$out" 'trip/cat.jpg' "at the same place"

# ---- killed in the middle ----
# 300 pictures that differ: a JPEG with a comment appended is another file of the same picture.
mkdir "$tmp/many"
python3 - "$tmp/many" <<'P'
import sys
data = open("samples/husky.jpg", "rb").read()
for i in range(300):
    with open(f"{sys.argv[1]}/{i:03}.jpg", "wb") as f:
        f.write(data + b"x%d" % i)
P
start_server
answers 201 "an upload is opened" POST /api/v1/jobs -j '{"kind":"upload","title":"many"}'
job=$(field id)
set --
for f in "$tmp"/many/*.jpg; do set -- "$@" -F "$f=many/${f##*/}"; done
answers 202 "and filled" POST "/api/v1/images?job=$job" "$@"
n=0
while [ $n -lt 100 ]; do
    req GET "/api/v1/jobs/$job"
    [ "$(field done)" -ge 3 ] && break
    sleep 0.05
    n=$((n + 1))
done
done_before=$(field done)
kill -KILL "$server_pid"
wait "$server_pid" 2>/dev/null
server_pid=
is "$([ "$done_before" -lt 300 ] && echo middle)" middle "killed in the middle ($done_before of 300)"
start_server
answers 200 "the job is known after kill -9" GET "/api/v1/jobs/$job"
is "$([ "$(field done)" -ge "$done_before" ] && echo kept)" kept "and what was done is kept"
answers 202 "more is added" POST "/api/v1/images?job=$job&close=true" -F samples/rose.jpg=many/rose.jpg
wait_for_job "$job"
is "$(field state) $(field total) $(field done) $(field failed)" "done 301 301 0" "it goes on to the end"
req GET "/api/v1/images?limit=1"
is "$(field total)" 304 "every picture is there once"
is "$(find "$served/spool" -type f | wc -l)" 0 "nothing is left in the spool folder"
is "$(find "$served/uploads" -type f | wc -l)" 304 "and every file in the uploads folder"
code 0 "the library is sound" "$eye" --library "$served" verify

# ---- SIGTERM lets a request finish ----
python3 - "$url" >"$tmp/slow-upload" <<'P' &
import socket, sys, time
from urllib.parse import urlsplit
u = urlsplit(sys.argv[1])
data = open("samples/ladybird.jpg", "rb").read()
head = b'--x\r\nContent-Disposition: form-data; name="f"; filename="late.jpg"\r\n\r\n'
body = head + data + b"\r\n--x--\r\n"
s = socket.create_connection((u.hostname, u.port), timeout=20)
s.sendall(b"POST /api/v1/images HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: %d\r\n\r\n" % len(body))
for i in range(10):
    s.sendall(body[len(body) * i // 10:len(body) * (i + 1) // 10])
    time.sleep(0.2)
print(s.recv(1000).split(b"\r\n")[0].decode())
P
slow=$!
sleep 1
stop_server
wait $slow
is "$stopped" 0 "a second SIGTERM is not needed"
is "$(cat "$tmp/slow-upload")" "HTTP/1.1 202 Accepted" "SIGTERM lets an upload finish"
start_server
wait_for_job "$((job + 1))"
is "$(field state) $(field indexed)" "done 1" "which is indexed at the next start"
stop_server
e2e_done
