#!/bin/sh
# kill -9 in a loop during an index run: after each the library is sound, and in the end it equals an undisturbed one.
set -u
. tests/e2e/lib.sh

# Enough work that a run lasts some seconds: every sample many times over, each copy made unique by trailing bytes.
mkdir "$tmp/pics"
n=0
for round in 1 2 3 4 5 6 7 8; do
    for f in samples/*.jpg; do
        n=$((n + 1))
        cp "$f" "$tmp/pics/$n.jpg"
        printf 'copy %s' "$n" >>"$tmp/pics/$n.jpg"
    done
done

# What a library says, without ids and times: path and hash of each picture.
dump() {
    sqlite3 "$1/library.db" "select hex(r.path) || '/' || hex(f.rel) || ' ' || hex(p.hash) || ' ' || hex(e.vector)
        from file f join root r on r.id = f.root join picture p on p.id = f.picture
        join model m join embedding e on e.id = (m.id << 40) | p.id order by 1"
}

"$eye" --library "$tmp/calm" index -q "$tmp/pics" || fail "undisturbed run"
kills=0
sound=0
for delay in 0.15 0.3 0.5 0.7 0.2 0.9 0.4 0.6 1.1 0.35; do
    "$eye" --library "$tmp/rough" index -q "$tmp/pics" &
    pid=$!
    sleep $delay
    if kill -9 $pid 2>/dev/null; then
        kills=$((kills + 1))
    fi
    wait $pid 2>/dev/null
    [ -s "$tmp/rough/library.db" ] || continue # killed before there was anything
    if "$eye" --library "$tmp/rough" verify -q >"$tmp/verify"; then
        sound=$((sound + 1))
    else
        fail "verify after kill $kills" "$(cat "$tmp/verify")"
    fi
done
[ "$kills" -ge 3 ] && pass "killed $kills runs" || fail "killed only $kills runs: too little work"
[ "$sound" -ge 3 ] && pass "$sound times the library was sound" || fail "only $sound sound"
code 0 "the next run finishes" "$eye" --library "$tmp/rough" index -q "$tmp/pics"
dump "$tmp/calm" >"$tmp/a"
dump "$tmp/rough" >"$tmp/b"
is "$(wc -l <"$tmp/a")" "$n" "the undisturbed library has every file"
cmp -s "$tmp/a" "$tmp/b" && pass "both libraries are equal, vectors included" || fail "both libraries are equal"
sleep 0.3
is "$(pgrep -f "eyeshine.*$tmp" | wc -l)" 0 "no process is left behind"

e2e_done
