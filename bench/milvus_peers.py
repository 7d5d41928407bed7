#!/usr/bin/env python3
"""Our client beside pymilvus on one Milvus server, in one run: rows a second written, milliseconds a search.

usage: tools/milvus/serve 2.3.5 -- milvus_peers.py --bench BENCH_MILVUS [--rows N] [--rounds R]

The same rows (clustered unit vectors of 512) in the same batches of 1000, the same index and parameters, the same queries one after the other; each
round asks both, in turns, in processes and collections of their own. Recall@50 is measured against numpy. The best round of each counts.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

DIM, QUERIES, TOPK, BATCH = 512, 1000, 50, 1000
INDEXES = {"FLAT": ({}, {}), "HNSW": ({"M": 16, "efConstruction": 200}, {"ef": 100})}


def make(rows, rng):
    centres = rng.standard_normal((500, DIM), np.float32)
    v = centres[rng.integers(0, 500, rows)] + 0.5 * rng.standard_normal((rows, DIM), np.float32)
    return v / np.linalg.norm(v, axis=1, keepdims=True)


def pymilvus(url, folder, rows, kind):
    """What bench_milvus.c does, as its documentation would have it done."""
    from pymilvus import Collection, CollectionSchema, DataType, FieldSchema, connections, utility

    base = np.fromfile(f"{folder}/rows.f32", np.float32).reshape(rows, DIM)
    queries = np.fromfile(f"{folder}/queries.f32", np.float32).reshape(QUERIES, DIM)
    connections.connect(uri=url.replace("milvus://", "http://"))
    name = f"bench_py_{os.getpid()}"
    c = Collection(name, CollectionSchema([FieldSchema("id", DataType.INT64, is_primary=True), FieldSchema("vector", DataType.FLOAT_VECTOR, dim=DIM)]), consistency_level="Bounded")
    batches = [[list(range(at, min(rows, at + BATCH))), list(base[at:at + BATCH])] for at in range(0, rows, BATCH)]
    start = time.perf_counter()
    for batch in batches:
        c.upsert(batch)
    wrote = time.perf_counter() - start
    start = time.perf_counter()
    c.flush()
    c.create_index("vector", {"index_type": kind, "metric_type": "IP", "params": INDEXES[kind][0]})
    utility.wait_for_index_building_complete(name)
    c.load()
    built = time.perf_counter() - start
    params = {"metric_type": "IP", "params": INDEXES[kind][1]}
    for count in (QUERIES // 10, QUERIES):
        found, ms = [], []
        for q in queries[:count]:
            q = [q]
            start = time.perf_counter()
            hits = c.search(q, "vector", params, TOPK)
            ids = hits[0].ids
            ms.append((time.perf_counter() - start) * 1e3)
            found.append(ids)
    np.array(found, np.int64).tofile(f"{folder}/found")
    ms.sort()
    utility.drop_collection(name)
    print(json.dumps({"wrote": wrote, "built": built, "p50": ms[QUERIES // 2], "p95": ms[QUERIES * 95 // 100], "p99": ms[QUERIES * 99 // 100]}))


def measure(who, args, url, folder, kind, truth):
    if who == "eyeshine":
        command = [args.bench, f"{url}/bench_c", f"{folder}/rows.f32", str(args.rows), str(DIM), f"{folder}/queries.f32", str(QUERIES), kind,
                   json.dumps(INDEXES[kind][0]), json.dumps(INDEXES[kind][1]), f"{folder}/found"]
    else:
        command = [sys.executable, "-W", "ignore", __file__, "--pymilvus", kind, "--rows", str(args.rows), "--folder", str(folder)]
    out = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.splitlines()[-1])
    found = np.fromfile(f"{folder}/found", np.int64).reshape(QUERIES, TOPK)
    out["recall"] = sum(len(set(f) & set(t)) for f, t in zip(found, truth)) / truth.size
    return out


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--bench")
    parser.add_argument("--rows", type=int, default=20000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pymilvus")
    parser.add_argument("--folder")
    args = parser.parse_args()
    url = os.environ["EYESHINE_TEST_STORE"]
    if args.pymilvus:
        return pymilvus(url, args.folder, args.rows, args.pymilvus)
    with tempfile.TemporaryDirectory() as folder:
        folder, rng = pathlib.Path(folder), np.random.default_rng(6)
        base, queries = make(args.rows, rng), make(QUERIES, rng)
        base.tofile(folder / "rows.f32")
        queries.tofile(folder / "queries.f32")
        truth = np.argsort(-(queries @ base.T), axis=1, kind="stable")[:, :TOPK]
        print("| index | client | rows/s written | search p50 ms | p95 ms | p99 ms | recall@50 | flush, index, load s |")
        print("|---|---|---|---|---|---|---|---|", flush=True)
        for kind in INDEXES:
            results = {"eyeshine": [], "pymilvus": []}
            for _ in range(args.rounds):
                for who, rounds in results.items():
                    rounds.append(measure(who, args, url, folder, kind, truth))
            for who, rounds in results.items():
                best = {k: min(r[k] for r in rounds) for k in ("wrote", "built", "p50", "p95", "p99")}
                print(f"| {kind} | {who} | {args.rows / best['wrote']:,.0f} | {best['p50']:.2f} | {best['p95']:.2f} | {best['p99']:.2f} | {rounds[-1]['recall']:.3f} | {best['built']:.1f} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
