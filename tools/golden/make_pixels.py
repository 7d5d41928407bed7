#!/usr/bin/env python3
"""Make tests/golden/pixels: small pictures in every format with the pixels that PIL and open_clip see in them.

Run with open_clip_torch 3.3.0 and torchvision, but Pillow 11.3.0, and pillow-heif:
    .venv/bin/pip install --target DIR pillow==11.3.0 pillow-heif
    PYTHONPATH=DIR .venv/bin/python tools/golden/make_pixels.py tests/golden/pixels
Why that Pillow: up to 11.3 (at least) a resize goes across first, always, as the models were trained with. Pillow 13.0 goes down first
when in_h > out_h and in_h - out_h > 2 * (in_w - out_w), which for pictures taller than about 2:1 gives other roundings.

decode.tsv: name, file, format, width, height, orientation, tolerance; NAME.z is zlib of the upright RGB, [height, width, 3]:
ImageOps.exif_transpose, alpha over white, 16-bit by its high byte.
prepare.tsv: name, file, mode, width, height, filter, fill; NAME.z is what image_transform_v2 makes of the file, before Normalize.
Tolerances: 0 for lossless formats, 1-3 where the decoder library of the reference is another version or another library.
"""
import io
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import PIL
from PIL import Image, ImageOps

assert PIL.__version__.split(".")[0] in ("10", "11"), "Pillow 13 resizes in another order: see above"
OUT = Path(sys.argv[1])
DECODE, PREPARE = [], []


def scene(w, h, seed=1):
    """Smooth colours, hard edges and a little noise, without symmetry."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:h, 0:w].astype(np.float64)
    r = 255 * x / max(w - 1, 1)
    g = 255 * y / max(h - 1, 1)
    b = 127 + 120 * np.sin(x / 7.0 + y / 11.0)
    a = np.stack([r, g, b], -1)
    a[h // 5: h // 2, w // 6: w // 3] = (250, 30, 40)
    a[h // 2: h // 2 + 3, :] = (10, 10, 10)
    a[(x - w * .7) ** 2 + (y - h * .6) ** 2 < (min(w, h) * .2) ** 2] = (30, 200, 240)
    a[::4, ::3] += rng.normal(0, 12, a[::4, ::3].shape)
    return Image.fromarray(np.clip(a, 0, 255).astype(np.uint8), "RGB")


def smooth(w, h):
    """No hard colour edges: decoders differ in how they enlarge 4:2:0 chroma of AVIF (libheif repeats, libavif interpolates)."""
    y, x = np.mgrid[0:h, 0:w].astype(np.float64)
    a = np.stack([255 * x / w, 255 * y / h, 127 + 60 * np.sin(x / 20 + y / 30)], -1)
    return Image.fromarray(np.clip(a, 0, 255).astype(np.uint8), "RGB")


def over_white(im):
    if im.mode in ("RGBA", "LA", "PA") or "transparency" in im.info:
        im = im.convert("RGBA")
        page = Image.new("RGB", im.size, (255, 255, 255))
        page.paste(im, mask=im.getchannel("A"))
        return page
    if im.mode == "I;16" or im.mode == "I;16B":
        return Image.fromarray((np.asarray(im) >> 8).astype(np.uint8), "L").convert("RGB")
    return im.convert("RGB")


def case(name, data, fmt, tol=0, expect=None, ext=None):
    """One picture file; expect defaults to PIL's reading of it."""
    file = f"{name}.{ext or fmt}"
    (OUT / file).write_bytes(data)
    im = Image.open(io.BytesIO(data))
    orientation = im.getexif().get(0x0112, 1)  # before load(), which turns a TIFF and forgets
    if fmt in ("avif", "heic"):
        # The writers put the turn into irot; pillow-heif lets it stand in EXIF as well.
        orientation = 6 if name == "heic_exif6" else 1
    im.load()
    if expect is None:
        expect = over_white(ImageOps.exif_transpose(im))
    (OUT / f"{name}.z").write_bytes(zlib.compress(expect.tobytes(), 9))
    DECODE.append((name, file, fmt, *expect.size, orientation, tol))


def saved(im, fmt, **kw):
    f = io.BytesIO()
    im.save(f, fmt, **kw)
    return f.getvalue()


def exif(orientation=1, facts=False):
    e = Image.Exif()
    e[0x0112] = orientation
    if facts:
        e[0x010F], e[0x0110], e[0x0132] = "EYE", "EYE Shine 3 \u00e9", "2020:01:02 03:04:05"
        sub = e.get_ifd(0x8769)
        sub[0x9003], sub[0x9011] = "2019:07:14 18:30:15", "+02:00"
        gps = e.get_ifd(0x8825)
        gps[1], gps[2], gps[3], gps[4] = "S", (33.0, 51.0, 30.0), "E", (151.0, 12.0, 36.0)
    return e.tobytes()


def jpegs():
    im = scene(61, 47)
    for name, sub in ("444", 0), ("422", 1), ("420", 2):
        case(f"jpeg_{name}", saved(im, "JPEG", quality=88, subsampling=sub), "jpeg", 1)
    case("jpeg_progressive", saved(im, "JPEG", quality=88, progressive=True), "jpeg", 1)
    case("jpeg_restart", saved(im, "JPEG", quality=88, restart_marker_rows=1), "jpeg", 1)
    case("jpeg_grey", saved(im.convert("L"), "JPEG", quality=88), "jpeg", 1)
    cmyk = saved(im.convert("CMYK"), "JPEG", quality=88)
    case("jpeg_cmyk", cmyk, "jpeg", 1)
    at = cmyk.index(b"Adobe") + 11
    assert cmyk[at] == 0
    case("jpeg_ycck", cmyk[:at] + b"\2" + cmyk[at + 1:], "jpeg", 1)
    for o in range(1, 9):
        case(f"jpeg_exif{o}", saved(scene(40, 27), "JPEG", quality=88, exif=exif(o)), "jpeg", 1)
    case("jpeg_facts", saved(scene(24, 16), "JPEG", exif=exif(1, True)), "jpeg", 1)
    case("jpeg_1x1", saved(scene(1, 1), "JPEG"), "jpeg", 1)
    (OUT / "large.jpeg").write_bytes(saved(scene(641, 431), "JPEG", quality=80))


def png16(colour, channels, trns=None):
    w, h = 23, 17
    rng = np.random.default_rng(5)
    a = rng.integers(0, 65536, (h, w, channels)).astype(">u2")

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    raw = b"".join(b"\0" + row.tobytes() for row in a)
    head = struct.pack(">IIBBBBB", w, h, 16, colour, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)
    if trns is not None:
        a[2:9, 3:11] = trns
        raw = b"".join(b"\0" + row.tobytes() for row in a)
        data += chunk(b"tRNS", struct.pack(f">{channels}H", *trns))
    data += chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
    px = (a >> 8).astype(np.uint8)
    if trns is not None:
        px[2:9, 3:11] = 255
    if channels in (2, 4):
        alpha = px[..., -1]
        page = Image.new("RGB", (w, h), (255, 255, 255))
        rgb = px[..., :3] if channels == 4 else np.repeat(px[..., :1], 3, -1)
        page.paste(Image.fromarray(np.ascontiguousarray(rgb), "RGB"), mask=Image.fromarray(alpha, "L"))
        return data, page
    rgb = px if channels == 3 else np.repeat(px, 3, -1)
    return data, Image.fromarray(np.ascontiguousarray(rgb), "RGB")


def alpha_scene(w, h):
    im = scene(w, h).convert("RGBA")
    y, x = np.mgrid[0:h, 0:w]
    im.putalpha(Image.fromarray(((x * 255 // w + y * 3) % 256).astype(np.uint8), "L"))
    return im


def adam7(im):
    """PIL does not write interlaced PNG: seven passes by hand, filter 0."""
    a = np.asarray(im)
    raw = b""
    for y0, x0, dy, dx in ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)):
        part = a[y0::dy, x0::dx]
        if part.size:
            raw += b"".join(b"\0" + row.tobytes() for row in part)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    head = struct.pack(">IIBBBBB", im.width, im.height, 8, {"RGB": 2, "RGBA": 6}[im.mode], 0, 0, 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b"")


def pngs():
    im = scene(53, 38)
    case("png_rgb", saved(im, "PNG"), "png")
    case("png_grey", saved(im.convert("L"), "PNG"), "png")
    case("png_bilevel", saved(im.convert("1"), "PNG"), "png")
    pal = im.quantize(60)
    case("png_palette", saved(pal, "PNG"), "png")
    case("png_palette4", saved(im.quantize(13), "PNG", bits=4), "png")
    case("png_palette_trns", saved(pal, "PNG", transparency=bytes(range(0, 240, 4))), "png")
    case("png_grey_trns", saved(im.convert("L"), "PNG", transparency=200), "png")
    case("png_rgb_trns", saved(im, "PNG", transparency=(250, 30, 40)), "png")
    case("png_rgba", saved(alpha_scene(53, 38), "PNG"), "png")
    case("png_la", saved(alpha_scene(53, 38).convert("LA"), "PNG"), "png")
    case("png_interlaced", adam7(im), "png")
    case("png_interlaced_rgba", adam7(alpha_scene(21, 13)), "png")
    case("png_exif6", saved(im, "PNG", exif=exif(6)), "png")
    for name, colour, ch, trns in ("grey16", 0, 1, None), ("rgb16", 2, 3, None), ("la16", 4, 2, None), \
            ("rgba16", 6, 4, None), ("rgb16_trns", 2, 3, (1, 2, 3)):
        data, expect = png16(colour, ch, trns)
        case(f"png_{name}", data, "png", 0, expect)


def webps():
    im = scene(50, 35)
    case("webp_lossy", saved(im, "WEBP", quality=80), "webp")
    case("webp_lossless", saved(im, "WEBP", lossless=True), "webp")
    case("webp_alpha", saved(alpha_scene(50, 35), "WEBP", lossless=True, exact=True), "webp")
    case("webp_lossy_alpha", saved(alpha_scene(50, 35), "WEBP", quality=80), "webp")
    case("webp_exif8", saved(im, "WEBP", quality=80, exif=exif(8)), "webp")
    frames = [alpha_scene(50, 35), scene(50, 35, 2).convert("RGBA")]
    case("webp_animated", saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=100,
                                lossless=True, exact=True), "webp")


def gif_partial():
    """A frame smaller than its screen: what it does not cover is white here (PIL: colour 0)."""
    small = scene(20, 12).quantize(16)
    data = bytearray(saved(small, "GIF"))
    struct.pack_into("<HH", data, 6, 31, 22)
    at = data.index(b"\x2c")
    struct.pack_into("<HH", data, at + 1, 7, 5)
    page = Image.new("RGB", (31, 22), (255, 255, 255))
    page.paste(small.convert("RGB"), (7, 5))
    return bytes(data), page


def gifs():
    im = scene(44, 31)
    case("gif_plain", saved(im.quantize(200), "GIF", interlace=0), "gif")
    case("gif_interlaced", saved(im.quantize(200), "GIF", interlace=1), "gif")
    case("gif_transparent", saved(im.quantize(32), "GIF", transparency=3), "gif")
    frames = [scene(44, 31, s).quantize(64) for s in (1, 2, 3)]
    case("gif_animated", saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=50), "gif")
    data, page = gif_partial()
    case("gif_partial", data, "gif", 0, page)


def tiffs():
    im = scene(45, 33)
    for comp in "raw", "tiff_lzw", "tiff_adobe_deflate", "packbits":
        case(f"tiff_{comp}", saved(im, "TIFF", compression=comp), "tiff")
    case("tiff_grey", saved(im.convert("L"), "TIFF"), "tiff")
    case("tiff_bilevel", saved(im.convert("1"), "TIFF", compression="group4"), "tiff")
    case("tiff_palette", saved(im.quantize(50), "TIFF"), "tiff")
    case("tiff_cmyk", saved(im.convert("CMYK"), "TIFF"), "tiff", 1)
    case("tiff_rgba", saved(alpha_scene(45, 33), "TIFF"), "tiff")
    case("tiff_jpeg", saved(im, "TIFF", compression="jpeg", quality=90), "tiff", 3)
    a = np.random.default_rng(7).integers(0, 65536, (33, 45)).astype(np.uint16)
    case("tiff_grey16", saved(Image.fromarray(a), "TIFF"), "tiff", 1)
    for o in 3, 5, 6, 8:
        case(f"tiff_orient{o}", saved(im, "TIFF", tiffinfo={0x0112: o}), "tiff")
    case("tiff_tiled", tiled_tiff(im), "tiff")
    pages = [im, scene(45, 33, 2)]
    case("tiff_pages", saved(pages[0], "TIFF", save_all=True, append_images=pages[1:]), "tiff")
    case("tiff_facts", saved(im, "TIFF", exif=exif(1, True)), "tiff")


def tiled_tiff(im):
    """PIL writes no tiles: 16 x 16 ones by hand, uncompressed, big-endian."""
    tw = (im.width + 15) // 16
    th = (im.height + 15) // 16
    a = np.zeros((th * 16, tw * 16, 3), np.uint8)
    a[:im.height, :im.width] = np.asarray(im)
    tiles = [a[y * 16:y * 16 + 16, x * 16:x * 16 + 16].tobytes() for y in range(th) for x in range(tw)]
    n = len(tiles)
    tags = [(256, 3, 1, im.width), (257, 3, 1, im.height), (258, 3, 3, None), (259, 3, 1, 1), (262, 3, 1, 2), (277, 3, 1, 3),
            (322, 3, 1, 16), (323, 3, 1, 16), (324, 4, n, None), (325, 4, n, None)]
    extra = 8 + 2 + 12 * len(tags) + 4
    bits, offs = extra, extra + 6
    counts = offs + 4 * n
    pixels = counts + 4 * n
    where = {258: bits, 324: offs, 325: counts}
    out = struct.pack(">2sHI", b"MM", 42, 8) + struct.pack(">H", len(tags))
    for tag, kind, count, value in tags:
        if value is None:
            out += struct.pack(">HHII", tag, kind, count, where[tag])
        else:
            out += struct.pack(">HHIHH", tag, kind, count, value, 0)
    out += struct.pack(">I", 0) + struct.pack(">3H", 8, 8, 8)
    out += b"".join(struct.pack(">I", pixels + 768 * i) for i in range(n))
    out += b"".join(struct.pack(">I", 768) for _ in range(n))
    return out + b"".join(tiles)


def bmp(bits, rows, w, h, palette=b"", compression=0, masks=b"", header=40):
    dib = struct.pack("<IiiHHIIiiII", header, w, h, 1, bits, compression, len(rows), 2835, 2835, len(palette) // 4, 0)
    dib += masks
    if header > 40:
        dib += b"\0" * (header - len(dib))
    at = 14 + len(dib) + len(palette)
    return struct.pack("<2sIHHI", b"BM", at + len(rows), 0, 0, at) + dib + palette + rows


def bmps():
    im = scene(37, 25)
    case("bmp_rgb", saved(im, "BMP"), "bmp")
    case("bmp_grey", saved(im.convert("L"), "BMP"), "bmp")
    case("bmp_bilevel", saved(im.convert("1"), "BMP"), "bmp")
    case("bmp_palette", saved(im.quantize(100), "BMP"), "bmp")
    a = np.asarray(im)
    w, h = im.size
    top = b"".join((row[:, ::-1].tobytes() + b"\0" * 3)[:(w * 3 + 3) // 4 * 4] for row in a)
    case("bmp_topdown", bmp(24, top, w, -h), "bmp")
    v = a.astype(np.uint32)
    px = (v[..., 0] >> 3 << 11) | (v[..., 1] >> 2 << 5) | v[..., 2] >> 3
    rows = b"".join((row.astype("<u2").tobytes() + b"\0\0")[:(w * 2 + 3) // 4 * 4] for row in px[::-1])
    case("bmp_565", bmp(16, rows, w, h, compression=3, masks=struct.pack("<III", 0xf800, 0x7e0, 0x1f)), "bmp")
    px = (v[..., 0] >> 3 << 10) | (v[..., 1] >> 3 << 5) | v[..., 2] >> 3
    rows = b"".join((row.astype("<u2").tobytes() + b"\0\0")[:(w * 2 + 3) // 4 * 4] for row in px[::-1])
    case("bmp_555", bmp(16, rows, w, h), "bmp")
    px = v[..., 0] << 16 | v[..., 1] << 8 | v[..., 2]
    case("bmp_32", bmp(32, px[::-1].astype("<u4").tobytes(), w, h), "bmp", 0, im)
    rgba = np.asarray(alpha_scene(w, h)).astype(np.uint32)
    px = rgba[..., 3] << 24 | rgba[..., 0] << 16 | rgba[..., 1] << 8 | rgba[..., 2]
    masks = struct.pack("<IIII", 0xff0000, 0xff00, 0xff, 0xff000000)
    case("bmp_v5_alpha", bmp(32, px[::-1].astype("<u4").tobytes(), w, h, compression=3, masks=masks, header=124), "bmp",
         0, over_white(alpha_scene(w, h)))
    pal = im.quantize(16)
    idx = np.asarray(pal)
    table = np.array(pal.getpalette()[:48]).reshape(16, 3)
    colours = b"".join(bytes((b, g, r, 0)) for r, g, b in table.tolist())
    case("bmp_rle8", bmp(8, rle8(idx[::-1]), w, h, colours, 1), "bmp", 0, pal.convert("RGB"))
    case("bmp_rle4", bmp(4, rle4(idx[::-1]), w, h, colours, 2), "bmp", 0, pal.convert("RGB"))
    row4 = b"".join((bytes((int(r[i]) << 4) | (int(r[i + 1]) if i + 1 < w else 0) for i in range(0, w, 2)) + b"\0\0\0")
                    [:(w * 4 + 31) // 32 * 4] for r in idx[::-1])
    case("bmp_4", bmp(4, row4, w, h, colours), "bmp", 0, pal.convert("RGB"))
    os2 = b"".join(bytes((b, g, r)) for r, g, b in table.tolist())
    head = struct.pack("<2sIHHI", b"BM", 26 + 48 + len(row4), 0, 0, 26 + 48) + struct.pack("<IHHHH", 12, w, h, 1, 4)
    case("bmp_os2", head + os2 + row4, "bmp", 0, pal.convert("RGB"))


def rle8(rows):
    out = b""
    for n, r in enumerate(rows):
        r = r.tolist()
        i = 0
        while i < len(r):
            run = 1
            while i + run < len(r) and r[i + run] == r[i] and run < 255:
                run += 1
            if run >= 2 or len(r) - i < 3:
                out += bytes((run, r[i]))
                i += run
            else:  # literals, padded to 16 bits
                lit = r[i:i + min(7, len(r) - i)]
                out += bytes((0, len(lit))) + bytes(lit) + b"\0" * (len(lit) % 2)
                i += len(lit)
        out += b"\0\0" if n < len(rows) - 1 else b"\0\1"
    return out


def rle4(rows):
    out = b""
    for n, r in enumerate(rows):
        r = r.tolist()
        i = 0
        while i < len(r):
            lit = r[i:i + min(5, len(r) - i)]
            if n % 2 and len(lit) >= 3:
                packed = bytes((lit[j] << 4) | (lit[j + 1] if j + 1 < len(lit) else 0) for j in range(0, len(lit), 2))
                out += bytes((0, len(lit))) + packed + b"\0" * (len(packed) % 2)
                i += len(lit)
            else:
                run = 1
                while i + run < len(r) and r[i + run] == r[i + run % 2] and run < 255:
                    run += 1
                second = r[i + 1] if run > 1 else 0
                out += bytes((run, r[i] << 4 | second))
                i += run
        out += b"\0\0" if n < len(rows) - 1 else b"\0\1"
    return out


def heifs():
    import pillow_heif
    im = scene(64, 48)
    case("avif_444", saved(im, "AVIF", quality=90, subsampling="4:4:4"), "avif", 4)
    case("avif_420", saved(smooth(64, 48), "AVIF", quality=90), "avif", 6)
    case("avif_alpha", saved(alpha_scene(64, 48), "AVIF", quality=95, subsampling="4:4:4"), "avif", 4)
    case("avif_exif6", saved(im, "AVIF", quality=90, subsampling="4:4:4", exif=exif(6)), "avif", 4)
    pillow_heif.register_heif_opener()
    case("heic_444", saved(im, "HEIF", quality=90, chroma=444), "heic", 4)
    case("heic_420", saved(smooth(64, 48), "HEIF", quality=90), "heic", 6)
    case("heic_alpha", saved(alpha_scene(64, 48), "HEIF", quality=95, chroma=444), "heic", 4)
    f = io.BytesIO()
    deep = (np.asarray(im).astype("<u2") * 257).tobytes()
    pillow_heif.encode("RGB;16", im.size, deep, f, quality=95, chroma=444)
    case("heic_10bit", f.getvalue(), "heic", 8, im)
    rot = im.copy()
    rot.info["exif"] = exif(6)
    case("heic_exif6", saved(rot, "HEIF", quality=90, chroma=444, exif=exif(6)), "heic", 4)


def prepares():
    from open_clip.transform import PreprocessCfg, image_transform_v2

    def prep(name, size, mode, filt, fill, src, seed=3):
        file = src if isinstance(src, str) else f"src_{src[0]}x{src[1]}.png"
        if not (OUT / file).exists():
            (OUT / file).write_bytes(saved(scene(*src, seed), "PNG", optimize=True))
        im = Image.open(OUT / file).convert("RGB")
        w, h = size
        cfg = PreprocessCfg(size=w if w == h else (h, w), interpolation=filt, resize_mode=mode, fill_color=fill)
        t = image_transform_v2(cfg, is_train=False)
        t.transforms = t.transforms[:-1]
        x = (t(im) * 255).round().byte().permute(1, 2, 0).numpy()
        assert x.shape == (h, w, 3), x.shape
        (OUT / f"{name}.z").write_bytes(zlib.compress(x.tobytes(), 9))
        PREPARE.append((name, file, mode, w, h, filt, fill))
    n = 0
    for src in (97, 61), (60, 95), (33, 32), (20, 90), (32, 32), (7, 5), (1, 40):
        for size, mode, filt, fill in (((32, 32), "shortest", "bicubic", 0), ((32, 32), "shortest", "bilinear", 0),
                                       ((24, 40), "shortest", "bilinear", 0), ((40, 24), "shortest", "bicubic", 0),
                                       ((32, 32), "longest", "bicubic", 127), ((31, 40), "longest", "bilinear", 9),
                                       ((32, 27), "squash", "bicubic", 0), ((29, 32), "squash", "bilinear", 0)):
            if src == (1, 40) and mode == "longest":
                continue  # the reference asks PIL for a width of 0
            n += 1
            prep(f"prep_{n:02d}", size, mode, filt, fill, src)
    prep("prep_224_up", (224, 224), "shortest", "bicubic", 0, (97, 61))
    prep("prep_224_down", (224, 224), "shortest", "bicubic", 0, (333, 271))
    prep("prep_large", (64, 64), "shortest", "bicubic", 0, "large.jpeg")


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    for make in jpegs, pngs, webps, gifs, tiffs, bmps, prepares, heifs:
        make()
    for name, rows in ("decode.tsv", DECODE), ("prepare.tsv", PREPARE):
        (OUT / name).write_text("".join("\t".join(map(str, r)) + "\n" for r in rows))
    import open_clip
    import pillow_heif
    import torchvision
    (OUT / "VERSIONS").write_text(
        f"Pillow {PIL.__version__}\nopen_clip {open_clip.__version__}\ntorchvision {torchvision.__version__}\n"
        f"numpy {np.__version__}\npillow-heif {pillow_heif.__version__}\n")


main()
