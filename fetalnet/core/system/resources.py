"""Where the files that come with the program lie: weights, judges, interval widths, the demo."""

from __future__ import annotations

import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2]


def resource(relative: str) -> Path:
    """The path of a file under ``resources/``, from any working folder.

    The folder is ``fetalnet/_resources`` where a wheel was installed (setup.py puts it there), ``resources`` in a
    PyInstaller bundle, and ``resources`` beside the package in a checkout.
    """
    bundle = getattr(sys, "_MEIPASS", None)
    if bundle is not None:
        return Path(bundle) / "resources" / relative
    installed = PACKAGE / "_resources"
    return (installed if installed.is_dir() else PACKAGE.parent / "resources") / relative
