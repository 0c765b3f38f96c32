"""A folder, an archive or a DICOM file brought to the window."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset
from PySide6.QtCore import Qt
from support.window import HEIGHT, WIDTH, Person, write_clip

from app.actions.table import Do
from fetalnet.core.planes import Kind
from fetalnet.exam.records import Status

FRAMES = 24


def write_cine(path: Path, instance: int = 1, **elements: object) -> Path:
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    made.SOPClassUID, made.SOPInstanceUID = uid.UltrasoundMultiFrameImageStorage, f"1.2.{instance}"
    made.Modality, made.PatientName = "US", "SECRET^NAME"
    made.SeriesNumber, made.InstanceNumber = 1, instance
    made.NumberOfFrames, made.Rows, made.Columns, made.SamplesPerPixel = FRAMES, HEIGHT, WIDTH, 1
    made.PhotometricInterpretation, made.PixelRepresentation = "MONOCHROME2", 0
    made.BitsAllocated, made.BitsStored, made.HighBit = 8, 8, 7
    made.FrameTime, made.FrameIncrementPointer = "40", 0x00181063
    pixels = np.repeat(np.arange(FRAMES, dtype=np.uint8) + 10 * instance, HEIGHT * WIDTH)
    made.add_new(0x7FE00010, "OB", pixels.tobytes())
    for keyword, value in elements.items():
        setattr(made, keyword, value)
    made.save_as(path, enforce_file_format=True)
    return path


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """An archive with two cines, a video and a text."""
    folder = tmp_path / "study"
    folder.mkdir()
    write_cine(folder / "IM1", 1)
    write_cine(folder / "IM2", 2)
    write_clip(folder / "clip.mp4", frames=5)
    path = tmp_path / "study.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, file.name)
        archive.writestr("readme.txt", "x")
    return path


def labels(person: Person) -> list[str]:
    pane = person.window.recordings._list
    return [pane.item(row).text() for row in range(pane.count())]


def click(person: Person, label: str) -> None:
    pane = person.window.recordings._list
    (item,) = pane.findItems(label, Qt.MatchFlag.MatchExactly)
    pane.itemClicked.emit(item)


LABELS = ["clip.mp4", "IM1\nSeries 1 · Image 1 · 24 frames", "IM2\nSeries 1 · Image 2 · 24 frames"]


def test_that_an_archive_lists_its_clips_and_the_first_opens(person: Person, study: Path) -> None:
    person.drop(study)
    person.wait(lambda: person.session.analysis.state.complete)
    assert labels(person) == LABELS
    assert person.session.recording.path == study / "clip.mp4"
    click(person, LABELS[2])
    person.wait(lambda: person.session.recording.path == study / "IM2" and person.session.analysis.state.complete)
    assert person.session.recording.times_s[10] == pytest.approx(0.4)
    person.go_to(7)
    assert person.session.frame.pixels[0, 0] == 27
    assert labels(person) == LABELS
    assert person.window.settings.last_folder == str(study.parent)
    assert "SECRET" not in person.window.windowTitle()


def test_that_a_folder_takes_the_place_of_its_name_in_the_list(person: Person, study: Path, clip: Path) -> None:
    person.drop(clip, study.with_suffix(""))
    person.wait(lambda: person.session.analysis.state.complete)
    assert labels(person) == ["study", "clip.mp4"]
    click(person, "study")
    person.wait(lambda: len(labels(person)) == 4)
    assert labels(person) == [*LABELS, "clip.mp4"]
    person.wait(lambda: person.session.recording.path == study.with_suffix("") / "clip.mp4")


def test_that_decisions_come_back_with_a_clip_of_an_archive(person: Person, study: Path) -> None:
    from fetalnet.core.scale.scale import given_scale

    member = study / "IM1"
    person.open_clip(member)
    person.session.review.set_scale(given_scale(0.5))
    person.accept(Kind.HC)
    person.wait_saved()
    person.open_clip(study / "IM2")
    assert person.measurement(Kind.HC).status is Status.PROPOSED
    person.open_clip(member)
    assert person.measurement(Kind.HC).status is Status.ACCEPTED


def test_that_a_cine_plays(person: Person, tmp_path: Path) -> None:
    person.open_clip(write_cine(tmp_path / "cine.dcm"))
    person.do(Do.PLAY)
    person.wait(lambda: person.shown == FRAMES - 1)
    assert person.message == ""


def test_that_what_is_no_ultrasound_is_said(person: Person, tmp_path: Path) -> None:
    person.drop(write_cine(tmp_path / "head.dcm", Modality="CT", SOPClassUID=uid.CTImageStorage))
    person.wait(lambda: person.message != "")
    assert "not of ultrasound" in person.message
    assert "SECRET" not in person.message
    assert person.session.recording is None
