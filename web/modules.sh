#!/bin/sh
# modules.sh - make sure that web/node_modules is what web/package-lock.json says; does nothing when it is.
set -eu
cd "$(dirname "$0")"

major=$(node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/')
if [ "${major:-0}" -lt 18 ] || ! command -v npm >/dev/null 2>&1; then
    echo "the page is built with Node.js 18 or newer and npm; found: node $(node --version 2>/dev/null || echo none), npm $(npm --version 2>/dev/null || echo none)." >&2
    echo "Install them (Debian: apt-get install nodejs npm), or build from a source release, which has the page built." >&2
    exit 1
fi

stamp=node_modules/.eyeshine-lock
if ! cmp -s package-lock.json "$stamp"; then
    log=$(mktemp)
    if ! npm ci --no-audit --no-fund --ignore-scripts >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        exit 1
    fi
    rm -f "$log"
    cp package-lock.json "$stamp"
fi
