#!/bin/sh
# run.sh [NAME...] - walk through the page in Chromium against a real server: all journeys, or those whose file name begins with NAME.
# One line `ok - ...` or `not ok - ...` a check; screenshots in build/screenshots.
set -eu
cd "$(dirname "$0")/../../.."
web/modules.sh
exec node web/tests/journeys/run.mjs "$@"
