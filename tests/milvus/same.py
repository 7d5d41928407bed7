#!/usr/bin/env python3
"""same.py ONE TWO - the results of two searches (JSON lines of `search --json`) are the same: paths in one order, scores within 1e-5, all else equal
but the ids, which differ between stores. Pictures whose scores are equal may come in another order. Prints nothing and exits 0, or says what differs."""
import json
import sys

IDS = {"id", "added_at"}  # added_at: when each store was filled


def load(name):
    with open(name) as f:
        return [json.loads(line) for line in f]


def main():
    a, b = (load(name) for name in sys.argv[1:3])
    if len(a) != len(b):
        sys.exit(f"{len(a)} results, and {len(b)}")
    by_path = {r["path"]: r for r in b}
    for i, (x, y) in enumerate(zip(a, b)):
        if abs(x["score"] - y["score"]) > 1e-5:
            sys.exit(f"place {i}: {x['path']} {x['score']}, and {y['path']} {y['score']}")
        other = by_path.get(x["path"])
        if not other or abs(other["score"] - x["score"]) > 1e-5:
            sys.exit(f"place {i}: {x['path']} is not there")
        if x["path"] != y["path"] and abs(x["score"] - y["score"]) > 1e-7:
            sys.exit(f"place {i}: {x['path']}, and {y['path']}")
        for key in x.keys() | other.keys():
            if key not in IDS | {"score", "similarity"} and x.get(key) != other.get(key):
                sys.exit(f"{x['path']}: {key} is {x.get(key)}, and {other.get(key)}")


main()
