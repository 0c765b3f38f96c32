"""What nobody expected: an error inside the program, and a program that is killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QDialogButtonBox, QMessageBox
from support.window import Person

from app.actions.table import Do
from app.log import ErrorHook
from fetalnet.core.planes import Kind
from fetalnet.exam.records import Status
from fetalnet.exam.store import load_exam

ROOT = Path(__file__).parents[2]
install = ErrorHook.install
"""Kept before the fixtures take it away: here the program's own hook is what is tested."""


@pytest.fixture
def watched(reviewer: Person) -> Iterator[Person]:
    """Somebody whose program catches its own errors, as outside the tests."""
    install(reviewer.program.hook)
    yield reviewer
    reviewer.program.hook.remove()


def fail_inside(person: Person, error: Exception) -> None:
    """Let an event of the window raise, which no code of the program expects."""

    def raises() -> None:
        raise error

    raised: list[bool] = []
    QTimer.singleShot(0, raises)
    QTimer.singleShot(0, lambda: raised.append(True))
    person.wait(lambda: raised != [])


def dialogs(person: Person) -> list[QMessageBox]:
    return [each for each in person.window.findChildren(QMessageBox) if each.isVisible()]


def test_that_an_unexpected_error_is_told_in_a_dialog_and_the_program_goes_on(watched: Person, tmp_path: Path) -> None:
    watched.accept(Kind.HC)
    fail_inside(watched, ValueError("a surprise"))
    watched.wait(lambda: len(dialogs(watched)) == 1)
    (box,) = dialogs(watched)
    assert "ValueError in test_crash.py" in box.text()
    # What a person sends on must not hold a file's name, which errors like to quote.
    assert "a surprise" not in box.text()
    assert "Your decisions are saved" in box.text()
    assert "Traceback" not in box.text()
    log = (tmp_path / "log" / "fetalnet.log").read_text()
    assert "unexpected ValueError" in log
    assert "a surprise" not in log
    watched.bot.mouseClick(
        box.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Ok), Qt.MouseButton.LeftButton
    )
    watched.wait(lambda: dialogs(watched) == [])
    watched.go_to_measure(Kind.AC)
    watched.do(Do.ACCEPT)
    assert watched.measurement(Kind.AC).status is Status.ACCEPTED


def test_that_the_same_error_is_told_once(watched: Person) -> None:
    for _ in range(3):
        fail_inside(watched, KeyError("again"))
    watched.wait(lambda: len(dialogs(watched)) == 1)
    fail_inside(watched, ZeroDivisionError("another"))
    watched.wait(lambda: len(dialogs(watched)) == 2)


def test_that_decisions_are_on_disk_before_the_dialog_says_so(watched: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    watched.wait_saved()
    # The thread that saves hangs: only the hook's own saving is left.
    monkeypatch.setattr(watched.session.journal, "put", lambda _: None)
    watched.accept(Kind.FL)
    assert not watched.session.saved
    fail_inside(watched, RuntimeError("inside"))
    watched.wait(lambda: len(dialogs(watched)) == 1)
    exam = load_exam(watched.session.journal.path_of(watched.session.exam.recordings[0]))
    assert [each.status for each in exam.measurements if each.kind is Kind.FL] == [Status.ACCEPTED]


KILLED_WHILE_SAVING = """
import io, os, signal, sys
from pathlib import Path
from fetalnet.core.planes import Kind
from fetalnet.core.system import files
from fetalnet.exam import decisions
from fetalnet.exam.store import load_exam, save_exam

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

class Half(io.FileIO):
    def write(self, content):
        super().write(content[: len(content) // 2])
        die()

path, moment = Path(sys.argv[1]), sys.argv[2]
exam = load_exam(path)
femur = next(each for each in exam.measurements if each.kind is Kind.FL)
match moment:
    case "half written":
        files.os.fdopen = lambda handle, _: Half(handle, "w")
    case "written":
        files.os.fsync = die
    case "not yet in its place":
        files.Path.replace = die
save_exam(decisions.accept(exam, femur.id), path)
"""


@pytest.mark.parametrize("moment", ["half written", "written", "not yet in its place"])
def test_that_a_kill_while_saving_leaves_the_old_exam_whole(
    start_program, clip: Path, reviewer: Person, moment: str
) -> None:
    reviewer.accept(Kind.HC)
    reviewer.wait_saved()
    path = reviewer.session.journal.path_of(reviewer.session.exam.recordings[0])
    reviewer.program.stop()
    before = path.read_bytes()
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_WHILE_SAVING, str(path), moment],
        cwd=ROOT, capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert path.read_bytes() == before
    again = start_program()
    again.open_clip(clip)
    assert again.message == ""
    assert again.measurement(Kind.HC).status is Status.ACCEPTED
    assert again.measurement(Kind.FL).status is Status.PROPOSED
    again.accept(Kind.FL)
    again.wait_saved()
    assert load_exam(path) == again.session.exam
