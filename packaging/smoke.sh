#!/bin/sh
# Starts a bundle on the demo recording, without a display: packaging/smoke.sh FOLDER
set -eu
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
demo=resources/demo/demo.mp4
mm_per_pixel=$(cat resources/demo/mm_per_pixel)
"$1/fetalnet" analyze "$demo" --mm-per-pixel "$mm_per_pixel" --json "$out/analysis.json"
QT_QPA_PLATFORM=offscreen "$1/fetalnet-app" "$demo" --mm-per-pixel "$mm_per_pixel" --screenshot "$out/window.png" --quit-when-analysed
[ -s "$out/analysis.json" ] && [ -s "$out/window.png" ]
echo "The bundle measured the demo recording and drew its window."
