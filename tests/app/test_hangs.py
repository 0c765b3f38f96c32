"""What hangs is left behind: another recording opens, and the window can be closed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.window import FRAMES, WAIT_MS, FakePredictor, Person

from app.actions.table import Do
from app.workers import hanging
from fetalnet.analysis.cache import KeptAnalysis, keep_analysis, kept_analysis
from fetalnet.core.planes import Kind
from fetalnet.core.prediction import StreamState
from fetalnet.exam.records import Status
from fetalnet.sources import Source, open_source

ROOT = Path(__file__).parents[2]


@pytest.fixture
def dead_share(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A share that answers when the event is set."""
    answers = threading.Event()
    monkeypatch.setattr(hanging, "PATIENCE_S", 0.1)
    yield answers
    answers.set()
    for thread in hanging.left_behind:
        assert thread.wait(WAIT_MS)
    hanging.left_behind.clear()


def test_that_a_recording_on_a_dead_share_is_left_behind(
    dead_share: threading.Event, start_program, tmp_path: Path, clip: Path
) -> None:
    began = threading.Event()

    def hangs(path: Path) -> Source:
        if path.name == "share.mp4":
            began.set()
            dead_share.wait()
        return open_source(path)

    person = start_program(open_source=hangs)
    share = tmp_path / "share.mp4"
    share.write_bytes(clip.read_bytes())
    person.window.open_path(share)
    person.wait(began.is_set)
    person.open_clip(clip)
    assert len(person.session.analysis.predictions) == FRAMES
    assert person.window.close()
    assert [thread.isRunning() for thread in hanging.left_behind] == [True]


def test_that_a_window_closes_while_an_analysis_hangs(
    dead_share: threading.Event, reviewer: Person, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reviewer.accept(Kind.HC)
    reviewer.wait_saved()
    began = threading.Event()

    def hangs(_: Path) -> Source:
        began.set()
        dead_share.wait()
        return open_source(clip)

    monkeypatch.setattr(reviewer.session.analysis.analyst, "_open_source", hangs)
    reviewer.do(Do.ANALYSE)
    reviewer.wait(began.is_set)
    assert reviewer.window.close()
    assert len(hanging.left_behind) == 1


HANGS = """
import sys, threading
from pathlib import Path
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
import fetalnet.sources
from app import __main__

began = threading.Event()

def hangs(path):
    began.set()
    threading.Event().wait()

fetalnet.sources.check_readable = hangs
app = QApplication([])

def close():
    if began.is_set():
        app.closeAllWindows()

timer = QTimer()
timer.timeout.connect(close)
timer.start(20)
sys.exit(__main__.main([sys.argv[1]]))
"""


def test_that_the_process_ends_while_a_recording_hangs(clip: Path, tmp_path: Path) -> None:
    names = ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "HOME")
    homes = dict.fromkeys(names, str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", HANGS, str(clip)],
        cwd=ROOT, env=os.environ | homes | {"QT_QPA_PLATFORM": "offscreen"},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="pipes have no path there")
@pytest.mark.parametrize("kind", ["pipe", "device", "socket"])
def test_that_a_pipe_or_a_device_is_refused_at_once(person: Person, tmp_path: Path, clip: Path, kind: str) -> None:
    path = tmp_path / "film.mp4"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        import socket

        os.chdir(tmp_path)  # a socket's path is short
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind("film.mp4")
    person.window.open_path(path)
    person.wait(lambda: person.message == "film.mp4 is a pipe or a device, not a file; choose a recording.")
    person.open_clip(clip)


@pytest.mark.skipif(os.name == "nt", reason="pipes have no path there")
@pytest.mark.parametrize("command", [["analyze"], ["deidentify"]])
def test_that_the_command_line_refuses_a_pipe_at_once(tmp_path: Path, command: list[str]) -> None:
    os.mkfifo(tmp_path / "film.mp4")
    arguments = [*command, str(tmp_path / "film.mp4")]
    if command == ["deidentify"]:
        arguments += [str(tmp_path / "out.mp4")]
    line = [sys.executable, "-m", "fetalnet.cli", *arguments]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 2
    assert "is a pipe or a device" in done.stderr


def test_that_an_error_inside_while_opening_is_said(start_program, clip: Path, tmp_path: Path) -> None:
    def fails(path: Path) -> Source:
        if path.name == "odd.mp4":
            raise ArithmeticError("inside")
        return open_source(path)

    person = start_program(open_source=fails)
    with person.bot.captureExceptions() as errors:
        (tmp_path / "odd.mp4").write_bytes(clip.read_bytes())
        person.window.open_path(tmp_path / "odd.mp4")
        person.wait(lambda: "error inside the program" in person.message)
    assert [str(error[1]) for error in errors] == ["inside"]
    assert person.session.is_free
    person.open_clip(clip)


def kept_by(person: Person) -> Path:
    """Where the analysis of somebody who has left is kept."""
    person.accept(Kind.HC)
    person.wait_saved()
    path = person.session.journal.frames_path_of(person.session.exam.recordings[0])
    person.wait(path.is_file)
    person.program.stop()
    return path


@pytest.mark.parametrize("kind", ["cut off", "other numbers", "more frames than there are", "other structures"])
def test_that_a_damaged_kept_analysis_is_made_again_and_said(
    start_program, reviewer: Person, clip: Path, kind: str
) -> None:
    path = kept_by(reviewer)
    kept = kept_analysis(path, "")
    whole = path.read_bytes()
    match kind:
        case "cut off":
            path.write_bytes(whole[: len(whole) // 2])
        case "other numbers":
            path.write_bytes(whole[:3000] + bytes(200) + whole[3200:])
        case "more frames than there are":
            more = tuple(replace(each, index=each.index + 1000) for each in kept.predictions)
            keep_analysis(path, "", KeptAnalysis(kept.model, more, 2000))
        case "other structures":
            odd = tuple(replace(each, structures=np.zeros(3, np.float32)) for each in kept.predictions)
            keep_analysis(path, "", KeptAnalysis(kept.model, odd, kept.reached))
    again = start_program()
    again.open_clip(clip)
    assert again.message.startswith("What was kept of an earlier analysis is damaged")
    assert len(again.session.analysis.predictions) == FRAMES
    assert again.measurement(Kind.HC).status is Status.ACCEPTED
    again.wait(path.is_file)
    again.program.stop()
    assert len(kept_analysis(path, "").predictions) == FRAMES


def test_that_a_state_that_the_network_cannot_take_is_no_end(
    start_program, reviewer: Person, clip: Path, predictor: FakePredictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = kept_by(reviewer)
    kept = kept_analysis(path, "")
    state = StreamState(np.zeros((7, 7), np.float32), None)
    keep_analysis(path, "", KeptAnalysis(kept.model, kept.predictions[:9], 9, complete=False, state=state))
    plain = predictor.predict

    def predict(frame):
        if predictor.state.network.shape == (7, 7):
            raise RuntimeError("shapes differ")
        return plain(frame)

    def look_at(*_: object) -> None:
        predictor.state = FakePredictor.state

    monkeypatch.setattr(predictor, "predict", predict)
    monkeypatch.setattr(predictor, "look_at", look_at)
    again = start_program()
    again.open_clip(clip)
    assert again.message.startswith("What was kept of an earlier analysis is damaged")
    assert len(again.session.analysis.predictions) == FRAMES
