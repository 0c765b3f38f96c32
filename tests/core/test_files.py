"""Files are whole or not there, nobody reads them who may not, and what a killed program left half is known again."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fetalnet.core.system.files import whole_file, write_file
from fetalnet.core.system.leftovers import remove_leftovers
from fetalnet.export.overlay import OverlayWriter


@pytest.fixture(params=[0o077, 0o027, 0o022, 0o002])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask")
def test_that_every_file_keeps_to_the_umask_or_is_stricter(tmp_path: Path, umask: int) -> None:
    write_file(tmp_path / "report.pdf", b"a")
    write_file(tmp_path / "exam.json", b"a", mode=0o600)
    with OverlayWriter(tmp_path / "overlay.mp4", (64, 48), 25.0) as video:
        video.write(np.zeros((48, 64, 3), np.uint8))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert len(modes) == 3
    assert not any(mode & umask for mode in modes.values())
    assert modes["exam.json"] == 0o600
    assert os.umask(umask) == umask


KILLED = """
import os, sys
from pathlib import Path
from fetalnet.core.system.files import whole_file
with whole_file(Path(sys.argv[1]) / "a.dcm") as file:
    file.write(b"half")
    os._exit(9)
"""


def test_that_what_a_killed_program_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert len(list(tmp_path.iterdir())) == 1
    others = [".video.part", "a.part", ".abc.part"]
    for name in others:
        (tmp_path / name).write_bytes(b"of another program")
    with whole_file(tmp_path / "b.dcm") as file:
        file.write(b"whole")
        remove_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*others, "b.dcm"])
