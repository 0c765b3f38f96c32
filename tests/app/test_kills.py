"""Many sessions on a slow disk, killed at any moment or with the disk full. Run it with -m slow."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KILLS, FULL_DISKS = 16, 4
"""``tests/support/killed_sessions.py`` by hand takes more: 200 and 20 in some minutes."""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="processes are forked")
def test_that_nothing_shown_as_saved_is_lost_and_nothing_is_shown_so_before(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests/support/killed_sessions.py"), str(tmp_path), str(KILLS), str(FULL_DISKS)],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
        capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    *found, last = done.stdout.splitlines()
    assert found == []
    assert last.startswith(f"{KILLS} killed, {FULL_DISKS} full")
