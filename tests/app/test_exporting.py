"""Files out: written whole, or a sentence."""

from __future__ import annotations

import csv
import errno
import json
from pathlib import Path

import pytest
from conftest import Person
from PySide6.QtWidgets import QFileDialog

from app.actions import Do
from app.canvas.hit import Handle
from fetalnet.planes import Kind


@pytest.fixture
def decided(reviewer: Person) -> Person:
    reviewer.accept(Kind.HC)
    reviewer.go_to_measure(Kind.FL)
    reviewer.drag(Handle.LINE_END, 5, 0)
    reviewer.reject(Kind.AC)
    return reviewer


def export(person: Person, do: Do, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    person.do(do)
    person.wait(lambda: person.window.verbs.exporter is None)


def test_that_the_report_is_a_pdf_with_a_picture_of_each_decided_frame(
    decided: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pypdf import PdfReader

    path = tmp_path / "my report.pdf"
    export(decided, Do.EXPORT_PDF, path, monkeypatch)
    assert "Written" in decided.message
    pages = PdfReader(path).pages
    text = " ".join(page.extract_text() for page in pages)
    assert "Not a medical device" in " ".join(text.split())
    assert sum(len(page.images) for page in pages) == 2


def test_that_the_table_has_a_row_for_each_measure(
    decided: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "table.csv"
    export(decided, Do.EXPORT_CSV, path, monkeypatch)
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    assert {row["measure"]: row["status"] for row in rows} == {
        "HC": "accepted", "BPD": "proposed", "OFD": "proposed", "AC": "rejected", "FL": "corrected",
    }  # fmt: skip


def test_that_the_exam_is_json_with_both_geometries(
    decided: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "exam.json"
    export(decided, Do.EXPORT_JSON, path, monkeypatch)
    femur = next(each for each in json.loads(path.read_text())["measurements"] if each["measure"] == "FL")
    assert femur["status"] == "corrected"
    assert femur["proposed"]["geometry"] != femur["decisions"][-1]["geometry"]


@pytest.mark.parametrize("do", [Do.EXPORT_PDF, Do.EXPORT_CSV, Do.EXPORT_JSON])
def test_that_a_full_disk_is_said_and_leaves_nothing(
    decided: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, do: Do
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    decided.wait_saved()
    monkeypatch.setattr("fetalnet.atomic_file.os.fsync", full)
    export(decided, do, folder / "exam.out", monkeypatch)
    assert "disk is full" in decided.message
    assert list(folder.iterdir()) == []


def test_that_a_missing_folder_is_said(decided: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export(decided, Do.EXPORT_CSV, tmp_path / "nowhere" / "table.csv", monkeypatch)
    assert decided.message.startswith("Cannot write table.csv")


def test_that_a_removed_recording_spoils_the_report_but_not_the_program(
    start_program,
    clip: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from fetalnet.picture.scale import given_scale

    copy = tmp_path / "copy.mp4"
    copy.write_bytes(clip.read_bytes())
    person = start_program(scale=given_scale(0.5))
    person.open_clip(copy)
    person.accept(Kind.HC)
    person.wait(lambda: len(person.window.gallery._kept) == 3)
    copy.unlink()
    export(person, Do.EXPORT_PDF, tmp_path / "report.pdf", monkeypatch)
    assert "copy.mp4" in person.message
    assert not (tmp_path / "report.pdf").exists()
    person.go_to(12)


def test_that_a_cancelled_dialog_writes_nothing(decided: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: ("", ""))
    decided.do(Do.EXPORT_PDF)
    assert decided.window.verbs.exporter is None


def test_that_the_picture_of_a_frame_outlives_its_painting(decided: Person) -> None:
    from app.exporting import drawn

    measurement = decided.measurement(Kind.HC)
    decided.go_to(measurement.frame_index)
    picture = drawn(decided.session.frame, [measurement])
    assert picture.flags.owndata
    assert picture.shape == (900, 1200, 3)
    # The video's colours are grey to a few levels; what is drawn is yellow.
    coloured = picture.max(axis=2).astype(int) - picture.min(axis=2) > 60
    assert 0.001 < coloured.mean() < 0.1
