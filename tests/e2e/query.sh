#!/bin/sh
# The query language (docs/QUERY.md): one line, on the command line, to a server with it, and over HTTP.
set -u
. tests/e2e/lib.sh
. tests/e2e/serve_lib.sh

mkdir -p "$tmp/pictures" "$tmp/my files"
cp samples/cat.jpg samples/fox.jpg samples/husky.jpg samples/zebra.jpg samples/nuthatch.jpg samples/coins.png "$tmp/pictures"
cp samples/rose.jpg "$tmp/pictures/red rose.jpg"
cp samples/zebra.jpg "$tmp/my files/some zebra.jpg"
code 0 "index" "$eye" --library "$served" index -q "$tmp/pictures"
start_server

# line NAME WANTED ARGS... : the names found, here and from the server, on one line
line() {
    name=$1
    wanted=$2
    shift 2
    "$eye" --library "$served" search --null "$@" 2>"$tmp/err" | tr '\0' '\n' | sed 's|.*/||' | tr '\n' ' ' >"$tmp/here"
    "$eye" search --server "$url" --null "$@" 2>>"$tmp/err" | tr '\0' '\n' | sed 's|.*/||' | tr '\n' ' ' >"$tmp/there"
    if cmp -s "$tmp/here" "$tmp/there"; then pass "$name: here and there"; else fail "$name: here and there" "$(cat "$tmp/here" "$tmp/there" "$tmp/err")"; fi
    [ -z "$wanted" ] || is "$(cat "$tmp/here")" "$wanted" "$name"
}
id_of() { "$eye" --library "$served" search --json -n 1 "name:$1" | json id; }

# ---- words, pictures, more and less ----
line "plain words" "" an animal
plain=$(cat "$tmp/here")
line "arguments are joined" "$plain" "an" "animal"
line "a quoted line" "$plain" '"an animal"'
line "minus" "" an animal - a bird - a flower
unlike "$(cat "$tmp/here")" '^red rose|^nuthatch' "minus moves away"
[ "$(cat "$tmp/here")" != "$plain" ] && pass "in another order" || fail "in another order"
line "--minus says the same" "$(cat "$tmp/here")" an animal --minus "a bird" --minus "a flower"
line "a file" "" -n 1 "@$tmp/my files/some zebra.jpg"
line "a file with blanks" "zebra.jpg " -n 1 "@\"$tmp/my files/some zebra.jpg\""
line "two files, one weighed" "zebra.jpg cat.jpg " -n 2 "2:@\"$tmp/my files/some zebra.jpg\" @samples/cat.jpg -jpeg" --format jpeg
line "pages of a file" "" -n 700 "@samples/cat.jpg + a fox format:jpeg"
line "a picture of the library" "" -n 3 "#$(id_of fox) + snow"
unlike "$(cat "$tmp/here")" fox "is not its own answer"
line "weights" "fox.jpg " "5:a red fox + 0.1:a zebra" -n 1
line "the other way round" "zebra.jpg " "0.1:a red fox + 5:a zebra" -n 1
code 2 "what cancels out" "$eye" --library "$served" search a dog - a dog
like "$errout" "cancel each other out" "is explained"

# ---- filters ----
line "format" "coins.png " format:png
line "not" "coins.png " -- -format:jpeg
line "or, and" "coins.png fox.jpg " "money (format:png or name:fox) and -name:husky"
line "parentheses and not" "red rose.jpg " "rose not (format:png or -name:\"red rose\")"
line "path" "fox.jpg " "path:*/f?x.jpg"
line "taken" "nuthatch.jpg " "a bird taken:2021-03-14"
line "after and before" "nuthatch.jpg " after:2021-03 before:2021-03-15
line "a range" "" "width:100..300 height>=100 mp<0.1 orientation:square"
line "score" "" "a cat score>0.9"
line "with options" "coins.png " "money -name:fox" --format png
line "which must hold too" "" "money format:jpeg" --format png
line "gps" "" "an animal gps:no"
line "as the option" "$(cat "$tmp/here")" an animal --gps no
code 1 "nothing passes" "$eye" --library "$served" search "x camera:none"
code 0 "filters alone" "$eye" --library "$served" search format:png
is "$out" "$tmp/pictures/coins.png" "give the path alone"

# ---- everyday lines stay words: as with --literal ----
"$eye" --library "$served" search --json --queries - >"$tmp/words" <<'END'
black & white
rock 'n' roll
a man with a t-shirt
9:30 train
C++
what is this?
http://example.org/a?b=c
两只狗 雪
كلب في الثلج
dogs and cats
to be or not to be
well-known
-
50% off (today)
END
"$eye" --library "$served" search --json --literal --queries - >"$tmp/literal" <<'END'
black & white
rock 'n' roll
a man with a t-shirt
9:30 train
C++
what is this?
http://example.org/a?b=c
两只狗 雪
كلب في الثلج
dogs and cats
to be or not to be
well-known
-
50% off (today)
END
[ "$(wc -l <"$tmp/words")" -gt 14 ] && cmp -s "$tmp/words" "$tmp/literal" && pass "everyday lines are words" ||
    fail "everyday lines are words" "$(diff "$tmp/words" "$tmp/literal" | head)"
"$eye" --library "$served" search --json --literal 'format:png' >"$tmp/words"
is "$(wc -l <"$tmp/words")" 7 "--literal takes a filter for words"

# ---- many lines ----
printf 'a cat\nmoney format:png\n\nan animal -format:png - a cat\na fox\n' >"$tmp/queries"
is "$("$eye" --library "$served" search --json -n 1 --queries "$tmp/queries" | json query_index | tr '\n' ' ')" "0 1 2 3 4 " "--queries: a line each"
is "$("$eye" search --server "$url" --json -n 1 --queries "$tmp/queries" | json path)" \
    "$("$eye" --library "$served" search --json -n 1 --queries "$tmp/queries" | json path)" "here and there"
like "$("$eye" --library "$served" search -n 1 --queries "$tmp/queries")" '^# money format:png$' "the line is the heading"
printf 'a cat\nmoney fromat:png\n' >"$tmp/queries"
code 2 "a wrong line" "$eye" --library "$served" search --queries "$tmp/queries"
like "$errout" 'queries, line 2: there is no filter' "is named by its number"
is "$out" "" "before any is searched"

# ---- errors ----
code 2 "a filter misspelt" "$eye" --library "$served" search two dogs fromat:png
is "$(printf '%s\n' "$errout" | sed 1d)" "  two dogs fromat:png
           ^^^^^^" "is shown with its place"
like "$errout" "is 'format' meant" "and what may be right"
code 2 "after wide characters" "$eye" --library "$served" search '犬 taken:never'
is "$(printf '%s\n' "$errout" | sed -n 3p)" "           ^^^^^" "the mark stands below"
code 2 "a file that is not there" "$eye" --library "$served" search @nothing.jpg
like "$errout" 'so do words that begin with @: "@nothing.jpg"' "says how words are written"
code 2 "a folder" "$eye" --library "$served" search "@$tmp"
code 2 "a picture that is none" "$eye" --library "$served" search '#0'
code 3 "a number without a picture" "$eye" --library "$served" search '#9999'
code 2 "a parenthesis left open" "$eye" --library "$served" search 'x (format:png'
code 2 "an option that was a minus" "$eye" --library "$served" search beach -people
like "$errout" 'written with a blank' "says how"

# ---- over HTTP ----
get_line() {
    path=$1
    shift
    req GET "$path?$(python3 -c 'import sys, urllib.parse; print(urllib.parse.urlencode([tuple(a.split("=", 1)) for a in sys.argv[1:]]))' "$@")"
}
get_line /api/v1/search 'line=money -format:png' limit=1
is "$status" 200 "GET with a line"
is "$(field line)" "money -format:png" "the line comes back"
is "$(field total)" 6 "its filter holds"
is "$(field terms.0.words)" money "its words are a term"
get_line /api/v1/search 'line=format:jpeg  or format:png' format=png q=money 'minus=a cat'
is "$(field total) $(field line)" "1 (format:jpeg or format:png)" "beside a parameter both hold"
is "$(field terms)" '[{"words": "money", "weight": 1}, {"words": "a cat", "weight": -1}]' "and the terms are those of both"
get_line /api/v1/search 'line=an animal score>0.9'
is "$(field hits)" '[]' "a score in the line"
answers 200 "POST with a line" POST /api/v1/search -j '{"line": "2:coins - a cat", "terms": [{"words": "money"}], "filter": {"format": "png"}, "min_score": -1}'
is "$(field terms.1.weight) $(field terms.2.weight) $(field total)" "2 -1 1" "its terms come last"
answers 400 "a wrong line" POST /api/v1/search -j '{"line": "犬 fromat:png"}'
is "$(field at) $(field len) $(field code)" "2 6 invalid" "is pointed into by characters"
like "$(field detail)" "is 'format' meant" "and explained"
answers 400 "too many terms" POST /api/v1/search -j "{\"line\": \"$(seq -s ' + ' 40)\"}"
get_line /api/v1/search 'line=a @/etc/passwd'
is "$status $(field at) $(field len)" "400 2 12" "no file is read by name"
get_line /api/v1/query 'line=x @/etc/passwd'
is "$status" 400 "nor looked at"
get_line /api/v1/query 'line=犬 + 0.5:#7 format:jpg and -(root:1 or root:2) score>0.2'
is "$status" 200 "GET /query"
is "$(field text)" "犬 + 0.5:#7 format:jpeg -(root:1 or root:2) score>0.2" "tidies"
is "$(field terms)" '[{"words": "\u72ac", "weight": 1, "at": 0, "len": 1}, {"like": 7, "weight": 0.5, "at": 2, "len": 8}]' "names the terms"
is "$(field filters.0)" '{"text": "format:jpeg", "at": 11, "len": 14, "negated": false, "alone": true}' "a filter alone, with the 'and' that goes with it"
is "$(field filters.2)" '{"text": "root:2", "at": 38, "len": 6, "negated": true, "alone": false}' "one that is not"
is "$(field min_score)" 0.2 "and the score"
get_line /api/v1/query 'line='
is "$body" '{"text":"","terms":[],"filters":[],"min_score":null}' "an empty line is none"
answers 400 "another parameter" GET '/api/v1/query?line=x&q=y'

stop_server
e2e_done
