#!/bin/sh
# Opens the program on the demo recording; without a display does the same work headless. Run from the project's root.
set -eu
demo=resources/demo/demo.mp4
mm_per_pixel=$(cat resources/demo/mm_per_pixel)

if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || [ "$(uname)" = Darwin ]; then
    exec .venv/bin/fetalnet-app "$demo" --mm-per-pixel "$mm_per_pixel"
fi

out=out/demo
mkdir -p "$out"
echo "No display: analysing the demo recording without a window."
.venv/bin/fetalnet analyze "$demo" --mm-per-pixel "$mm_per_pixel" \
    --json "$out/analysis.json" --report "$out/report.pdf" --overlay "$out/overlay.mp4"
QT_QPA_PLATFORM=offscreen .venv/bin/fetalnet-app "$demo" --mm-per-pixel "$mm_per_pixel" --size 1280x800 --screenshot "$out/window.png" --quit-when-analysed
echo "Report:     $out/report.pdf"
echo "Overlay:    $out/overlay.mp4"
echo "Screenshot: $out/window.png"
echo "Analysis:   $out/analysis.json"
