"""A change of depth is seen at once; what a person does on the screen meanwhile is none."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from fetalnet.core.frame import Frame
from fetalnet.screen.change.detector import Change, DriftWatch, Reason
from fetalnet.screen.change.watch import ScreenWatch
from fetalnet.screen.fan.sector import Sector
from fetalnet.screen.fan.shape import ConvexFan

SHAPE = (360, 480)
CHANGED = 60
Draw = Callable[[NDArray[np.uint8], int], None]


def fan(zoom: float) -> ConvexFan:
    return ConvexFan(240.0, 30 - 60 * zoom, 60 * zoom, 260 * zoom, -30.0, 30.0, (0, 10, 480, 350))


def screen(index: int, zoom: float, *, ruler: bool = True) -> NDArray[np.uint8]:
    """A fan of speckle that moves, a ruler with a tick every 14 pixels, some letters."""
    tissue = np.random.default_rng(index).rayleigh(40, SHAPE).clip(8, 255)
    picture = np.where(fan(zoom).mask(SHAPE), tissue, 0).astype(np.uint8)
    if ruler:
        for tick in range(40):
            y = round(30 + 14 * zoom * tick)
            if y < 350:
                picture[y, 462:470] = 220
    cv2.putText(picture, "12 cm", (8, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.4, 220)
    return picture


def watch(frames: Iterator[NDArray[np.uint8]], zoom: float = 1.0) -> list[tuple[int, Change]]:
    """(frame at which it was said, change)."""
    eye = DriftWatch(Sector.of_fan(fan(zoom), SHAPE))
    said = ((k, eye.look(Frame(k, k / 25, pixels))) for k, pixels in enumerate(frames))
    return [(k, change) for k, change in said if change is not None]


@pytest.mark.parametrize("zoom", [0.8, 0.95, 1.05, 1.1, 1.3])
def test_that_another_depth_is_seen_within_five_frames(zoom: float) -> None:
    (said,) = watch(screen(k, 1.0 if k < CHANGED else zoom) for k in range(CHANGED + 50))
    assert said[0] < CHANGED + 5
    assert said[1] == Change(CHANGED, Reason.RULER)


def test_that_lines_of_text_among_the_ticks_hide_no_change() -> None:
    def screens() -> Iterator[NDArray[np.uint8]]:
        for k in range(CHANGED + 5):
            picture = screen(k, 1.0 if k < CHANGED else 1.25, ruler=False)
            # Cut off by the screen's port, the fan tells nothing.
            picture[:, :120] = picture[:, 380:] = 0
            for tick in range(16):
                y = round(30 + 20 * (1.0 if k < CHANGED else 1.25) * tick)
                if y < 350:
                    picture[y, 6:12] = 220
            for row in range(7):
                cv2.putText(picture, f"Gn {row}", (4, 106 + 20 * row), cv2.FONT_HERSHEY_SIMPLEX, 0.4, 200)
            yield picture

    assert [change for _, change in watch(screens())] == [Change(CHANGED, Reason.RULER)]


@pytest.mark.parametrize("zoom", [0.8, 1.25])
def test_that_the_fan_alone_tells_where_there_is_no_ruler(zoom: float) -> None:
    said = watch(screen(k, 1.0 if k < CHANGED else zoom, ruler=False) for k in range(CHANGED + 5))
    assert [change.index for _, change in said] == [CHANGED]


def counter(picture: NDArray[np.uint8], index: int) -> None:
    cv2.putText(picture, f"{index:04d} 14:{index % 60:02d}", (380, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.4, 220)


def results(picture: NDArray[np.uint8], index: int) -> None:
    if index >= CHANGED:
        for row in range(8):
            cv2.putText(picture, f"HC {index // 10}.{row} mm", (8, 120 + 24 * row), cv2.FONT_HERSHEY_SIMPLEX, 0.4, 220)


def calipers(picture: NDArray[np.uint8], index: int) -> None:
    if index >= CHANGED:
        cv2.ellipse(picture, (240, 180), (80 + index % 9, 60), 0, 0, 360, 230, 1)


def gain(picture: NDArray[np.uint8], index: int) -> None:
    if index >= CHANGED:
        inside = fan(1.0).mask(SHAPE)
        picture[inside] = np.clip(0.35 * picture[inside].astype(float) - 4, 0, 255).astype(np.uint8)


def colour_box(picture: NDArray[np.uint8], index: int) -> None:
    if index >= CHANGED:
        cv2.rectangle(picture, (200, 120), (300, 220), 250, 1)


def cine_bar(picture: NDArray[np.uint8], index: int) -> None:
    cv2.rectangle(picture, (100, 353), (100 + 2 * index, 358), 200, -1)


@pytest.mark.parametrize("draw", [counter, results, calipers, gain, colour_box, cine_bar])
def test_that_the_same_depth_is_no_change(draw: Draw) -> None:
    def frames() -> Iterator[NDArray[np.uint8]]:
        for k in range(CHANGED + 40):
            picture = screen(k, 1.0)
            draw(picture, k)
            yield picture

    assert watch(frames()) == []


def test_that_a_frozen_picture_that_goes_on_is_no_change() -> None:
    assert watch(screen(k if k < 40 or k > 90 else 40, 1.0) for k in range(130)) == []


def test_that_one_damaged_frame_is_no_change() -> None:
    assert watch(screen(k, 1.0) if k != 60 else np.zeros(SHAPE, np.uint8) for k in range(80)) == []


def test_that_a_followed_ruler_is_believed() -> None:
    eye = DriftWatch()
    said = []
    for k in range(20):
        picture = screen(k, 1.0)
        picture[0, 0] = k >= 10
        said.append(eye.look(Frame(k, None, picture), lambda seen: bool(seen[0, 0])))
    assert said[12] == Change(10, Reason.RULER)
    assert said[:12] == [None] * 12


def test_that_a_watch_takes_its_pictures_along_when_it_is_let_go() -> None:
    """Each break of a live link begins a new one; the old one must not wait for a collection that may not come."""
    gc.disable()
    try:
        eye = ScreenWatch()
        pictures = [screen(k, 1.0) for k in range(4)]
        for k, picture in enumerate(pictures):
            eye.look(Frame(k, None, picture))
        gone = weakref.ref(eye)
        del eye
        assert gone() is None
    finally:
        gc.enable()
