"""Images of every kind open as 8-bit pictures; a folder plays as one recording."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from fetalnet.core.errors import InputError
from fetalnet.sources import BrokenFrameError, image_files, open_source, read_image

RAMP = np.tile(np.arange(256, dtype=np.uint8), (32, 1))


def write(path: Path, pixels: np.ndarray) -> Path:
    done, content = cv2.imencode(path.suffix, pixels)
    assert done
    path.write_bytes(content.tobytes())
    return path


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".tiff", ".PNG"])
def test_grey_stays_as_it_is(tmp_path: Path, suffix: str) -> None:
    frame = read_image(write(tmp_path / f"grey{suffix}", RAMP))
    np.testing.assert_array_equal(frame.pixels, RAMP)
    assert frame.file == f"grey{suffix}"
    assert frame.time_s is None
    assert not frame.pixels.flags.writeable


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits_are_scaled_linearly(tmp_path: Path, suffix: str) -> None:
    deep = RAMP.astype(np.uint16) * 257
    np.testing.assert_array_equal(read_image(write(tmp_path / f"deep{suffix}", deep)).pixels, RAMP)
    dark = read_image(write(tmp_path / f"dark{suffix}", deep // 16)).pixels
    assert dark.max() == 16  # by bit depth, not by what is in the picture


def test_colour_is_rgb_whatever_the_file_holds(tmp_path: Path) -> None:
    rgb = np.zeros((8, 8, 3), np.uint8)
    rgb[:] = (200, 100, 50)
    Image.fromarray(rgb).save(tmp_path / "rgb.png")
    Image.fromarray(rgb).convert("P", palette=Image.Palette.ADAPTIVE).save(tmp_path / "palette.png")
    Image.fromarray(np.dstack([rgb, np.full((8, 8), 255, np.uint8)])).save(tmp_path / "rgba.png")
    write(tmp_path / "deep.png", (rgb[..., ::-1].astype(np.uint16) * 257))
    for name in ("rgb.png", "palette.png", "rgba.png", "deep.png"):
        np.testing.assert_array_equal(read_image(tmp_path / name).pixels, rgb, err_msg=name)


def test_names_in_any_script_open(tmp_path: Path) -> None:
    assert read_image(write(tmp_path / "kopf größe 頭.png", RAMP)).width == 256


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".tif"])
def test_a_damaged_image_gives_a_sentence(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)
    path = write(tmp_path / f"cut{suffix}", noise)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match=f"cut{suffix} is damaged"):
        read_image(path)


def test_one_image_is_a_recording_of_one_frame(tmp_path: Path) -> None:
    source = open_source(write(tmp_path / "one.png", RAMP))
    assert (len(source), source.width, source.height, source.name) == (1, 256, 32, "one.png")
    assert source[0].time_s is None
    with pytest.raises(IndexError):
        source[1]


def test_a_folder_plays_in_natural_order_and_ignores_other_files(tmp_path: Path) -> None:
    for number in (10, 9, 1, 2):
        write(tmp_path / f"frame{number}.png", np.full((8, 8), number, np.uint8))
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / ".hidden.png").write_text("x")
    source = open_source(tmp_path)
    assert [int(frame.pixels[0, 0]) for frame in source] == [1, 2, 9, 10]
    assert [frame.index for frame in source] == [0, 1, 2, 3]
    assert [file.name for file in image_files(tmp_path)] == sorted(f"frame{number}.png" for number in (10, 9, 1, 2))


def test_damaged_images_of_a_folder_are_left_out_and_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(4):
        write(tmp_path / f"{number}.png", rng.integers(0, 255, (64, 64), dtype=np.uint8))
    (tmp_path / "0.png").write_text("no picture")
    (tmp_path / "2.png").write_bytes((tmp_path / "2.png").read_bytes()[:2000])
    source = open_source(tmp_path)
    assert (len(source), source.width) == (4, 64)
    assert [frame.index for frame in source] == [1, 3]
    assert source.notice == "2 of 4 frames are damaged and left out: 0.png, 2.png."
    with pytest.raises(BrokenFrameError, match=r"2\.png is damaged"):
        source[2]
    for number in (1, 2, 3):
        (tmp_path / f"{number}.png").write_text("no picture")
    with pytest.raises(InputError, match="damaged"):
        open_source(tmp_path)


def test_images_of_mixed_size_are_no_recording_but_are_stills(tmp_path: Path) -> None:
    write(tmp_path / "a.png", RAMP)
    write(tmp_path / "b.png", RAMP[:20])
    with pytest.raises(InputError, match=r"b\.png is 256 x 20"):
        open_source(tmp_path)
    assert [read_image(file).height for file in image_files(tmp_path)] == [32, 20]


def test_an_empty_folder_gives_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(InputError, match="no images"):
        open_source(tmp_path)
