#!/bin/sh
# A library in a file and back while it is in use; export and import to other folders; a full disk; a signal.
set -u
. tests/e2e/lib.sh

mkdir "$tmp/pics" "$tmp/pics/deep"
n=0
for _ in 1 2; do
    for f in samples/*.jpg; do
        n=$((n + 1))
        cp "$f" "$tmp/pics/$n.jpg"
        printf 'copy %s' "$n" >>"$tmp/pics/$n.jpg"
    done
done
mv "$tmp"/pics/*1.jpg "$tmp/pics/deep/"
lib=$tmp/lib

# backups while `index` runs: each is whole and sound
"$eye" --library "$lib" index -q "$tmp/pics" &
pid=$!
made=0
during=0
while kill -0 $pid 2>/dev/null; do
    sleep 0.3
    [ -f "$lib/library.db" ] || continue
    made=$((made + 1))
    "$eye" --library "$lib" backup -q "$tmp/during$made.zip" 2>"$tmp/err" || fail "a backup beside index" "$(cat "$tmp/err")"
    kill -0 $pid 2>/dev/null && during=$made
done
wait $pid || fail "index beside backups"
[ "$during" -ge 1 ] && pass "$during backups while index runs" || fail "backups while index runs" "index was too quick"
last=0
for i in $(seq 1 "$made"); do
    "$eye" --library "$tmp/during" restore -q "$tmp/during$i.zip" || fail "restore of backup $i"
    "$eye" --library "$tmp/during" verify -q >"$tmp/findings" || fail "backup $i is sound" "$(cat "$tmp/findings")"
    now=$("$eye" --library "$tmp/during" status --json | json pictures)
    [ "$now" -ge "$last" ] || fail "backup $i has no fewer pictures than the one before" "$now, $last"
    last=$now
    rm -rf "$tmp/during"
done
is "$last" "$n" "the last one has every picture"

# uploads, by way of a server, and a backup while it serves
"$eye" --library "$lib" serve --port 0 >"$tmp/serve" 2>&1 &
pid=$!
for _ in $(seq 1 100); do
    url=$(grep -o 'http://[0-9.:]*' "$tmp/serve" | head -n 1)
    [ -n "$url" ] && break
    sleep 0.1
done
up=$(find samples -name '*.png' | sort | head -n 1)
[ -n "$up" ] || up=$(find samples -name '*.jpg' | sort | head -n 1)
code 0 "upload through the server" "$eye" index --server "$url" "$up"
code 0 "backup while serve runs" "$eye" --library "$lib" backup "$tmp/all.zip"
like "$errout" 'all.zip: done' "says so"
kill $pid
wait $pid 2>/dev/null

code 3 "never over a file" "$eye" --library "$lib" backup "$tmp/all.zip"
code 2 "a backup to '-' is not possible" "$eye" --library "$lib" backup -
code 2 "a backup without a name" "$eye" --library "$lib" backup
code 0 "--check" "$eye" backup --check "$tmp/all.zip"
python3 - "$tmp/all.zip" "$tmp/flipped.zip" <<'EOF'
import sys
data = bytearray(open(sys.argv[1], 'rb').read())
data[len(data) // 2] ^= 4
open(sys.argv[2], 'wb').write(data)
EOF
code 3 "--check of one with a flipped bit" "$eye" backup --check "$tmp/flipped.zip"
like "$errout" 'flipped.zip: the backup is damaged' "says that it is damaged"
code 3 "which is not restored" "$eye" --library "$tmp/flipped" restore "$tmp/flipped.zip"
[ -e "$tmp/flipped" ] && fail "and leaves nothing" || pass "and leaves nothing"

# restored: everything as it was, at once
code 0 "restore" "$eye" --library "$tmp/back" restore "$tmp/all.zip"
code 0 "verify --deep of the restored library" "$eye" --library "$tmp/back" verify --deep
for query in "a cat" "red apple" "people in the street"; do
    "$eye" --library "$lib" search --json -n 20 "$query" | sed "s|$lib|LIB|g" >"$tmp/a"
    "$eye" --library "$tmp/back" search --json -n 20 "$query" | sed "s|$tmp/back|LIB|g" >"$tmp/b"
    [ -s "$tmp/a" ] && cmp -s "$tmp/a" "$tmp/b" && pass "'$query' finds the same" || fail "'$query' finds the same" "$(diff "$tmp/a" "$tmp/b")"
done
code 0 "index of the restored library" "$eye" --library "$tmp/back" index --json
is "$(printf '%s\n' "$out" | tail -n 1 | json unchanged)" "$((n + 1))" "has nothing to do"
code 3 "restore over a library" "$eye" --library "$tmp/back" restore "$tmp/all.zip"

# a stopped backup leaves nothing
"$eye" --library "$lib" backup "$tmp/stopped.zip" 2>"$tmp/err" &
pid=$!
kill -TERM $pid 2>/dev/null
wait $pid 2>/dev/null
stopped=$?
if [ $stopped -eq 0 ]; then pass "a backup that was done before the signal"; else
    is "$(find "$tmp" -name 'stopped*')" "" "a stopped backup leaves nothing (exit $stopped)"
fi

# a disk that is full: needs the right to mount one
mkdir "$tmp/small"
if mount -t tmpfs -o size=200k none "$tmp/small" 2>/dev/null; then
    code 3 "backup to a disk that is full" "$eye" --library "$lib" backup "$tmp/small/x.zip"
    like "$errout" 'the disk is full: the backup needs [0-9.]+ MB' "says how much is needed"
    is "$(find "$tmp/small" -mindepth 1)" "" "leaves nothing behind"
    code 3 "restore to a disk that is full" "$eye" --library "$tmp/small/lib" restore "$tmp/all.zip"
    like "$errout" 'the disk is full: the library needs' "says how much is needed"
    is "$(find "$tmp/small" -mindepth 1)" "" "leaves nothing behind"
    umount "$tmp/small"
    # a mount point is an empty folder that no rename can replace
    mount -t tmpfs -o size=50m none "$tmp/small"
    code 0 "restore into a mount point" "$eye" --library "$tmp/small" restore "$tmp/all.zip"
    code 0 "which is a sound library" "$eye" --library "$tmp/small" verify --deep
    umount "$tmp/small"
else
    pass "no right to mount a small disk here: left out"
fi

# export | import, with the folder elsewhere
mv "$tmp/pics" "$tmp/moved"
"$eye" --library "$lib" export | "$eye" --library "$tmp/new" import - --map pics="$tmp/moved" 2>"$tmp/err"
is $? 0 "export | import --map"
like "$(cat "$tmp/err")" "^$((n + 1)) pictures and $((n + 1)) files added" "adds everything"
code 0 "index of the moved folder" "$eye" --library "$tmp/new" index --json "$tmp/moved"
is "$(printf '%s\n' "$out" | tail -n 1 | json indexed)" 0 "embeds nothing"
is "$(printf '%s\n' "$out" | tail -n 1 | json unchanged)" "$n" "knows every file"
"$eye" --library "$lib" search --json -n 20 "a cat" | json hash >"$tmp/a"
"$eye" --library "$tmp/new" search --json -n 20 "a cat" | json hash >"$tmp/b"
cmp -s "$tmp/a" "$tmp/b" && pass "a search finds the same" || fail "a search finds the same"
cp -r "$tmp/moved" "$tmp/copied" # with new times
code 0 "export to a file" "$eye" --library "$lib" export "$tmp/all.jsonl"
code 3 "never over a file" "$eye" --library "$lib" export "$tmp/all.jsonl"
is "$(wc -l <"$tmp/all.jsonl")" "$((n + 3))" "a line a picture, a first and a last"
code 0 "import for a copied folder" "$eye" --library "$tmp/new2" import "$tmp/all.jsonl" --map "$tmp/pics=$tmp/copied"
code 0 "index of it" "$eye" --library "$tmp/new2" index --json "$tmp/copied"
is "$(printf '%s\n' "$out" | tail -n 1 | json indexed)" 0 "embeds nothing"
is "$("$eye" --library "$tmp/new2" status --json | json pictures)" "$((n + 1))" "and loses nothing"

# what is wrong
head -n 5 "$tmp/all.jsonl" >"$tmp/cut.jsonl"
code 3 "import of an export that was cut" "$eye" --library "$tmp/new3" import "$tmp/cut.jsonl"
like "$errout" 'cut short after line 5' "says where"
is "$("$eye" --library "$tmp/new3" status --json | json pictures)" 0 "takes nothing in"
code 2 "import with a map that names nothing" "$eye" --library "$tmp/new3" import "$tmp/all.jsonl" --map Fotos="$tmp/moved"
like "$errout" 'it has: pics' "says what there is"
code 2 "import with a map that is none" "$eye" --library "$tmp/new3" import "$tmp/all.jsonl" --map Fotos
code 3 "import of no file" "$eye" --library "$tmp/new3" import "$tmp/nothing"
code 2 "import of nothing" "$eye" --library "$tmp/new3" import

e2e_done
