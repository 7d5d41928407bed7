#!/bin/sh
# `search --minus` and filters: the same from a library here and from a server.
set -u
. tests/e2e/lib.sh
. tests/e2e/serve_lib.sh

mkdir -p "$tmp/pictures"
cp samples/cat.jpg samples/fox.jpg samples/husky.jpg samples/zebra.jpg samples/nuthatch.jpg samples/coins.png "$tmp/pictures"
cp samples/rose.jpg "$tmp/pictures/rose [1]%.jpg"
code 0 "index" "$eye" --library "$served" index -q "$tmp/pictures"
start_server

# same NAME ARGS... : prints the same names here and there; they are in $names, one line
same() {
    name=$1
    shift
    "$eye" --library "$served" search --null "$@" >"$tmp/here" 2>"$tmp/err"
    "$eye" search --server "$url" --null "$@" >"$tmp/there" 2>>"$tmp/err"
    names=$(tr '\0' '\n' <"$tmp/here" | sed 's|.*/||' | tr '\n' ' ')
    if cmp -s "$tmp/here" "$tmp/there"; then pass "$name: here and there"; else fail "$name: here and there" "$(cat "$tmp/here" "$tmp/there" "$tmp/err")"; fi
}
count() { printf '%s' "$names" | grep -o '\.jpg\|\.png' | wc -l; }

same "all" an animal
is "$(count)" 7 "all pictures are ranked"
all=$names
same "--minus" an animal --minus "a bird" --minus "a flower"
is "$(count)" 7 "--minus ranks all of them"
if [ "$names" != "$all" ]; then pass "in another order"; else fail "in another order" "$names"; fi
cat=$("$eye" --library "$served" search --json -n 1 a cat | json id)
same "--minus-like" an animal --minus-like "$cat"
unlike "$names" '^cat' "--minus-like moves away from it"
same "--format" an animal --format png
is "$names" "coins.png " "--format"
same "--path, a part" an animal --path 'rose ['
is "$names" "" "--path with a glob character is a glob"
same "--path, a glob" an animal --path '*/rose \[1\]%*'
is "$names" "rose [1]%.jpg " "which crosses slashes and takes escapes"
same "--path, no glob" an animal --path pictures/fox
is "$names" "fox.jpg " "without one it is a part of the path"
same "--taken" an animal --taken-from 2021-03 --taken-to 2021-03-15
is "$names" "nuthatch.jpg " "--taken-from, --taken-to"
same "--taken before" an animal --taken-from 2021-03 --taken-to 2021-03-14
is "$names" "" "--taken-to is the first day that is out"
same "--added" an animal --added-from 2020 --added-to 2100-01-01T00:00:00Z --gps no --max-megapixels 30
is "$(count)" 7 "--added-from, --added-to, --gps, --max-megapixels"
same "--orientation" an animal --orientation portrait --min-width 200 --min-height 200 --min-megapixels 0.05
unlike "$names" 'fox' "--orientation"
touch -d 2001-02-03 "$tmp/pictures/fox.jpg"
code 0 "index again" "$eye" --library "$served" index -q
same "--modified" an animal --modified-from 2001 --modified-to 2001-02-04
is "$names" "fox.jpg " "--modified-from, --modified-to"
same "--max-width" an animal --max-width 10
is "$names" "" "--max-width"
same "--max-height" an animal --max-height 100000 --max-width 100000
is "$(count)" 7 "--max-height"
same "--box" an animal --box -90,-180,90,180
is "$(count)" "$("$eye" --library "$served" search --null an animal --gps yes | tr '\0' '\n' | wc -l)" "--box of the whole earth is all that have a place"
code 2 "a box that is none" "$eye" --library "$served" search x --box 1,2,3
code 2 "a box upside down" "$eye" --library "$served" search x --box 2,0,1,0
same "pages" an animal --limit 3 --minus snow
is "$(count)" 3 "--limit holds"
printf 'a cat\na fox\n' >"$tmp/queries"
is "$("$eye" --library "$served" search --json -n 1 --queries "$tmp/queries" --format jpeg | json query_index | tr '\n' ' ')" "0 1 " "many queries, one filter"
code 1 "nothing passes" "$eye" --library "$served" search an animal --camera '%'
like "$errout" "nothing found" "is said"
code 2 "a day that is none" "$eye" --library "$served" search x --taken-from 2024-02-31
code 2 "a word that is none" "$eye" --library "$served" search x --orientation tall
code 2 "words that cancel out" "$eye" --library "$served" search a dog --minus "a dog"
like "$errout" "cancel each other out" "are explained"

stop_server
e2e_done
