#!/bin/sh
# `duplicates`: copies, the same picture stored again and similar ones, here and from a server; and what may be deleted.
set -u
. tests/e2e/lib.sh
. tests/e2e/serve_lib.sh

here=$tmp/pictures
mkdir -p "$here/copies" "$here/small"
cp samples/cat.jpg samples/husky.jpg samples/fox.jpg samples/coins.png samples/pink-clutch.jpg samples/pink-clutch-pale.jpg "$here"
cp samples/cat.jpg "$here/copies/the cat.jpg"
cp samples/cat.jpg "$here/copies/cat again.jpg"
python3 tests/e2e/recode.py samples/coins.png "$here/coins.bmp"
python3 tests/e2e/recode.py samples/coins.png "$here/small/coins half.png" 2
python3 tests/e2e/recode.py samples/coins.png "$here/small/coins third.gif" 3
dup() { "$eye" --library "$served" duplicates "$@"; }
names() { tr '\0' '\n' | sed 's|.*/||' | sort | tr '\n' ' '; }
# members : the file names of each JSON group on stdin, a group a line
members() {
    python3 -c 'import json,sys,os
for line in sys.stdin:
    if line.strip():
        print(" | ".join(os.path.basename(m["path"]) for m in json.loads(line)["members"]))'
}

code 0 "index" "$eye" --library "$served" index -q "$here"

# WebP from the program itself: smaller, another codec
start_server
cat=$("$eye" --library "$served" search --json -n 1 --literal "a cat" | json id)
husky=$("$eye" --library "$served" search --json -n 1 --literal "a husky" | json id)
python3 -c 'import sys,urllib.request
for at in range(2, len(sys.argv), 2):
    open(sys.argv[at + 1], "wb").write(urllib.request.urlopen(sys.argv[1] + "/api/v1/images/" + sys.argv[at] + "/thumbnail?size=256").read())' \
    "$url" "$cat" "$here/small/cat.webp" "$husky" "$here/small/husky.webp"
code 0 "index what was made of them" "$eye" --library "$served" index -q

is "$(dup --kind same --json | members)" "cat.jpg | cat again.jpg | the cat.jpg" "same: one group of three files, the first path first"
near=$(dup --kind near --json | members | sort)
is "$(printf '%s\n' "$near" | wc -l)" 3 "near: three pictures that were stored again"
like "$near" '^cat\.jpg \| cat\.webp$' "a JPEG and its small WebP"
like "$near" '^husky\.jpg \| husky\.webp$' "another one"
like "$near" '^coins\.(bmp|png) \| coins\.(bmp|png) \| coins half\.png \| coins third\.gif$' "PNG, BMP, half size, GIF: the largest first"
is "$(dup --json | json kind | sort | uniq -c | tr -s ' \n' ' ')" " 3 near 1 same " "without --kind: same and near, no similar ones"
code 0 "as text" dup
like "$out" 'several files' "with a heading for copies"
like "$out" 'stored differently' "and one for what was stored again"
like "$out" 'cat\.webp +\([0-9]+ x [0-9]+ webp, .*[0-9]+ bits, 0\.[0-9]+\)' "sizes, bits and cosine of a member"
like "$out" '^4 groups.* 7 files, ' "and what it comes to"
is "$(dup --kind near --distance 0 --json | json kind | grep -c near)" "$(dup --kind near --json --distance 0 | wc -l)" "--distance"
code 1 "a cosine that nothing has" dup --kind near --cosine 1
like "$errout" "nothing found" "is said"
is "$(dup --kind near --path "$here/small" --json | wc -l)" 3 "--path of a folder"
is "$(dup --kind same --path "$here/small" --json | wc -l)" 0 "--path leaves out what is elsewhere"
is "$(cd "$here" && EYESHINE_LIBRARY=$served "$eye" duplicates --kind same --path copies --json | wc -l)" 1 "--path may be relative"
is "$(dup --kind near --path '*husky*' --json | members)" "husky.jpg | husky.webp" "--path as a glob"
is "$(dup --kind near -n 2 --json | wc -l)" 2 "-n"
code 0 "similar ones" dup --kind similar --cosine 0.5 --json
like "$(printf '%s\n' "$out" | members)" '.' "have groups"
unlike "$(printf '%s\n' "$out" | members)" 'webp|half|again' "in which the same picture comes once"

# from a server
dup --kind same --kind near --json >"$tmp/there.here"
"$eye" duplicates --server "$url" --kind same --kind near --json >"$tmp/there" 2>"$tmp/err"
if cmp -s "$tmp/there.here" "$tmp/there"; then pass "--server: the same groups"; else fail "--server: the same groups" "$(cat "$tmp/there.here" "$tmp/there" "$tmp/err")"; fi
is "$("$eye" duplicates --server "$url" --kind near --path "$here/small" --json | wc -l)" 3 "--server --path"
answers 200 "the API" GET "/api/v1/duplicates?kind=near&limit=2"
is "$(field total)" 3 "total counts all pages"
is "$(field progress)" null "they are all found"
is "$(field unknown)" 0 "every picture was compared"
first=$(field groups.0.id)
is "$(field groups.0.members.0.id)" "$first" "a group is named by its representative"
answers 200 "the next page" GET "/api/v1/duplicates?kind=near&limit=2&after=$(field next)"
is "$(field next)" null "is the last"
for bad in kind=all distance=17 cosine=0.1 path=relative limit=0 after=-1 nonsense=1; do
    answers 400 "refused: $bad" GET "/api/v1/duplicates?$bad"
done
stop_server

# what may be deleted
is "$(dup --kind same -0 | names)" "cat again.jpg the cat.jpg " "-0: all but the first copy"
is "$(dup --kind near -0 | names | wc -w)" 7 "-0 --kind near: all but the best ones"
unlike "$(dup -0 | tr '\0' '\n')" '/pictures/(cat|husky|fox)\.jpg$' "-0 never names one that stays"
code 2 "-0 of similar ones is refused" dup --kind similar -0
code 2 "-0 of a server's files is refused" dup -0 --server http://127.0.0.1:1
code 2 "-0 with --json is refused" dup -0 --json
code 2 "a kind that is none" dup --kind alike
code 2 "an argument" dup "$here"

ln "$here/fox.jpg" "$here/fox hard.jpg"
ln -s fox.jpg "$here/a link to fox.jpg"
"$eye" --library "$served" index -q
is "$(dup --kind same --path "$here/fox*" --json | members | wc -l)" 1 "links are files too"
is "$(dup --kind same --path "$here/*fox*" -0 | names)" "" "but to delete one would delete the last: -0 leaves them out"

mv "$here/husky.jpg" "$tmp/away.jpg"
unlike "$(dup --kind near -0 2>"$tmp/err" | names)" 'husky' "-0 names no copy of what is not there"
like "$(cat "$tmp/err")" '1 group is left out' "and says so"
like "$(dup --kind near)" 'husky\.jpg .*offline' "it is shown as offline"
mv "$tmp/away.jpg" "$here/husky.jpg"
printf x >>"$here/husky.jpg"
unlike "$(dup --kind near -0 2>"$tmp/err" | names)" 'husky' "nor of what was changed since"

before=$(find "$here" -type f | wc -l)
dup --kind same -0 2>"$tmp/err" | xargs -0 rm --
is "$(find "$here" -type f | wc -l)" "$((before - 2))" "xargs rm: two copies are gone"
test -f "$here/cat.jpg" && pass "and the picture is there" || fail "and the picture is there"
"$eye" --library "$served" index -q
code 1 "after that there is nothing to be freed" dup --kind same --path "$here/*cat*"

e2e_done
