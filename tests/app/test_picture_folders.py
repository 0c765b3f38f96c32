"""A folder of pictures in the window: stills with an exam each, or one recording, and the way to switch."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtCore import Qt
from support.window import HEIGHT, WIDTH, Person

from app.actions.table import Do
from fetalnet.core.planes import Kind
from fetalnet.core.scale.scale import given_scale
from fetalnet.exam.records import Status

PLACES = (30, 130, 60, 110, 25, 90)


def blob(x: float, y: float) -> np.ndarray:
    across, down = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    return (20 + 200 * np.exp(-((across - x) ** 2 + (down - y) ** 2) / 600)).astype(np.uint8)


def write(folder: Path, pictures: list[np.ndarray], name: str = "IM_{:04}.bmp") -> Path:
    folder.mkdir()
    for number, picture in enumerate(pictures, 1):
        assert cv2.imwrite(str(folder / name.format(number)), picture)
    return folder


@pytest.fixture
def stills(tmp_path: Path) -> Path:
    """Six women's pictures with a scanner's usual names."""
    return write(tmp_path / "clinic", [blob(x, 30 + 10 * y) for y, x in enumerate(PLACES)])


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    return write(tmp_path / "sweep", [blob(40 + 2 * x, 60) for x in range(24)])


@pytest.fixture
def told(person: Person) -> list[str]:
    """Every sentence that was said; on a busy machine one may be gone when a test comes to look."""
    sentences: list[str] = []
    person.session.notice.connect(sentences.append)
    return sentences


def open_folder(person: Person, folder: Path, first: Path) -> None:
    person.drop(folder)
    opened(person, first)


def opened(person: Person, path: Path) -> None:
    person.wait(lambda: person.session.recording is not None and person.session.recording.path == path)
    person.wait(lambda: person.session.analysis.state.complete)


def labels(person: Person) -> list[str]:
    pane = person.window.recordings._list
    return [pane.item(row).text() for row in range(pane.count())]


def click(person: Person, row: int) -> None:
    pane = person.window.recordings._list
    pane.itemClicked.emit(pane.item(row))


def test_that_each_still_is_a_recording_of_its_own_listed_by_name(
    person: Person, stills: Path, told: list[str]
) -> None:
    open_folder(person, stills, stills / "IM_0001.bmp")
    assert labels(person) == [f"IM_{number:04}.bmp" for number in range(1, 7)]
    assert len(person.session.recording) == 1
    assert any("each is opened alone, with a scale of its own" in sentence for sentence in told)
    pane = person.window.recordings
    assert pane.folder.text() == "clinic: 6 pictures, each a recording of its own"
    assert pane.switch.isVisible()
    # Each alone gives its plane: the folder as one recording proposed nothing.
    assert person.measurement(Kind.HC).status is Status.PROPOSED
    assert person.window.settings.recent_files == [str(stills)]


def test_that_scale_and_decisions_of_one_still_are_none_of_the_next(person: Person, stills: Path) -> None:
    open_folder(person, stills, stills / "IM_0001.bmp")
    person.session.review.set_scale(given_scale(0.5))
    person.accept(Kind.HC)
    person.wait_saved()
    first = person.session.journal.path_of(person.session.exam.recordings[0])
    click(person, 1)
    opened(person, stills / "IM_0002.bmp")
    assert not person.session.calibration.is_known
    assert person.measurement(Kind.HC).status is Status.PROPOSED
    assert person.session.journal.path_of(person.session.exam.recordings[0]) != first
    assert person.window.recordings.folder.isVisible()
    click(person, 0)
    opened(person, stills / "IM_0001.bmp")
    assert person.measurement(Kind.HC).status is Status.ACCEPTED
    assert person.session.scale.mm_per_pixel.x == 0.5


def test_that_a_numbered_sweep_is_one_recording_and_the_program_says_so(
    person: Person, sweep: Path, told: list[str]
) -> None:
    open_folder(person, sweep, sweep)
    assert labels(person) == ["sweep"]
    assert len(person.session.recording) == 24
    assert any("numbered and follow each other" in sentence for sentence in told)
    assert person.window.recordings.folder.text() == "sweep: 24 pictures as one recording"


def test_that_the_person_switches_there_and_back(person: Person, sweep: Path, clip: Path) -> None:
    open_folder(person, sweep, sweep)
    switch = person.window.recordings.switch
    assert switch.text() == "One by one"
    switch.click()
    opened(person, sweep / "IM_0001.bmp")
    assert labels(person) == [f"IM_{number:04}.bmp" for number in range(1, 25)]
    assert switch.text() == "As one recording"
    person.open_clip(clip)
    assert not switch.isVisible()
    # The person's word counts for as long as the program runs.
    open_folder(person, sweep, sweep / "IM_0001.bmp")
    switch.click()
    opened(person, sweep)
    assert labels(person) == ["sweep", "clip.mp4"]
    assert len(person.session.recording) == 24


def test_that_stills_of_two_sizes_stay_what_they_are_where_they_are_no_recording(
    person: Person, stills: Path, told: list[str]
) -> None:
    assert cv2.imwrite(str(stills / "IM_0007.bmp"), np.full((60, 80), 90, np.uint8))
    open_folder(person, stills, stills / "IM_0001.bmp")
    person.window.recordings.switch.click()
    person.wait(lambda: any("keep one size in the folder" in sentence for sentence in told))
    assert len(labels(person)) == 7
    assert person.session.recording.path == stills / "IM_0001.bmp"
    open_folder(person, stills, stills / "IM_0001.bmp")
    assert len(labels(person)) == 7


def test_that_decisions_about_a_folder_as_one_recording_come_back(
    person: Person, stills: Path, clip: Path, told: list[str]
) -> None:
    open_folder(person, stills, stills / "IM_0001.bmp")
    person.window.recordings.switch.click()
    opened(person, stills)
    person.session.review.set_scale(given_scale(0.5))
    person.do(Do.HAND_FEMUR)
    person.press(Qt.Key.Key_Right)
    person.do(Do.ACCEPT)
    person.wait_saved()
    person.open_clip(clip)
    person.session._folders.said.clear()
    open_folder(person, stills, stills)
    assert any("decided about as one recording before" in sentence for sentence in told)
    assert person.measurement(Kind.FL).status is Status.ACCEPTED
