"""The ruler on a scanner's screen: its ticks, their spacing in pixels, and which of them are longer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from fetalnet.screen.ruler.comb import Comb, Floats, Marks, fit_comb, mark_strength, periodic_columns
from fetalnet.screen.ruler.tick_levels import tick_levels

_COLUMNS = 8
"""Columns looked at closely in each octave of periods; most are text and speckle."""
_MIN_SPAN = 0.3
"""A ruler runs along at least this part of the picture; a list of words is shorter."""
_MIN_EVIDENCE = 21.0
"""Logarithm of how much likelier a ruler is than chance; speckle reaches 20 in a whole picture."""
_MIN_EVIDENCE_FOLLOWED = 12.0
"""Where a ruler is known to be, less is enough."""
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


def find_ruler(*pictures: NDArray[np.uint8]) -> Ruler | None:
    """The ruler on one or more pictures of one size, (h, w) grey or (h, w, 3) RGB; None where none is sure.

    Several frames of a recording are better than one: what moves is no ruler. A depth ruler is
    looked for away from the middle of the picture only.
    """
    value = _value(*pictures)
    found = [_best(value, Axis.DEPTH)]
    if found[0] is None or found[0].confidence < 0.5:
        found.append(_best(np.ascontiguousarray(value.T), Axis.WIDTH))
    return max((each for each in found if each is not None), key=lambda each: each.confidence, default=None)


def follow(ruler: Ruler, picture: NDArray[np.uint8]) -> Ruler | None:
    """The ruler of another frame of the same screen, in the same column; None where it is no longer there.

    Takes a few milliseconds; its period may have changed.
    """
    return follow_in(ruler, *strip_of(ruler, picture))


def strip_of(ruler: Ruler, picture: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], int]:
    """The part of a picture, along the ruler, that ``follow_in`` needs, and where it begins."""
    across = round(ruler.across_px)
    reach = _reach(picture.shape)
    low = max(across - reach, 0)
    strip = picture[:, low : across + reach + 1] if ruler.axis is Axis.DEPTH else picture[low : across + reach + 1]
    return strip, low


def follow_in(ruler: Ruler, strip: NDArray[np.uint8], low: int) -> Ruler | None:
    """``follow`` in a strip that begins at ``low``."""
    across = round(ruler.across_px)
    value = _value(strip)
    strength = mark_strength(value if ruler.axis is Axis.DEPTH else np.ascontiguousarray(value.T))
    first = max(across - low - _DRIFT_PX, 0)
    near = strength[:, first : across - low + _DRIFT_PX + 1]
    combs = []
    for column, period in periodic_columns(near, 1)[:4]:
        comb = fit_comb(Marks.of(near[:, column : column + 2].max(axis=1)), period)
        if comb is not None and comb.evidence >= _MIN_EVIDENCE_FOLLOWED:
            combs.append((comb.evidence, column + first, comb))
    if not combs:
        return None
    _, column, comb = max(combs, key=lambda each: each[0])
    return _measured(strength, column, comb, ruler.axis, low)


def _best(value: NDArray[np.uint8], axis: Axis) -> Ruler | None:
    strength = mark_strength(value)
    height, width = strength.shape
    found = []
    for column, period in periodic_columns(strength, _COLUMNS):
        if abs(column / width - 0.5) < _MIDDLE and axis is Axis.DEPTH:
            continue
        comb = fit_comb(Marks.of(strength[:, column : column + 2].max(axis=1)), period)
        if comb is not None and comb.span_px >= _MIN_SPAN * height and comb.evidence >= _MIN_EVIDENCE:
            found.append((comb.evidence * (1.0 - 0.7 * _crowding(strength, column, comb)), column, comb))
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
        Tick(float(place), int(each)) for place, each in zip(comb.centres_px, level, strict=True) if np.isfinite(place)
    )
    confidence = 1.0 - float(np.exp(-comb.evidence / 20.0))
    shortest = [_run(strength, column, comb.centres_px[k]) for k in np.flatnonzero(np.isfinite(ink) & (level == 0))]
    across = float(np.median([(left + right - 1) / 2 for left, right in shortest])) if shortest else float(column)
    return Ruler(axis, across + offset, comb.start_px, comb.period_px, pattern, ticks, confidence)


def _ink(strength: Floats, column: int, place: float, period: float) -> float:
    """Grey values times pixels of the tick at ``place``: as far as it runs to either side."""
    half = max(1, min(round(0.3 * period), 6))
    rows = strength[max(round(place) - half, 0) : round(place) + half + 1]
    left, right = _run(strength, column, place)
    return float(rows[:, left:right].sum())


def _crowding(strength: Floats, column: int, comb: Comb) -> float:
    """Part of the ticks with other marks beside them, as letters have."""
    places = comb.centres_px[np.isfinite(comb.centres_px)]
    crowded = 0
    for place in places:
        left, right = _run(strength, column, place)
        near = strength[max(round(place) - 2, 0) : round(place) + 3].max(axis=0)
        reach = _reach(strength.shape)
        beside = np.r_[near[max(left - reach, 0) : max(left - 1, 0)], near[right + 1 : right + reach]]
        crowded += int((beside > 0.5 * near[left:right].max()).sum() >= 3)
    return crowded / len(places)


def _run(strength: Floats, column: int, place: float) -> tuple[int, int]:
    """First and last column (end excluded) of the tick at ``place``: as far as it is bright."""
    near = strength[max(round(place) - 1, 0) : round(place) + 2].max(axis=0)
    reach = _reach(strength.shape)
    at = column + int(np.argmax(near[column : column + 2]))
    dark = np.r_[True, near[max(at - reach, 0) : at + reach] < 0.4 * near[at], True]
    middle = at - max(at - reach, 0) + 1
    left = middle - int(np.argmax(dark[middle::-1]))
    right = middle + int(np.argmax(dark[middle:]))
    offset = max(at - reach, 0) - 1
    return left + 1 + offset, right + offset


def _reach(shape: tuple[int, ...]) -> int:
    return max(12, round(0.03 * max(shape[:2])))


def _value(*pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The brightest channel, darkest over the pictures: a ruler shines in all of them, in any colour."""
    planes = [picture if picture.ndim == 2 else _brightest(picture) for picture in pictures]
    value = planes[0]
    for plane in planes[1:]:
        value = cv2.min(value, plane)
    return np.ascontiguousarray(value)


def _brightest(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    red, green, blue = cv2.split(picture)
    return np.asarray(cv2.max(cv2.max(red, green), blue), np.uint8)
