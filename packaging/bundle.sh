#!/bin/sh
# Builds dist/fetalnet-sonographer, a folder that runs without Python, and starts it once to see that it does.
# Run from the project's root.
set -eu
.venv/bin/python -m pip install --quiet --disable-pip-version-check 'pyinstaller>=6.11,<7'
.venv/bin/python -m PyInstaller --noconfirm --distpath dist --workpath build packaging/fetalnet.spec
sh packaging/smoke.sh dist/fetalnet-sonographer
echo "Built: dist/fetalnet-sonographer"
echo "Before you pass it on: PyAV's libraries contain libx264 and libx265 (GPL); leave them out or state that licence."
