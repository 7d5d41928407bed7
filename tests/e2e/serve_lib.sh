# serve_lib.sh - a server for the end-to-end tests, and requests to it. Sourced after lib.sh.
# shellcheck shell=sh disable=SC2154

served=$tmp/library
server_pid=
kept_pid= # another server that goes on beside
url=

# The servers must be gone before the scratch folder is.
trap 'stop_server; server_pid=$kept_pid; stop_server; chmod -R u+rwx "$tmp" 2>/dev/null; rm -rf "$tmp"' EXIT

# start_server ARGS... : on a free port unless they say --listen; $url ends without a slash. Fails after 20 s.
start_server() {
    : >"$tmp/serve.out"
    case " $* " in
    *" --listen "*) "$eye" --library "$served" serve "$@" >"$tmp/serve.out" 2>"$tmp/serve.err" & ;;
    *) "$eye" --library "$served" serve --port 0 "$@" >"$tmp/serve.out" 2>"$tmp/serve.err" & ;;
    esac
    server_pid=$!
    n=0
    while [ ! -s "$tmp/serve.out" ] && [ $n -lt 200 ] && kill -0 "$server_pid" 2>/dev/null; do
        sleep 0.1
        n=$((n + 1))
    done
    url=$(sed -n 's|.* at \([^ ]*[^/ ]\)/* (Ctrl-C stops)$|\1|p' "$tmp/serve.out")
    [ -n "$url" ] || fail "the server starts ($*)" "$(cat "$tmp/serve.out" "$tmp/serve.err")"
}

# Ends it with SIGTERM; its exit status in $stopped.
stop_server() {
    [ -n "$server_pid" ] || return 0
    kill -TERM "$server_pid" 2>/dev/null
    wait "$server_pid"
    stopped=$?
    server_pid=
}

# req METHOD PATH [OPTIONS of serve_client.py]: $status, $body; headers in $tmp/headers
req() {
    python3 tests/e2e/serve_client.py "$url" "$tmp/headers" "$@" >"$tmp/answer" 2>"$tmp/answer.err" || cat "$tmp/answer.err"
    status=$(head -n 1 "$tmp/answer")
    body=$(sed 1d "$tmp/answer" | tr -d '\000')
}

# answers STATUS NAME METHOD PATH [OPTIONS]
answers() {
    wanted=$1
    name=$2
    shift 2
    req "$@"
    if [ "$status" = "$wanted" ]; then
        pass "$name"
    else
        fail "$name" "status $status, wanted $wanted: $(printf %s "$body" | head -c 300)"
    fi
}

# field NAME.NAME.0 : of $body
field() {
    printf '%s' "$body" | python3 -c 'import json,sys
v = json.load(sys.stdin)
for k in sys.argv[1].split("."):
    v = v[int(k)] if isinstance(v, list) else v.get(k)
print(json.dumps(v) if isinstance(v, (bool, type(None), list, dict)) else v)' "$1"
}

# wait_for_job ID : until it has ended; $body is the job
wait_for_job() {
    n=0
    while [ $n -lt 150 ]; do
        req GET "/api/v1/jobs/$1"
        case $(field state) in done | failed | cancelled) return 0 ;; esac
        sleep 0.1
        n=$((n + 1))
    done
    fail "job $1 ends" "$body"
}
