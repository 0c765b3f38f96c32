"""The ruler on a scanner's screen: its ticks, their spacing in pixels, and which of them are longer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from fetalnet.picture.comb import Comb, Floats, Marks, fit_comb, mark_strength, periodic_columns
from fetalnet.picture.sector import Sector
from fetalnet.picture.tick_levels import tick_levels

_COLUMNS = 8
"""Columns looked at closely in each octave of periods; most are text and speckle."""
_MIN_SPAN = 0.3
"""A ruler runs along at least this part of the picture; a list of words is shorter."""
_MIN_EVIDENCE = 12.0
_MIDDLE = 0.22
"""Nearer the middle of the picture (part of the width to either side) lies anatomy, and dotted calipers."""
_DRIFT_PX = 2
"""How far to the side a known ruler is looked for in another frame."""


class Axis(StrEnum):
    """Which way a ruler runs."""

    DEPTH = "depth"
    WIDTH = "width"


@dataclass(frozen=True, slots=True)
class Tick:
    """``position_px`` along the ruler (y of a depth ruler); ``level`` 0 for the shortest ticks, more for longer."""

    position_px: float
    level: int


@dataclass(frozen=True, slots=True)
class Ruler:
    """Ticks at ``start_px + k * period_px`` along ``axis``, ``across_px`` from the picture's left (or top).

    ``major_every``: a longer tick comes every so many, and a longer one still: (), (2,), (5,), (10,), (2, 10),
    (5, 10). ``confidence``: 0 to 1, that this is a ruler. ``ticks``: those that were seen.
    """

    axis: Axis
    across_px: float
    start_px: float
    period_px: float
    major_every: tuple[int, ...]
    ticks: tuple[Tick, ...]
    confidence: float

    @property
    def span_px(self) -> float:
        """From the first tick seen to the last."""
        return self.ticks[-1].position_px - self.ticks[0].position_px


def find_ruler(*pictures: NDArray[np.uint8], sector: Sector | None = None) -> Ruler | None:
    """The ruler on one or more pictures of one size, (h, w) grey or (h, w, 3) RGB; None where none is sure.

    Several frames of a recording are better than one: what moves is no ruler. With a ``sector`` the depth ruler is
    looked for beside the fan and at its edges only.
    """
    value = _value(*pictures)
    found = [_best(value, Axis.DEPTH, sector)]
    if found[0] is None or found[0].confidence < 0.5:
        found.append(_best(np.ascontiguousarray(value.T), Axis.WIDTH, None))
    return max((each for each in found if each is not None), key=lambda each: each.confidence, default=None)


def follow(ruler: Ruler, picture: NDArray[np.uint8]) -> Ruler | None:
    """The ruler of another frame of the same screen, in the same column; None where it is no longer there.

    Takes a few milliseconds; its period may have changed.
    """
    across = round(ruler.across_px)
    reach = _reach(picture.shape)
    low = max(across - reach, 0)
    strip = picture[:, low : across + reach + 1] if ruler.axis is Axis.DEPTH else picture[low : across + reach + 1]
    value = _value(strip)
    strength = mark_strength(value if ruler.axis is Axis.DEPTH else np.ascontiguousarray(value.T))
    near = strength[:, max(across - low - _DRIFT_PX, 0) : across - low + _DRIFT_PX + 1]
    offset = max(across - low - _DRIFT_PX, 0)
    combs = []
    for column, period in periodic_columns(near, 3):
        comb = fit_comb(Marks.of(near[:, column : column + 2].max(axis=1)), period)
        if comb is not None:
            combs.append((comb.evidence, column + offset, comb))
    if not combs:
        return None
    _, column, comb = max(combs, key=lambda each: each[0])
    return _measured(strength, column, comb, ruler.axis, low)


def _best(value: NDArray[np.uint8], axis: Axis, sector: Sector | None) -> Ruler | None:
    strength = mark_strength(value)
    height, width = strength.shape
    found = []
    for column, period in periodic_columns(strength, _COLUMNS):
        if abs(column / width - 0.5) < _MIDDLE and axis is Axis.DEPTH:
            continue
        comb = fit_comb(Marks.of(strength[:, column : column + 2].max(axis=1)), period)
        if comb is not None and comb.span_px >= _MIN_SPAN * height and comb.evidence >= _MIN_EVIDENCE:
            found.append((comb.evidence, column, comb))
    if not found:
        return None
    _, column, comb = max(found, key=lambda each: each[0])
    return _measured(strength, column, comb, axis, 0)


def _measured(strength: Floats, column: int, comb: Comb, axis: Axis, offset: int) -> Ruler | None:
    """The ruler with each tick's level, from the whole width of its ticks."""
    ink = np.full(len(comb.centres_px), np.nan)
    for k in np.flatnonzero(np.isfinite(comb.centres_px)):
        ink[k] = _ink(strength, column, comb.centres_px[k], comb.period_px)
    pattern, level = tick_levels(ink)
    ticks = tuple(
        Tick(float(place), int(each))
        for place, each in zip(comb.centres_px, level, strict=True)
        if np.isfinite(place)
    )
    confidence = 1.0 - float(np.exp(-comb.evidence / 20.0))
    return Ruler(axis, column + offset + 0.5, comb.start_px, comb.period_px, pattern, ticks, confidence)


def _ink(strength: Floats, column: int, place: float, period: float) -> float:
    """Grey values times pixels of the tick at ``place``: as far as it runs to either side."""
    half = max(1, min(round(0.3 * period), 6))
    row = round(place)
    rows = strength[max(row - half, 0) : row + half + 1]
    near = strength[max(row - 1, 0) : row + 2].max(axis=0)
    reach = _reach(strength.shape)
    at = column + int(np.argmax(near[column : column + 2]))
    dark = near < 0.4 * near[at]
    left = at - np.flatnonzero(dark[max(at - reach, 0) : at + 1][::-1])[:1].sum() if dark[max(at - reach, 0):at].any() else max(at - reach, 0)
    right_dark = np.flatnonzero(dark[at : at + reach])
    right = at + right_dark[0] if len(right_dark) else min(at + reach, len(near))
    return float(rows[:, left:right].sum())


def _reach(shape: tuple[int, ...]) -> int:
    return max(12, round(0.03 * max(shape[:2])))


def _value(*pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The brightest channel, darkest over the pictures: a ruler shines in all of them, in any colour."""
    planes = [picture if picture.ndim == 2 else picture.max(axis=2) for picture in pictures]
    value = planes[0]
    for plane in planes[1:]:
        value = cv2.min(value, plane)
    return np.ascontiguousarray(value)
