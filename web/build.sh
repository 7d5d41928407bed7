#!/bin/sh
# build.sh OUT - build the page and lay it into OUT/assets.c (OUT is relative to the project, from where this runs).
# A source release carries the result as web/dist (`make dist`); then Node is not needed.
set -eu
out=$1
mkdir -p "$out"

if [ -f web/dist/assets.c ]; then
    cp -R web/dist/. "$out/"
    exit 0
fi

web/modules.sh
(cd web && npm run -s types >/dev/null 2>&1 || npm run -s types >&2)
(cd web && npm run -s check && npm run -s build -- --logLevel warn --emptyOutDir --outDir "../$out/dist")
node web/embed.mjs "$out/dist" "$out"
