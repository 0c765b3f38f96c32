"""What a DICOM file says of its scale and its times."""

from __future__ import annotations

import math
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from support.dicom_files import colour, dataset, write
from support.real_data import real_data

from fetalnet.core.geometry import Ellipse, Line, MmPerPixel
from fetalnet.core.scale.scale import ScaleOrigin
from fetalnet.export.wording import calibration_text
from fetalnet.sources import open_source
from fetalnet.sources.dicom.regions import calibration_of


def region(box: tuple[int, int, int, int], delta: object = 0.02, delta_y: object = None, **more: object) -> Dataset:
    item = Dataset()
    item.RegionSpatialFormat, item.RegionDataType, item.RegionFlags = 1, 1, 0
    item.RegionLocationMinX0, item.RegionLocationMinY0, item.RegionLocationMaxX1, item.RegionLocationMaxY1 = box
    item.PhysicalUnitsXDirection = item.PhysicalUnitsYDirection = 3
    item.PhysicalDeltaX, item.PhysicalDeltaY = delta, delta if delta_y is None else delta_y
    for keyword, value in more.items():
        setattr(item, keyword, value)
    return item


def picture(*regions: Dataset, **more: object) -> Dataset:
    made = Dataset()
    made.Rows, made.Columns = 480, 640
    if regions:
        made.SequenceOfUltrasoundRegions = list(regions)
    for keyword, value in more.items():
        setattr(made, keyword, value)
    return made


INSIDE = Line.of(100, 100, 200, 100)


def test_a_region_gives_the_scale_of_what_lies_in_it() -> None:
    calibration = calibration_of(picture(region((50, 40, 600, 440), 0.02, 0.03)))
    assert calibration.origin is ScaleOrigin.DICOM_REGION
    assert calibration.scale_for(INSIDE).mm_per_pixel == MmPerPixel(0.2, 0.3)
    assert calibration.scale_for(Line.of(10, 100, 200, 100)).mm_per_pixel is None
    assert calibration.refused is None
    assert calibration.note is None


def test_negative_deltas_are_lengths_all_the_same() -> None:
    assert calibration_of(picture(region((0, 0, 639, 479), -0.02, 0.03))).scale.mm_per_pixel == MmPerPixel(0.2, 0.3)


def test_two_regions_have_each_their_own_scale() -> None:
    calibration = calibration_of(picture(region((0, 0, 319, 479), 0.02), region((320, 0, 639, 479), 0.04)))
    assert calibration.scale.mm_per_pixel is None
    assert calibration.scale_for(INSIDE).mm_per_pixel == MmPerPixel(0.2, 0.2)
    assert calibration.scale_for(Line.of(400, 100, 500, 100)).mm_per_pixel == MmPerPixel(0.4, 0.4)
    assert calibration.scale_for(Line.of(300, 100, 500, 100)).mm_per_pixel is None
    assert calibration.scale_for(Ellipse.of(320, 240, 50, 40, 0)).mm_per_pixel is None


def test_a_see_through_region_of_low_priority_counts_last() -> None:
    low, high = region((0, 0, 639, 479), 0.05, RegionFlags=3), region((50, 50, 400, 400), 0.02, RegionFlags=2)
    calibration = calibration_of(picture(low, high))
    assert calibration.scale_for(INSIDE).mm_per_pixel == MmPerPixel(0.2, 0.2)
    assert calibration.scale_for(Line.of(500, 450, 600, 450)).mm_per_pixel == MmPerPixel(0.5, 0.5)


@pytest.mark.parametrize(
    "other",
    [
        {"RegionSpatialFormat": 2, "PhysicalUnitsXDirection": 4},
        {"RegionSpatialFormat": 3, "PhysicalUnitsXDirection": 4, "PhysicalUnitsYDirection": 7},
        {"RegionSpatialFormat": 5},
        {"PhysicalUnitsYDirection": 0},
        {"PhysicalUnitsXDirection": 8, "PhysicalUnitsYDirection": 8},
    ],
)
def test_regions_without_lengths_give_no_scale(other: dict[str, int]) -> None:
    beside = region((0, 240, 639, 479), 0.1, **other)
    assert calibration_of(picture(beside)).scale.origin is ScaleOrigin.NONE
    both = calibration_of(picture(beside, region((0, 0, 639, 239), 0.02)))
    assert both.scale_for(INSIDE).mm_per_pixel == MmPerPixel(0.2, 0.2)
    assert both.scale_for(Line.of(100, 300, 200, 300)).mm_per_pixel is None


def test_one_pixel_past_the_edge_is_how_scanners_count() -> None:
    calibration = calibration_of(picture(region((0, 0, 640, 480))))
    assert calibration.refused is None
    assert calibration.regions[0].x1 == 639


@pytest.mark.parametrize(
    "box", [(0, 0, 641, 479), (0, 0, 639, 481), (700, 0, 900, 479), (200, 100, 100, 200), (5, 5, 5, 5)]
)
def test_a_region_that_does_not_fit_the_picture_is_refused(box: tuple[int, int, int, int]) -> None:
    calibration = calibration_of(picture(region(box)))
    assert "does not lie in the picture of 640 x 480" in (calibration.refused or "")
    assert calibration.scale_for(INSIDE).mm_per_pixel is None
    accepted = calibration.accepted()
    usable = box[0] < box[2] and box[0] < 640
    assert accepted.scale.mm_per_pixel == (MmPerPixel(0.2, 0.2) if usable else None)


@pytest.mark.parametrize("delta", [0.0, math.inf, math.nan, None])
def test_a_pixel_size_that_is_no_length_is_refused(delta: float | None) -> None:
    calibration = calibration_of(picture(region((0, 0, 639, 479), delta, 0.02)))
    assert "no length" in (calibration.refused or "")
    assert calibration.scale_for(INSIDE).mm_per_pixel is None
    assert calibration.accepted().scale_for(INSIDE).mm_per_pixel is None


@pytest.mark.parametrize(("delta", "warned"), [(0.004, True), (0.005, False), (0.06, False), (0.061, True)])
def test_an_unusual_scale_is_used_with_a_warning(delta: float, warned: bool) -> None:
    calibration = calibration_of(picture(region((0, 0, 639, 479), delta)))
    scale = calibration.scale_for(INSIDE)
    assert scale.mm_per_pixel is not None
    assert (scale.warning is not None) is warned
    assert calibration_text(calibration).count("unusual") == warned


@pytest.mark.parametrize("delta", [0.25, 25.0, 0.001, 0.0019, 0.201])
def test_a_scale_that_cannot_be_right_is_refused_until_a_person_accepts_it(delta: float) -> None:
    for calibration in (
        calibration_of(picture(region((0, 0, 639, 479), delta))),
        calibration_of(picture(PixelSpacing=[10 * delta, 10 * delta])),
    ):
        assert "mm per pixel, which cannot be right" in (calibration.refused or "")
        assert calibration.scale_for(INSIDE).mm_per_pixel is None
        assert calibration.accepted().scale_for(INSIDE).mm_per_pixel == MmPerPixel(10 * delta, 10 * delta)
        assert "cannot be right" in (calibration.accepted().note or "")


@pytest.mark.parametrize("times", [2.0, 10.0, 1.7, 0.5])
def test_a_scale_far_different_along_the_axes_is_refused(times: float) -> None:
    for calibration in (
        calibration_of(picture(region((0, 0, 639, 479), 0.02, 0.02 * times))),
        calibration_of(picture(PixelSpacing=[0.2 * times, 0.2])),
    ):
        assert "contradicts the shape of its pixels" in (calibration.refused or "")
        assert calibration.scale_for(INSIDE).mm_per_pixel is None


@pytest.mark.parametrize(("times", "warned"), [(1.0, False), (1.02, False), (1.04, True), (1.25, True), (1.46, True)])
def test_a_scale_a_little_different_along_the_axes_is_used_with_a_warning(times: float, warned: bool) -> None:
    calibration = calibration_of(picture(region((0, 0, 639, 479), 0.02, 0.02 * times)))
    scale = calibration.scale_for(INSIDE)
    assert scale.mm_per_pixel is not None
    assert ("differs between the axes" in (scale.warning or "")) is warned
    assert ("differs between the axes" in calibration_text(calibration)) is warned


def test_without_regions_a_spacing_is_taken_in_order_of_trust() -> None:
    made = picture(
        PixelSpacing=[0.3, 0.2], NominalScannedPixelSpacing=[0.4, 0.4], ImagerPixelSpacing=[0.5, 0.5],
        PixelAspectRatio=[1, 1],
    )  # fmt: skip
    calibration = calibration_of(made)
    assert (calibration.origin, calibration.whole, calibration.note) == (
        ScaleOrigin.PIXEL_SPACING, MmPerPixel(0.2, 0.3), None,
    )  # fmt: skip
    del made.PixelSpacing
    assert calibration_of(made).whole == MmPerPixel(0.4, 0.4)
    assert "film" in (calibration_of(made).note or "")
    del made.NominalScannedPixelSpacing
    assert calibration_of(made).whole == MmPerPixel(0.5, 0.5)
    del made.ImagerPixelSpacing
    assert calibration_of(made).origin is ScaleOrigin.NONE
    assert calibration_of(picture(region((0, 0, 639, 479)), PixelSpacing=[1.0, 1.0])).origin is ScaleOrigin.DICOM_REGION


@pytest.mark.parametrize("spacing", [[0, 0.2], [-0.2, 0.2], [0.2]])
def test_a_spacing_that_is_no_length_is_refused(spacing: list[float]) -> None:
    calibration = calibration_of(picture(PixelSpacing=spacing))
    assert "no length" in (calibration.refused or "")
    assert calibration.scale.mm_per_pixel is None


def test_an_enhanced_volume_has_its_spacing_in_a_group() -> None:
    group, measures = Dataset(), Dataset()
    measures.PixelSpacing = [0.3, 0.2]
    group.PixelMeasuresSequence = [measures]
    assert calibration_of(picture(SharedFunctionalGroupsSequence=[group])).whole == MmPerPixel(0.2, 0.3)


REAL = {
    "OBXXXX1A.dcm": (1, (600, 800), True, None),
    "US1_J2KR.dcm": (1, (480, 640), False, None),
    "examples_jpeg2k.dcm": (1, (480, 640), False, None),
    "examples_palette.dcm": (1, (350, 800), True, "does not lie in the picture"),
    "examples_rgb_color.dcm": (1, (240, 320), False, None),
    "examples_ybr_color.dcm": (30, (240, 320), True, "does not lie in the picture"),
}


@pytest.mark.parametrize("name", REAL)
def test_real_files_say_what_is_known_of_them(name: str) -> None:
    path = real_data(f"dicom/{name}")
    count, size, has_region, refused = REAL[name]
    with closing(open_source(path)) as source:
        assert (len(source), (source.height, source.width)) == (count, size)
        assert sum(1 for _ in source) == count
        assert source.calibration.is_known is (has_region and refused is None)
        assert (refused or "") in (source.calibration.refused or "")
        assert source.calibration.accepted().is_known is has_region
        assert 5 < source[count - 1].pixels.mean() < 60


def test_the_real_pictures_look_as_pydicom_shows_them() -> None:
    pydicom = pytest.importorskip("pydicom")
    for name in ("US1_J2KR.dcm", "examples_rgb_color.dcm"):
        path = real_data(f"dicom/{name}")
        dataset_ = pydicom.dcmread(path)
        with closing(open_source(path)) as source:
            if name == "examples_rgb_color.dcm":
                np.testing.assert_array_equal(source[0].pixels, dataset_.pixel_array)
            assert source[0].pixels.shape == (dataset_.Rows, dataset_.Columns, 3)


# Times.


def opened(folder: Path, **elements: object) -> tuple[list[float | None], float, str | None]:
    made = dataset(colour(), "RGB")
    del made.FrameTime, made.FrameIncrementPointer
    for keyword, value in elements.items():
        setattr(made, keyword, value)
    with closing(open_source(write(folder / "a.dcm", made))) as source:
        return [source.time_s(index) for index in range(len(source))], source.frame_rate_hz, source.remark


def every(interval_s: float) -> list[float]:
    return [pytest.approx(index * interval_s, abs=1e-9) for index in range(4)]


def test_frame_time_is_exact(tmp_path: Path) -> None:
    assert opened(tmp_path, FrameTime="16.6667") == (every(0.0166667), pytest.approx(59.99988), None)


def test_a_vector_gives_each_frame_its_time(tmp_path: Path) -> None:
    times, rate_hz, notice = opened(tmp_path, FrameTimeVector=[0, 40, 20, 60.5])
    assert times == pytest.approx([0, 0.04, 0.06, 0.1205])
    assert rate_hz == pytest.approx(3 / 0.1205)
    assert notice is None


@pytest.mark.parametrize(("pointer", "last"), [(0x00181063, 0.12), (0x00181065, 0.03)])
def test_the_pointer_says_which_of_two_counts(tmp_path: Path, pointer: int, last: float) -> None:
    times, _, _ = opened(
        tmp_path, FrameTime="40", FrameTimeVector=[0, 10, 10, 10], FrameIncrementPointer=pointer
    )  # fmt: skip
    assert times[3] == pytest.approx(last)


@pytest.mark.parametrize(
    ("elements", "interval_s"),
    [
        ({"CineRate": "50"}, 0.02),
        ({"RecommendedDisplayFrameRate": "10"}, 0.1),
        ({"ActualFrameDuration": "50"}, 0.05),
        ({"FrameTime": "0", "CineRate": "20"}, 0.05),
        ({"FrameTimeVector": [0, 10], "CineRate": "20"}, 0.05),
        ({"FrameTimeVector": [0, 10, -10, 10], "CineRate": "20"}, 0.05),
        ({"FrameTimeVector": [0, 0, 0, 0], "CineRate": "20"}, 0.05),
    ],
)
def test_what_cannot_be_true_gives_way_to_what_can(tmp_path: Path, elements: dict, interval_s: float) -> None:
    assert opened(tmp_path, **elements) == (every(interval_s), pytest.approx(1 / interval_s), None)


def test_a_nominal_rate_is_marked_as_such(tmp_path: Path) -> None:
    times, rate_hz, remark = opened(tmp_path)
    assert (times, rate_hz) == (every(0.04), 25.0)
    assert "nominal 25 frames a second" in (remark or "")


def test_a_single_picture_has_no_clock(tmp_path: Path) -> None:
    with closing(open_source(write(tmp_path / "a.dcm", dataset(colour()[:1], "RGB")))) as source:
        assert source[0].time_s is None
        assert (source.notice, source.remark) == (None, None)
