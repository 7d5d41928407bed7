# lib.sh - what the end-to-end tests share: a scratch folder, ok/is/like, the program. Sourced, not run.
# Each test prints `ok - what` or `not ok - what`; e2e_done ends the script with the right exit code.
# shellcheck shell=sh

eye=$PWD/build/release/eyeshine
tmp=$(mktemp -d "${TMPDIR:-/tmp}/eyeshine-e2e.XXXXXX")
trap 'chmod -R u+rwx "$tmp" 2>/dev/null; rm -rf "$tmp"' EXIT
export HOME="$tmp/home" XDG_CONFIG_HOME= XDG_DATA_HOME= EYESHINE_LIBRARY= EYESHINE_CONFIG=
mkdir -p "$HOME"
e2e_failed=0

pass() {
    printf 'ok - %s\n' "$1"
}

fail() {
    printf 'not ok - %s\n' "$1"
    [ $# -lt 2 ] || printf '%s\n' "$2" | sed 's/^/#   /'
    e2e_failed=$((e2e_failed + 1))
}

# is GOT WANTED NAME
is() {
    if [ "$1" = "$2" ]; then pass "$3"; else fail "$3" "got '$1', wanted '$2'"; fi
}

# like TEXT REGEX NAME (extended, any line)
like() {
    if printf '%s\n' "$1" | grep -qE -- "$2"; then pass "$3"; else fail "$3" "no /$2/ in: $1"; fi
}

unlike() {
    if printf '%s\n' "$1" | grep -qE -- "$2"; then fail "$3" "/$2/ in: $1"; else pass "$3"; fi
}

# code WANTED NAME COMMAND... : its exit status; output in $out (stdout) and $errout (stderr)
code() {
    wanted=$1
    name=$2
    shift 2
    out=$("$@" 2>"$tmp/stderr")
    got=$?
    errout=$(cat "$tmp/stderr")
    if [ "$got" = "$wanted" ]; then
        pass "$name"
    else
        fail "$name" "exit $got, wanted $wanted; stdout: $out; stderr: $errout"
    fi
}

# json FIELD : that member of each JSON line on stdin
json() {
    python3 -c 'import json,sys
for line in sys.stdin:
    v = json.loads(line).get(sys.argv[1])
    print(json.dumps(v) if isinstance(v, (bool, type(None), list, dict)) else v)' "$1"
}

e2e_done() {
    [ "$e2e_failed" -eq 0 ]
    exit
}
