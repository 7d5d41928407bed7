#!/bin/sh
# `search --server` and `index --server`: the command line and a server that runs.
set -u
. tests/e2e/lib.sh
. tests/e2e/serve_lib.sh

mkdir -p "$tmp/trip/day one/.hidden"
cp samples/cat.jpg samples/fox.jpg "$tmp/trip"
cp samples/zebra.jpg "$tmp/trip/day one/zebra.jpg"
cp samples/rose.jpg "$tmp/trip/day one/.hidden/rose.jpg"
echo 'no picture' >"$tmp/trip/notes.txt"
cp samples/husky.jpg "$tmp/husky.jpg"

# ---- who does not answer ----
code 3 "nobody there" "$eye" search --server http://127.0.0.1:1 a cat
like "$errout" "is 'eyeshine serve' running there" "is explained"
code 2 "an address that is none" "$eye" search --server ftp://x a cat
python3 -c '
import http.server
class H(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.send_response(200), self.send_header("Content-Type", "text/html"), self.end_headers(), self.wfile.write(b"<p>hello")
    def log_message(self, *a): pass
s = http.server.HTTPServer(("127.0.0.1", 0), H)
print(s.server_port, flush=True)
s.handle_request()' >"$tmp/port" &
while [ ! -s "$tmp/port" ]; do sleep 0.05; done
code 3 "another server" "$eye" search --server "127.0.0.1:$(cat "$tmp/port")" a cat
like "$errout" 'is no eyeshine server' "is told apart"
wait

# ---- index ----
start_server --base-path /photos
code 2 "index --server without a path" "$eye" index --server "$url"
code 2 "index --server --dry-run" "$eye" index --server "$url" --dry-run "$tmp/trip"
code 3 "a folder that is not there" "$eye" index --server "$url" "$tmp/nowhere"
code 0 "a folder and a file" "$eye" index --server "$url" "$tmp/trip" "$tmp/husky.jpg"
like "$errout" '^4 indexed, 0 known by content, 0 failed in ' "are indexed there"
[ -f "$served/uploads/trip/day one/zebra.jpg" ] && pass "with their folders" || fail "with their folders" "$(find "$served/uploads")"
cp samples/cat.jpg "$tmp/trip/copy.jpg"
echo 'broken' >"$tmp/trip/broken.jpg"
code 1 "again, with a copy and a broken file" "$eye" index --server "$url" "$tmp/trip"
like "$errout" '^failed: trip/broken.jpg: ' "the broken one is named with its reason"
like "$errout" '^0 indexed, 4 known by content, 1 failed in ' "the others are known"
code 1 "as JSON" "$eye" index --json --server "$url" "$tmp/trip/broken.jpg" "$tmp/trip/cat.jpg"
is "$(printf '%s\n' "$out" | grep -v '"done"' | json event | sort | tr '\n' ' ')" "failed linked " "an event a file"
is "$(printf '%s\n' "$out" | tail -n 1 | json event)" done "and the sum"
code 1 "nothing but what is left out" "$eye" index --server "$url" --exclude '*.jpg' --all-files "$tmp/trip"
like "$errout" 'notes.txt' "--all-files sends what --exclude leaves"

# ---- search: as from the library itself ----
"$eye" --library "$served" search -n 3 a cat >"$tmp/here"
"$eye" search --server "$url" -n 3 a cat >"$tmp/there"
is "$(cat "$tmp/there")" "$(cat "$tmp/here")" "the same text as here"
"$eye" --library "$served" search --json -n 3 a cat >"$tmp/here"
"$eye" search --server "$url" --json -n 3 a cat >"$tmp/there"
is "$(json path <"$tmp/there")" "$(json path <"$tmp/here")" "the same paths as JSON"
is "$(json added_at <"$tmp/there")" "$(json added_at <"$tmp/here")" "and times"
is "$(json score <"$tmp/there" | cut -c 1-6)" "$(json score <"$tmp/here" | cut -c 1-6)" "and scores"
"$eye" search --server "$url" -0 -n 2 a cat | tr '\0' '\n' >"$tmp/there"
is "$(sed -n '1s|.*/||p;$=' "$tmp/there" | tr '\n' ' ')" "cat.jpg 2 " "-0 gives paths"
is "$("$eye" search --server "$url" --json -n 1 --image samples/fox.jpg | json path | sed 's|.*/||')" fox.jpg "by a picture"
is "$("$eye" search --server "$url" --json -n 1 --image - <samples/fox.jpg | json path | sed 's|.*/||')" fox.jpg "by a picture on stdin"
id=$("$eye" search --server "$url" --json -n 1 a cat | json id)
code 0 "by an id" "$eye" search --server "$url" --json --like "$id"
unlike "$out" "\"id\":$id," "which is left out itself"
is "$(printf 'a cat\na zebra\n' | "$eye" search --server "$url" --json -n 1 --queries - | json query_index | tr '\n' ' ')" "0 1 " "many queries"
code 1 "nothing above a score" "$eye" search --server "$url" --min-score 0.99 a cat
code 3 "an id that is not there" "$eye" search --server "$url" --like 999
code 3 "a file that is no picture" "$eye" search --server "$url" --image README.md
code 2 "--open elsewhere" "$eye" search --server "$url" --open a cat
is "$(EYESHINE_SERVER=$url "$eye" search --json -n 1 a cat | json id)" "$id" "the server from the environment"
stop_server

# ---- keys, and a Unix socket ----
read=$("$eye" -q --library "$served" key new reader)
printf '%s\n' "$("$eye" -q --library "$served" key new writer --scope write)" >"$tmp/write.key"
start_server --require-key --listen "unix:$tmp/eye.sock"
code 3 "no key" "$eye" search --server "$url" a cat
like "$errout" 'EYESHINE_KEY' "says how to give one"
code 3 "a wrong key" env EYESHINE_KEY=eye_wrong "$eye" search --server "$url" a cat
like "$errout" 'does not know this API key' "is said"
code 0 "a key from the environment" env EYESHINE_KEY="$read" "$eye" search --server "$url" a cat
code 3 "which may not write" env EYESHINE_KEY="$read" "$eye" index --server "$url" "$tmp/husky.jpg"
like "$errout" "scope is 'read'; 'write' is needed" "is said"
code 0 "a key from a file" "$eye" index --server "$url" --key-file "$tmp/write.key" "$tmp/husky.jpg"
unlike "$("$eye" config 2>&1)" 'eye_' "no key among the settings"
stop_server
e2e_done
