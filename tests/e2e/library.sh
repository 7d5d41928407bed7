#!/bin/sh
# A library over its life: index, search in every way, change, rename, copy, delete, offline, remove, verify.
set -u
. tests/e2e/lib.sh

cp -r samples "$tmp/pics"
rm -f "$tmp"/pics/*.md "$tmp"/pics/*.tsv
lib=$tmp/lib
pics=$tmp/pics
total=$(find "$pics" -type f | wc -l)

code 0 "index" "$eye" --library "$lib" index --json "$pics"
done_line=$(printf '%s\n' "$out" | tail -n 1)
is "$(printf '%s' "$done_line" | json event)" done "the last event is done"
is "$(printf '%s' "$done_line" | json indexed)" "$total" "every sample is indexed"
is "$(printf '%s\n' "$out" | grep -c '"event":"indexed"')" "$total" "with one event a file"

code 0 "index again" "$eye" --library "$lib" index --json "$pics"
is "$(printf '%s' "$out" | tail -n 1 | json unchanged)" "$total" "nothing changed, nothing was read"
code 0 "index with no path takes the known folders" "$eye" --library "$lib" index --json
is "$(printf '%s' "$out" | tail -n 1 | json unchanged)" "$total" "all of them"

code 0 "search" "$eye" --library "$lib" search --json -n 10 a cat
is "$(printf '%s\n' "$out" | wc -l)" 10 "ten lines of JSON"
for field in score similarity path id width height format hash; do
    unlike "$(printf '%s\n' "$out" | head -n 1 | json $field)" '^null$' "with $field"
done
is "$(printf '%s\n' "$out" | json score | sort -rg)" "$(printf '%s\n' "$out" | json score)" "best first"
first=$(printf '%s\n' "$out" | head -n 1 | json path)
[ -f "$first" ] && pass "the path is a file" || fail "the path is a file" "$first"
code 0 "--literal finds the same" "$eye" --library "$lib" search --json -n 10 --literal "a cat"
is "$(printf '%s\n' "$out" | head -n 1 | json path)" "$first" "first"

is "$("$eye" --library "$lib" search -0 -n 3 a cat | tr -cd '\0' | wc -c)" 3 "-0 ends each path with NUL"
code 1 "a score nobody reaches" "$eye" --library "$lib" search --min-score 0.99 a cat
some=$(find "$pics" -name '*.jpg' | sort | head -n 1)
code 0 "search by a picture" "$eye" --library "$lib" search --json -n 1 --image "$some"
is "$(printf '%s' "$out" | json path)" "$some" "finds itself first"
is "$(printf '%s' "$out" | python3 -c 'import json,sys; print(json.loads(sys.stdin.readline())["score"] > 0.999)')" True "with score 1"
id=$(printf '%s' "$out" | json id)
is "$("$eye" --library "$lib" search --json -n 1 --image - <"$some" | json path)" "$some" "search by a picture on stdin"
code 0 "--like" "$eye" --library "$lib" search --json -n 5 --like "$id"
unlike "$out" "\"id\":$id[,}]" "leaves the picture itself out"
code 3 "--like of an unknown id" "$eye" --library "$lib" search --like 999999
code 3 "--image of no file" "$eye" --library "$lib" search --image "$tmp/nothing.jpg"
like "$errout" 'nothing.jpg' "names it"
printf 'not a picture' >"$tmp/text.jpg"
code 3 "--image of no picture" "$eye" --library "$lib" search --image "$tmp/text.jpg"

printf 'a cat\nred apple\n\n' >"$tmp/q.txt"
code 0 "--queries" "$eye" --library "$lib" search --json -n 2 --queries "$tmp/q.txt"
is "$(printf '%s\n' "$out" | json query_index | tr '\n' ' ')" "0 0 1 1 2 2 " "answers each line in order"
is "$(printf '%s\n' "$out" | head -n 1 | json path)" "$first" "with the answer of a single search"

mkfifo "$tmp/pipe"
cat "$tmp/q.txt" >"$tmp/pipe" &
is "$("$eye" --library "$lib" search --json -n 2 --queries "$tmp/pipe" | wc -l)" 6 "--queries reads a pipe, like <(command)"
cat "$some" >"$tmp/pipe" &
is "$("$eye" --library "$lib" search --json -n 1 --image "$tmp/pipe" | json path)" "$some" "--image reads one too"
code 3 "--queries of no file" "$eye" --library "$lib" search --queries "$tmp/nothing"
like "$errout" 'nothing: cannot open: No such file' "names it"

# a rename keeps the embedding; a copy is the same picture
mv "$some" "$pics/renamed.jpg"
cp "$pics/renamed.jpg" "$pics/a copy.jpg"
code 0 "index after a rename and a copy" "$eye" --library "$lib" index --json "$pics"
last=$(printf '%s\n' "$out" | tail -n 1)
is "$(printf '%s' "$last" | json indexed)" 0 "embeds nothing"
is "$(printf '%s' "$last" | json linked)" 2 "knows both by content"
is "$(printf '%s' "$last" | json removed)" 1 "and drops the old name"
code 0 "the renamed picture" "$eye" --library "$lib" search --json -n 1 --image "$pics/renamed.jpg"
is "$(printf '%s' "$out" | json id)" "$id" "has its old id"
is "$(printf '%s' "$out" | json copies)" 2 "and two files"

# changed content, deleted file
second=$(find "$pics" -name '*.jpg' | sort | tail -n 1)
cp "$(find "$pics" -name '*.png' | sort | head -n 1)" "$second"
rm "$pics/a copy.jpg"
code 0 "index after a change and a deletion" "$eye" --library "$lib" index --json "$pics"
last=$(printf '%s\n' "$out" | tail -n 1)
is "$(printf '%s' "$last" | json removed)" 1 "one removed"
is "$(printf '%s\n' "$out" | grep -cF "$(basename "$second")")" 1 "the changed one was looked at"

# failures and their repair
head -c 1000 "$pics/renamed.jpg" >"$pics/broken.jpg"
code 1 "a broken file gives exit 1" "$eye" --library "$lib" index "$pics"
code 0 "failures" "$eye" --library "$lib" failures --json
is "$(printf '%s' "$out" | json path)" "$pics/broken.jpg" "names it"
unlike "$(printf '%s' "$out" | json reason)" '^(null)?$' "with a reason"
code 1 "failures --retry of a file still broken" "$eye" --library "$lib" failures --retry
is "$("$eye" --library "$lib" failures --json | json attempts)" 2 "counts the tries"
cp "$pics/renamed.jpg" "$pics/broken.jpg"
code 0 "failures --retry after the repair" "$eye" --library "$lib" failures --retry
is "$("$eye" --library "$lib" failures --json)" "" "empties the ledger"

# a folder that is gone or empty is offline, nothing is removed
before=$("$eye" --library "$lib" status --json | json pictures)
mv "$pics" "$tmp/away"
code 0 "index of a missing folder" "$eye" --library "$lib" index
is "$("$eye" --library "$lib" status --json | json pictures)" "$before" "keeps everything"
like "$("$eye" --library "$lib" status)" offline "status says offline"
mkdir "$pics"
code 0 "index of an emptied folder" "$eye" --library "$lib" index "$pics"
is "$("$eye" --library "$lib" status --json | json pictures)" "$before" "keeps everything too"
is "$("$eye" --library "$lib" search --json -n 1 a cat | json offline)" true "results say offline"
rmdir "$pics"
mv "$tmp/away" "$pics"
code 0 "index when it is back" "$eye" --library "$lib" index "$pics"
unlike "$("$eye" --library "$lib" status)" offline "online again"

# remove
code 0 "remove a file" "$eye" --library "$lib" remove "$pics/renamed.jpg"
[ -f "$pics/renamed.jpg" ] && pass "the file stays on disk" || fail "the file stays on disk"
code 1 "remove what is not there" "$eye" --library "$lib" remove "$tmp/elsewhere"
code 0 "verify" "$eye" --library "$lib" verify
code 0 "verify --deep" "$eye" --library "$lib" verify --deep
printf 'x' >>"$pics/broken.jpg"
code 1 "verify --deep sees a changed file" "$eye" --library "$lib" verify --deep
like "$out" 'broken.jpg' "and names it"
code 0 "remove the folder" "$eye" --library "$lib" remove "$pics"
is "$("$eye" --library "$lib" status --json | json pictures)" 0 "empties the library"
code 1 "a search in an empty library" "$eye" --library "$lib" search a cat
like "$errout" 'empty' "says so"

code 0 "dry run" "$eye" --library "$lib" index --dry-run "$pics"
is "$("$eye" --library "$lib" status --json | json files)" 0 "changes nothing"
code 0 "exclude" "$eye" --library "$lib" index --exclude '*.jpg' "$pics"
unlike "$("$eye" --library "$lib" search -n 100 a cat)" '\.jpg' "leaves out what matches"
code 0 "doctor" "$eye" --library "$lib" doctor
printf 'garbage garbage garbage garbage' >"$lib/library.db"
code 3 "a damaged library" "$eye" --library "$lib" search a cat
like "$errout" 'library.db' "is named"

e2e_done
