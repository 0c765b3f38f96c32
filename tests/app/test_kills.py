"""Many sessions on a slow disk, killed at any moment or with the disk full. Run it with -m slow."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
KILLS, FULL_DISKS = 16, 4
"""``killed_sessions.py`` by hand takes more: 200 and 20 in some minutes."""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="processes are forked")
def test_that_nothing_shown_as_saved_is_lost_and_nothing_is_shown_so_before(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(HERE / "killed_sessions.py"), str(tmp_path), str(KILLS), str(FULL_DISKS)],
        cwd=HERE.parents[1], env=os.environ | {"PYTHONPATH": f"{HERE.parents[1]}{os.pathsep}{HERE}"},
        capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    *found, last = done.stdout.splitlines()
    assert found == []
    assert last.startswith(f"{KILLS} killed, {FULL_DISKS} full")
