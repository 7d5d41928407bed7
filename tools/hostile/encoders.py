"""Small writers of good pictures, in the standard library only: what make_hostile.py then breaks.

Each takes a picture as (width, height, [(r, g, b), ...]) and returns the file's bytes. They compress
badly on purpose: every byte carries pixels, so a cut anywhere cuts pixels."""

import math
import struct
import zlib


def noise(width, height, seed=1):
    """A smooth gradient with some grain; the same each time."""
    pixels, x = [], seed
    for i in range(width * height):
        x = (x * 1103515245 + 12345) & 0x7FFFFFFF
        grain = x >> 27
        pixels.append((i % width * 200 // width + grain, i // width * 200 // height + grain, 90 + grain))
    return width, height, pixels


# ---- PNG ----

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


def png_chunk(kind, data, crc=None):
    right = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", right if crc is None else crc)


def png_head(width, height, depth=8, colour=2, interlace=0):
    return png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace))


def png_rows(picture):
    width, height, pixels = picture
    rows = []
    for y in range(height):
        rows.append(b"\0" + bytes(c for p in pixels[y * width:(y + 1) * width] for c in p))
    return b"".join(rows)


def png(picture, before=b"", data=None):
    """before: chunks between IHDR and IDAT."""
    if data is None:
        data = zlib.compress(png_rows(picture))
    return (PNG_MAGIC + png_head(picture[0], picture[1]) + before + png_chunk(b"IDAT", data)
            + png_chunk(b"IEND", b""))


# ---- GIF: codes of 9 bits, cleared before they would grow ----

def lzw(indices):
    out, bits, n = bytearray(), 0, 0
    codes = []
    for i, index in enumerate(indices):
        if i % 250 == 0:
            codes.append(256)
        codes.append(index)
    codes.append(257)
    for code in codes:
        bits |= code << n
        n += 9
        while n >= 8:
            out.append(bits & 255)
            bits >>= 8
            n -= 8
    out.append(bits & 255)
    return bytes(out)


def gif_blocks(data):
    return b"".join(bytes([len(data[i:i + 255])]) + data[i:i + 255] for i in range(0, len(data), 255)) + b"\0"


def gif_head(width, height):
    grey = b"".join(bytes([i, i, i]) for i in range(256))
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0xF7, 0, 0) + grey


def gif_frame(width, height, indices, left=0, top=0):
    return (b"," + struct.pack("<HHHHB", left, top, width, height, 0) + b"\x08" + gif_blocks(lzw(indices)))


def gif(picture):
    width, height, pixels = picture
    return gif_head(width, height) + gif_frame(width, height, [p[0] for p in pixels]) + b";"


# ---- BMP, TIFF: rows as they are ----

def bmp_head(width, height, bits=24, compression=0, size=0, colours=0):
    return (b"BM" + struct.pack("<IHHI", 54 + size, 0, 0, 54)
            + struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, size, 2835, 2835, colours, 0))


def bmp(picture):
    width, height, pixels = picture
    data = bytearray()
    for y in reversed(range(height)):
        for r, g, b in pixels[y * width:(y + 1) * width]:
            data += bytes([b, g, r])
        data += bytes(-3 * width % 4)
    return bmp_head(width, height, size=len(data)) + bytes(data)


TIFF_SHORT, TIFF_LONG = 3, 4


def tiff_ifd(entries, next_ifd=0):
    """entries: (tag, type, count, value)."""
    body = struct.pack("<H", len(entries))
    for tag, kind, count, value in sorted(entries):
        body += struct.pack("<HHI", tag, kind, count) + struct.pack("<I", value)
    return body + struct.pack("<I", next_ifd)


def tiff(picture, next_ifd=0, **wrong):
    """wrong: replaces the value of a tag, e.g. t256=1 for the width."""
    width, height, pixels = picture
    data = bytes(c for p in pixels for c in p)
    ifd_at = 8
    bits_at = ifd_at + 2 + 12 * 10 + 4
    data_at = bits_at + 6
    values = {256: (4, 1, width), 257: (4, 1, height), 258: (3, 3, bits_at), 259: (3, 1, 1), 262: (3, 1, 2),
              273: (4, 1, data_at), 277: (3, 1, 3), 278: (4, 1, height), 279: (4, 1, len(data)), 284: (3, 1, 1)}
    entries = []
    for tag, (kind, count, value) in values.items():
        entries.append((tag, kind, count, wrong.get(f"t{tag}", value)))
    return b"II*\0" + struct.pack("<I", ifd_at) + tiff_ifd(entries, next_ifd) + struct.pack("<HHH", 8, 8, 8) + data


# ---- WebP: lossless, each channel a code of 8 bits a symbol ----

class BitsLow:
    """Bits from the low end of each byte."""

    def __init__(self):
        self.value, self.n = 0, 0
        self.parts = bytearray()

    def put(self, value, bits):
        self.value |= value << self.n
        self.n += bits
        while self.n >= 8:
            self.parts.append(self.value & 255)
            self.value >>= 8
            self.n -= 8

    def done(self):
        if self.n:
            self.put(0, 8 - self.n)
        return bytes(self.parts)


def webp_code(out, symbols):
    """A prefix code that gives the first 256 of `symbols` 8 bits each: the lengths 0 and 8, one bit each."""
    out.put(0, 1)
    out.put(12 - 4, 4)
    for place in range(12):  # of the order 17 18 0 1 2 3 4 5 16 6 7 8
        out.put(1 if place in (2, 11) else 0, 3)
    out.put(0, 1)
    for i in range(symbols):
        out.put(1 if i < 256 else 0, 1)


def webp_one(out, symbol):
    out.put(1, 1)
    out.put(0, 1)
    out.put(1, 1)
    out.put(symbol, 8)


def riff(chunks):
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WEBP" + chunks


def riff_chunk(kind, data):
    return kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def webp_head(out, width, height):
    out.put(0x2F, 8)
    out.put(width - 1, 14)
    out.put(height - 1, 14)
    out.put(0, 4)  # no alpha, version 0


def webp(picture):
    width, height, pixels = picture
    out = BitsLow()
    webp_head(out, width, height)
    out.put(0, 3)  # no transform, no colour cache, one group of codes
    webp_code(out, 280)
    webp_code(out, 256)
    webp_code(out, 256)
    webp_one(out, 255)
    webp_one(out, 0)
    turned = [int(f"{i:08b}"[::-1], 2) for i in range(256)]
    for r, g, b in pixels:
        for value in (g, r, b):
            out.put(turned[value], 8)
    return riff(riff_chunk(b"VP8L", out.done()))


# ---- JPEG: baseline, three components, 4:4:4, codes of equal length ----

ZIGZAG = sorted(range(64), key=lambda i: (i // 8 + i % 8,
                                          i // 8 if (i // 8 + i % 8) % 2 else i % 8))
AC_SYMBOLS = [0x00, 0xF0] + [run << 4 | size for run in range(16) for size in range(1, 11)]
COS = [[math.cos((2 * x + 1) * u * math.pi / 16) * (math.sqrt(1 / 8) if u == 0 else 0.5) for x in range(8)]
       for u in range(8)]


def jpeg_segment(marker, data):
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def block_of(plane, width, bx, by):
    rows = [[plane[(by + y) * width + bx + x] - 128 for x in range(8)] for y in range(8)]
    half = [[sum(row[x] * COS[u][x] for x in range(8)) for u in range(8)] for row in rows]
    return [round(sum(half[y][u] * COS[v][y] for y in range(8)) / 4) for v in range(8) for u in range(8)]


class BitsHigh:
    def __init__(self):
        self.text = []

    def put(self, value, bits):
        if bits:
            self.text.append(f"{value:0{bits}b}")

    def number(self, value, size):
        self.put(value if value > 0 else value + (1 << size) - 1, size)

    def done(self):
        text = "".join(self.text)
        text += "1" * (-len(text) % 8)
        data = bytes(int(text[i:i + 8], 2) for i in range(0, len(text), 8))
        return data.replace(b"\xff", b"\xff\0")


def jpeg_block(out, block, last_dc):
    size = abs(block[0] - last_dc).bit_length()
    out.put(size, 4)
    out.number(block[0] - last_dc, size)
    run = 0
    ordered = [block[i] for i in ZIGZAG]
    for k in range(1, 64):
        value = ordered[k]
        if value == 0:
            run += 1
            continue
        while run > 15:
            out.put(AC_SYMBOLS.index(0xF0), 8)
            run -= 16
        size = abs(value).bit_length()
        out.put(AC_SYMBOLS.index(run << 4 | size), 8)
        out.number(value, size)
        run = 0
    if run:
        out.put(AC_SYMBOLS.index(0), 8)


def jpeg(picture, before=b"", size=None):
    """Sides are multiples of 8. before: segments after SOI. size: what the header says instead."""
    width, height, pixels = picture
    planes = [[], [], []]
    for r, g, b in pixels:
        y = 0.299 * r + 0.587 * g + 0.114 * b
        planes[0].append(y)
        planes[1].append(128 + (b - y) * 0.564)
        planes[2].append(128 + (r - y) * 0.713)
    out, last = BitsHigh(), [0, 0, 0]
    for by in range(0, height, 8):
        for bx in range(0, width, 8):
            for c in range(3):
                block = block_of(planes[c], width, bx, by)
                jpeg_block(out, block, last[c])
                last[c] = block[0]
    said = size or (width, height)
    frame = struct.pack(">BHHB", 8, said[1], said[0], 3) + b"\x01\x11\0\x02\x11\0\x03\x11\0"
    dc = b"\0" + bytes([0, 0, 0, 12] + [0] * 12) + bytes(range(12))
    ac = b"\x10" + bytes([0] * 7 + [len(AC_SYMBOLS)] + [0] * 8) + bytes(AC_SYMBOLS)
    scan = b"\x03\x01\0\x02\0\x03\0\0\x3f\0"
    return (b"\xff\xd8" + before + jpeg_segment(0xDB, b"\0" + bytes([4] * 64)) + jpeg_segment(0xC0, frame)
            + jpeg_segment(0xC4, dc) + jpeg_segment(0xC4, ac) + jpeg_segment(0xDA, scan) + out.done() + b"\xff\xd9")


def exif(entries, next_ifd=0):
    """An APP1 segment around one IFD."""
    return jpeg_segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0" + tiff_ifd(entries, next_ifd))
