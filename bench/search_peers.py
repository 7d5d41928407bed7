#!/usr/bin/env python3
"""The index beside hnswlib, usearch and faiss: same rows, same queries, one run, one table.

usage: search_peers.py --bench BENCH_SEARCH --rows N [--alone] [--out FILE] [--peers a,b]

bench_search makes the data and measures ours first; then each peer runs in a process of its own, so that memory is its own. A single
query is timed from Python (some 10 us of its own); peers with a knob (ef, nprobe) get the smallest value of a list
that reaches recall@10 0.99 (image) / 0.985 (text), or the largest. hnswlib and usearch answer a query on one thread, ours and
faiss may use two; queries/s is of batches, both processors busy.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time

DIM, QUERIES, K, THREADS = 512, 200, 10, 2
TARGET = {"image": 0.99, "text": 0.985}
EFS = [10, 16, 24, 32, 48, 64, 100, 150, 200, 300, 500, 800, 1200, 2000]
PEERS = ["hnswlib", "usearch", "faiss_ivf", "faiss_rabitq", "faiss_flat"]


# ---- a peer, in its own process ----


def resident_mb():
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("RssAnon")) / 1e3


def put(name, value):
    print(name, f"{value:.6g}" if isinstance(value, float) else value, flush=True)


class Data:
    def __init__(self, folder, rows):
        import numpy as np

        self.np, self.rows = np, rows
        self.base = np.memmap(f"{folder}/rows.f16", np.float16, "r", shape=(rows, DIM))
        queries = np.fromfile(f"{folder}/queries.f32", np.float32).reshape(2, QUERIES, DIM)
        truth = np.fromfile(f"{folder}/truth.i64", np.int64).reshape(2, QUERIES, K)
        truth1 = np.fromfile(f"{folder}/truth1.i64", np.int64).reshape(2, QUERIES, K)
        self.queries = {"image": queries[0], "text": queries[1]}
        self.truth = {"image": truth[0], "text": truth[1]}
        self.truth1 = {"image": truth1[0], "text": truth1[1]}
        self.allowed = np.fromfile(f"{folder}/allowed.u8", np.uint8)

    def chunks(self, size=20000):
        for at in range(0, self.rows, size):
            part = self.base[at : at + size]
            yield at, part.astype(self.np.float32)

    def sample(self, n):
        step = max(1, self.rows // n)
        return self.base[::step][:n].astype(self.np.float32)


def recall(found, truth):
    """found: ids (row + 1) a query."""
    return sum(len(set(f) & set(t)) for f, t in zip(found, truth)) / truth.size


def timed(search, queries):
    found, ms = [], []
    for q in queries:
        start = time.perf_counter()
        ids = search(q)
        ms.append((time.perf_counter() - start) * 1e3)
        found.append([int(i) + 1 for i in ids])
    ms.sort()
    return found, ms[len(ms) // 2], ms[len(ms) * 95 // 100]


def report(data, settings, choose, search, batch, filtered, filtered_queries=QUERIES):
    """settings, rising; choose(setting) sets it; search(q), batch(queries), filtered(q) -> rows."""
    for kind in ("image", "text"):
        queries = data.queries[kind]
        for setting in settings:
            choose(setting)
            for q in queries[:20]:
                search(q)
            found, p50, p95 = timed(search, queries)
            r = recall(found, data.truth[kind])
            if r >= TARGET[kind]:
                break
        put(f"top10_{kind}_setting", str(setting).replace(" ", ""))
        put(f"top10_{kind}_p50_ms", p50)
        put(f"top10_{kind}_p95_ms", p95)
        put(f"top10_{kind}_recall10", r)
        start = time.perf_counter()
        batch(queries)
        put(f"{kind}_per_second", QUERIES / (time.perf_counter() - start))
        if filtered:
            some = queries[:filtered_queries]
            found, p50, p95 = timed(filtered, some)
            put(f"filtered1_{kind}_p50_ms", p50)
            put(f"filtered1_{kind}_recall10", recall(found, data.truth1[kind][:filtered_queries]))


def built(start, cpu, before):
    put("build_s", time.perf_counter() - start)
    put("build_cpu_s", time.process_time() - cpu)
    put("index_mb", resident_mb() - before)


def run_hnswlib(data):
    import hnswlib

    before, start, cpu = resident_mb(), time.perf_counter(), time.process_time()
    index = hnswlib.Index(space="ip", dim=DIM)
    index.init_index(max_elements=data.rows, M=16, ef_construction=200)
    index.set_num_threads(THREADS)
    for at, part in data.chunks():
        index.add_items(part, data.np.arange(at, at + len(part)), num_threads=THREADS)
    part = None
    built(start, cpu, before)

    allowed = data.np.unpackbits(data.allowed, bitorder="little")

    def filtered(q):
        ids, _ = index.knn_query(q, k=K, num_threads=1, filter=lambda i: allowed[i] == 1)
        return ids[0]

    report(
        data,
        EFS,
        index.set_ef,
        lambda q: index.knn_query(q, k=K, num_threads=1)[0][0],
        lambda qs: index.knn_query(qs, k=K, num_threads=THREADS),
        filtered,
        20,
    )


def run_usearch(data):
    from usearch.index import Index

    before, start, cpu = resident_mb(), time.perf_counter(), time.process_time()
    index = Index(ndim=DIM, metric="ip", dtype="f16", connectivity=16, expansion_add=200)
    for at, part in data.chunks():
        index.add(data.np.arange(at, at + len(part)), part, threads=THREADS)
    part = None
    built(start, cpu, before)

    def choose(ef):
        index.expansion_search = ef

    report(
        data,
        EFS,
        choose,
        lambda q: index.search(q, K, threads=1).keys,
        lambda qs: index.search(qs, K, threads=THREADS),
        None,
    )


def run_faiss(data, factory, settings, params, train):
    """params(setting, selector or None) -> search parameters."""
    import faiss

    faiss.omp_set_num_threads(THREADS)
    before, start, cpu = resident_mb(), time.perf_counter(), time.process_time()
    index = faiss.index_factory(DIM, factory, faiss.METRIC_INNER_PRODUCT)
    index.train(data.sample(train))
    for _, part in data.chunks():
        index.add(part)
    part = None
    built(start, cpu, before)
    selector = faiss.IDSelectorBitmap(data.allowed)
    now = {"plain": None}

    def choose(setting):
        if params:
            now["plain"], now["filtered"] = params(faiss, setting, None), params(faiss, setting, selector)
        else:
            index.k_factor = setting

    def search(q):
        return index.search(q[None], K, params=now["plain"])[1][0]

    report(
        data,
        settings,
        choose,
        search,
        lambda qs: index.search(qs, K, params=now["plain"]),
        (lambda q: index.search(q[None], K, params=now["filtered"])[1][0]) if params else None,
    )


def run_faiss_ivf(data):
    nlist = 1024 if data.rows <= 200000 else 4096

    def params(faiss, setting, selector):
        nprobe, factor = setting
        inner = faiss.SearchParametersIVF(nprobe=min(nprobe, nlist), **({"sel": selector} if selector else {}))
        return faiss.IndexRefineSearchParameters(k_factor=factor, base_index_params=inner)

    settings = [(16, 10), (32, 10), (64, 20), (128, 20), (128, 50), (256, 50), (512, 50), (512, 100), (1024, 100)]
    run_faiss(data, f"IVF{nlist},PQ128x4fs,Refine(SQfp16)", settings, params, nlist * 40)


def run_faiss_rabitq(data):
    """Takes no search parameters, so no filter; the factor is the index's own."""
    run_faiss(data, "RaBitQfs,Refine(SQfp16)", [10, 20, 50, 100, 200, 400], None, 50000)


def run_faiss_flat(data):
    def params(faiss, _, selector):
        return faiss.SearchParameters(**({"sel": selector} if selector else {}))

    run_faiss(data, "SQfp16", ["exact"], params, 1000)


# ---- the table ----


def ours(bench, rows, folder, alone):
    command = [bench, str(rows), folder, str(THREADS)] + (["stream"] if alone else [])
    return figures(command)


def figures(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        print(f"{' '.join(command)}: failed", file=sys.stderr)
        return None
    return dict(line.split(" ", 1) for line in done.stdout.splitlines())


def cell(f, name, form="{:.2f}"):
    return form.format(float(f[name])) if name in f else "–"


def line(name, f, rows):
    per = float(f["index_mb"]) * 1e6 / rows
    cells = [name, cell(f, "build_s", "{:.1f}"), f"{per:.0f}"]
    for kind in ("image", "text"):
        cells += [
            f"{cell(f, f'top10_{kind}_p50_ms')} / {cell(f, f'top10_{kind}_p95_ms')}",
            cell(f, f"top10_{kind}_recall10", "{:.4f}"),
        ]
    cells += [cell(f, "filtered1_text_p50_ms"), cell(f, "filtered1_text_recall10", "{:.3f}")]
    cells.append(f"{cell(f, 'image_per_second', '{:.0f}')} / {cell(f, 'text_per_second', '{:.0f}')}")
    cells.append(f.get("top10_text_setting", "default"))
    return "| " + " | ".join(cells) + " |"


HEAD = (
    "| | build s | bytes a vector in memory | image p50 / p95 ms | recall@10 | text p50 / p95 ms | recall@10 "
    "| 1 % filter ms | recall@10 | queries/s image / text | setting (text) |\n" + "|---" * 11 + "|"
)


def table(rows, results):
    out = [f"{rows:,} x {DIM}, {THREADS} threads, {QUERIES} queries a kind, {time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC", "", HEAD]
    out += [line(name, f, rows) if f else f"| {name} | failed |" for name, f in results]
    f = results[0][1]
    out += ["", "ours, all figures: " + ", ".join(f"{k} {v}" for k, v in f.items())]
    return "\n".join(out) + "\n"


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--bench")
    p.add_argument("--rows", type=int, required=True)
    p.add_argument("--alone", action="store_true")
    p.add_argument("--out")
    p.add_argument("--peers", default=",".join(PEERS))
    p.add_argument("--peer", help=argparse.SUPPRESS)
    p.add_argument("--folder", help=argparse.SUPPRESS)
    a = p.parse_args()
    if a.peer:
        globals()["run_" + a.peer](Data(a.folder, a.rows))
        return
    folder = tempfile.mkdtemp(prefix="eyeshine-bench-search-")
    try:
        results = [("eyeshine", ours(a.bench, a.rows, folder, a.alone))]
        if not results[0][1]:
            sys.exit(1)
        for peer in [] if a.alone else a.peers.split(","):
            print(f"# {peer} ...", file=sys.stderr, flush=True)
            me = [sys.executable, os.path.abspath(__file__), "--peer", peer, "--rows", str(a.rows), "--folder", folder]
            results.append((peer.replace("_", " "), figures(me)))
            write(a.out, table(a.rows, results))
        if not a.out or a.alone:
            write(a.out, table(a.rows, results))
        print(table(a.rows, results))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write(path, text):
    """After each peer, so that a run that is stopped has left what it knew."""
    if path:
        with open(path, "w") as f:
            f.write(text)


if __name__ == "__main__":
    main()
