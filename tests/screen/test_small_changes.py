"""A small turn of the depth knob is seen on the exact frame, and the scale goes on where the ruler is in sight."""

from __future__ import annotations

import math
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from support.depth_screens import HEIGHT, WIDTH, moving_screen

from fetalnet.core.frame import Frame
from fetalnet.core.geometry import MmPerPixel
from fetalnet.core.scale.calibration import Calibration
from fetalnet.core.scale.scale import Scale, ScaleOrigin
from fetalnet.core.scale.track import ScaleTrack
from fetalnet.screen.change.detector import Change, DriftWatch, Reason
from fetalnet.screen.change.watch import ScreenWatch, ruler_change
from fetalnet.screen.fan.sector import find_sector
from fetalnet.screen.ruler.detect import Axis, Ruler, Tick

CHANGED = 97
"""Long after what stands still was learned, and not where the ruler is looked at anyway."""


def with_axis(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The ruler's ticks on an axis, which stays where it is."""
    drawn = pixels.copy()
    cv2.line(drawn, (612, 30), (612, 460), 230, 1)
    return drawn


def words(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A list of results over the ruler."""
    drawn = pixels.copy()
    cv2.rectangle(drawn, (560, 60), (WIDTH, HEIGHT), 10, -1)
    for row in range(18):
        cv2.putText(drawn, f"HC {row}.2", (570, 80 + 22 * row), cv2.FONT_HERSHEY_SIMPLEX, 0.4, 220)
    return drawn


def watched(screens: Iterator[NDArray[np.uint8]]) -> list[Change]:
    watch = ScreenWatch(find_sector(moving_screen(0, 23)))
    said = (watch.look(Frame(k, k / 25, pixels)) for k, pixels in enumerate(screens))
    return [change for change in said if change is not None]


@pytest.mark.parametrize(
    ("before_px", "after_px", "axis"), [(40, 38, True), (40, 42, False), (43, 40, False), (42, 46, True)]
)
def test_that_five_to_ten_percent_of_depth_are_seen_and_followed(before_px: int, after_px: int, axis: bool) -> None:
    def screens() -> Iterator[NDArray[np.uint8]]:
        for k in range(CHANGED + 20):
            pixels = moving_screen(k, before_px if k < CHANGED else after_px)
            yield with_axis(pixels) if axis else pixels

    (change,) = watched(screens())
    assert (change.index, change.reason) == (CHANGED, Reason.RULER)
    ruler = Calibration.of_whole(Scale(MmPerPixel(10 / before_px, 10 / before_px), ScaleOrigin.RULER))
    after = ScaleTrack.of(ruler).parted(change.index, "The ruler moved.", change.ruler).at(CHANGED)
    assert after.followed_from == CHANGED
    assert after.whole is not None
    assert after.whole.x == pytest.approx(10 / after_px, rel=0.005)


def test_that_the_ruler_alone_tells_where_the_screen_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DriftWatch, "_reason", lambda *_: None)
    (change,) = watched(moving_screen(k, 40 if k < CHANGED else 38) for k in range(CHANGED + 20))
    assert (change.index, change.reason) == (CHANGED, Reason.RULER)
    assert change.ruler is not None
    assert change.ruler.after_px == pytest.approx(38, rel=0.003)


def test_that_each_of_several_turns_is_seen() -> None:
    turns = {0: 40, CHANGED: 38, 130: 41, 215: 39}
    begun = [max(at for at in turns if at <= k) for k in range(240)]
    changes = watched(moving_screen(k, turns[at]) for k, at in enumerate(begun))
    assert [change.index for change in changes] == [CHANGED, 130, 215]


def test_that_a_list_over_the_ruler_is_no_other_depth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DriftWatch, "_reason", lambda *_: None)
    assert watched((words if 90 <= k < 125 else with_axis)(moving_screen(k, 23)) for k in range(150)) == []


def clear(period_px: float, pattern: tuple[int, ...]) -> Ruler:
    return Ruler(
        Axis.DEPTH, 30.0, 50.0, period_px, pattern, tuple(Tick(50 + k * period_px, 0) for k in range(21)), 0.95
    )


@pytest.mark.parametrize(
    ("after_px", "pattern", "certain_mm"),
    [(25.6, (5,), 10.0), (27.0 / 1.1, (5,), 10.0), (15.0, (5,), None), (24.6, (), None)],
)
def test_that_clear_ticks_stay_what_they_are_over_a_small_turn_alone(
    after_px: float, pattern: tuple[int, ...], certain_mm: float | None
) -> None:
    change = ruler_change(clear(27.0, pattern), clear(after_px, pattern))
    assert change.certain_mm == certain_mm
    assert math.isclose(change.after_px, after_px)
