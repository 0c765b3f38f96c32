"""Files out: written whole, or a sentence."""

from __future__ import annotations

import csv
import errno
import io
import json
from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog
from support.window import Person

from app.actions.table import Do
from app.canvas.hit import Handle
from fetalnet.core.planes import Kind


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
    person.wait(lambda: person.window.verbs.files.exports.running is None)


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


def fill_the_disk(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """Let the system refuse: when the file is made, in the middle of its bytes, or when they reach the disk."""

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    class HalfWritten(io.FileIO):
        def write(self, content: bytes) -> int:
            super().write(content[: len(content) // 2])
            return full()

    match where:
        case "making":
            monkeypatch.setattr("fetalnet.core.system.files.tempfile.mkstemp", full)
        case "writing":
            monkeypatch.setattr("fetalnet.core.system.files.os.fdopen", lambda handle, _: HalfWritten(handle, "w"))
        case "flushing":
            monkeypatch.setattr("fetalnet.core.system.files.os.fsync", full)


@pytest.mark.parametrize("where", ["making", "writing", "flushing"])
@pytest.mark.parametrize("do", [Do.EXPORT_PDF, Do.EXPORT_CSV, Do.EXPORT_JSON])
def test_that_a_full_disk_is_said_and_leaves_what_was_there(
    decided: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, do: Do, where: str
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    path = folder / "exam.out"
    decided.wait_saved()
    with monkeypatch.context() as full:
        fill_the_disk(full, where)
        export(decided, do, path, monkeypatch)
    assert decided.message == "Cannot write exam.out: the disk is full; free some space or choose another folder."
    assert list(folder.iterdir()) == []
    export(decided, do, path, monkeypatch)
    assert decided.message == f"Written: {path}"
    whole = path.read_bytes()
    with monkeypatch.context() as full:
        fill_the_disk(full, where)
        export(decided, do, path, monkeypatch)
    assert "disk is full" in decided.message
    assert path.read_bytes() == whole
    assert list(folder.iterdir()) == [path]


def test_that_a_missing_folder_is_said(decided: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export(decided, Do.EXPORT_CSV, tmp_path / "nowhere" / "table.csv", monkeypatch)
    assert decided.message.startswith("Cannot write table.csv")


def test_that_a_removed_recording_spoils_the_report_but_not_the_program(
    start_program,
    clip: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from fetalnet.core.scale.scale import given_scale

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
    assert decided.window.verbs.files.exports.running is None


def test_that_the_picture_of_a_frame_outlives_its_painting(decided: Person) -> None:
    from app.workers.exporter import drawn

    measurement = decided.measurement(Kind.HC)
    decided.go_to(measurement.frame_index)
    picture = drawn(decided.session.frame, [measurement])
    assert picture.flags.owndata
    assert picture.shape == (900, 1200, 3)
    # The video's colours are grey to a few levels; what is drawn is yellow.
    coloured = picture.max(axis=2).astype(int) - picture.min(axis=2) > 60
    assert 0.001 < coloured.mean() < 0.1
