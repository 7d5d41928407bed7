#!/bin/sh
# The program on a Milvus server (EYESHINE_TEST_STORE) beside the same in a folder: what is found, filters, pages, what changes on disk, what is refused,
# copies there and back, several nodes and indexers on one collection. Run by `make test-milvus`.
set -u
. tests/e2e/lib.sh
. tests/e2e/serve_lib.sh

: "${EYESHINE_TEST_STORE:?is run by make test-milvus}"
export EYESHINE_STORE="" EYESHINE_THREADS=2
collection=cli_$$
store=$EYESHINE_TEST_STORE/$collection
lib=$tmp/embedded
pictures=$tmp/pictures
cp -r samples "$pictures"

there() {
    "$eye" --store "$store" "$@"
}
here() {
    "$eye" --library "$lib" "$@"
}

# same NAME SEARCH... : both give the same results
same() {
    what=$1
    shift
    here search --json "$@" >"$tmp/here.json" 2>"$tmp/here.err"
    there search --json "$@" >"$tmp/there.json" 2>"$tmp/there.err"
    if ! [ -s "$tmp/here.json" ]; then
        fail "$what" "nothing found here: $(cat "$tmp/here.err")"
    elif said=$(python3 tests/milvus/same.py "$tmp/here.json" "$tmp/there.json" 2>&1); then
        pass "$what"
    else
        fail "$what" "$said; $(cat "$tmp/there.err")"
    fi
}

# ---- before there is anything ----
code 3 "a search in a collection that is not there" there search cat
like "$errout" "there is no collection.*index FOLDER' makes it" "is refused with a way out"
code 0 "doctor before" there doctor
like "$out" "collection +none there yet" "says so"

# ---- indexing and searching ----
code 0 "index" there index -q "$pictures"
code 0 "the same in a folder" here index -q "$pictures"
n=$(here status --json | json pictures)
is "$(there status --json | json pictures)" "$n" "$n pictures"
is "$(there status --json | json files)" "$n" "as many files"
like "$(there status)" "^store +milvus://.*/$collection \(Milvus .*index FLAT\)" "status tells of the server"
code 0 "doctor" there doctor
like "$out" "^ok +server" "the server"
like "$out" "^ok +collection" "the collection"
out=$(there index "$pictures" 2>&1)
like "$out" "^$n unchanged" "a second run finds nothing to do"
for q in "pink clutch" "dark stairwell" "brown purse" "a wrist watch" "motorcycle" "mountains"; do
    same "$q" -n 54 --min-score -1 "$q"
done
same "a picture" --image samples/nuthatch.jpg -n 20
same "a picture that was turned" --image samples/mountains.jpg -n 20
same "words and less words" -n 30 "a beach - people"
same "by format" -n 54 "a dog format:png"
same "by size" -n 54 "a dog width>500 -format:png"
same "by date" -n 54 'a bird taken:2021'
same "by camera or name" -n 54 "a flower (name:rose or name:drum)"
same "by path" -n 54 "a bag path:*/pink*"
same "not by path" -n 54 "a bag -path:*pink*"
same "by orientation" -n 54 "a bag orientation:portrait"
same "exact" --exact -n 10 "pink clutch"
is "$(there search --json 'cat format:gif width>100000' 2>/dev/null | wc -l)" 0 "a filter that nothing passes"
id=$(there search --json -n 1 "pink clutch" | json id)
like "$(there search --json -n 1 --like "$id" | json path)" "pink-clutch-pale" "more like one"

# ---- what changes on disk ----
mkdir "$pictures/moved"
mv "$pictures/elephant.jpg" "$pictures/moved/behemoth.jpg"
cp "$pictures/rose.jpg" "$pictures/rose again.jpg"
rm "$pictures/toolbox.jpg"
printf 'no picture' >"$pictures/broken.jpg"
weird=$pictures/$(printf 'not \377 utf8 "quoted" \\ back.jpg')
cp "$pictures/watch.jpg" "$weird"
there index -q "$pictures" >/dev/null 2>&1
here index -q "$pictures" >/dev/null 2>&1
for field in pictures files failures; do
    is "$(there status --json | json $field)" "$(here status --json | json $field)" "$field after changes"
done
like "$(there failures 2>/dev/null)" "broken.jpg" "failures"
like "$(there search --json -n 1 elephant | json path)" "moved/behemoth.jpg" "a moved file"
same "after changes" -n 54 --min-score -1 "pink clutch"
same "a name that is no text" -n 3 "a watch name:quoted"
is "$(there duplicates --json 2>/dev/null | wc -l)" "$(here duplicates --json 2>/dev/null | wc -l)" "the same bytes twice"
is "$(there duplicates --kind near --json 2>/dev/null | wc -l)" "$(here duplicates --kind near --json 2>/dev/null | wc -l)" "near duplicates"
is "$(there duplicates --kind similar --json 2>/dev/null | wc -l)" "$(here duplicates --kind similar --json 2>/dev/null | wc -l)" "similar ones"
code 0 "verify" there verify --deep -q
mv "$pictures" "$pictures.away"
mkdir "$pictures"
there index -q >/dev/null 2>&1
is "$(there status --json | json files)" "$(here status --json | json files)" "an empty folder where pictures were loses none"
rmdir "$pictures"
mv "$pictures.away" "$pictures"
code 0 "remove" there remove -q "$pictures/rose.jpg" "$pictures/moved"
here remove -q "$pictures/rose.jpg" "$pictures/moved"
same "after remove" -n 54 --min-score -1 "a flower"
there index -q "$pictures" >/dev/null 2>&1
here index -q "$pictures" >/dev/null 2>&1
same "and after they came back" -n 54 --min-score -1 "a flower"

# ---- what is refused ----
python3 tests/e2e/tiny_model.py "$tmp/tiny" >/dev/null 2>&1
if [ -d "$tmp/tiny" ]; then
    code 2 "another model" "$eye" --store "$store" --model "$tmp/tiny" search cat
    like "$errout" "holds vectors of the model 'starter'.*index FOLDER" "is refused with a way out"
    code 2 "nor does it index" "$eye" --store "$store" --model "$tmp/tiny" index "$pictures"
fi
code 2 "model use" there model use starter
like "$errout" "a collection of its own" "says how to make one"
code 2 "backup" there backup "$tmp/b.zip"
like "$errout" "export FILE" "says what to do instead"

# ---- copies ----
code 0 "export to a folder" there export --to "$tmp/copy" --json
is "$(printf '%s' "$out" | json missing)" 0 "nothing is missing"
is "$(printf '%s' "$out" | json same)" 1 "neighbours are the same"
is "$(printf '%s' "$out" | json there)" "$(there status --json | json pictures)" "as many there"
kept=$lib
lib=$tmp/copy
same "the copy finds the same" -n 54 --min-score -1 "pink clutch"
code 1 "a copy knows its files" here index -q
is "$(here status --json | json failures)" 1 "and the one that failed"
back=$EYESHINE_TEST_STORE/${collection}_back
code 0 "what would go back" "$eye" --library "$tmp/copy" export --to "$back" --dry-run --json
is "$(printf '%s' "$out" | json known)" 0 "nothing is there"
code 0 "export to a server" "$eye" --library "$tmp/copy" export --to "$back" --json
is "$(printf '%s' "$out" | json missing)" 0 "nothing is missing"
is "$(printf '%s' "$out" | json same)" 1 "neighbours are the same"
sleep 6 # another process's writes are seen within 0.3 s, on a busy machine later, but no more than the 5 s that "bounded" stands for
code 0 "once more" "$eye" --library "$tmp/copy" export --to "$back" --json
is "$(printf '%s' "$out" | json pictures)" 0 "copies nothing"
first=$store
store=$back
same "the copy on the server finds the same" -n 54 --min-score -1 "pink clutch"
store=$first
lib=$kept
code 0 "export as text" there export "$tmp/all.jsonl"
lib=$tmp/imported
code 0 "and import" here import -q "$tmp/all.jsonl"
same "finds the same" -n 54 --min-score -1 "mountains"
store=$EYESHINE_TEST_STORE/${collection}_text
code 0 "import on a server" there import -q "$tmp/all.jsonl"
same "finds the same there" -n 54 --min-score -1 "mountains"
store=$first
lib=$kept

# ---- two nodes, three indexers ----
shared=$EYESHINE_TEST_STORE/${collection}_shared
lib=$tmp/alone
here index -q "$pictures" >/dev/null 2>&1
store=$shared
for part in 1 2 3; do
    "$eye" --store "$shared" --library "$tmp/indexer$part" index -q --part $part/3 "$pictures" >"$tmp/part$part" 2>&1 &
    eval "pid$part=\$!"
done
# shellcheck disable=SC2154
wait "$pid1" "$pid2" "$pid3"
for field in pictures files failures; do
    is "$(there status --json | json $field)" "$(here status --json | json $field)" "three indexers: $field"
done
same "three indexers find what one finds" -n 54 --min-score -1 "pink clutch"
"$eye" --store "$shared" --library "$tmp/elsewhere" index -q --part 2/3 "$pictures" >/dev/null 2>&1
is "$(there status --json | json files)" "$(here status --json | json files)" "a part may be run again anywhere"
rm "$pictures/pink-clutch.jpg"
for part in 1 2 3; do
    "$eye" --store "$shared" --library "$tmp/indexer$part" index -q --part $part/3 "$pictures" >/dev/null 2>&1
    there status --json | json files >"$tmp/files$part"
done
is "$(sort -u "$tmp"/files[123] | tail -n 1)" "$(here status --json | json files)" "a vanished file stays until its part is run"
here index -q "$pictures" >/dev/null 2>&1
is "$(cat "$tmp/files3")" "$(here status --json | json files)" "and is gone after it"

EYESHINE_STORE=$shared
export EYESHINE_STORE
served=$tmp/node1
start_server --watch off
one=$url
kept_pid=$server_pid
served=$tmp/node2
start_server --watch off
two=$url
for node in "$one" "$two"; do
    url=$node
    answers 200 "ready" GET /readyz
    req GET "/api/v1/search?q=mountains&limit=20"
    printf '%s' "$body" | python3 -c 'import json,sys
for r in json.load(sys.stdin)["hits"]:
    print(r["id"], round(r["score"], 6))' >"$tmp/node.$(printf %s "$node" | tr -cd 0-9)"
    req GET "/api/v1/images?limit=7"
    printf '%s' "$body" >"$tmp/browse.$(printf %s "$node" | tr -cd 0-9)"
    id=$(head -n 1 "$tmp/node.$(printf %s "$node" | tr -cd 0-9)" | cut -d ' ' -f 1)
    answers 200 "a picture" GET "/api/v1/images/$id"
    answers 200 "its thumbnail" GET "/api/v1/images/$id/thumbnail?size=256"
    answers 200 "its original" GET "/api/v1/images/$id/original"
    answers 200 "status" GET /api/v1/status
    like "$body" '"kind":"milvus"' "tells of the store"
    answers 200 "folders" GET /api/v1/roots
    answers 200 "metrics" GET /metrics
done
is "$(sort -u "$tmp"/node.* | wc -l)" 20 "both nodes answer the same"
like "$(cat "$tmp"/browse.*)" '"images":\[\{' "both browse"
cmp -s "$tmp"/browse.*
is $? 0 "in the same order"
# every picture once, page by page
python3 - "$one" >"$tmp/pages" <<'END'
import json, sys, urllib.request
cursor, ids = "", []
while True:
    with urllib.request.urlopen(f"{sys.argv[1]}/api/v1/images?limit=7" + (f"&cursor={cursor}" if cursor else "")) as f:
        page = json.load(f)
    ids += [r["id"] for r in page["images"]]
    cursor = page["next"]
    if not cursor:
        break
print(len(ids), len(set(ids)), page["total"])
END
n=$(here status --json | json pictures)
is "$(cat "$tmp/pages")" "$n $n $n" "pages of seven give every picture once"
url=$one
cp samples/pink-clutch.jpg "$tmp/upload.jpg"
answers 202 "an upload at one node" POST /api/v1/images -F "$tmp/upload.jpg=up/pink-clutch.jpg"
found=
tries=0
url=$two
while [ -z "$found" ] && [ $tries -lt 100 ]; do
    sleep 0.2
    tries=$((tries + 1))
    req GET "/api/v1/search?q=pink+clutch&limit=1"
    found=$(printf '%s' "$body" | grep -o 'up/pink-clutch.jpg' | head -n 1)
done
is "$found" "up/pink-clutch.jpg" "is found at the other"

e2e_done
