"""Decisions come back with the pictures they were taken on, and with no other patient's."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.window import Person, write_clip

from app.actions.table import Do
from app.workers.exporter import Format
from fetalnet.core.planes import Kind
from fetalnet.core.scale.scale import given_scale
from fetalnet.exam.records import Status
from fetalnet.exam.store import load_exam, save_exam


def write_stills(folder: Path, seed: int) -> Path:
    """A scanner's export: BMPs of one size with the usual names."""
    folder.mkdir(parents=True)
    pictures = np.random.default_rng(seed)
    for number in range(12):
        cv2.imwrite(str(folder / f"IMG{number:04}.bmp"), pictures.integers(0, 255, (90, 120), np.uint8))
    return folder


@pytest.fixture
def decided(start_program, tmp_path: Path) -> tuple[Person, Path]:
    """Somebody who accepted a head of the first patient."""
    person = start_program(scale=given_scale(0.5))
    folder = write_stills(tmp_path / "first" / "IMAGES", 1)
    person.open_clip(folder)
    person.accept(Kind.HC)
    person.wait_saved()
    return person, folder


def test_that_one_patients_decision_is_not_shown_on_another_patients_pictures(decided, tmp_path: Path) -> None:
    person, folder = decided
    person.open_clip(write_stills(tmp_path / "second" / "IMAGES", 2))
    assert person.measurement(Kind.HC).status is Status.PROPOSED
    assert len(list((tmp_path / "data" / "exams").glob("*.fnexam"))) == 2
    person.open_clip(folder)
    assert person.measurement(Kind.HC).status is Status.ACCEPTED


def test_that_decisions_stay_when_the_folder_gains_other_files_or_moves(decided, tmp_path: Path, clip: Path) -> None:
    person, folder = decided
    (folder / "report.pdf").write_bytes(b"%PDF-1.4")
    (folder / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0")
    person.open_clip(clip)
    person.open_clip(folder)
    assert person.measurement(Kind.HC).status is Status.ACCEPTED
    moved = shutil.copytree(folder, tmp_path / "archive" / "2026-11")
    person.open_clip(moved)
    assert person.measurement(Kind.HC).status is Status.ACCEPTED
    assert person.session.exam.recordings[0].name == "2026-11"


def as_before(person: Person, folder: Path) -> Path:
    """Put what was saved to where earlier versions kept it: under the names and sizes of the folder's files."""
    person.program.stop()
    at = person.session.journal.path_of(person.session.exam.recordings[0])
    sizes = sorted((each.name, each.stat().st_size) for each in folder.iterdir())
    key = hashlib.sha256(repr(sizes).encode()).hexdigest()[:24]
    before = at.with_name(f"{key}-{sum(size for _, size in sizes)}.fnexam")
    before.write_bytes(at.read_bytes().replace(b"content_sha256", b"head_sha256").replace(b": 4,", b": 3,", 1))
    at.unlink()
    at.with_suffix(".fnframes").rename(before.with_suffix(".fnframes"))
    return before


def test_that_an_exam_of_an_earlier_version_is_taken_over_with_its_analysis(decided, start_program, predictor) -> None:
    person, folder = decided
    before = as_before(person, folder)
    (folder / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0")
    predictor.started.clear()
    again = start_program()
    again.open_clip(folder)
    assert "It was decided about as one recording before" in again.message
    assert again.measurement(Kind.HC).status is Status.ACCEPTED
    assert not predictor.started.is_set()
    again.wait_saved()
    assert not before.exists()
    assert not before.with_suffix(".fnframes").exists()
    assert load_exam(again.session.journal.path_of(again.session.exam.recordings[0])) == again.session.exam


@pytest.mark.parametrize("where", ["elsewhere", "on the same stick"])
def test_that_an_exam_of_an_earlier_version_never_goes_to_another_patient(
    decided, start_program, tmp_path: Path, where: str
) -> None:
    person, folder = decided
    before = as_before(person, folder)
    if where == "elsewhere":
        other = write_stills(tmp_path / "second" / "IMAGES", 2)
    else:
        shutil.rmtree(folder)
        other = write_stills(folder, 2)
    later = datetime.now(UTC).timestamp() + 3600
    for file in other.iterdir():
        os.utime(file, (later, later))
    again = start_program(scale=given_scale(0.5))
    again.open_clip(other)
    assert "may be another patient's" in again.message
    assert again.measurement(Kind.HC).status is Status.PROPOSED
    assert before.exists()


def test_that_an_exam_of_an_earlier_version_follows_a_file_wherever_it_lies(start_program, tmp_path: Path) -> None:
    """A compressed recording's first megabyte is its own."""
    person = start_program(scale=given_scale(0.5))
    path = write_clip(tmp_path / "sweep.mp4")
    path.write_bytes(path.read_bytes() + np.random.default_rng(3).bytes(2 << 20))
    person.open_clip(path)
    person.accept(Kind.HC)
    person.wait_saved()
    person.program.stop()
    journal, recording = person.session.journal, person.session.exam.recordings[0]
    head = hashlib.sha256(path.read_bytes()[: 1 << 20]).hexdigest()
    former = replace(person.session.exam, recordings=(replace(recording, content_sha256=head),))
    save_exam(former, journal.path_of(former.recordings[0]))
    journal.path_of(recording).unlink()
    again = start_program()
    again.open_clip(path.rename(tmp_path / "moved.mp4"))
    assert again.measurement(Kind.HC).status is Status.ACCEPTED


def test_that_another_recording_in_its_place_is_neither_analysed_nor_printed(decided, tmp_path: Path) -> None:
    """A stick was changed, or a grabber wrote over its last file, while the window was open."""
    person, folder = decided
    predicted = len(person.session.analysis.predictions)
    shutil.rmtree(folder)
    write_stills(folder, 2)
    person.do(Do.ANALYSE)
    person.wait(lambda: "holds other pictures than when it was opened" in person.message)
    assert len(person.session.analysis.predictions) == predicted
    person.window.notification.hide()
    person.window.verbs.files.exports.write(Format.PDF, tmp_path / "report.pdf")
    person.wait(lambda: "holds other pictures than when it was opened" in person.message)
    assert not (tmp_path / "report.pdf").exists()
    before = person.session.recording
    person.session.open(folder)
    person.wait(lambda: person.session.recording is not before and person.session.analysis.state.complete)
    assert person.measurement(Kind.HC).status is Status.PROPOSED
