"""Real pictures, for the tests that need some."""

import os
from pathlib import Path

import pytest


def real_data(name: str) -> Path:
    """What is called ``name`` in the folder that FETALNET_DATA names; skips the test where it is not there."""
    folder = os.environ.get("FETALNET_DATA")
    if not folder:
        pytest.skip("needs real pictures: set FETALNET_DATA to their folder")
    path = Path(folder) / name
    if not path.exists():
        pytest.skip(f"needs {name}, which is not in the folder that FETALNET_DATA names")
    return path
