#!/bin/sh
# Makes requirements.lock anew for every supported Python. Run from the project's root; needs uv on the PATH.
# What is locked stays where it still fits; with --upgrade it is the newest of everything.
set -eu
constraints=$(mktemp)
trap 'rm -f "$constraints" "$constraints.lock"' EXIT
# torch: one release for which CPU and CUDA builds exist everywhere. PySide6: 6.12.0 dies on Python 3.11.
printf 'torch==2.13.0\nPySide6-Essentials==6.11.3\n' >"$constraints"
cp requirements.lock "$constraints.lock"
uv pip compile "$@" --quiet --universal --python-version 3.11 --extra train --extra dev pyproject.toml \
    --constraint "$constraints" --no-annotate --no-header --output-file "$constraints.lock"
{
    sed -n '/^#/p' requirements.lock
    # What only torch's CUDA build needs is left to that build, or a CPU user would download gigabytes of it.
    grep -vE '^(nvidia-|cuda-|triton)' "$constraints.lock"
} >requirements.lock.new
mv requirements.lock.new requirements.lock
