"""Where the files that come with the program lie: weights, the demo, icons."""

from __future__ import annotations

import sys
from pathlib import Path


def resource(relative: str) -> Path:
    """The path of a file under ``resources/``, from any working folder and inside a PyInstaller bundle."""
    bundle = getattr(sys, "_MEIPASS", None)
    root = Path(bundle) if bundle is not None else Path(__file__).resolve().parents[3]
    return root / "resources" / relative
