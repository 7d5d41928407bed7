#!/bin/sh
# The API beyond its shapes (tests/contract): what a search, an upload, a download, a folder, a deletion really do.
set -u
. tests/e2e/lib.sh
. tests/e2e/serve_lib.sh
api=/api/v1

mkdir -p "$tmp/allowed/trip" "$tmp/allowed-not"
cp samples/cat.jpg "$tmp/allowed/trip/Käse cat.jpg"
cp samples/zebra.jpg samples/coins.png "$tmp/allowed"
ln -s "$tmp/allowed-not" "$tmp/allowed/out"
start_server --allow-root "$tmp/allowed"
[ -n "$url" ] || exit 1

# ---- folders of the server ----
for p in "$tmp/allowed-not" "$tmp/allowed/../allowed-not" "$tmp/allowed/out" /etc "$tmp/allowed-not/nothing"; do
    answers 403 "no root at ${p#"$tmp/"}" POST $api/roots -j "{\"path\":\"$p\"}"
done
like "$body" 'start it with --allow-root' "says how it could be"
answers 404 "no root where nothing is" POST $api/roots -j "{\"path\":\"$tmp/allowed/nothing\"}"
answers 422 "no root that is a file" POST $api/roots -j "{\"path\":\"$tmp/allowed/zebra.jpg\"}"
answers 201 "a root" POST $api/roots -j "{\"path\":\"$tmp/allowed\"}"
like "$(cat "$tmp/headers")" "^location: $api/jobs/" "with its job's place"
wait_for_job "$(field job.id)"
is "$(field indexed)" 3 "three pictures"
answers 404 "no scan of other folders" POST $api/jobs -j '{"kind":"scan","path":"/etc"}'
answers 201 "a scan of a folder in a root" POST $api/jobs -j "{\"kind\":\"scan\",\"path\":\"$tmp/allowed/trip\"}"
wait_for_job "$(field id)"

# ---- searching ----
answers 200 "by words" GET "$api/search?q=a%20cat&limit=1"
is "$(field hits.0.name)" "Käse cat.jpg" "finds the cat"
cat_id=$(field hits.0.id)
hash=$(field hits.0.hash)
cursor=$(field next)
is "$(field total)" 3 "among three"
answers 200 "the next page" GET "$api/search?q=a%20cat&limit=2&cursor=$cursor"
is "$(field next)" null "is the last"
unlike "$(field hits)" "Käse" "and another one"
answers 200 "like a picture" GET "$api/search?like=$cat_id"
unlike "$(field hits)" "Käse" "leaves it out"
answers 404 "like none" GET "$api/search?like=99999"
answers 200 "filtered" GET "$api/search?q=a%20cat&format=png"
is "$(field total) $(field hits.0.name)" "1 coins.png" "is only what passes"
answers 400 "an unknown parameter" GET "$api/search?q=a&colour=red"
like "$body" "colour" "is named"
answers 200 "by a picture" POST $api/search -f 'query={"terms":[{"upload":"file0"},{"words":"stripes","weight":-0.2}],"limit":1}' -F samples/cat.jpg=p
is "$(field hits.0.id)" "$cat_id" "finds it"
token=$(field terms.0.upload)
answers 200 "by its token" POST $api/search -j "{\"terms\":[{\"upload\":\"$token\"}],\"limit\":1}"
is "$(field hits.0.id)" "$cat_id" "finds it again"
answers 404 "by a token of nobody" POST $api/search -j '{"terms":[{"upload":"00112233445566778899aabbccddeeff"}]}'
is "$(field code)" notfound "has its code"
answers 422 "by no picture" POST $api/search -f 'query={"terms":[{"upload":"file0"}]}' -F Makefile=p
answers 400 "by the server's own address" POST $api/search -j "{\"terms\":[{\"url\":\"$url/healthz\"}]}"
answers 422 "by an address of nobody" GET "$api/search?url=http://nobody.invalid/a.jpg"
is "$(field code)" remote "has its code"
answers 415 "by plain text" POST $api/search -d cat -H 'Content-Type: text/plain'

# ---- files ----
answers 200 "a thumbnail" GET "$api/images/$cat_id/thumbnail?size=100&v=$(printf %.8s "$hash")"
like "$(cat "$tmp/headers")" "^cache-control: private, max-age=31536000, immutable" "to be kept"
like "$(cat "$tmp/headers")" "^content-type: image/webp" "is WebP"
etag=$(sed -n 's/^[Ee][Tt]ag: //p' "$tmp/headers")
answers 304 "which is had" GET "$api/images/$cat_id/thumbnail?size=100" -H "If-None-Match: $etag"
answers 206 "a part of the original" GET "$api/images/$cat_id/original?download=1" -H 'Range: bytes=0-1'
like "$(cat "$tmp/headers")" "^content-disposition: attachment; filename=\"K__se cat.jpg\"; filename\*=UTF-8''K%C3%A4se%20cat.jpg" "with its name"
like "$(cat "$tmp/headers")" "^content-security-policy: sandbox; default-src 'none'" "as nothing that runs"
like "$(cat "$tmp/headers")" "^content-type: image/jpeg" "of its type"
answers 416 "a part that is not there" GET "$api/images/$cat_id/original" -H 'Range: bytes=99999999-'
answers 404 "of no picture" GET $api/images/99999/original
answers 400 "an id that is none" GET $api/images/abc/original
answers 200 "several as a zip" POST $api/images/zip -d "ids=$cat_id,99999" -H 'Content-Type: application/x-www-form-urlencoded'
sed 1d "$tmp/answer" >"$tmp/got.zip"
is "$(python3 -c 'import sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); print(z.testzip(), sorted(z.namelist()))' "$tmp/got.zip")" \
    "None ['Käse cat.jpg', 'MISSING.txt']" "with what is missing"

# ---- uploads ----
echo junk >"$tmp/junk.jpg"
answers 202 "an upload" POST $api/images -F "samples/fox.jpg=a/fox.jpg" -F "samples/cat.jpg=cat.jpg" -F "$tmp/junk.jpg=junk.jpg" -F "samples/rose.jpg=../rose.jpg"
job=$(field job.id)
is "$(field items.3.state)" failed "a name that leads out is refused at once"
wait_for_job "$job"
is "$(field indexed) $(field duplicates) $(field failed)" "1 1 2" "each for itself"
answers 200 "its items" GET "$api/jobs/$job/items"
is "$(field items.0.state) $(field items.1.state) $(field items.1.picture)" "indexed duplicate $cat_id" "say what became of them"
fox=$(field items.0.picture)
is "$(ls "$served/uploads/a")" fox.jpg "it lies in uploads"
is "$(find "$served/spool" -type f | wc -l)" 0 "nothing is left in the spool"
answers 409 "the samples are for an empty library" POST $api/samples
answers 400 "a form without a file" POST $api/images -f a=b
answers 404 "into no job" POST "$api/images?job=99999" -F samples/fox.jpg=x.jpg

answers 201 "an upload by several at once" POST $api/jobs -j '{"kind":"upload","title":"both"}'
both=$(field id)
out=$(PYTHONPATH=tests/e2e python3 - "$url" "$both" 2>&1 <<'EOF'
import json, sys, threading
from serve_client import form, request

def send(who):
    for turn in range(10):
        names = [f"{who}-{turn}-{i}.jpg" for i in range(20)]
        kind, body = form([(n, b"no picture") for n in names], [])
        _, _, answer = request(sys.argv[1], "POST", f"/api/v1/images?job={sys.argv[2]}", [("Content-Type", kind)], body)
        if [i["name"] for i in json.loads(answer)["items"]] != names:
            print("mixed")

senders = [threading.Thread(target=send, args=(w,)) for w in "ab"]
[s.start() for s in senders]
[s.join() for s in senders]
EOF
)
is "$out" "" "each is told of its own files only"
answers 200 "no more files" POST "$api/jobs/$both/close"
wait_for_job "$both"
is "$(field failed)" 400 "all were looked at"

# ---- deleting ----
answers 204 "an uploaded picture is deleted" DELETE "$api/images/$fox"
is "$(ls -d "$served/uploads/a" 2>&1 | grep -c '^/')" 0 "with its file and folder"
answers 404 "it is gone" GET "$api/images/$fox"
answers 204 "a picture of a root is forgotten" DELETE "$api/images/$cat_id"
is "$(ls "$tmp/allowed/trip")" "Käse cat.jpg" "its file stays"

# ---- models ----
answers 404 "no such model" PUT $api/models -j '{"use":"../../etc"}'
answers 409 "a model that is not here" PUT $api/models -j '{"use":"ViT-B-32/datacomp_xl_s13b_b90k"}'
answers 202 "the model in use" PUT $api/models -j '{"use":"starter"}'

stop_server
is "$stopped" 0 "ends well"
e2e_done
