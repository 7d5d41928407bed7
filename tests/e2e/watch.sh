#!/bin/sh
# Folders that change while they are watched: by `index --watch`, and by the server, which is asked for nothing.
set -u
. tests/e2e/lib.sh
. tests/e2e/serve_lib.sh
api=/api/v1
pics=$tmp/pics
watch_pid=

mkdir -p "$pics/trip"
cp samples/cat.jpg samples/coins.png "$pics"

# until NAME COMMAND... : it succeeds within 20 s
until_ok() {
    name=$1
    shift
    n=0
    while ! "$@" >/dev/null 2>&1; do
        n=$((n + 1))
        if [ $n -gt 200 ]; then
            fail "$name" "$(cat "$tmp/watch.out" "$tmp/watch.err" 2>/dev/null)"
            return 1
        fi
        sleep 0.1
    done
    pass "$name"
}

# start_watch LIBRARY ARGS...
start_watch() {
    watch_library=$1
    shift
    "$eye" --library "$watch_library" index --watch --settle 0.2 "$@" >"$tmp/watch.out" 2>"$tmp/watch.err" &
    watch_pid=$!
}

# end_watch SIGNAL NAME : ends with 0, within seconds
end_watch() {
    begun=$(date +%s)
    kill -"$1" "$watch_pid"
    wait "$watch_pid"
    is $? 0 "$2"
    took=$(($(date +%s) - begun))
    if [ $took -le 5 ]; then pass "$2, promptly"; else fail "$2, promptly" "$took s"; fi
}

told() {
    grep -q -- "$1" "$tmp/watch.err"
}

said() {
    grep -q -- "$1" "$tmp/watch.out"
}

# files LIBRARY N : so many are known
files() {
    [ "$("$eye" --library "$1" status --json | json files)" = "$2" ]
}

# ---- usage ----
for mix in --dry-run "--part 1/2"; do
    # shellcheck disable=SC2086
    code 2 "--watch with $mix" "$eye" --library "$tmp/l0" index --watch $mix "$pics"
done
code 2 "--watch with --server" "$eye" --library "$tmp/l0" index --watch --server http://127.0.0.1:1 "$pics"
code 2 "--settle alone" "$eye" --library "$tmp/l0" index --settle 1 "$pics"
code 2 "--poll alone" "$eye" --library "$tmp/l0" index --poll 10 "$pics"
code 2 "--watch of a file" "$eye" --library "$tmp/l0" index --watch "$pics/cat.jpg"
like "$errout" "only folders are watched" "says so"
code 2 "--watch of nothing" "$eye" --library "$tmp/l0" index --watch
like "$errout" "no folder is known" "says so too"

# ---- the command ----
start_watch "$tmp/l1" --exclude "*.tmp.jpg" "$pics"
until_ok "the first look" told "2 indexed"
like "$(cat "$tmp/watch.err")" "watching .*pics: told of changes in 2 folders" "says how it watches"
cp samples/zebra.jpg "$pics/x.tmp.jpg"
cp samples/zebra.jpg "$pics/trip/"
until_ok "a file that comes" told "^1 indexed"
mv "$pics/trip" "$pics/journey"
until_ok "a folder that moves" told "1 known by content, 1 removed"
mkdir -p "$pics/a/b" && cp samples/coffee.jpg "$pics/a/b/c.jpg"
until_ok "new folders" files "$tmp/l1" 4
rm -r "$pics/a"
until_ok "a folder that goes" files "$tmp/l1" 3
code 0 "another process may index meanwhile" "$eye" --library "$tmp/l1" index "$pics/journey"
mv "$pics" "$tmp/away"
until_ok "the root goes away" told "^offline: .*pics: not there"
is "$("$eye" --library "$tmp/l1" status --json | json files)" 3 "nothing is dropped"
cp samples/coffee.jpg "$tmp/away/new.jpg"
mv "$tmp/away" "$pics"
until_ok "it comes back, and what is new is found" files "$tmp/l1" 4
end_watch TERM "SIGTERM ends it"
like "$(cat "$tmp/watch.err")" "stopped" "and it says so"

start_watch "$tmp/l1" --json
until_ok "events: state" said '"event":"state".*"how":"notified"'
until_ok "events: a look" said '"event":"looked"'
cp samples/broccoli.webp "$pics/"
until_ok "events: a file" said '"event":"indexed","path":".*broccoli.webp"'
end_watch INT "Ctrl-C ends it"
is "$(tail -n 1 "$tmp/watch.out")" '{"event":"stopped"}' "the last event"
if python3 -c 'import json,sys; [json.loads(l) for l in open(sys.argv[1])]' "$tmp/watch.out"; then pass "each line is JSON"; else fail "each line is JSON"; fi

# ---- the server ----
served=$tmp/l1
start_server --allow-root "$tmp"
[ -n "$url" ] || exit 1
how() {
    req GET $api/roots
    [ "$(field roots.0.watch.how)" = "$1" ]
}
finds() { # WORDS NAME
    req GET "$api/search?q=$1&limit=1"
    [ "$(field hits.0.name)" = "$2" ]
}
until_ok "the server watches" how notified
curl -sN --max-time 60 "$url$api/events" >"$tmp/events" 2>/dev/null &
events_pid=$!
cp samples/beetle-car.jpg "$pics/journey/beetle.jpg"
until_ok "a file that is dropped in is found by search" finds "an%20old%20car" beetle.jpg
req GET $api/roots
like "$(field roots.0.watch.changed_at)" "^20.*Z$" "the time of the change"
req GET "$api/jobs"
is "$(field jobs.0.kind) $(field jobs.0.state)" "scan done" "it was a scan"
like "$(field jobs.0.title)" "pics/journey$" "of that folder"
mkdir "$tmp/more"
cp samples/camera.jpg "$tmp/more"
answers 201 "another root" POST $api/roots -j "{\"path\":\"$tmp/more\"}"
wait_for_job "$(field job.id)"
second() {
    req GET $api/roots
    printf '%s' "$body" | python3 -c 'import json,sys
r = [r for r in json.load(sys.stdin)["roots"] if r["path"].endswith("/more")]
sys.exit(not (r and r[0]["watch"]["how"] == sys.argv[1]))' "$1"
}
until_ok "is watched as well" second notified
mv "$tmp/more" "$tmp/gone"
until_ok "is offline when it goes" second offline
mv "$tmp/gone" "$tmp/more"
until_ok "and is watched again" second notified
until_ok "events tell of it" grep -q "^event: roots" "$tmp/events"
kill "$events_pid" 2>/dev/null
wait "$events_pid" 2>/dev/null
stop_server
is "$stopped" 0 "the server ends"
start_server --watch off
until_ok "a server that watches nothing" how off
stop_server
code 2 "neither on nor off" "$eye" --library "$served" serve --watch maybe
e2e_done
