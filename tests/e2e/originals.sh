#!/bin/sh
# Originals elsewhere: in a bucket, of a server that checks every signature and misbehaves when told to (tests/s3/fake_s3.py), and in a
# folder that each machine has somewhere else.
# shellcheck disable=SC2154
set -u
. tests/e2e/lib.sh
. tests/e2e/serve_lib.sh

secret='wJalr/secret+key=='
s3_pid=
trap 'stop_server; stop_s3; chmod -R u+rwx "$tmp" 2>/dev/null; rm -rf "$tmp"' EXIT

# start_s3: with what lies in $tmp/bucket
start_s3() {
    rm -f "$tmp/s3.in"
    mkfifo "$tmp/s3.in"
    python3 tests/s3/fake_s3.py --bucket bkt --key AKIDEXAMPLE --secret "$secret" --load "$tmp/bucket" --page 5 \
        --slow 1.5 <"$tmp/s3.in" >"$tmp/s3.out" 2>"$tmp/s3.err" &
    s3_pid=$!
    exec 9>"$tmp/s3.in"
    n=0
    while [ ! -s "$tmp/s3.out" ] && [ $n -lt 100 ]; do
        sleep 0.1
        n=$((n + 1))
    done
    port=$(sed -n 's/^port //p' "$tmp/s3.out")
}
stop_s3() {
    [ -n "$s3_pid" ] || return 0
    exec 9>&-
    wait "$s3_pid"
    s3_pid=
}
s3() { # tell it
    python3 -c 'import sys, urllib.parse, urllib.request
form = urllib.parse.urlencode([tuple(a.split("=", 1)) for a in sys.argv[2:]]).encode()
urllib.request.urlopen("http://127.0.0.1:%s/_fake" % sys.argv[1], form or None).read()' "$port" "$@"
}
asked() { # what was asked for since the last time
    python3 -c 'import sys, urllib.request
sys.stdout.write(urllib.request.urlopen("http://127.0.0.1:%s/_fake" % sys.argv[1]).read().decode())' "$port"
}
E() { "$eye" --library "$tmp/lib" "$@"; }
paths() { E search -n 100 --min-score=-1 -0 "$@" | tr '\0' '\n' | sort; }

# ---- a bucket ----
photos=$tmp/bucket/photos
mkdir -p "$photos/ümläut" "$photos/.hidden" "$photos/%2e%2e" "$photos/left/out" "$tmp/bucket/other" "$tmp/bucket/photos2"
cp samples/pink-clutch.jpg "$photos/"
cp samples/zebra.jpg "$photos/a b+c%d's \"q\" &=#?.jpg"
cp samples/rose.jpg "$photos/ümläut/日本.jpg"
cp samples/flamingo.jpg "$photos/%2e%2e/up.jpg"
cp samples/dahlia.jpg "$photos/left/out/dahlia.jpg"
cp samples/astronaut.jpg "$photos/.hidden/astronaut.jpg"
cp samples/beetle-car.jpg "$tmp/bucket/other/secret.jpg"
cp samples/beetle-car.jpg "$tmp/bucket/photos2/secret.jpg"
echo text >"$photos/note.txt"
echo "no picture" >"$photos/broken.jpg"
start_s3
export AWS_ENDPOINT_URL="http://127.0.0.1:$port" AWS_ACCESS_KEY_ID=AKIDEXAMPLE AWS_REGION=us-east-1
printf '%s\n' "$secret" >"$tmp/secret"
export AWS_SECRET_ACCESS_KEY_FILE="$tmp/secret" EYESHINE_ORIGINALS=s3://bkt/photos EYESHINE_ORIGINALS_PATIENCE=0 AWS_MAX_ATTEMPTS=3

code 1 "a bucket is indexed; what is no picture costs itself" E index
like "$errout" "5 indexed" "five pictures of it"
like "$(E failures)" "s3://bkt/photos/broken.jpg" "the broken one is in the ledger"
is "$(paths a)" "$(printf '%s\n' "s3://bkt/photos/%2e%2e/up.jpg" "s3://bkt/photos/a b+c%d's \"q\" &=#?.jpg" \
    "s3://bkt/photos/left/out/dahlia.jpg" "s3://bkt/photos/pink-clutch.jpg" "s3://bkt/photos/ümläut/日本.jpg" | sort)" \
    "under their names; hidden ones and what lies beside the prefix are left out"
like "$(E search -n 1 "a pink clutch")" "s3://bkt/photos/pink-clutch.jpg" "and found"
like "$(E status)" "originals s3://bkt/photos$" "status tells of the place"
asked >/dev/null
code 1 "again" E index
like "$errout" "5 unchanged" "nothing is read twice"
is "$(asked | grep -c '/bkt/photos/[^?]* 200$')" 0 "only listed"
code 0 "a folder of it is looked at alone" E index left
like "$errout" "1 unchanged" "by its name below the place"
code 0 "or as an address" E index s3://bkt/photos/left
code 2 "not what lies beside it" E index s3://bkt/other
like "$errout" "not below the originals" "which a sentence says"
code 2 "not by going up" E index ../other
code 2 "not a folder of this machine" E index "$tmp/bucket"
like "$errout" "outside of the originals" "which a sentence says, too"
code 0 "what is not there in it is looked for" E index nowhere

# The same pictures from a folder: same scores, same order.
EYESHINE_ORIGINALS='' "$eye" --library "$tmp/local" index "$photos" >/dev/null 2>&1
is "$(E search -n 5 --json "a red flower" | json score)" \
    "$(EYESHINE_ORIGINALS='' "$eye" --library "$tmp/local" search -n 5 --json "a red flower" | json score)" \
    "scores are those of the same files in a folder"
for i in 1 2; do "$eye" --library "$tmp/parts" index --part $i/2 >/dev/null 2>&1; done
is "$("$eye" --library "$tmp/parts" status --json | json files)" 5 "parts make up the whole"

# What changes.
s3 put=photos/pink-clutch.jpg file="$PWD/samples/toolbox.jpg"
s3 delete=photos/left/out/dahlia.jpg
s3 copy=photos/moved.jpg from=photos/%2e%2e/up.jpg
s3 delete=photos/%2e%2e/up.jpg
code 1 "what changed is read" E index
like "$errout" "1 updated, 1 known by content, .*2 removed" "changed, moved, gone"
like "$(E search -n 1 "a tool box")" "photos/pink-clutch.jpg" "what it shows now is found"

# ---- a server out of order ----
s3 fault=503 times=2
s3 fault=truncate times=1 match=/moved
s3 copy=photos/moved2.jpg from=photos/moved.jpg
code 1 "a passing trouble is nobody's concern" E index
like "$errout" "1 known by content" "the new one is there"
s3 put=photos/new.jpg file="$PWD/samples/rubber-duck.jpg"
s3 fault=500 times=100 match=/new.jpg
code 1 "an object that cannot be had" E index
like "$errout" "new.jpg.*500" "is told"
unlike "$(E failures)" "new.jpg" "and is no broken picture"
s3 fault=500 times=0
code 1 "later" E index
like "$errout" "1 indexed" "it is indexed as if nothing had been"
for fault in 500 badxml notlist foreign loop; do
    s3 fault=$fault times=100 match=continuation
    E index >/dev/null 2>"$tmp/stderr"
    is "$(E status --json | json files)" 6 "a listing that ends in $fault removes nothing"
    like "$(cat "$tmp/stderr")" "offline" "and is offline"
    s3 fault=$fault times=0
done
s3 bucket=gone
code 0 "a bucket that is gone" E index
like "$errout" "no such bucket" "is told"
like "$errout" "nothing of (it|them) was removed" "and costs nothing"
like "$(E status)" "cannot be reached: .*no such bucket" "status says why"
code 3 "which an index of a part of it says as well" E index left
s3 bucket=back
echo mistaken >"$tmp/secret"
code 0 "a wrong secret" E index
like "$errout" "secret key is wrong" "is told"
unlike "$errout$(E doctor 2>&1)" "mistaken|AKIDEXAMPLE" "without showing it"
like "$(E doctor)" "originals .*cannot be reached" "the doctor says so"
printf '%s\n' "$secret" >"$tmp/secret"
E index >/dev/null 2>&1
is "$(E status --json | json files)" 6 "and then all is there"
code 0 "verify reads the objects" E verify --deep

# ---- served ----
served=$tmp/lib
start_server
asked >/dev/null
req GET "/api/v1/images?name=moved2"
id=$(field images.0.id)
url_of() { printf '%s/api/v1/images/%s/%s' "$url" "$1" "$2"; }
get() { python3 -c 'import sys, urllib.request
r = urllib.request.urlopen(urllib.request.Request(sys.argv[1], headers=dict(h.split(": ", 1) for h in sys.argv[2:])))
sys.stdout.buffer.write(r.read())' "$@"; }
get "$(url_of "$id" original)" >"$tmp/original"
is "$(sha256sum <"$tmp/original")" "$(sha256sum <samples/flamingo.jpg)" "an original comes out as it is"
get "$(url_of "$id" original)" "Range: bytes=100-299" >"$tmp/part"
is "$(sha256sum <"$tmp/part")" "$(tail -c +101 samples/flamingo.jpg | head -c 200 | sha256sum)" "and parts of it"
get "$(url_of "$id" thumbnail)?size=128" >"$tmp/thumb"
is "$(head -c 4 "$tmp/thumb")" RIFF "a thumbnail is made"
asked >/dev/null
get "$(url_of "$id" thumbnail)?size=128" >"$tmp/thumb2"
is "$(asked)" "" "and kept here"
req GET "/api/v1/images?name=%E6%97%A5"
rose=$(field images.0.id)
get "$url/api/v1/images/zip?ids=$id,$rose" >"$tmp/zip" 2>/dev/null ||
    python3 -c 'import sys, urllib.request
r = urllib.request.Request(sys.argv[1], b"{\"ids\":[%s,%s]}" % (sys.argv[2].encode(), sys.argv[3].encode()), {"Content-Type": "application/json"})
sys.stdout.buffer.write(urllib.request.urlopen(r).read())' "$url/api/v1/images/zip" "$id" "$rose" >"$tmp/zip"
is "$(python3 -c 'import sys, zipfile
print(sorted(zipfile.ZipFile(sys.argv[1]).namelist()))' "$tmp/zip")" "['moved.jpg', '日本.jpg']" "a zip has them"
req GET "/api/v1/search?like=$id"
is "$status" 200 "more like it"

# The jail: rows that nobody here writes.
sql() { sqlite3 "$tmp/lib/library.db" "$1"; }
asked >/dev/null
for rel in ../other/secret.jpg a/../../other/secret.jpg /other/secret.jpg ..%2fother/secret.jpg ../photos2/secret.jpg %2e%2e/%2e%2e/other/secret.jpg; do
    sql "UPDATE file SET rel = CAST('$rel' AS BLOB) WHERE picture = $rose"
    req GET "/api/v1/images/$rose/original"
    is "$status" 404 "no way out by $rel"
done
sql "UPDATE root SET path = CAST('originals:/../other' AS BLOB)"
req GET "/api/v1/images/$rose/original"
like "$status" "^(404|502)$" "nor by a root"
unlike "$(asked)" "/bkt/(other|photos2|.*\.\./)" "nobody asked for what lies beside"
sql "UPDATE root SET path = CAST('originals:' AS BLOB)"
sql "UPDATE file SET rel = CAST('ümläut/日本.jpg' AS BLOB) WHERE picture = $rose"
answers 200 "back where it is" GET "/api/v1/images/$rose/original"

# Changed behind our back: never another picture under its name.
s3 put=photos/ümläut/日本.jpg file="$PWD/samples/zebra.jpg"
answers 404 "a changed object is not served as the old one" GET "/api/v1/images/$rose/original"
s3 fault=reset times=100
answers 502 "a server away is a bad gateway" GET "/api/v1/images/$id/original"
answers 200 "what was kept is still served" GET "/api/v1/images/$id/thumbnail?size=128"
s3 fault=reset times=0
stop_server

# Watched: by looking now and then.
"$eye" --library "$tmp/lib" index --watch --poll 1 --settle 0.2 --json >"$tmp/watch.out" 2>"$tmp/watch.err" 9>&- &
watch=$!
n=0
while ! grep -q '"how"\|polled' "$tmp/watch.out" "$tmp/watch.err" && [ $n -lt 50 ]; do sleep 0.1; n=$((n + 1)); done
s3 put=photos/late.jpg file="$PWD/samples/motorcycle.jpg"
n=0
while ! grep -q 'late.jpg' "$tmp/watch.out" && [ $n -lt 80 ]; do sleep 0.1; n=$((n + 1)); done
kill -TERM $watch
wait $watch
like "$(cat "$tmp/watch.out" "$tmp/watch.err")" "object store, which does not tell of what changes; looked at every 1 s" "a bucket is polled, and it says so"
like "$(cat "$tmp/watch.out")" "late.jpg" "what comes is found"

stop_s3
code 0 "an endpoint that is away" E index
like "$errout" "cannot connect" "is told"
is "$(E status --json | json files)" 7 "and costs nothing"
code 0 "words are searched without it" E search -n 1 "a motorcycle"
code 3 "a place that is no address" "$eye" --library "$tmp/lib" --originals s3://bkt/../x status
unset AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY_FILE EYESHINE_ORIGINALS EYESHINE_ORIGINALS_PATIENCE
code 0 "without --originals" E search -n 1 "a motorcycle"
like "$out" "originals:/.*offline" "such pictures are away, not lost"

# ---- a folder that is mounted somewhere else ----
mkdir -p "$tmp/m1/sub" "$tmp/outside"
cp samples/zebra.jpg samples/rose.jpg "$tmp/m1/"
cp samples/dahlia.jpg "$tmp/m1/sub/"
F() { "$eye" --library "$tmp/folder" --originals "$place" "$@"; }
place=$tmp/m1
code 0 "a folder as the place of originals" F index
like "$errout" "3 indexed" "is indexed whole"
code 2 "nothing outside of it" F index "$tmp/outside"
mv "$tmp/m1" "$tmp/m2"
place=$tmp/m2
code 0 "on another machine, mounted elsewhere" F index
like "$errout" "3 unchanged" "nothing is new"
like "$(F search -n 1 --json "a zebra")" "\"$tmp/m2/zebra.jpg\"" "and found where it is"
is "$(F search -n 9 --json "a zebra (path:$tmp/m2/sub/*)" | json path)" "$tmp/m2/sub/dahlia.jpg" "filters mean what is shown"
code 1 "not what another machine shows" F search "a zebra (path:$tmp/m1/*)"
code 0 "a relative path lies below it" F index sub
place=$tmp/m1
code 0 "not mounted" F index
like "$errout" "offline" "is offline"
like "$(F status)" "cannot be reached: .*no such folder" "and says so"
place=$tmp/m2
cp samples/zebra.jpg "$tmp/outside/"
rm "$tmp/m2/zebra.jpg"
ln -s "$tmp/outside/zebra.jpg" "$tmp/m2/zebra.jpg"
served=$tmp/folder
EYESHINE_ORIGINALS=$place start_server
req GET "/api/v1/images?name=zebra"
answers 404 "a link out of the place is not followed" GET "/api/v1/images/$(field images.0.id)/original"
req GET "/api/v1/images?name=rose"
answers 200 "what lies in it is served" GET "/api/v1/images/$(field images.0.id)/original"
stop_server
e2e_done
