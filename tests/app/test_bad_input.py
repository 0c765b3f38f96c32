"""What cannot be used is said in one sentence, and the program goes on."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import FRAMES, FakePredictor, Person, write_clip

from app.actions import Do
from fetalnet.errors import InputError
from fetalnet.planes import Kind
from fetalnet.records import Status


def broken(kind: str, folder: Path, clip: Path) -> Path:
    path = folder / f"{kind}.mp4"
    match kind:
        case "empty":
            path.touch()
        case "text":
            path.write_text("not a video\n" * 50)
        case "headless":
            path.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
        case "folder":
            path = folder / "nothing"
            path.mkdir()
        case "missing":
            pass
        case "damaged image":
            path = folder / "image.png"
            path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"0" * 200)
    return path


@pytest.mark.parametrize("kind", ["empty", "text", "headless", "folder", "missing", "damaged image"])
def test_that_a_bad_file_is_said_and_the_program_goes_on(person: Person, tmp_path: Path, clip: Path, kind: str) -> None:
    person.window.open_path(broken(kind, tmp_path, clip))
    person.wait(lambda: person.message != "")
    assert person.message.endswith(".")
    assert "Traceback" not in person.message
    assert person.session.recording is None
    person.open_clip(clip)
    assert person.shown == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_that_an_unreadable_file_is_said(person: Person, tmp_path: Path, clip: Path) -> None:
    path = tmp_path / "locked.mp4"
    path.write_bytes(clip.read_bytes())
    path.chmod(0)
    person.window.open_path(path)
    person.wait(lambda: "not allowed" in person.message)


def test_that_a_bad_file_leaves_the_open_one_open(reviewer: Person, tmp_path: Path, clip: Path) -> None:
    reviewer.accept(Kind.HC)
    reviewer.window.open_path(broken("text", tmp_path, clip))
    reviewer.wait(lambda: "text.mp4" in reviewer.message)
    assert reviewer.session.recording.path == clip
    assert reviewer.measurement(Kind.HC).status is Status.ACCEPTED
    reviewer.go_to(FRAMES - 1)


def test_that_a_cut_off_recording_is_analysed_as_far_as_it_goes(person: Person, tmp_path: Path) -> None:
    whole = write_clip(tmp_path / "whole.avi", frames=40)
    cut = tmp_path / "cut.avi"
    cut.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * 0.6)])
    person.open_clip(cut)
    assert 0 < person.session.analysis.done < 40
    assert "cut.avi" in person.message


def test_that_missing_weights_leave_a_player(start_program, clip: Path) -> None:
    def missing() -> FakePredictor:
        raise InputError("There are no weights at x.safetensors; restore the file or name another with --weights.")

    person = start_program(load_predictor=missing)
    person.open_clip(clip, analysed=False)
    person.wait(lambda: "no weights" in person.message)
    person.go_to(10)
    assert not person.session.analysis.running
    assert "No network" in person.window.statusBar().model.text()


def test_that_an_error_inside_the_network_stops_the_analysis_alone(
    person: Person, clip: Path, predictor: FakePredictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: object) -> None:
        raise RuntimeError("inside")

    monkeypatch.setattr(predictor, "predict", fails)
    with person.bot.captureExceptions() as errors:
        person.open_clip(clip, analysed=False)
        person.wait(lambda: "stopped at an error" in person.message)
    assert [str(error[1]) for error in errors] == ["inside"]
    monkeypatch.undo()
    person.do(Do.ANALYSE)
    person.wait(lambda: person.session.analysis.complete)


def test_that_a_damaged_exam_is_set_aside(start_program, clip: Path, reviewer: Person) -> None:
    reviewer.accept(Kind.HC)
    reviewer.wait_saved()
    exam = reviewer.session.journal.path_of(reviewer.session.exam.recordings[0])
    reviewer.program.stop()
    exam.write_text("{}")
    again = start_program()
    again.open_clip(clip)
    assert "set aside" in again.message
    assert exam.with_suffix(".damaged").read_text() == "{}"
    assert again.measurement(Kind.HC).status is Status.PROPOSED


def test_that_decisions_that_cannot_be_saved_are_said(reviewer: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object) -> None:
        raise InputError("Cannot write exam: the disk is full; free some space or choose another folder.")

    reviewer.wait_saved()
    monkeypatch.setattr("app.journal.save_exam", refuses)
    reviewer.accept(Kind.HC)
    reviewer.wait(lambda: "disk is full" in reviewer.message)
    assert reviewer.window.statusBar().saved.text() == "NOT SAVED"
    assert reviewer.measurement(Kind.HC).status is Status.ACCEPTED


def test_that_images_and_folders_open(person: Person, tmp_path: Path) -> None:
    folder = tmp_path / "some images"
    folder.mkdir()
    for number in range(3):
        cv2.imwrite(str(folder / f"{number}.png"), np.full((90, 120), 60 + number, np.uint8))
    person.drop(folder)
    person.wait(lambda: person.session.analysis.complete)
    assert len(person.session.recording) == 3
    person.open_clip(folder / "1.png")
    assert len(person.session.recording) == 1
    assert not person.can(Do.PLAY)


def test_that_dropped_files_are_listed_and_the_first_opened(person: Person, tmp_path: Path, clip: Path) -> None:
    second = write_clip(tmp_path / "second.mp4", frames=5)
    person.drop(clip, second)
    person.wait(lambda: person.session.recording is not None)
    assert person.session.recording.path == clip
    names = person.window.recordings._list
    assert sorted(names.item(row).text() for row in range(names.count())) == ["clip.mp4", "second.mp4"]
