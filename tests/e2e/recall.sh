#!/bin/sh
# Real photographs: index Flickr8k's test set and compare text-to-image recall with open_clip's own (reference.json).
set -u
. tests/e2e/lib.sh

photos=../shared/photos/flickr8k-test
if [ ! -d "$photos" ]; then
    pass "skipped: ../shared/photos missing"
    e2e_done
fi
code 0 "index 1,000 photographs" "$eye" --library "$tmp/lib" index -q "$photos"
code 0 "the issue's query" "$eye" --library "$tmp/lib" search --json -n 10 "two dogs running through the snow"
is "$(printf '%s\n' "$out" | wc -l)" 10 "prints ten lines"
cut -f 2 "$photos.captions.tsv" >"$tmp/queries"
"$eye" --library "$tmp/lib" search --json --literal -n 10 --queries "$tmp/queries" >"$tmp/results" || fail "5,000 queries"
python3 - "$photos.captions.tsv" "$tmp/results" models/starter/reference.json <<'P'
import json, os, sys
want = [line.split("\t")[0] for line in open(sys.argv[1], encoding="utf-8")]
rank = {}
seen = {}
for line in open(sys.argv[2], encoding="utf-8"):
    r = json.loads(line)
    q = r["query_index"]
    seen[q] = seen.get(q, 0) + 1
    if os.path.basename(r["path"]) == want[q]:
        rank[q] = seen[q]
ref = json.load(open(sys.argv[3]))["flickr8k-test"]
for k in (1, 5, 10):
    got = 100 * sum(1 for v in rank.values() if v <= k) / len(want)
    ok = abs(got - ref[str(k)]) <= 0.1
    print("%s - R@%d is %.2f, open_clip's is %.2f" % ("ok" if ok else "not ok", k, got, ref[str(k)]))
P
e2e_done
