#!/bin/sh
# Sets up .venv from requirements.lock, once. Run from the project's root: packaging/setup.sh
set -eu

python=""
for candidate in python3 python3.13 python3.12 python3.11; do
    if command -v "$candidate" >/dev/null 2>&1 &&
        "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "Python 3.11, 3.12 or 3.13 is needed; install one of them and run this again." >&2
    exit 1
fi

# Each line: what must be there, and the Debian or Ubuntu package that brings it.
missing=""
libraries=$(/sbin/ldconfig -p 2>/dev/null || ldconfig -p 2>/dev/null || true)
while read -r library package; do
    case $libraries in
    *"$library"*) ;;
    *) missing="$missing $package" ;;
    esac
done <<LIBRARIES
libEGL.so.1 libegl1
libGL.so.1 libgl1
libglib-2.0.so.0 libglib2.0-0
libxkbcommon.so.0 libxkbcommon0
libfreetype.so.6 libfreetype6
libfontconfig.so.1 libfontconfig1
libdbus-1.so.3 libdbus-1-3
libxkbcommon-x11.so.0 libxkbcommon-x11-0
libxcb-cursor.so.0 libxcb-cursor0
libxcb-icccm.so.4 libxcb-icccm4
libxcb-keysyms.so.1 libxcb-keysyms1
libxcb-shape.so.0 libxcb-shape0
LIBRARIES
"$python" -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"
[ -n "$(find /usr/share/fonts /usr/local/share/fonts -name '*.[to]tf' 2>/dev/null | head -n 1)" ] ||
    missing="$missing fonts-dejavu-core"

if [ -n "$missing" ]; then
    if [ "$(id -u)" = 0 ]; then
        sudo=""
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        sudo="sudo"
    else
        sudo="none"
    fi
    if [ "$sudo" = none ] || ! command -v apt-get >/dev/null 2>&1; then
        echo "System packages are missing. Type this line, then run the command again:" >&2
        echo "  sudo apt-get update && sudo apt-get install -y$missing" >&2
        exit 1
    fi
    echo "Installing system packages:$missing"
    $sudo apt-get update -q
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -q --no-install-recommends $missing
fi

# The stamp holds what was installed and where, so that a second run installs nothing and a moved folder starts anew.
stamp=$(cat requirements.lock pyproject.toml setup.py packaging/setup.sh | cksum; pwd)
if [ "$(cat .venv/stamp 2>/dev/null || true)" = "$stamp" ]; then
    exit 0
fi
echo "Setting up .venv (once; torch is large, this takes a few minutes) ..."
[ ! -e .venv ] || [ -x .venv/bin/python ] && [ "$(cat .venv/place 2>/dev/null || true)" = "$(pwd)" ] || rm -rf .venv
[ -x .venv/bin/python ] || "$python" -m venv .venv
pwd >.venv/place
.venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
echo "$stamp" >.venv/stamp
echo "Done."
