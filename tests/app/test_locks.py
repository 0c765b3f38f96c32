"""An exam may only be looked at while another window really has it, and no longer."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QLockFile
from PySide6.QtWidgets import QMessageBox
from support.window import Person

from app.session.exam_lock import ExamLock
from fetalnet.core.planes import Kind
from fetalnet.core.scale.scale import given_scale
from fetalnet.exam.records import Status
from fetalnet.exam.store import load_exam

ELSEWHERE = f"4711\nfetalnet-sonographer\n{platform.node()}-2\n"


def left(person: Person) -> Path:
    """Where the lock of an exam lies whose window is closed."""
    person.wait_saved()
    person.program.stop()
    lock = person.session.journal.path_of(person.session.exam.recordings[0]).with_suffix(".lock")
    assert not lock.exists()
    return lock


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\xff" * 40,
        b"garbage",
        b"not a number\nname\nhost\n",
        # A number that another program has now: this one runs.
        f"{os.getppid()}\nfetalnet-sonographer\n{platform.node()}\n".encode(),
        f"{os.getpid()}\npython3\n{platform.node()}\n\n\n".encode(),
        f"999999999\nfetalnet-sonographer\n{platform.node()}\n".encode(),
        b"9" * 5000,
    ],
    ids=["empty", "zeros", "garbage", "no number", "parent runs", "this runs", "no such program", "digits"],
)
def test_that_a_lock_that_nobody_holds_holds_nobody_up(
    start_program, clip: Path, reviewer: Person, content: bytes
) -> None:
    left(reviewer).write_bytes(content)
    again = start_program(scale=given_scale(0.5))
    again.open_clip(clip)
    assert again.message == ""
    again.accept(Kind.HC)
    assert again.measurement(Kind.HC).status is Status.ACCEPTED
    lock = left(again)
    assert load_exam(lock.with_suffix(".fnexam")) == again.session.exam


HOLDS = """
import sys
from pathlib import Path
from app.session.exam_lock import ExamLock
lock = ExamLock(Path(sys.argv[1]))
assert lock.take() is None
print("held", flush=True)
sys.stdin.read()
"""


def test_that_a_lock_goes_with_a_killed_program_and_not_before(start_program, clip: Path, reviewer: Person) -> None:
    lock = left(reviewer)
    other = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(lock)],
        cwd=Path(__file__).parents[2], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert other.stdout.readline() == "held\n"
        again = start_program(scale=given_scale(0.5))
        again.open_clip(clip)
        assert "open in another window" in again.message
        assert again.session.read_only
        other.send_signal(signal.SIGKILL)
        other.wait()
        assert lock.exists()
        before = again.session.recording
        again.session.open(clip)
        again.wait(lambda: again.session.recording is not before)
        assert not again.session.read_only
    finally:
        other.kill()
        other.communicate()


@pytest.mark.skipif(os.name == "nt", reason="the system itself keeps others from that file there")
def test_that_a_window_of_an_earlier_version_is_respected(start_program, clip: Path, reviewer: Person) -> None:
    earlier = QLockFile(str(left(reviewer)))
    earlier.setStaleLockTime(0)
    assert earlier.tryLock(0)
    again = start_program(scale=given_scale(0.5))
    again.open_clip(clip)
    assert again.session.read_only
    earlier.unlock()
    before = again.session.recording
    again.session.open(clip)
    again.wait(lambda: again.session.recording is not before)
    assert not again.session.read_only


def question(person: Person) -> QMessageBox:
    (box,) = [each for each in person.window.findChildren(QMessageBox) if each.isVisible()]
    return box


def press(box: QMessageBox, text: str) -> None:
    next(each for each in box.buttons() if each.text() == text).click()


def test_that_an_exam_of_another_computer_is_taken_over_when_a_person_says_so(
    start_program, clip: Path, reviewer: Person
) -> None:
    lock = left(reviewer)
    lock.write_text(ELSEWHERE)
    again = start_program(scale=given_scale(0.5))
    again.open_clip(clip)
    assert f"{platform.node()}-2" in question(again).text()
    press(question(again), "Only look")
    again.go_to_measure(Kind.HC)
    assert again.session.read_only
    assert lock.read_text() == ELSEWHERE
    again.session.open(clip)
    again.wait(lambda: any(each.isVisible() for each in again.window.findChildren(QMessageBox)))
    press(question(again), "Take over")
    again.wait(lambda: not again.session.read_only and again.session.analysis.state.complete)
    again.accept(Kind.HC)
    left(again)
    assert load_exam(lock.with_suffix(".fnexam")) == again.session.exam


def test_that_an_exam_that_was_taken_over_is_saved_no_more_here(reviewer: Person) -> None:
    reviewer.wait_saved()
    path = reviewer.session.journal.path_of(reviewer.session.exam.recordings[0])
    before = path.read_bytes()
    path.with_suffix(".lock").write_text(ELSEWHERE)
    reviewer.accept(Kind.HC)
    reviewer.wait(lambda: "taken over on another computer" in reviewer.message)
    assert reviewer.window.statusBar().saved.text() == "NOT SAVED"
    assert path.read_bytes() == before
    reviewer.program.stop()
    assert path.with_suffix(".lock").read_text() == ELSEWHERE


def test_that_a_lock_is_taken_once_and_again_when_it_was_let_go(tmp_path: Path) -> None:
    first, second = ExamLock(tmp_path / "a.lock"), ExamLock(tmp_path / "a.lock")
    assert first.take() is None
    assert second.take() is not None
    assert second.take(anyway=True) is not None
    first.release()
    assert second.take() is None
    second.release()
    assert not (tmp_path / "a.lock").exists()


@pytest.mark.parametrize("kind", ["no folder", "a folder in its place"])
def test_that_where_no_lock_can_be_made_saving_says_so(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "nowhere" / "a.lock" if kind == "no folder" else tmp_path
    lock = ExamLock(path)
    assert lock.take() is None
    lock.release()
    assert tmp_path.is_dir()
