#!/bin/sh
# unit.sh - run Vitest; one line `ok - ...` or `not ok - ...` a test.
set -eu
cd "$(dirname "$0")/.."
./modules.sh
exec npx --no-install vitest run --reporter=tap-flat 2>&1
