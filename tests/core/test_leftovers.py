"""What a killed program left behind goes, and nothing that a living one holds."""

import os
import signal
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from fetalnet.core.system.files import whole_file
from fetalnet.core.system.leftovers import PrivateFolder, remove_leftovers
from fetalnet.sources import open_source

ROOT = Path(__file__).parents[2]
OPENS = """
import sys
from pathlib import Path
from fetalnet.core.system.files import whole_file
from fetalnet.sources import open_source
source = open_source(Path(sys.argv[1]))
with whole_file(Path(sys.argv[2])) as file:
    file.write(b"half")
    file.flush()
    print("open", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def study(tmp_path):
    path = tmp_path / "study.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(3):
            _, png = cv2.imencode(".png", np.full((90, 120), 60 + number, np.uint8))
            archive.writestr(f"{number}.png", png.tobytes())
    return path


@pytest.mark.skipif(os.name == "nt", reason="folders cannot be held there")
def test_that_what_a_killed_program_left_goes_and_what_a_living_one_holds_stays(tmp_path, temporary, study):
    exams = tmp_path / "exams"
    exams.mkdir()
    other = subprocess.Popen(
        [sys.executable, "-c", OPENS, str(study), str(exams / "a.fnexam")],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | {"TMPDIR": str(temporary)},
    )  # fmt: skip
    try:
        assert other.stdout.readline() == "open\n"
        remove_leftovers(exams)
        (unpacked,), (part,) = temporary.iterdir(), exams.iterdir()
        assert sorted(each.name for each in unpacked.iterdir()) == ["0.png", "1.png", "2.png"]
        assert part.read_bytes() == b"half"
        other.send_signal(signal.SIGKILL)
        other.wait()
        assert unpacked.exists()
        remove_leftovers(exams)
        assert not list(temporary.iterdir())
        assert not list(exams.iterdir())
    finally:
        other.kill()
        other.communicate()


def test_that_nothing_of_others_goes(tmp_path, temporary):
    exams = tmp_path / "exams"
    (exams / ".folder.part").mkdir(parents=True)
    for name in ("a.fnexam", "b.part", ".c.lock", "d.damaged"):
        (exams / name).touch()
    for name in ("fetalnet-mine", "other"):
        (temporary / name).mkdir()
        (temporary / name / "work").touch()
    (temporary / "fetalnet-unpacked-link").symlink_to(temporary / "other")
    remove_leftovers(exams, tmp_path / "nowhere")
    assert len(list(exams.iterdir())) == 5
    assert len(list(temporary.iterdir())) == 3
    assert (temporary / "other" / "work").exists()


def test_that_a_second_archive_leaves_the_first_open(tmp_path, temporary, study):
    first = open_source(study)
    second = open_source(study.rename(tmp_path / "again.zip"))
    second.close()
    assert [frame.pixels[0, 0] for frame in first] == [60, 61, 62]
    first.close()
    assert not list(temporary.iterdir())


def test_that_a_file_being_written_here_stays(tmp_path, temporary):
    with whole_file(tmp_path / "a.fnexam") as file:
        file.write(b"whole")
        remove_leftovers(tmp_path)
    assert (tmp_path / "a.fnexam").read_bytes() == b"whole"
    held = PrivateFolder()
    (held.path / "picture").touch()
    remove_leftovers()
    assert held.path.exists() == (os.name != "nt")
    held.remove()
    assert not list(temporary.iterdir())
