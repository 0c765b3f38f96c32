"""What a folder of pictures is taken for: frames that follow each other, or stills that have nothing to do with it."""

from __future__ import annotations

import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from fetalnet.sources import clips_of, open_source
from fetalnet.sources.pictures.folder import TakenFor, looks_like

Picture = np.ndarray


def blob(x: float, y: float = 60, size: tuple[int, int] = (160, 120)) -> Picture:
    """Something bright in the dark, as an organ in a fan."""
    across, down = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    return (20 + 200 * np.exp(-((across - x) ** 2 + (down - y) ** 2) / 600)).astype(np.uint8)


def write(folder: Path, pictures: dict[str, Picture]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures.items():
        assert cv2.imwrite(str(folder / name), picture)
    return folder


def sweep(count: int = 12, name: str = "frame_{:03}.png") -> dict[str, Picture]:
    return {name.format(number): blob(40 + 2 * number) for number in range(1, count + 1)}


PLACES = (30, 130, 60, 110, 25, 90)


def six_women(name: str = "IM_{:04}.bmp") -> dict[str, Picture]:
    """As a scanner stores them: numbered, of one size, each of another woman."""
    return {name.format(number): blob(x, 30 + 10 * number) for number, x in enumerate(PLACES, 1)}


def judge(path: Path) -> list[TakenFor]:
    """What each folder in it was taken for."""
    taken: list[TakenFor] = []

    def told(folder: Path, files) -> TakenFor:
        taken.append(looks_like(files))
        return taken[-1]

    clips_of(path, told)
    return taken


def by_look(path: Path) -> list[str]:
    return [clip.name for clip in clips_of(path, lambda _, files: looks_like(files))]


def test_that_frames_that_are_numbered_and_follow_each_other_are_one_recording(tmp_path: Path) -> None:
    assert judge(write(tmp_path / "sweep", sweep())) == [TakenFor.RECORDING]
    (clip,) = clips_of(tmp_path / "sweep", lambda _, files: looks_like(files))
    assert (clip.path, clip.pictures) == (tmp_path / "sweep", 12)


@pytest.mark.parametrize(
    "pictures",
    [
        six_women(),
        {"head.png": blob(40), "head 2.png": blob(41), "femur.png": blob(42)},
        sweep(12) | {"frame_013.png": blob(66, size=(200, 120))},
        {"IM1.png": blob(40), "IM1_calipers.png": blob(40), "IM2.png": blob(41)},
        {"IM1.png": blob(40), "IM2.png": blob(41)},
        {f"A{x}_B{y}.png": blob(40 + x) for x in (1, 2) for y in (1, 2, 3)},
    ],
    ids=["other women", "names", "two sizes", "a picture twice", "two", "two numbers"],
)
def test_that_stills_are_recordings_of_their_own(tmp_path: Path, pictures: dict[str, Picture]) -> None:
    folder = write(tmp_path / "stills", pictures)
    assert set(judge(folder)) == {TakenFor.STILLS}
    assert sorted(by_look(folder)) == sorted(pictures)
    assert {clip.folder for clip in clips_of(folder, lambda _, files: looks_like(files))} == {folder}


def test_that_each_woman_twice_with_and_without_calipers_is_no_recording(tmp_path: Path) -> None:
    pictures = {}
    for number, picture in enumerate(six_women().values()):
        pictures[f"IM{2 * number}.png"] = pictures[f"IM{2 * number + 1}.png"] = picture
    assert set(judge(write(tmp_path / "pairs", pictures))) == {TakenFor.STILLS}


def test_that_a_recording_may_have_a_cut_and_a_damaged_frame(tmp_path: Path) -> None:
    folder = write(tmp_path / "cut", {f"{n}.png": blob(30 + n if n < 15 else 130 - n) for n in range(30)})
    (folder / "7.png").write_text("no picture")
    assert judge(folder) == [TakenFor.RECORDING]


def test_that_sixteen_bits_and_colours_are_looked_at_alike(tmp_path: Path) -> None:
    deep = {name: picture.astype(np.uint16) * 257 for name, picture in sweep(6).items()}
    assert judge(write(tmp_path / "deep", deep)) == [TakenFor.RECORDING]
    other = {name: picture.astype(np.uint16) * 257 for name, picture in six_women("{}.png").items()}
    assert set(judge(write(tmp_path / "other", other))) == {TakenFor.STILLS}
    colour = {name: np.dstack([picture] * 4) for name, picture in sweep(6).items()}
    assert judge(write(tmp_path / "colour", colour)) == [TakenFor.RECORDING]


def test_that_stills_are_listed_by_name_and_with_their_folder_where_that_lies_deeper(tmp_path: Path) -> None:
    write(tmp_path / "study" / "anna", six_women("IM{}.png"))
    write(tmp_path / "study" / "berta", sweep(4))
    write(tmp_path / "study", {"IM10.png": blob(30), "IM9.png": blob(120)})
    clips = clips_of(tmp_path / "study", lambda _, files: looks_like(files))
    assert [(clip.name, clip.detail) for clip in clips] == [
        ("IM9.png", ""),
        ("IM10.png", ""),
        *((f"IM{number}.png", "anna") for number in range(1, 7)),
        ("berta", ""),
    ]


def test_that_an_archive_of_stills_lists_them_and_each_opens(tmp_path: Path) -> None:
    folder = write(tmp_path / "stills", six_women("IM{}.png"))
    with zipfile.ZipFile(tmp_path / "stills.zip", "w") as archive:
        for file in folder.iterdir():
            archive.write(file, file.name)
    clips = clips_of(tmp_path / "stills.zip", lambda _, files: looks_like(files))
    assert [clip.name for clip in clips] == [f"IM{number}.png" for number in range(1, 7)]
    source = open_source(clips[1].path)
    assert len(source) == 1
    assert source[0].pixels.tobytes() == blob(PLACES[1], 50).tobytes()
    source.close()


def test_that_the_command_line_takes_a_folder_for_one_recording_as_ever(tmp_path: Path) -> None:
    folder = write(tmp_path / "stills", six_women())
    assert [clip.path for clip in clips_of(folder)] == [folder]
    assert len(open_source(folder)) == 6


def test_that_pictures_of_which_some_lie_on_their_side_are_stills(tmp_path: Path) -> None:
    turned = Image.Exif()
    turned[274] = 6
    for number in range(1, 13):
        picture = Image.fromarray(blob(40 + 2 * number))
        picture.save(tmp_path / f"{number:03}.jpg", exif=turned if number > 6 else Image.Exif())
    assert judge(tmp_path) == [TakenFor.STILLS]


def test_that_files_of_several_pages_are_recordings_of_their_own(tmp_path: Path) -> None:
    for number in range(1, 6):
        pages = [Image.fromarray(blob(40 + number + page)) for page in range(3)]
        pages[0].save(tmp_path / f"{number:03}.tif", save_all=True, append_images=pages[1:])
    assert judge(tmp_path) == [TakenFor.STILLS]
    clips = clips_of(tmp_path, lambda _, files: looks_like(files))
    assert [len(open_source(clip.path)) for clip in clips] == [3] * 5
