"""A scale ends where the scanner's depth changes in the middle of a recording."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.depth_screens import HEIGHT, WIDTH, moving_screen

from fetalnet.analysis.batch import analyze
from fetalnet.analysis.result import Analysis
from fetalnet.core.geometry import Ellipse, MmPerPixel
from fetalnet.core.planes import Plane
from fetalnet.core.prediction import ModelRef, Prediction
from fetalnet.core.scale.calibration import NO_CALIBRATION, Calibration
from fetalnet.core.scale.scale import Scale, ScaleOrigin, given_scale
from fetalnet.core.scale.track import ScaleTrack
from fetalnet.sources import Frame

FRAMES, CHANGE = 100, 70
HEAD = Ellipse.of(320, 260, 90, 70, 10)


class Screens:
    """A recording; the depth changes at ``change``, if at all."""

    path = Path("screens.mp4")
    name = "screens.mp4"
    width, height, frame_rate_hz = WIDTH, HEIGHT, 30.0
    notice = remark = None

    def __init__(self, change: int | None, calibration: Calibration = NO_CALIBRATION) -> None:
        self.change, self.calibration = change, calibration

    def __len__(self) -> int:
        return FRAMES

    def __getitem__(self, index: int) -> Frame:
        changed = self.change is not None and index >= self.change
        return Frame(index, index / 30, moving_screen(index, 31 if changed else 23))

    def __iter__(self) -> Iterator[Frame]:
        return (self[index] for index in range(FRAMES))

    def time_s(self, index: int) -> float:
        return index / 30

    def close(self) -> None:
        pass


class SeesHeads:
    """Finds the same head in every frame."""

    def look_at(self, crop: object, fan: object) -> None:
        pass

    def predict(self, frame: Frame) -> Prediction:
        probabilities = dict.fromkeys(Plane, 0.02) | {Plane.HEAD: 0.94}
        return Prediction(frame.index, frame.time_s, Plane.HEAD, probabilities, 0.9, None, HEAD)

    predict_still = predict


def analysed(source: Screens, given: Calibration | None = None) -> Analysis:
    return analyze(
        source,
        SeesHeads(),
        ModelRef("test", "ab" * 32, "none"),
        lambda frame, source: source.calibration if given is None else given,
    )


def test_that_the_scale_ends_at_the_change_and_says_why() -> None:
    result = analysed(Screens(CHANGE), Calibration.of_whole(given_scale(0.3)))
    scaled = [frame.index for frame in result.frames if frame.scale.mm_per_pixel is not None]
    assert scaled[0] == 0
    assert scaled == list(range(len(scaled)))
    assert abs(len(scaled) - CHANGE) <= 5
    found = result.to_json()
    assert found["mm_per_pixel"] is None
    assert found["scale_note"] is not None
    assert "the scale from before" in found["scale_note"]


def test_that_a_scale_holds_all_along_where_nothing_changes() -> None:
    result = analysed(Screens(None), Calibration.of_whole(given_scale(0.3)))
    assert all(frame.scale.mm_per_pixel == MmPerPixel(0.3, 0.3) for frame in result.frames)
    assert result.to_json()["mm_per_pixel"] == {"x": 0.3, "y": 0.3}


def test_that_what_the_file_says_of_all_its_frames_is_believed() -> None:
    own = Calibration(ScaleOrigin.DICOM_REGION, whole=MmPerPixel(0.2, 0.2))
    result = analysed(Screens(CHANGE, own))
    assert all(frame.scale.mm_per_pixel == MmPerPixel(0.2, 0.2) for frame in result.frames)


@pytest.mark.parametrize("given", [None, 0.3])
def test_that_a_scale_given_before_the_change_or_later_ends_there(given: float | None) -> None:
    scale = NO_CALIBRATION if given is None else Calibration.of_whole(given_scale(given))
    track = ScaleTrack.of(scale).parted(40, "The ruler moved.")
    typed = track.changed(track.step_at(10).from_index, Calibration.of_whole(given_scale(0.25)))
    assert typed.at(39).scale.mm_per_pixel == MmPerPixel(0.25, 0.25)
    assert typed.at(40).scale.mm_per_pixel is None
    assert typed.parted(40, "The ruler moved.") == typed


def test_that_the_ruler_s_scale_is_followed_to_the_new_depth() -> None:
    confirmed = Calibration.of_whole(Scale(MmPerPixel(10 / 23, 10 / 23), ScaleOrigin.RULER))
    result = analysed(Screens(CHANGE), confirmed)
    sizes = [frame.scale.mm_per_pixel for frame in result.frames]
    assert None not in sizes
    assert {size.x for size in sizes[:CHANGE] if size} == {10 / 23}
    for size in sizes[CHANGE:]:
        assert size is not None
        assert size.x == pytest.approx(10 / 31, rel=0.003)
    found = result.to_json()
    assert (found["mm_per_pixel"], found["scale_origin"]) == (None, "ruler")
    assert found["scale_note"] == f"Ruler, followed from frame {CHANGE}: 10 mm from tick to tick."
    assert found["frames"][CHANGE]["mm_per_pixel"] == {"x": sizes[CHANGE].x, "y": sizes[CHANGE].y}


def test_that_a_scale_that_is_not_the_ruler_s_is_not_followed() -> None:
    off = Calibration.of_whole(Scale(MmPerPixel(0.3, 0.3), ScaleOrigin.RULER))
    result = analysed(Screens(CHANGE), off)
    assert result.frames[-1].scale.mm_per_pixel is None


def test_that_a_second_turn_of_the_knob_is_seen_at_once() -> None:
    class Twice(Screens):
        def __getitem__(self, index: int) -> Frame:
            period_px = 23 if index < CHANGE else 31 if index < CHANGE + 12 else 40
            return Frame(index, index / 30, moving_screen(index, period_px))

    confirmed = Calibration.of_whole(Scale(MmPerPixel(10 / 23, 10 / 23), ScaleOrigin.RULER))
    result = analysed(Twice(CHANGE), confirmed)
    for frame in result.frames:
        truth = 10 / (23 if frame.index < CHANGE else 31 if frame.index < CHANGE + 12 else 40)
        size = frame.scale.mm_per_pixel
        assert size is None or size.x == pytest.approx(truth, rel=0.005), frame.index
    assert result.frames[CHANGE + 5].scale.mm_per_pixel is not None


def test_that_a_knob_turned_in_the_first_second_is_seen() -> None:
    confirmed = Calibration.of_whole(Scale(MmPerPixel(10 / 23, 10 / 23), ScaleOrigin.RULER))
    result = analysed(Screens(17), confirmed)
    assert all(frame.scale.mm_per_pixel == confirmed.whole for frame in result.frames[:17])
    for frame in result.frames[17:]:
        assert frame.scale.mm_per_pixel is not None
        assert frame.scale.mm_per_pixel.x == pytest.approx(10 / 31, rel=0.003)
