#!/bin/sh
# build.sh OUT - build the page into OUT/dist and lay it into OUT/assets.c.
set -eu
out=$1
mkdir -p "$out/dist"
echo '<!doctype html><title>eyeshine</title>' >"$out/dist/index.html"
node web/embed.mjs "$out/dist" "$out"
