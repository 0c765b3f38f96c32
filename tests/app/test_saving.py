"""What was decided gets to the disk, however slow or full it is, and nothing is called saved before it is."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QMessageBox
from support.window import WAIT_MS, Person, write_clip

from app.actions.table import Do
from app.session.settings import load_settings
from app.workers.exporter import Format
from fetalnet.core.errors import InputError
from fetalnet.core.planes import Kind
from fetalnet.core.scale.scale import given_scale
from fetalnet.core.system import files as atomic_file
from fetalnet.exam.records import Status
from fetalnet.exam.store import load_exam


class Disk:
    """A disk that can be slow, or full, as long as a test wants it to."""

    def __init__(self) -> None:
        self.let = threading.Event()
        self.let.set()
        self.code = 0
        self.refused = 0
        self._fsync = os.fsync

    def fsync(self, handle: int) -> None:
        assert self.let.wait(WAIT_MS / 1000)
        if self.code:
            self.refused += 1
            raise OSError(self.code, os.strerror(self.code))
        self._fsync(handle)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    disk = Disk()
    monkeypatch.setattr(atomic_file.os, "fsync", disk.fsync)
    yield disk
    disk.code = 0
    disk.let.set()


@pytest.fixture
def quick_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.session.autosave.RETRY_S", 0.01)


def file_of(person: Person) -> Path:
    return person.session.journal.path_of(person.session.exam.recordings[0])


def on_disk(path: Path, kind: Kind) -> list[Status]:
    return [each.status for each in load_exam(path).measurements if each.kind is kind]


def saved_text(person: Person) -> str:
    return person.window.statusBar().saved.text()


def test_that_a_save_is_tried_again_by_itself_when_the_disk_has_room(disk: Disk, quick_retry, reviewer: Person) -> None:
    reviewer.wait_saved()
    disk.code = errno.ENOSPC
    reviewer.accept(Kind.HC)
    reviewer.wait(lambda: saved_text(reviewer) == "NOT SAVED")
    assert "disk is full" in reviewer.message
    reviewer.wait(lambda: disk.refused > 3)
    assert saved_text(reviewer) == "NOT SAVED"
    disk.code = 0
    reviewer.wait(lambda: saved_text(reviewer) == "saved")
    assert reviewer.message == "Your decisions are saved now."
    assert on_disk(file_of(reviewer), Kind.HC) == [Status.ACCEPTED]


def test_that_recordings_opened_one_after_the_other_are_all_saved_on_a_slow_disk(
    disk: Disk, start_program, tmp_path: Path
) -> None:
    person = start_program(scale=given_scale(0.5))
    clips = [write_clip(tmp_path / f"{number}.mp4", frames=40 + number) for number in range(3)]
    for path in clips:
        person.open_clip(path)
        person.wait_saved()
    disk.let.clear()
    files = []
    for path in clips:
        person.open_clip(path)
        person.accept(Kind.HC)
        files.append(file_of(person))
        assert saved_text(person) == "saving…"
    person.open_clip(clips[0])
    assert person.measurement(Kind.HC).status is Status.ACCEPTED
    assert saved_text(person) == "saving…"
    disk.let.set()
    person.wait(lambda: saved_text(person) == "saved")
    assert [on_disk(path, Kind.HC) for path in files] == [[Status.ACCEPTED]] * 3


def test_that_another_window_waits_for_an_exam_that_is_still_being_saved(
    disk: Disk, start_program, clip: Path, tmp_path: Path, reviewer: Person
) -> None:
    reviewer.wait_saved()
    disk.let.clear()
    reviewer.accept(Kind.HC)
    reviewer.open_clip(write_clip(tmp_path / "next.mp4", frames=30), analysed=False)
    second = start_program()
    second.open_clip(clip, analysed=False)
    assert second.session.read_only
    disk.let.set()
    reviewer.wait(lambda: reviewer.session.journal.all_saved)
    before = second.session.recording
    second.session.open(clip)
    second.wait(lambda: second.session.recording is not before)
    assert not second.session.read_only
    assert second.measurement(Kind.HC).status is Status.ACCEPTED


def answer(person: Person, button: str, when) -> None:
    """Press a button of the dialog that asks, as soon as it says what is waited for."""
    timer = QTimer(person.window)

    def look() -> None:
        box = next((each for each in person.window.findChildren(QMessageBox) if each.isVisible()), None)
        if box is not None and when(box):
            timer.stop()
            next(each for each in box.buttons() if each.text() == button).click()

    timer.timeout.connect(look)
    timer.start(5)


def test_that_closing_waits_for_what_is_being_saved(disk: Disk, reviewer: Person) -> None:
    reviewer.wait_saved()
    disk.let.clear()
    reviewer.accept(Kind.HC)
    told = []

    def look() -> None:
        boxes = [each for each in reviewer.window.findChildren(QMessageBox) if each.isVisible()]
        if boxes:
            told.append(boxes[0].text())
            disk.let.set()

    timer = QTimer(reviewer.window)
    timer.timeout.connect(look)
    timer.start(5)
    assert reviewer.window.close()
    timer.stop()
    assert "are being saved" in told[0]
    assert on_disk(file_of(reviewer), Kind.HC) == [Status.ACCEPTED]


def test_that_closing_asks_where_nothing_can_be_saved(disk: Disk, quick_retry, reviewer: Person) -> None:
    reviewer.wait_saved()
    disk.code = errno.ENOSPC
    reviewer.accept(Kind.HC)
    answer(reviewer, "Stay", lambda box: "disk is full" in box.text())
    assert not reviewer.window.close()
    assert reviewer.window.isVisible()
    reviewer.accept(Kind.FL)
    disk.code = 0
    reviewer.wait_saved()
    assert on_disk(file_of(reviewer), Kind.FL) == [Status.ACCEPTED]
    disk.code = errno.ENOSPC
    reviewer.reject(Kind.AC)
    answer(reviewer, "Quit without saving", lambda box: "disk is full" in box.text())
    assert reviewer.window.close()
    assert on_disk(file_of(reviewer), Kind.AC) == [Status.PROPOSED]


def test_that_a_program_told_to_quit_saves_what_waits(disk: Disk, reviewer: Person) -> None:
    reviewer.wait_saved()
    disk.let.clear()
    reviewer.accept(Kind.HC)
    opens = threading.Timer(0.05, disk.let.set)
    opens.start()
    reviewer.program.stop()
    opens.join()
    assert on_disk(file_of(reviewer), Kind.HC) == [Status.ACCEPTED]


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_that_a_recording_whose_name_is_no_utf_8_is_saved(start_program, clip: Path, tmp_path: Path) -> None:
    person = start_program(scale=given_scale(0.5))
    odd = tmp_path / os.fsdecode(b"M\xfcller.mp4")
    odd.write_bytes(clip.read_bytes())
    person.open_clip(odd)
    person.accept(Kind.HC)
    person.wait_saved()
    assert on_disk(file_of(person), Kind.HC) == [Status.ACCEPTED]
    assert load_exam(file_of(person)).recordings[0].name == "M\N{REPLACEMENT CHARACTER}ller.mp4"
    for do in (Do.UNDO, Do.ACCEPT):
        person.do(do)
        person.wait_saved()
    for form in Format:
        person.window.verbs.files.exports.write(form, tmp_path / f"exam.{form}")
        person.wait(lambda: person.window.verbs.files.exports.running is None)
        assert "Written" in person.message
    person.program.stop()
    assert load_settings(tmp_path / "config" / "settings.json").recent_files == [str(odd)]


def test_that_an_error_inside_ends_no_saving(reviewer: Person, quick_retry, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise LookupError("inside")

    reviewer.wait_saved()
    with reviewer.bot.captureExceptions() as errors, monkeypatch.context() as patch:
        patch.setattr("app.session.autosave.save_exam", fails)
        reviewer.accept(Kind.HC)
        reviewer.wait(lambda: saved_text(reviewer) == "NOT SAVED")
        reviewer.window.tell_error("LookupError")
        (box,) = [each for each in reviewer.window.findChildren(QMessageBox) if each.isVisible()]
        assert "are not saved yet" in box.text()
        box.close()
    assert [str(error[1]) for error in errors] == ["inside"]
    reviewer.wait_saved()
    assert on_disk(file_of(reviewer), Kind.HC) == [Status.ACCEPTED]


def closed(person: Person) -> Path:
    """The exam of somebody who accepted a head and left."""
    person.accept(Kind.HC)
    person.wait_saved()
    path = file_of(person)
    person.program.stop()
    return path


def test_that_an_exam_of_a_newer_program_is_left_alone(start_program, clip: Path, reviewer: Person) -> None:
    path = closed(reviewer)
    path.write_bytes(path.read_bytes().replace(b'"schema_version": 4', b'"schema_version": 99'))
    content = path.read_bytes()
    again = start_program(scale=given_scale(0.5))
    again.open_clip(clip)
    assert "newer version" in again.message
    again.go_to_measure(Kind.HC)
    again.do(Do.ACCEPT)
    assert again.measurement(Kind.HC).status is Status.PROPOSED
    again.program.stop()
    assert path.read_bytes() == content
    assert not list(path.parent.glob("*.damaged*"))


@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO])
def test_that_an_exam_that_cannot_be_read_now_is_left_alone(
    start_program, clip: Path, reviewer: Person, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    path = closed(reviewer)
    content = path.read_bytes()
    plain = Path.read_bytes

    def refuses(each: Path) -> bytes:
        if each == path:
            raise OSError(code, os.strerror(code))
        return plain(each)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", refuses)
        again = start_program(scale=given_scale(0.5))
        again.open_clip(clip)
        assert "left alone" in again.message
        again.go_to_measure(Kind.FL)
        again.do(Do.ACCEPT)
        assert again.measurement(Kind.FL).status is Status.PROPOSED
    assert path.read_bytes() == content
    before = again.session.recording
    again.session.open(clip)
    again.wait(lambda: again.session.recording is not before)
    assert not again.session.read_only
    assert again.measurement(Kind.HC).status is Status.ACCEPTED


def test_that_a_second_damaged_exam_never_overwrites_the_first(start_program, clip: Path, reviewer: Person) -> None:
    path = closed(reviewer)
    for content in ("{1", "{2", "{3"):
        path.write_text(content)
        again = start_program(scale=given_scale(0.5))
        again.open_clip(clip)
        assert "set aside" in again.message
        again.wait_saved()
        again.program.stop()
    assert sorted(each.read_text() for each in path.parent.glob("*.damaged*")) == ["{1", "{2", "{3"]


def test_that_a_damaged_exam_that_cannot_be_set_aside_is_left_alone(
    start_program, clip: Path, reviewer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = closed(reviewer)
    path.write_text("{1")

    def refuses(*_: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr("app.session.autosave.Path.replace", refuses)
    again = start_program(scale=given_scale(0.5))
    again.open_clip(clip)
    assert again.session.read_only
    assert path.read_text() == "{1"


def test_that_a_refused_save_of_one_exam_keeps_no_other_from_the_disk(
    quick_retry, start_program, clip: Path, tmp_path: Path, reviewer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fetalnet.exam.store import save_exam

    reviewer.wait_saved()
    first = file_of(reviewer)

    def refuses_one(exam, path: Path) -> None:
        if path == first:
            raise InputError(f"Cannot write {path.name}: writing there is not allowed; choose another folder.")
        save_exam(exam, path)

    monkeypatch.setattr("app.session.autosave.save_exam", refuses_one)
    reviewer.accept(Kind.HC)
    reviewer.open_clip(write_clip(tmp_path / "next.mp4", frames=40))
    reviewer.accept(Kind.HC)
    reviewer.wait(lambda: on_disk(file_of(reviewer), Kind.HC) == [Status.ACCEPTED])
    assert saved_text(reviewer) == "NOT SAVED"
