#!/usr/bin/env python3
"""Store a PNG again as another file that looks the same: recode.py IN.png OUT.bmp|OUT.png|OUT.gif [DIVISOR]

Standard library only; 8 bits, grey, RGB or RGBA, not interlaced. DIVISOR 2 halves the sides by averaging. GIF becomes grey."""

import os
import struct
import sys
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../tools/hostile"))
import encoders  # noqa: E402


def paeth(a, b, c):
    pa, pb, pc = abs(b - c), abs(a - c), abs(a + b - 2 * c)
    return a if pa <= pb and pa <= pc else b if pb <= pc else c


def read_png(path):
    with open(path, "rb") as f:
        data = f.read()
    width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", data[16:29])
    channels = {0: 1, 2: 3, 6: 4}[colour]
    assert depth == 8 and interlace == 0, path
    at, packed = 8, b""
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        if kind == b"IDAT":
            packed += data[at + 8:at + 8 + size]
        at += 12 + size
    raw, stride = zlib.decompress(packed), width * channels
    before, pixels = bytearray(stride), []
    for y in range(height):
        kind, row = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        for x in range(stride):
            left = row[x - channels] if x >= channels else 0
            corner = before[x - channels] if x >= channels else 0
            row[x] = (row[x] + (0, left, before[x], (left + before[x]) // 2, paeth(left, before[x], corner))[kind]) & 255
        for x in range(0, stride, channels):
            pixels.append((row[x],) * 3 if channels == 1 else tuple(row[x:x + 3]))
        before = row
    return width, height, pixels


def shrink(picture, n):
    width, height, pixels = picture
    w, h = width // n, height // n
    out = []
    for y in range(h):
        for x in range(w):
            block = [pixels[(y * n + i) * width + x * n + k] for i in range(n) for k in range(n)]
            out.append(tuple(sum(p[c] for p in block) // len(block) for c in range(3)))
    return w, h, out


def main():
    picture = read_png(sys.argv[1])
    if len(sys.argv) > 3:
        picture = shrink(picture, int(sys.argv[3]))
    writer = {".bmp": encoders.bmp, ".png": encoders.png, ".gif": encoders.gif}[os.path.splitext(sys.argv[2])[1]]
    with open(sys.argv[2], "wb") as f:
        f.write(writer(picture))


if __name__ == "__main__":
    main()
