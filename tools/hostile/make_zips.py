#!/usr/bin/env python3
"""Zip files that a stranger might send, into a folder: tools/hostile/make_zips.py FOLDER.

Standard library only. tests/unit/archive/test_unzip.c knows what each must come to.
"""
import os
import random
import struct
import sys
import zipfile
import zlib


def local(name, flags, method, crc, packed, size, extra=b""):
    return struct.pack("<4s5H3I2H", b"PK\3\4", 45, flags, method, 0, 33, crc,
                       packed, size, len(name), len(extra)) + name + extra


def central(name, flags, method, crc, packed, size, offset, extra=b"", mode=0o100644):
    return struct.pack("<4s6H3I5H2I", b"PK\1\2", 0x032D, 45, flags, method, 0, 33, crc, packed, size,
                       len(name), len(extra), 0, 0, 0, mode << 16, offset) + name + extra


def directory_end(n, size, offset):
    return struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, n, n, size, offset, 0)


def zeros(total):
    """A deflate stream of `total` zero bytes, made of one flushed block repeated."""
    step = 1 << 20
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    deflate.compress(bytes(step))
    deflate.flush(zlib.Z_FULL_FLUSH)
    block = deflate.compress(bytes(step)) + deflate.flush(zlib.Z_FULL_FLUSH)
    return block * (total // step) + b"\x03\x00"


def bomb(path, claimed):
    """10 GB of zeros; the headers claim `claimed` bytes."""
    data, name = zeros(10 << 30), b"zeros.bmp"
    extra = struct.pack("<2H2Q", 1, 16, claimed, len(data))
    head = local(name, 0, 8, 0, 0xFFFFFFFF, 0xFFFFFFFF, extra)
    entry = central(name, 0, 8, 0, 0xFFFFFFFF, 0xFFFFFFFF, 0, extra)
    with open(path, "wb") as f:
        f.write(head + data + entry + directory_end(1, len(entry), len(head) + len(data)))


def overlap(path):
    """Fifield's idea: 2,000 files in the directory that all are the same 10 MiB of data."""
    size = 10 << 20
    data, name = zeros(size), b"a"
    crc = zlib.crc32(bytes(size))
    head = local(name, 0, 8, crc, len(data), size)
    entries = b"".join(central(b"a%d" % i, 0, 8, crc, len(data), size, 0) for i in range(2000))
    with open(path, "wb") as f:
        f.write(head + data + entries + directory_end(2000, len(entries), len(head) + len(data)))


def raw_names(path, names):
    body, entries = b"", b""
    for name in names:
        data = b"of " + name
        crc = zlib.crc32(data)
        entries += central(name, 0, 0, crc, len(data), len(data), len(body))
        body += local(name, 0, 0, crc, len(data), len(data)) + data
    with open(path, "wb") as f:
        f.write(body + entries + directory_end(len(names), len(entries), len(body)))


def patched(path, source, old, new):
    with open(source, "rb") as f:
        data = f.read()
    assert old in data
    with open(path, "wb") as f:
        f.write(data.replace(old, new))


def encrypted(path, good_too):
    """ZipCrypto as far as a reader without the password can tell: the flag is set, the bytes are noise."""
    noise = random.Random(5).randbytes(100)
    body = local(b"secret.jpg", 1, 0, 1, 100, 88) + noise
    entries = central(b"secret.jpg", 1, 0, 1, 100, 88, 0)
    if good_too:
        entries += central(b"open.jpg", 0, 0, zlib.crc32(b"open"), 4, 4, len(body))
        body += local(b"open.jpg", 0, 0, zlib.crc32(b"open"), 4, 4) + b"open"
    with open(path, "wb") as f:
        f.write(body + entries + directory_end(1 + good_too, len(entries), len(body)))


def main(folder):
    os.makedirs(folder, exist_ok=True)
    at = lambda name: os.path.join(folder, name)
    noise = random.Random(7)

    with zipfile.ZipFile(at("good.zip"), "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("a.txt", "hello")
        z.writestr("deep/folder/b.bin", noise.randbytes(200000))
        z.writestr(zipfile.ZipInfo("deep/empty/"), "")
        z.writestr("Ünïcode 写真.txt", "name")
        z.writestr("none.txt", "")
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        z.writestr(link, "/etc/passwd")
        fifo = zipfile.ZipInfo("fifo")
        fifo.external_attr = 0o010644 << 16
        z.writestr(fifo, "")
        z.writestr("last.txt", "bye")
    with zipfile.ZipFile(at("stored64.zip"), "w") as z:
        with z.open("big.txt", "w", force_zip64=True) as f:
            f.write(b"sixty-four")
    with zipfile.ZipFile(at("many.zip"), "w") as z:
        for i in range(70000):
            z.writestr(f"d{i % 100}/{i}.txt", str(i))
    with zipfile.ZipFile(at("empty.zip"), "w"):
        pass
    with zipfile.ZipFile(at("nested.zip"), "w") as z:
        z.write(at("good.zip"), "inner.zip")

    raw_names(at("slip.zip"), [b"../../../tmp/evil", b"/etc/cron.d/evil", b"a/../../b", b"C:\\x\\y",
                               b"..\\..\\win", b"\xe9t\xe9.jpg", b"new\nline", b"-rf", b"x" * 5000])
    bomb(at("bomb.zip"), 10 << 30)
    bomb(at("liar.zip"), 1000)
    overlap(at("overlap.zip"))
    encrypted(at("encrypted.zip"), False)
    encrypted(at("half_encrypted.zip"), True)
    patched(at("badcrc.zip"), at("stored64.zip"), b"sixty-four", b"sixty-five")
    with open(at("good.zip"), "rb") as f:
        good = f.read()
    for name, data in {"cut.zip": good[:100000], "cut_directory.zip": good[:-60],
                       "garbage.zip": b"PK\3\4" + noise.randbytes(5000), "short.zip": b"PK",
                       "letter.zip": b"Dear reader, this is no zip.\n" * 99,
                       "tar.zip": b"PK\3\4" + bytes(512)}.items():
        with open(at(name), "wb") as f:
            f.write(data)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
