#!/usr/bin/env python3
"""How far apart the same picture stored again lies, and how far different pictures: what docs/DUPLICATES.md reports.

    measure.py EYESHINE PHOTOS SCRATCH [EVERY]

Makes variants of every EVERY-th photograph (needs Pillow and numpy), indexes them beside all originals with the program itself
and reads perceptual hashes, mosaics and embeddings back out of the library. SCRATCH must not exist."""

import glob
import io
import os
import sqlite3
import subprocess
import sys

import numpy as np
from PIL import Image, ImageOps


def scaled(im, f):
    return im.resize((max(1, round(im.width * f)), max(1, round(im.height * f))), Image.LANCZOS)


def cropped(im, edge, dx=0.0, dy=0.0):
    w, h = im.size
    return im.crop((round(w * (edge + dx)), round(h * (edge + dy)), round(w * (1 - edge + dx)), round(h * (1 - edge + dy))))


VARIANTS = {  # name: (what, save as, options of the writer)
    "jpeg 75": (lambda i: i, "JPEG", {"quality": 75}),
    "jpeg 40": (lambda i: i, "JPEG", {"quality": 40}),
    "jpeg 15": (lambda i: i, "JPEG", {"quality": 15}),
    "webp 50": (lambda i: i, "WEBP", {"quality": 50}),
    "png": (lambda i: i, "PNG", {}),
    "gif, 256 colours": (lambda i: i.convert("P", palette=Image.ADAPTIVE), "GIF", {}),
    "75 % size": (lambda i: scaled(i, 0.75), "JPEG", {"quality": 85}),
    "50 % size": (lambda i: scaled(i, 0.5), "JPEG", {"quality": 80}),
    "25 % size": (lambda i: scaled(i, 0.25), "JPEG", {"quality": 80}),
    "200 % size": (lambda i: scaled(i, 2), "JPEG", {"quality": 85}),
    "10 % brighter": (lambda i: i.point(lambda v: min(255, int(v * 1.1 + 5))), "JPEG", {"quality": 85}),
    "1 % off each edge": (lambda i: cropped(i, 0.01), "JPEG", {"quality": 85}),
    "2 % off each edge": (lambda i: cropped(i, 0.02), "JPEG", {"quality": 85}),
    "5 % off each edge": (lambda i: cropped(i, 0.05), "JPEG", {"quality": 85}),
    "next frame: moved 3 %": (lambda i: cropped(i, 0.05, 0.03, 0.02), "JPEG", {"quality": 85}),
    "next frame: moved 8 %": (lambda i: cropped(i, 0.1, 0.08, -0.04), "JPEG", {"quality": 85}),
    "grey": (lambda i: i.convert("L"), "JPEG", {"quality": 85}),
    "mirrored": (lambda i: i.transpose(Image.FLIP_LEFT_RIGHT), "JPEG", {"quality": 85}),
}


def make(photos, scratch, every):
    files = [f for s in ("flickr8k-test", "fashion-test") for f in sorted(glob.glob(f"{photos}/{s}/*.jpg"))]
    files += sorted(f for f in glob.glob("samples/*") if f.endswith((".jpg", ".png", ".webp")))
    os.makedirs(f"{scratch}/p/base")
    for i, f in enumerate(files):
        name = f"{i:05d}" + os.path.splitext(f)[1]
        os.symlink(os.path.abspath(f), f"{scratch}/p/base/{name}")
        if i % every:
            continue
        im = ImageOps.exif_transpose(Image.open(f)).convert("RGB")
        for v, (what, kind, options) in enumerate(VARIANTS.values()):
            b = io.BytesIO()
            what(im).save(b, kind, **options)
            os.makedirs(f"{scratch}/p/{v}", exist_ok=True)
            with open(f"{scratch}/p/{v}/{i:05d}.{kind.lower()}", "wb") as out:
                out.write(b.getvalue())
    return files


def load(scratch):
    db = sqlite3.connect(f"{scratch}/lib/library.db")
    rows = db.execute("SELECT f.rel, p.phash, p.width, p.height, e.vector, p.mosaic FROM file f JOIN picture p ON p.id = f.picture"
                      " JOIN embedding e ON (e.id & 1099511627775) = p.id").fetchall()
    out = {}
    for rel, phash, w, h, vector, mosaic in rows:
        folder, name = rel.decode().split("/")
        v = np.frombuffer(vector, dtype=np.float16).astype(np.float32)
        out.setdefault(folder, {})[int(name[:5])] = ((phash or 0) & 0xFFFFFFFFFFFFFFFF, w / h, v, np.frombuffer(mosaic, dtype=np.uint8).astype(np.float32))
    return out


def bits(a, b):
    return bin(a ^ b).count("1")


def levels(a, b):
    d = (a - b) ** 2
    return float(np.sqrt((d[:64].sum() + 4 * d[64:].sum()) / 192))


def share(x):
    return f"{100 * np.mean(x):5.1f}"


def report_variants(data):
    base = data["base"]
    print("| variant | bits: median | 90 % | 99 % | most | <= 6, % | mosaic: median | 99 % | most | cosine: 1 % | 10 % | median | near, % |")
    print("|---|---|---|---|---|---|---|---|---|---|---|---|---|")
    for v, name in enumerate(VARIANTS):
        pairs = [(base[i], x) for i, x in data[str(v)].items() if i in base]
        d = np.array([bits(a[0], b[0]) if a[0] and b[0] else 64 for a, b in pairs])
        m = np.array([levels(a[3], b[3]) for a, b in pairs])
        c = np.array([float(a[2] @ b[2]) for a, b in pairs])
        r = np.array([abs(a[1] / b[1] - 1) for a, b in pairs])
        near = (d <= 6) & (m <= 2.2) & (c >= 0.5) & (r <= 0.02)
        print(f"| {name} | " + " | ".join(f"{np.percentile(d, q):.0f}" for q in (50, 90, 99, 100)) + f" | {share(d <= 6)} | "
              + " | ".join(f"{np.percentile(m, q):.1f}" for q in (50, 99, 100)) + " | "
              + " | ".join(f"{np.percentile(c, q):.3f}" for q in (1, 10, 50)) + f" | {share(near)} |")


def report_different(data, kinds):
    for name, lo, hi in kinds:
        ids = [i for i in sorted(data["base"]) if lo <= i < hi and data["base"][i][0]]
        h = np.array([data["base"][i][0] for i in ids], dtype=np.uint64)
        if len(ids) < 2:
            continue
        v = np.stack([data["base"][i][2] for i in ids])
        table = np.array([bin(i).count("1") for i in range(65536)], dtype=np.uint8)
        cos = v @ v.T
        upper = np.triu(np.ones(cos.shape, bool), 1)
        d = np.zeros(cos.shape, np.uint8)
        for k in range(0, 64, 16):
            part = ((h >> np.uint64(k)) & np.uint64(65535)).astype(np.uint16)
            d += table[part[:, None] ^ part[None, :]]
        n = upper.sum()
        print(f"\n{name}: {len(ids)} pictures, {n} pairs of different ones; cosine: median {np.median(cos[upper]):.3f},"
              f" 99 % {np.percentile(cos[upper], 99):.3f}, 99.9 % {np.percentile(cos[upper], 99.9):.3f},"
              f" most {cos[upper].max():.3f}")
        print("| bits at most | pairs | and cosine >= 0.80 | >= 0.90 | >= 0.95 | mosaic: least | 5 % | median | near |")
        print("|---|---|---|---|---|---|---|---|---|")
        for k in (4, 6, 8, 10, 12):
            close = upper & (d <= k)
            pairs = list(zip(*np.where(close)))
            m = np.array([levels(data["base"][ids[i]][3], data["base"][ids[x]][3]) for i, x in pairs])
            least = [f"{np.percentile(m, q):.1f}" for q in (0, 5, 50)] if pairs else ["", "", ""]
            near = sum(1 for (i, x), l in zip(pairs, m) if l <= max(1, 2.2 * k / 6) and cos[i, x] >= 0.5)
            print(f"| {k} | {close.sum()} | " + " | ".join(str((close & (cos >= c)).sum()) for c in (0.8, 0.9, 0.95))
                  + " | " + " | ".join(least) + f" | {near} |")


def main():
    eye, photos, scratch = sys.argv[1:4]
    every = int(sys.argv[4]) if len(sys.argv) > 4 else 8
    if not os.path.exists(scratch):
        make(photos, scratch, every)
        subprocess.run([eye, "--library", f"{scratch}/lib", "index", "-q", f"{scratch}/p"], check=False)
    data = load(scratch)
    print(len(data["base"]), "photographs,", sum(len(x) for x in data.values()), "files; without a hash:",
          sum(1 for x in data.values() for a in x.values() if not a[0]))
    report_variants(data)
    n = len(glob.glob(f"{photos}/flickr8k-test/*.jpg"))
    m = n + len(glob.glob(f"{photos}/fashion-test/*.jpg"))
    report_different(data, [("Photographs", 0, n), ("Products on white", n, m), ("Samples", m, m + 1000)])


if __name__ == "__main__":
    main()
