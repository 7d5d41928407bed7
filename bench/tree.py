#!/usr/bin/env python3
"""tree.py [--files N] [--folders N] - a tree of many small files that lives: what `index` costs when nothing, everything or the disk moved.

Rows for docs/PERFORMANCE.md, and a check: it exits 1 when a figure that issue 5 asks for was not met (nothing embedded again after a
rename, nothing removed when the mount point is empty). Files are different small PNGs; the model is the tests' tiny one, because how long
an embedding takes is not the question here. The disk is a tmpfs mounted at the root when that can be done, else the folder is emptied.
"""
import argparse
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import zlib

EYE = os.path.abspath("build/eyeshine")
SIZE = 16


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def picture(number):
    r = random.Random(number)
    rows = b"".join(b"\0" + r.randbytes(3 * SIZE) for _ in range(SIZE))
    head = struct.pack(">IIBBBBB", SIZE, SIZE, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")


def make_tree(root, files, folders):
    for i in range(files):
        folder = os.path.join(root, f"year{i % folders // 50:02d}", f"day{i % folders:04d}")
        if i < folders:
            os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, f"{i:06d}.png"), "wb") as f:
            f.write(picture(i))


class Library:
    def __init__(self, folder, model):
        self.base = [EYE, "--library", folder]
        self.model = model

    def run(self, *args):
        start = time.perf_counter()
        done = subprocess.run([*self.base, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        took = time.perf_counter() - start
        last = json.loads(done.stdout.splitlines()[-1]) if done.stdout else {}
        peak = max_rss()
        return took, last, done, peak

    def index(self, what, root):
        took, end, done, peak = self.run("index", "--json", "--model", self.model, root)
        said = ", ".join(f"{k} {end[k]}" for k in ("indexed", "updated", "linked", "unchanged", "removed", "failed", "offline_roots") if end.get(k))
        print(f"| {what} | {took:.2f} | {said} | {peak:.0f} |", flush=True)
        return took, end, done

    def status(self):
        return self.run("status", "--json", "--model", self.model)[1]


def max_rss():
    import resource

    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def walk(tmp, files, folders):
    root, model = os.path.join(tmp, "pictures"), os.path.join(tmp, "model")
    os.mkdir(root)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "none", root], stderr=subprocess.DEVNULL).returncode == 0
    bad = []
    try:
        subprocess.run([sys.executable, "tests/e2e/tiny_model.py", model], check=True, stdout=subprocess.DEVNULL)
        make_tree(root, files, folders)
        lib = Library(os.path.join(tmp, "library"), model)
        print(f"{files:,} files in {folders:,} folders\n\n| run | seconds | said | peak MB so far |\n|---|---|---|---|")
        _, first, _ = lib.index("first", root)
        if first.get("indexed") != files:
            bad.append(f"the first run indexed {first.get('indexed')}")
        took, second, _ = lib.index("second, nothing changed", root)
        if second.get("unchanged") != files:
            bad.append(f"the second run: {second}")
        if took > 2:
            print(f"note: the second run took {took:.2f} s", file=sys.stderr)
        for year in sorted(os.listdir(root)):
            os.rename(os.path.join(root, year), os.path.join(root, "moved-" + year))
        _, third, _ = lib.index("every folder renamed", root)
        if third.get("indexed") or third.get("updated") or third.get("linked") != files or lib.status().get("pictures") != files:
            bad.append(f"after the rename: {third}")
        if mounted:
            subprocess.run(["umount", root], check=True)
        else:
            shutil.rmtree(root)
            os.mkdir(root)
        _, fourth, done = lib.index("mount point empty", root)
        status = lib.status()
        if fourth.get("removed") or status.get("files") != files or "offline" not in json.dumps(status) + done.stderr:
            bad.append(f"with the mount point empty: {fourth}, {status}")
        print(f"\nstatus then: {json.dumps(status)}\nsaid: {done.stderr.strip()}")
    finally:
        if mounted:
            subprocess.run(["umount", root], stderr=subprocess.DEVNULL)
    return bad


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--files", type=int, default=50000)
    p.add_argument("--folders", type=int, default=500)
    a = p.parse_args()
    tmp = tempfile.mkdtemp(prefix="eyeshine-tree-")
    try:
        bad = walk(tmp, a.files, a.folders)
    finally:
        shutil.rmtree(tmp, ignore_errors=True)
    for line in bad:
        print("WRONG:", line, file=sys.stderr)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
