"""Pictures are shown upright and with square pixels, whatever a file's pixels are and however it was turned."""

from __future__ import annotations

from contextlib import closing
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from support.dicom_files import colour, dataset, write
from test_dicom_scale import region

from fetalnet.core.geometry import MmPerPixel
from fetalnet.core.planes import Plane
from fetalnet.core.scale.scale import ScaleOrigin
from fetalnet.research.phantom import render_clip
from fetalnet.sources import Source, open_source, read_image
from fetalnet.sources.pictures.shape import Orientation, PictureShape


def head() -> np.ndarray:
    """A picture that differs from each of its turned ones."""
    return next(frame.pixels for frame, _ in render_clip(3, 1, Plane.HEAD, size=(320, 240)))


def video(path: Path, picture: np.ndarray, aspect: Fraction | None = None, codec: str = "libx264", **turn: int) -> Path:
    """The same grey picture six times; ``turn``: the degrees of a display matrix, against the clock."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options={"crf": "10"} if codec == "libx264" else {})
        stream.height, stream.width = picture.shape
        stream.pix_fmt = "yuv420p"
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        if turn:
            stream.set_display_rotation(turn["degrees"], hflip=bool(turn.get("hflip")))
        for _ in range(6):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.dstack([picture] * 3), format="rgb24")))
        container.mux(stream.encode(None))
    return path


def only_frame(source: Source) -> np.ndarray:
    with closing(source):
        assert (source.width, source.height) == (source[0].width, source[0].height)
        pixels = source[len(source) - 1].pixels
        assert pixels.flags.c_contiguous
        assert not pixels.flags.writeable
        return pixels if pixels.ndim == 2 else pixels[..., 1]


def assert_alike(pixels: np.ndarray, expected: np.ndarray, levels: float = 6.0) -> None:
    assert pixels.shape == expected.shape
    assert np.abs(pixels.astype(int) - expected.astype(int)).mean() < levels


ASPECTS = [
    Fraction(5, 4), Fraction(16, 15), Fraction(64, 45), Fraction(4, 5), Fraction(8, 9), Fraction(10, 11), Fraction(2),
]  # fmt: skip


@pytest.mark.parametrize("aspect", ASPECTS)
@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts", "avi"])
def test_a_video_whose_pixels_are_not_square_is_shown_with_square_ones(
    tmp_path: Path, aspect: Fraction, suffix: str
) -> None:
    picture = head()
    size = (round(320 / aspect / 2) * 2, 240) if aspect > 1 else (320, round(240 * aspect / 2) * 2)
    source = open_source(video(tmp_path / f"a.{suffix}", cv2.resize(picture, size), aspect))
    assert source.remark is not None
    assert f"{float(aspect):.4g} times as wide as high" in source.remark
    assert f"{source.width} x {source.height} pixels" in source.remark
    pixels = only_frame(source)
    assert abs(pixels.shape[1] - 320) <= 2
    assert abs(pixels.shape[0] - 240) <= 2
    assert_alike(cv2.resize(pixels, (320, 240)), picture)


def test_square_pixels_are_left_alone_and_nothing_is_said(tmp_path: Path) -> None:
    for aspect in (None, Fraction(1), Fraction(1001, 1000)):
        source = open_source(video(tmp_path / "a.mp4", head(), aspect))
        assert source.remark is None
        assert only_frame(source).shape == (240, 320)


def test_an_aspect_that_cannot_be_is_said_and_not_used(tmp_path: Path) -> None:
    source = open_source(video(tmp_path / "a.mkv", head(), Fraction(9, 1)))
    assert "cannot be" in (source.remark or "")
    assert only_frame(source).shape == (240, 320)


TURNS = {90: 1, 180: 2, 270: 3}


@pytest.mark.parametrize("degrees", TURNS)
@pytest.mark.parametrize("suffix", ["mp4", "mov"])
def test_a_video_that_was_turned_is_shown_upright(tmp_path: Path, degrees: int, suffix: str) -> None:
    picture = head()
    source = open_source(video(tmp_path / f"a.{suffix}", np.ascontiguousarray(np.rot90(picture, -TURNS[degrees])),
                               degrees=degrees))  # fmt: skip
    assert_alike(only_frame(source), picture)


def test_a_video_that_was_mirrored_is_shown_upright(tmp_path: Path) -> None:
    picture = head()
    path = video(tmp_path / "a.mp4", np.ascontiguousarray(picture[:, ::-1]), degrees=0, hflip=1)
    assert_alike(only_frame(open_source(path)), picture)


def test_a_video_turned_and_squeezed_is_neither(tmp_path: Path) -> None:
    picture = head()
    stored = cv2.resize(np.ascontiguousarray(np.rot90(picture, -1)), (192, 320))  # 240 wide by a ratio of 5:4
    source = open_source(video(tmp_path / "a.mp4", stored, Fraction(5, 4), degrees=90))
    assert_alike(only_frame(source), picture)


def test_a_matrix_that_is_no_quarter_turn_is_left_alone() -> None:
    skewed = np.array([40000, 40000, 0, -40000, 40000, 0, 0, 0, 1 << 30], np.int32).tobytes()
    assert Orientation.of_display_matrix(skewed) == Orientation()
    assert Orientation.of_display_matrix(b"") == Orientation()


@pytest.mark.parametrize("number", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
def test_a_photograph_is_shown_upright_by_its_exif_orientation(tmp_path: Path, number: int, suffix: str) -> None:
    picture = head()
    turned = [
        picture, picture[:, ::-1], picture[::-1, ::-1], picture[::-1], picture.T, np.rot90(picture),
        picture[::-1, ::-1].T, np.rot90(picture, -1),
    ][number - 1]  # fmt: skip
    path = tmp_path / f"a.{suffix}"
    exif = Image.Exif()
    exif[274] = number
    how = {"tiffinfo": {274: number}} if suffix == "tif" else {"exif": exif}
    Image.fromarray(np.ascontiguousarray(turned)).save(path, **how)
    source = open_source(path)
    assert (source.width, source.height) == (320, 240)
    assert_alike(only_frame(source), picture, 4)


DENSITIES = {"a.png": {"dpi": (80, 100)}, "a.tif": {"dpi": (80, 100)}, "a.bmp": {"dpi": (80, 100)}}


@pytest.mark.parametrize("name", [*DENSITIES, "jfif.jpg", "exif.jpg"])
def test_a_still_that_states_the_shape_of_its_pixels_is_made_square(tmp_path: Path, name: str) -> None:
    """Fewer pixels for the same length across than down: they are wider than high."""
    picture = head()
    path = tmp_path / name
    stored = Image.fromarray(cv2.resize(picture, (256, 240)))
    if name == "exif.jpg":
        exif = Image.Exif()
        exif[282], exif[283], exif[296] = 80, 100, 2
        stored.save(path, exif=exif)
    else:
        stored.save(path, **DENSITIES.get(name, {"dpi": (80, 100)}))
    source = open_source(path)
    assert "1.25 times as wide as high" in (source.remark or "")
    assert_alike(only_frame(source), picture)
    assert_alike(cv2.cvtColor(np.dstack([read_image(path).pixels] * 3), cv2.COLOR_RGB2GRAY), picture)


def squeezed_dicom(**elements: object) -> Dataset:
    """Four frames at four fifths of their width."""
    narrow = np.stack([cv2.resize(frame, (round(frame.shape[1] * 0.8), frame.shape[0])) for frame in colour()])
    return dataset(narrow, "RGB", **elements)


def test_a_dicom_file_that_states_the_shape_of_its_pixels_is_made_square(tmp_path: Path) -> None:
    source = open_source(write(tmp_path / "a.dcm", squeezed_dicom(PixelAspectRatio=["4", "5"])))
    assert "1.25 times as wide as high" in (source.remark or "")
    with closing(source):
        assert_alike(source[2].pixels, colour()[2], 8)
        assert source.calibration.origin is ScaleOrigin.NONE


def test_what_dicom_says_of_its_scale_holds_in_square_pixels(tmp_path: Path) -> None:
    height, width = squeezed_dicom().Rows, squeezed_dicom().Columns
    whole = region((0, 0, width - 1, height - 1), 0.025, 0.02)
    for elements in ({"SequenceOfUltrasoundRegions": [whole]}, {"PixelSpacing": [0.2, 0.25]}):
        path = write(tmp_path / "a.dcm", squeezed_dicom(PixelAspectRatio=["4", "5"], **elements))
        with closing(open_source(path)) as source:
            size = source.calibration.scale.mm_per_pixel
            assert size is not None
            assert (size.x, size.y) == pytest.approx((0.2, 0.2), rel=0.005)
            assert source.calibration.refused is None
            assert source.calibration.scale.warning is None
            for each in source.calibration.regions:
                assert (each.x0, each.y0, each.x1, each.y1) == (0, 0, source.width - 1, source.height - 1)


def test_a_scale_that_contradicts_the_shape_of_the_pixels_is_refused(tmp_path: Path) -> None:
    made = squeezed_dicom(PixelAspectRatio=["4", "5"], PixelSpacing=[0.2, 0.2])
    with closing(open_source(write(tmp_path / "a.dcm", made))) as source:
        assert "contradicts the shape of its pixels" in (source.calibration.refused or "")
        assert source.calibration.scale.mm_per_pixel is None


@pytest.mark.parametrize("stated", [["0", "0"], ["1"], ["1", "0"], ["-4", "5"]])
def test_an_aspect_in_dicom_that_is_none_is_ignored(tmp_path: Path, stated: list[str]) -> None:
    with closing(open_source(write(tmp_path / "a.dcm", squeezed_dicom(PixelAspectRatio=stated)))) as source:
        assert source.remark is None
        assert source.width == squeezed_dicom().Columns


def test_no_pixel_is_lost_and_nothing_grows_out_of_bounds() -> None:
    assert PictureShape.of(720, 576, Fraction(16, 15)) == PictureShape(720, 576, 16 / 15)
    assert (PictureShape.of(720, 576, Fraction(16, 15)).width, PictureShape.of(720, 480, Fraction(8, 9)).height) == (
        768, 540,
    )  # fmt: skip
    assert PictureShape.of(9000, 9000, 3.5).pixel_aspect == 1.0
    assert PictureShape(640, 480, 1.25).stretch_x == pytest.approx(1.25)
    assert MmPerPixel(0.2, 0.25).disagreement == pytest.approx(0.25)
