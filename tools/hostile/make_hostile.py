#!/usr/bin/env python3
"""Make a folder of broken and hostile files, and what is expected of each.

    make_hostile.py DEST [--base FOLDER]

DEST must not exist. FOLDER (tests/golden/pixels) may hold HEIC and AVIF files, which are then cut as well. Beside it
DEST.expect.json: a list of {"path", "expect", "codes", "why"}, where path is below DEST and percent-encoded (names are bytes;
urllib.parse.unquote_to_bytes() decodes it), and expect is one of
    good     is indexed; exactly the files whose name starts with good_
    failed   is not indexed, stands in the ledger with one of `codes` (names of eye_err.h: "format", "limit", ...)
    skipped  is not indexed, and it does not matter whether the ledger tells why
    any      may be either: what counts is that the run survives
The same bytes come out each time. Standard library only: `make test` runs it."""

import argparse
import json
import os
import socket
import struct
import sys
import zlib
from urllib.parse import quote_from_bytes

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import encoders as enc  # noqa: E402

ENDINGS = {"jpg": enc.jpeg, "png": enc.png, "webp": enc.webp, "gif": enc.gif, "bmp": enc.bmp, "tif": enc.tiff}
FORMAT, LIMIT = ["format"], ["limit"]
EITHER = ["format", "limit"]


class Folder:
    def __init__(self, dest):
        self.dest = os.fsencode(dest)
        self.expected = []
        self.seed = 1
        os.makedirs(self.dest)

    def path(self, name):
        return os.path.join(self.dest, os.fsencode(name))

    def note(self, name, why, expect, codes=()):
        text = os.fsdecode(name)
        if os.path.basename(text).startswith("good_") != (expect == "good"):
            raise ValueError(f"{text} is expected to be {expect}")
        self.expected.append({"path": quote_from_bytes(os.fsencode(text)), "expect": expect, "codes": list(codes), "why": why})

    def write(self, name, data):
        with open(self.path(name), "xb") as f:
            f.write(data)

    def good(self, name, data, why):
        self.write(name, data)
        self.note(name, why, "good")

    def bad(self, name, data, why, codes=FORMAT):
        self.write(name, data)
        self.note(name, why, "failed", codes)

    def either(self, name, data, why):
        self.write(name, data)
        self.note(name, why, "any", EITHER)

    def picture(self, width=64, height=48):
        """A new one each time, so that no two files have the same pixels."""
        self.seed += 1
        return enc.noise(width, height, self.seed)


def cut_files(out, base):
    whole = {ending: make(out.picture()) for ending, make in ENDINGS.items()}
    for name in sorted(os.listdir(base)) if base else []:
        ending = name.rsplit(".", 1)[-1]
        if ending in ("heic", "avif") and ending not in whole:
            with open(os.path.join(base, name), "rb") as f:
                whole[ending] = f.read()
    for ending, data in whole.items():
        for tenth in range(1, 10):
            out.bad(f"cut_{tenth}0_percent.{ending}", data[:len(data) * tenth // 10],
                    f"{ending} that ends after {tenth}0 %")


def good_files(out):
    for ending, make in ENDINGS.items():
        out.good(f"good_plain.{ending}", make(out.picture()), "nothing is wrong with it")
    out.good("good_jpeg_named.png", enc.jpeg(out.picture()), "bytes count, not names")
    out.good("good_png_named.jpg", enc.png(out.picture()), "bytes count, not names")
    out.good("good_one_pixel.png", enc.png(out.picture(1, 1)), "1 x 1")
    out.good("good_thin.png", enc.png(out.picture(1, 3000)), "1 x 3000")
    out.good("good_trailing_rubbish.jpg", enc.jpeg(out.picture()) + b"rubbish" * 999, "bytes after the end")


def odd_names(out):
    for name, why in (
            (b"good_new\nline.png", "a newline in the name"),
            (b"good_tab\tbell\x07escape\x1b[31m.png", "control characters in the name"),
            (b"good_latin1_\xe9\xff\xfe.png", "a name that is not UTF-8"),
            (b"good_quote'\"$(touch pwned)`;.png", "a name that a shell would run"),
            (b"good_" + b"x" * 246 + b".png", "a name of 255 bytes"),
            ("good_\u202egnp.txt\u0301 \U0001f600.png".encode(), "right-to-left mark, combining accent, emoji"),
            (b"good_ leading and trailing .png", "spaces"),
            (b"good_%s%n%d.png", "a format string")):
        out.good(name, enc.png(out.picture()), why)
    deep = "/".join(["d"] * 300)
    here = os.getcwd()
    os.chdir(out.dest)
    for part in deep.split("/"):
        os.mkdir(part)
        os.chdir(part)
    with open("deep.png", "xb") as f:
        f.write(enc.png(out.picture()))
    os.chdir(here)
    out.note(deep + "/deep.png", "300 folders deep", "any")


def impostors(out):
    magic = {"jpg": b"\xff\xd8\xff", "png": enc.PNG_MAGIC, "gif": b"GIF89a", "bmp": b"BM", "tif": b"II*\0",
             "webp": b"RIFF\x10\0\0\0WEBP", "heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
             "avif": b"\0\0\0\x18ftypavif\0\0\0\0mif1avif"}
    for ending, start in magic.items():
        out.bad(f"magic_only.{ending}", start, "the first bytes and nothing else")
    for ending in ("jpg", "png", "gif", "webp"):
        out.bad(f"zero_bytes.{ending}", b"", "an empty file")
    out.bad("text.jpg", b"Dear reader,\nthis is a letter.\n" * 9, "text")
    out.bad("program.png", b"\x7fELF\x02\x01\x01" + bytes(range(256)) * 9, "a program")
    out.bad("svg.png", b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>', "SVG")
    out.bad("page.jpg", b"<!DOCTYPE html><html><script>alert(1)</script></html>", "HTML")
    out.bad("document.png", b"%PDF-1.7\n1 0 obj << /Type /Catalog >> endobj\n", "PDF")
    out.bad("archive.webp", b"PK\x03\x04\x14\0\0\0\x08\0" + bytes(64), "a zip file")
    out.bad("film.heic", b"\0\0\0\x18ftypisom\0\0\0\0isomavc1" + bytes(64), "a film")
    out.bad("wave.webp", b"RIFF\x24\0\0\0WAVEfmt " + bytes(64), "sound in the same container as WebP")
    out.bad("zeros.png", bytes(5000), "nothing but zeros")
    out.bad("ones.jpg", b"\xff" * 5000, "nothing but ones")


def too_large(out):
    zeros = zlib.compressobj(9)
    bomb = b"".join(zeros.compress(bytes(6251 * 500)) for _ in range(100)) + zeros.flush()
    out.bad("bomb_50000.png", enc.PNG_MAGIC + enc.png_head(50000, 50000, 1, 0) + enc.png_chunk(b"IDAT", bomb)
            + enc.png_chunk(b"IEND", b""), "2.5 gigapixels in 300 KB", LIMIT)
    out.bad("size_2147483647.png", enc.PNG_MAGIC + enc.png_head(2**31 - 1, 2**31 - 1)
            + enc.png_chunk(b"IDAT", zlib.compress(bytes(99))), "sides of 2^31 - 1", EITHER)
    out.bad("size_0.png", enc.PNG_MAGIC + enc.png_head(0, 7) + enc.png_chunk(b"IDAT", b""), "0 pixels wide")
    for side in (65535, 65500):  # libjpeg itself refuses the former
        out.bad(f"size_{side}.jpg", enc.jpeg(out.picture(), size=(side, side)), f"{side} x {side} in the header", EITHER)
    out.bad("size_65535.gif", enc.gif_head(65535, 65535) + enc.gif_frame(8, 8, [1] * 64) + b";",
            "65535 x 65535 in the header", LIMIT)
    out.bad("frame_outside.gif", enc.gif_head(4, 4) + enc.gif_frame(65535, 65535, [1] * 64) + b";",
            "a frame far larger than its canvas", EITHER)
    for name, width, height in (("wide", 2**31 - 1, 1), ("high", 1, -2**31), ("both", 60000, 60000)):
        out.bad(f"size_{name}.bmp", enc.bmp_head(width, height) + bytes(99), f"{width} x {height}", EITHER)
    head = enc.BitsLow()
    enc.webp_head(head, 16384, 16384)
    out.bad("size_16384.webp", enc.riff(enc.riff_chunk(b"VP8L", head.done() + bytes(40))), "16384 x 16384", EITHER)
    out.bad("canvas_16777216.webp", enc.riff(enc.riff_chunk(b"VP8X", b"\x10\0\0\0" + b"\xff" * 6)),
            "a canvas of 2^24 x 2^24", EITHER)
    out.bad("size_4294967295.tif", enc.tiff(out.picture(), t256=2**32 - 1, t257=2**32 - 1), "2^32 - 1 a side", EITHER)
    out.bad("size_60000.tif", enc.tiff(out.picture(), t256=60000, t257=60000, t278=60000), "60000 x 60000", LIMIT)
    with open(out.path("sparse_2_gb.jpg"), "xb") as f:
        f.write(b"\xff\xd8\xff\xe0")
        f.truncate(2 << 30)
    out.note("sparse_2_gb.jpg", "2 GB with nothing in them", "failed", EITHER)


def broken_pngs(out):
    pic = out.picture()
    rows = enc.png_rows(pic)
    head = enc.PNG_MAGIC + enc.png_head(64, 48)
    end = enc.png_chunk(b"IEND", b"")
    good_data = enc.png_chunk(b"IDAT", zlib.compress(rows))
    out.bad("crc_of_pixels.png", head + enc.png_chunk(b"IDAT", zlib.compress(rows), crc=1) + end, "wrong checksum")
    out.bad("crc_of_head.png", enc.PNG_MAGIC + enc.png_chunk(b"IHDR", b"\0" * 13, crc=1) + good_data + end, "wrong checksum")
    out.bad("too_few_rows.png", head + enc.png_chunk(b"IDAT", zlib.compress(rows[:len(rows) // 2])) + end, "half the rows")
    out.bad("not_zlib.png", head + enc.png_chunk(b"IDAT", b"not compressed at all") + end, "no zlib stream")
    out.bad("no_pixels.png", head + end, "no IDAT")
    out.bad("no_palette.png", enc.PNG_MAGIC + enc.png_head(64, 48, 8, 3) + good_data + end, "palette picture without palette")
    out.bad("depth_7.png", enc.PNG_MAGIC + enc.png_head(64, 48, 7, 2) + good_data + end, "7 bits a sample")
    out.bad("chunk_of_2_gb.png", head + struct.pack(">I", 2**31 - 1) + b"IDAT" + zlib.compress(rows), "a chunk of 2 GB")
    bomb = zlib.compress(bytes(64 << 20), 9)
    out.either("text_bomb.png", enc.png(pic, enc.png_chunk(b"iTXt", b"a\0\1\0\0\0" + bomb)), "64 MB of compressed text")
    out.either("profile_bomb.png", enc.png(out.picture(), enc.png_chunk(b"iCCP", b"a\0\0" + bomb)), "a profile of 64 MB")
    out.either("many_chunks.png", enc.png(out.picture(), enc.png_chunk(b"tEXt", b"a\0b") * 100000), "100000 text chunks")


def broken_gifs(out):
    grey = [7] * 64
    out.bad("endless_comments.gif", enc.gif_head(8, 8) + b"!\xfe" + (b"\xff" + b"x" * 255) * 20000, "5 MB of comment")
    out.bad("endless_extensions.gif", enc.gif_head(8, 8) + b"!\xf9\x04\0\0\0\0\0" * 200000, "200000 extensions, no picture")
    out.bad("no_frame.gif", enc.gif_head(8, 8) + b";", "no frame")
    out.bad("bad_code_size.gif", enc.gif_head(8, 8) + b"," + struct.pack("<HHHHB", 0, 0, 8, 8, 0) + b"\x0e\x01\0\0;",
            "14 bits a code")
    out.bad("codes_from_nowhere.gif", enc.gif_head(8, 8) + b"," + struct.pack("<HHHHB", 0, 0, 8, 8, 0)
            + b"\x08" + enc.gif_blocks(b"\xfe\xff" * 60) + b";", "codes that were never defined")
    many = enc.gif_head(8, 8) + enc.gif_frame(8, 8, grey) * 20000
    out.good("good_20000_frames.gif", many + b";", "20000 frames; the first counts")
    out.either("endless_frames.gif", many, "20000 frames and no end")
    out.either("frame_off_canvas.gif", enc.gif_head(8, 8) + enc.gif_frame(8, 8, grey, 4000, 4000) + b";",
               "a frame outside its canvas")


def broken_exif(out):
    cases = {
        "loop": (enc.exif([(0x8769, 4, 1, 8), (0x8825, 4, 1, 8)], next_ifd=8), "directories that contain themselves"),
        "counts": (enc.exif([(0x010F, 2, 2**32 - 1, 0x7FFFFFFF), (0x0132, 2, 2**31, 4)]), "counts of 2^32 - 1"),
        "orientation_99": (enc.exif([(0x0112, 3, 1, 99)]), "orientation 99"),
        "far": (enc.jpeg_segment(0xE1, b"Exif\0\0MM\0*\xff\xff\xff\xf0"), "the directory lies 4 GB away"),
        "cut": (enc.jpeg_segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\xff\xff"), "65535 entries in no bytes"),
        "gps": (enc.exif([(0x8825, 4, 1, 26)]) , "a place directory beyond the end"),
        "not": (enc.jpeg_segment(0xE1, b"Exif\0\0" + b"\xa5" * 60000), "60 KB of rubbish"),
    }
    for name, (segment, why) in cases.items():
        out.good(f"good_exif_{name}.jpg", enc.jpeg(out.picture(), before=segment), why + "; the pixels are fine")


def broken_others(out):
    pic = out.picture()
    good = enc.jpeg(pic)
    out.either("no_tables.jpg", good.replace(b"\xff\xc4", b"\xff\xef"), "no Huffman tables")
    out.bad("no_scan.jpg", good[:good.index(b"\xff\xda")] + b"\xff\xd9", "no pixel data")
    out.either("segment_of_0.jpg", b"\xff\xd8\xff\xe0\0\0" + good[2:], "a segment of length 0")
    out.bad("nine_components.jpg", good.replace(b"\x08\0\x30\0\x40\x03", b"\x08\0\x30\0\x40\x09"), "nine components")
    scan = good[good.index(b"\xff\xda"):good.index(b"\xff\xd9")]
    progressive = good[:good.index(b"\xff\xda")].replace(b"\xff\xc0", b"\xff\xc2")
    out.either("thousand_scans.jpg", progressive + scan[:40] * 20000 + b"\xff\xd9", "20000 progressive scans")
    out.bad("ifd_far.tif", b"II*\0" + struct.pack("<I", 2**32 - 16), "the directory lies 4 GB away")
    out.bad("ifd_65535.tif", b"II*\0\x08\0\0\0\xff\xff" + bytes(40), "65535 entries in 40 bytes")
    out.either("ifd_loop.tif", enc.tiff(out.picture(), next_ifd=8), "a directory that follows itself")
    out.bad("strip_far.tif", enc.tiff(out.picture(), t273=2**32 - 99), "pixels 4 GB away")
    out.either("strip_huge.tif", enc.tiff(out.picture(), t279=2**32 - 1, t278=2**31), "a strip of 4 GB")
    out.bad("compression_9999.tif", enc.tiff(out.picture(), t259=9999), "a compression nobody knows")
    out.bad("samples_60000.tif", enc.tiff(out.picture(), t277=60000), "60000 samples a pixel", EITHER)
    out.bad("bits_77.bmp", enc.bmp_head(8, 8, bits=77) + bytes(999), "77 bits a pixel")
    out.either("palette_huge.bmp", enc.bmp_head(8, 8, bits=8, colours=2**32 - 1) + bytes(999), "2^32 - 1 colours")
    out.either("runs_outside.bmp", enc.bmp_head(8, 8, bits=8, compression=1, colours=2) + bytes(8)
               + b"\0\x02\xff\xff\xff\x01" * 99, "runs that leave the picture")
    nested = b"meta"
    for _ in range(3000):
        nested = struct.pack(">I", len(nested) + 4) + nested
        nested = b"meta" + nested
    brand = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
    out.bad("boxes_3000_deep.heic", brand + struct.pack(">I", len(nested) + 4) + nested, "boxes in boxes", EITHER)
    out.bad("box_of_16_eb.heic", brand + b"\0\0\0\x01meta" + b"\xff" * 8 + bytes(64), "a box of 2^64 - 1 bytes", EITHER)
    out.bad("items_4294967295.avif", brand.replace(b"heic", b"avif") + b"\0\0\0\x2cmeta\0\0\0\0\0\0\0\x20iloc\x02\0\0\0\x44\0"
            + b"\xff" * 4 + bytes(14), "2^32 - 1 items", EITHER)


def not_files(out):
    os.mkfifo(out.path("fifo.jpg"))
    out.note("fifo.jpg", "a pipe that nobody writes to", "skipped")
    here = os.getcwd()
    os.chdir(out.dest)  # the name of a socket has room for 108 bytes
    with socket.socket(socket.AF_UNIX) as s:
        s.bind("socket.png")
    os.chdir(here)
    out.note("socket.png", "a socket", "skipped")
    for name, target, why in (
            ("link_to_itself.png", "link_to_itself.png", "a symlink to itself"),
            ("link_a.jpg", "link_b.jpg", "two symlinks that point to each other"),
            ("link_b.jpg", "link_a.jpg", "two symlinks that point to each other"),
            ("link_to_nothing.png", "nothing.png", "a symlink to nothing"),
            ("link_to_device.png", "/dev/zero", "a symlink to an endless device"),
            ("link_up", "..", "a symlink to the folder above"),
            ("link_to_root", "/", "a symlink to the whole system")):
        os.symlink(target, out.path(name))
        out.note(name, why, "skipped")
    os.mkdir(out.path("folder.jpg"))
    out.note("folder.jpg", "a folder that is called like a picture", "skipped")
    root = os.geteuid() == 0
    name = "good_unreadable_but_root.png" if root else "unreadable.png"
    out.write(name, enc.png(out.picture()))
    os.chmod(out.path(name), 0)
    out.note(name, "no permission to read; root has it anyway", "good" if root else "failed", [] if root else ["io"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("dest")
    parser.add_argument("--base", help="folder with HEIC and AVIF files to cut")
    args = parser.parse_args()
    out = Folder(args.dest.rstrip("/"))
    for make in (good_files, odd_names, impostors, too_large, broken_pngs, broken_gifs, broken_exif, broken_others, not_files):
        make(out)
    cut_files(out, args.base)
    with open(args.dest.rstrip("/") + ".expect.json", "w", encoding="ascii") as f:
        json.dump(out.expected, f, indent=1)
    counts = {}
    for e in out.expected:
        counts[e["expect"]] = counts.get(e["expect"], 0) + 1
    print(f"{args.dest}: {len(out.expected)} files: " + ", ".join(f"{n} {k}" for k, n in sorted(counts.items())))


if __name__ == "__main__":
    main()
