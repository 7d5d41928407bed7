#!/bin/sh
# A folder of broken and hostile files: exit 1, each failed file in the ledger with its own reason, the good ones indexed,
# memory bounded, nothing left behind.
set -u
. tests/e2e/lib.sh

python3 tools/hostile/make_hostile.py "$tmp/bad" --base tests/golden/pixels || fail "make the files"
count=$(python3 -c 'import json,sys; print(len(json.load(open(sys.argv[1]))))' "$tmp/bad.expect.json")
[ "$count" -ge 60 ] && pass "$count files" || fail "only $count files"

lib=$tmp/lib
python3 - "$eye" "$lib" "$tmp/bad" >"$tmp/run" <<'P'
# Runs the index command and says its exit code and the peak resident memory of it and its children.
import resource, subprocess, sys
eye, lib, bad = sys.argv[1:]
code = subprocess.run([eye, "--library", lib, "index", "-q", bad], timeout=300).returncode
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
print(code, peak)
P
read -r got peak <"$tmp/run"
is "$got" 1 "exit code 1"
[ "$peak" -le 700 ] && pass "no process took more than $peak MB" || fail "a process took $peak MB"

"$eye" --library "$lib" failures --json >"$tmp/failures"
"$eye" --library "$lib" search --json -n 100000 anything >"$tmp/found"
python3 - "$tmp/bad" "$tmp/failures" "$tmp/found" <<'P'
import base64, json, os, sys
from urllib.parse import unquote_to_bytes
bad = os.fsencode(os.path.realpath(sys.argv[1]))
def path_of(o):
    return base64.b64decode(o["path_base64"]) if "path_base64" in o else os.fsencode(o["path"])
failures = {path_of(o): o for o in map(json.loads, open(sys.argv[2]))}
found = {path_of(o) for o in map(json.loads, open(sys.argv[3]))}
copies = sum(json.loads(line)["copies"] for line in open(sys.argv[3]))
good = failed = 0
for e in json.load(open(sys.argv[1] + ".expect.json")):
    path = os.path.join(bad, unquote_to_bytes(e["path"]))
    name = e["path"]
    if e["expect"] == "good":
        good += 1
        if path in failures:
            print("not ok - good file failed: %s: %s" % (name, failures[path]["reason"]))
    elif e["expect"] == "failed":
        f = failures.get(path)
        if not f:
            print("not ok - not in the ledger: %s (%s)" % (name, e["why"]))
        elif f["code"] not in e["codes"]:
            print("not ok - %s: code %s, wanted %s (%s)" % (name, f["code"], e["codes"], f["reason"]))
        elif len(f["reason"]) < 8 or "\n" in f["reason"]:
            print("not ok - %s: poor reason %r" % (name, f["reason"]))
        else:
            failed += 1
        if path in found:
            print("not ok - found in spite of failing: %s" % name)
    elif e["expect"] == "skipped" and path in found:
        print("not ok - indexed: %s" % name)
print("ok - %d failed files stand in the ledger, each with its reason" % failed)
print("%s - the %d good files are indexed (%d found)" % ("ok" if copies >= good else "not ok", good, copies))
reasons = {f["reason"].replace(os.fsdecode(p), "") for p, f in failures.items()}
print("%s - %d different reasons" % ("ok" if len(reasons) >= 12 else "not ok", len(reasons)))
P
code 0 "verify" "$eye" --library "$lib" verify
code 1 "a second run" "$eye" --library "$lib" index -q "$tmp/bad"
is "$("$eye" --library "$lib" failures --json | json attempts | sort -u)" 1 "tries no unchanged failure again"
sleep 0.3
is "$(pgrep -f "eyeshine.*$tmp" | wc -l)" 0 "no process is left behind"

e2e_done
