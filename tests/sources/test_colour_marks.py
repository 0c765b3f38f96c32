"""What the pixels themselves say of their colours wins over what the file calls them."""

from __future__ import annotations

from contextlib import closing
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames
from support.dicom_files import (
    SIZE,
    colour,
    compressed,
    dataset,
    deep,
    grey,
    half_colour,
    jpeg,
    jpeg_2000,
    jpeg_lossless,
    native,
    without_marks,
    write,
    ybr,
)

from fetalnet.sources import open_source

FAULTS = Path(__file__).parents[1] / "faults"


def assert_shown(folder: Path, made: Dataset, expected: np.ndarray, levels: float) -> str:
    """Every frame is as it was drawn; what the source then says of itself."""
    with closing(open_source(write(folder / "a.dcm", made))) as source:
        assert len(source) == len(expected)
        for frame in source:
            assert frame.pixels.shape == expected[frame.index].shape
            difference = frame.pixels.astype(int) - expected[frame.index].astype(int)
            assert np.abs(difference).mean() < levels, made.PhotometricInterpretation
        return " ".join(each for each in (source.notice, source.remark) if each)


@pytest.mark.parametrize("name", ["rgb_label_ycc_422_nomark.dcm", "j2k_mct_YBR_FULL.dcm"])
def test_the_grey_of_a_picture_with_a_wrong_label_is_grey(name: str) -> None:
    """Most of an ultrasound picture is grey; taken for the other kind of colours it is green or pink."""
    with closing(open_source(FAULTS / name)) as source:
        pixels = source[0].pixels.astype(int)
    assert np.mean(np.ptp(pixels, axis=2) < 24) > 0.9


@pytest.mark.parametrize("label", ["YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422", "RGB"])
@pytest.mark.parametrize("coarse", [0, 1, 2])
@pytest.mark.parametrize("marked", [True, False])
def test_a_jpeg_is_read_by_its_marks_and_by_how_coarse_its_colours_are(
    tmp_path: Path, label: str, coarse: int, marked: bool
) -> None:
    """``coarse``: 4:4:4, 4:2:2, 4:2:0. Without marks and as fine as its greys, only the label tells."""
    if not marked and coarse == 0 and label == "RGB":
        return
    frames = []
    for frame in colour():
        stream = BytesIO()
        Image.fromarray(frame).save(stream, "JPEG", quality=95, subsampling=coarse)
        frames.append(stream.getvalue() if marked else without_marks(stream.getvalue()))
    made = compressed(dataset(colour(), label), uid.JPEGBaseline8Bit, frames)
    assert_shown(tmp_path, made, colour(), 3)


@pytest.mark.parametrize("label", ["YBR_FULL", "YBR_FULL_422", "RGB"])
def test_an_adobe_mark_of_rgb_wins(tmp_path: Path, label: str) -> None:
    made = jpeg("RGB")
    assert b"Adobe" in next(iter(generate_frames(made.PixelData, number_of_frames=4)))
    made.PhotometricInterpretation = label
    assert_shown(tmp_path, made, colour(), 2)


@pytest.mark.parametrize("label", ["YBR_FULL", "YBR_FULL_422", "RGB"])
def test_components_that_are_called_rgb_are_rgb(tmp_path: Path, label: str) -> None:
    made = jpeg("RGB")
    frames = [
        stream[:2] + stream[4 + int.from_bytes(stream[4:6]) :]
        for stream in generate_frames(made.PixelData, number_of_frames=4)
    ]
    assert b"Adobe" not in frames[0]
    made.PixelData, made.PhotometricInterpretation = encapsulate(frames), label
    assert_shown(tmp_path, made, colour(), 2)


def adobe(stream: bytes, transform: int) -> bytes:
    return stream[:2] + b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + bytes((transform,)) + stream[2:]


@pytest.mark.parametrize("label", ["YBR_FULL", "RGB"])
def test_an_adobe_mark_counts_in_lossless_jpeg_too(tmp_path: Path, label: str) -> None:
    for values, transform in ((colour, 0), (ybr, 1)):
        made = jpeg_lossless(uid.JPEGLosslessSV1, values, label)
        frames = [adobe(each, transform) for each in generate_frames(made.PixelData, number_of_frames=4)]
        made.PixelData = encapsulate(frames)
        assert_shown(tmp_path, made, colour(), 1)


@pytest.mark.parametrize("label", ["YBR_FULL", "YBR_FULL_422", "RGB", "YBR_RCT", "YBR_ICT"])
def test_a_jpeg_2000_that_was_transformed_is_read_as_rgb(tmp_path: Path, label: str) -> None:
    assert_shown(tmp_path, jpeg_2000(colour, label, transformed=True), colour(), 1)


@pytest.mark.parametrize("label", ["MONOCHROME2", "RGB", "YBR_FULL"])
def test_the_stream_says_how_many_components_there_are(tmp_path: Path, label: str) -> None:
    """A grey picture that is called coloured, and a coloured one that is called grey."""
    made = jpeg("MONOCHROME2")
    made.PhotometricInterpretation, made.SamplesPerPixel = label, 1 if label == "MONOCHROME2" else 3
    assert_shown(tmp_path, made, grey(), 3)
    made = jpeg("YBR_FULL_422")
    made.PhotometricInterpretation, made.SamplesPerPixel = label, 1 if label == "MONOCHROME2" else 3
    assert_shown(tmp_path, made, colour(), 3)


def test_the_length_tells_whether_two_pixels_share_their_colour(tmp_path: Path) -> None:
    syntax = uid.ExplicitVRLittleEndian
    pairs = half_colour(syntax)
    pairs.PhotometricInterpretation = "YBR_FULL"
    still = dataset(ybr()[:1], "YBR_FULL_422")
    del still.NumberOfFrames
    for made, expected in ((native(syntax, ybr, "YBR_FULL_422"), colour()), (pairs, colour()), (still, colour()[:1])):
        assert "frames" not in assert_shown(tmp_path, made, expected, 2)


def test_a_window_that_shows_a_few_greys_is_not_used_and_said(tmp_path: Path) -> None:
    for centre, width in ((2048, 4096), (128, 1), (9000, 400), (128, 6)):
        said = assert_shown(tmp_path, dataset(grey(), "MONOCHROME2", WindowCenter=centre, WindowWidth=width), grey(), 1)
        assert "a few grey levels" in said


@pytest.mark.parametrize(("centre", "width"), [(127.5, 256), (100, 80), (60, 40)])
def test_a_window_that_a_person_set_is_used(tmp_path: Path, centre: float, width: float) -> None:
    made = dataset(grey(), "MONOCHROME2", WindowCenter=centre, WindowWidth=width)
    expected = np.clip(((grey() - (centre - 0.5)) / (width - 1) + 0.5) * 255, 0, 255)
    assert "few grey" not in assert_shown(tmp_path, made, expected, 1.5)


def test_a_window_for_its_own_bits_is_used_without_a_word(tmp_path: Path) -> None:
    made = dataset(deep(12), "MONOCHROME2", 12, WindowCenter=2048, WindowWidth=4096)
    assert assert_shown(tmp_path, made, deep(12) / 4095 * 255, 1) == ""
    assert SIZE == (192, 144)
