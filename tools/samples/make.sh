#!/bin/sh
# make.sh - make samples/ anew: photographs from packages, rendered scenes, and the list of licences.
# Needs Blender and DejaVu fonts (Debian), Pillow (.venv), and takes some ten minutes. make.sh licences: only the list.
set -eu
cd "$(dirname "$0")/../.."
if [ "${1:-}" != licences ]; then
    .venv/bin/python tools/samples/photos.py
    blender -b --python tools/samples/render.py -- all samples
fi
{
    printf 'file\tsource\tlicence\tauthor\n'
    awk -F '\t' '!/^#/ { print $1 "\t" $2 " " $3 "\t" $4 "\t" $5 }' tools/samples/photos.tsv
    sed -n 's/^    "\([a-z-]*\)": [a-z_]*,$/\1.jpg\trendered by tools\/samples\/render.py\tCC0-1.0\tthe eyeshine authors/p' \
        tools/samples/render.py
} | LC_ALL=C sort >samples/LICENSES.tsv.new
# the heading first
{ grep '^file	' samples/LICENSES.tsv.new; grep -v '^file	' samples/LICENSES.tsv.new; } >samples/LICENSES.tsv
rm samples/LICENSES.tsv.new
