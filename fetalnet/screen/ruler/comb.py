"""Evenly spaced marks in one column of a picture: where they may lie, and the comb that fits them best."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

MIN_TEETH = 5
"""Fewer evenly spaced marks say little about a period."""
_MIN_PERIOD_PX = 4.5
_FAINTEST = 12.0
"""Grey values over the surroundings from which a mark counts; compression leaves less of nothing."""
_STRONG = 50.0
"""Grey values over the surroundings from which a mark is as sure as it gets: bright tissue must not outvote ticks."""
_OFF_PX = 1.1
"""A drawn tick lies up to half a pixel off the grid, compression moves it as far again."""
_SEEDS = 36
_SURE_END = 1.2
"""A ruler does not begin or end with a mark that is as likely a letter."""
_HARMONICS = 4
_OCTAVES_PX = (0, 9, 16, 28, 50, 90, 160, 10_000)


@dataclass(frozen=True, slots=True, eq=False)
class Comb:
    """Marks at ``start_px + k * period_px``, k = 0 ... n - 1.

    ``centres_px`` (n,): where each mark lies, NaN where none was seen. ``evidence``: logarithm of how much more
    likely these marks are on a ruler than among the column's other marks.
    """

    start_px: float
    period_px: float
    centres_px: NDArray[np.float64]
    evidence: float

    @property
    def span_px(self) -> float:
        return (len(self.centres_px) - 1) * self.period_px


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """Bright marks in one column: sub-pixel places and strengths (grey values over the surroundings), both (n,)."""

    places_px: NDArray[np.float64]
    strengths: NDArray[np.float64]

    @staticmethod
    def of(profile: Floats) -> Marks:
        """The local maxima of a column of ``mark_strength``."""
        at = np.flatnonzero(_is_peak(profile[:, None])[:, 0])
        rows = np.clip(at[:, None] + np.arange(-2, 3), 0, len(profile) - 1)
        weight = np.maximum(profile[rows] - 0.25 * profile[at][:, None], 0).astype(float)
        places = (weight * (at[:, None] + np.arange(-2, 3))).sum(axis=1) / np.maximum(weight.sum(axis=1), 1e-9)
        return Marks(places, profile[at].astype(float))


def mark_strength(value: NDArray[np.uint8]) -> Floats:
    """(h, w): how far each pixel stands out above and below; what is taller than a tick vanishes."""
    reach = max(9, round(0.02 * value.shape[0])) | 1
    raised = cv2.morphologyEx(value, cv2.MORPH_TOPHAT, np.ones((reach, 1), np.uint8))
    return np.asarray(cv2.sepFilter2D(raised, cv2.CV_32F, np.ones(1), np.array([0.25, 0.5, 0.25])), np.float32)


def periodic_columns(strength: Floats, count: int) -> list[tuple[int, float]]:
    """Columns that may be a ruler, each with a rough period in px: the ``count`` best for each octave
    or so of periods, the likeliest first.

    One octave must not push out another: letters make short periods in many columns.
    """
    height, width = strength.shape
    pairs = strength[:, : width // 2 * 2].reshape(height, -1, 2).max(axis=2)
    marks = np.minimum(pairs, _STRONG) * (_is_peak(pairs) / np.float32(_STRONG))
    busy = np.flatnonzero((marks > 0).sum(axis=0) >= MIN_TEETH)
    if not len(busy):
        return []
    soft = cv2.sepFilter2D(marks[:, busy], cv2.CV_32F, np.ones(1), np.array([0.6, 1.0, 0.6]))
    longest = height // (MIN_TEETH - 1)
    import scipy.fft  # here, because loading it takes as long as a third of the first window

    size = scipy.fft.next_fast_len(height + _HARMONICS * longest + 2, real=True)
    spectrum = scipy.fft.rfft(np.ascontiguousarray(soft.T), size, axis=1)
    alike = scipy.fft.irfft((spectrum * spectrum.conj()).astype(np.complex64), size, axis=1)
    widest = np.maximum(alike[:, 1:-1], np.maximum(alike[:, :-2], alike[:, 2:]))
    lag = np.arange(int(_MIN_PERIOD_PX), longest)
    comb = alike[:, lag] + sum(widest[:, k * lag - 1] for k in range(2, _HARMONICS + 1))
    # Chance alone lines up marks in proportion to their number; what lies above that is order.
    usual = np.median(comb, axis=1, keepdims=True)
    order = (comb - usual) / np.sqrt(usual + 2.0)
    chosen: list[tuple[float, int, float]] = []
    for first, last in pairwise(_OCTAVES_PX):
        within = order[:, (lag >= first) & (lag < last)]
        if not within.shape[1]:
            continue
        best = within.argmax(axis=1)
        score = np.zeros(pairs.shape[1] + 2)
        score[busy + 1] = within[np.arange(len(busy)), best]
        peak = score * (score >= np.maximum(np.roll(score, 1), np.roll(score, -1)))
        for column in np.argsort(-peak, kind="stable")[:count]:
            if peak[column] > 0:
                at = int(np.searchsorted(busy, column - 1))
                chosen.append((peak[column], 2 * int(column - 1), float(max(first, lag[0]) + best[at])))
    return [(column, period) for _, column, period in sorted(chosen, reverse=True)]


def fit_comb(marks: Marks, near_period_px: float | None = None) -> Comb | None:
    """The comb that explains most of a column's marks; near a rough period if one is given."""
    if len(marks.places_px) < MIN_TEETH:
        return None
    strongest = np.sort(np.argsort(-marks.strengths, kind="stable")[:_SEEDS])
    seeds = marks.places_px[strongest]
    first, second = np.triu_indices(len(seeds), 1)
    gap = seeds[second] - seeds[first]
    if near_period_px is None:
        start, period = seeds[first], gap
    else:
        steps = np.maximum(np.rint(gap / near_period_px), 1)
        start, period = seeds[first], gap / steps
        good = (np.abs(period - near_period_px) < 1.0 + 0.02 * near_period_px) & (steps >= 2)
        start, period = start[good], period[good]
    good = period >= _MIN_PERIOD_PX
    start, period = start[good], period[good]
    if not len(start):
        return None
    weight = np.minimum(marks.strengths, _STRONG)
    off = (marks.places_px - start[:, None]) / period[:, None]
    off = np.abs(off - np.rint(off)) * period[:, None]
    held = (weight * np.maximum(1 - (off / _OFF_PX) ** 2, 0)).sum(axis=1)
    # By chance a short period catches more.
    held -= weight.sum() * np.minimum(1.3 * _OFF_PX / period, 1)
    combs = [_grown(marks, start[at], period[at]) for at in _distinct(period, held, 2)]
    return max((comb for comb in combs if comb is not None), key=lambda comb: comb.evidence, default=None)


def _grown(marks: Marks, start: float, period: float) -> Comb | None:
    """The comb after fitting a line through all its marks, cut to where it holds."""
    best = None
    for _ in range(3):
        comb = _held(marks, start, period)
        if comb is None:
            return best
        seen = np.flatnonzero(np.isfinite(comb.centres_px))
        if len(seen) < MIN_TEETH:
            return best
        start, period = _line(seen, comb.centres_px[seen])
        if period < _MIN_PERIOD_PX:
            return best
        best = Comb(start, period, comb.centres_px, comb.evidence)
    return best


def _held(marks: Marks, start: float, period: float) -> Comb | None:
    """Which tooth each mark is, and the stretch of teeth that is most surely a ruler."""
    tooth = np.rint((marks.places_px - start) / period).astype(int)
    off = np.abs(marks.places_px - start - tooth * period)
    near = off <= min(_OFF_PX, 0.2 * period)
    if near.sum() < MIN_TEETH:
        return None
    low = tooth[near].min()
    centres = np.full(tooth[near].max() - low + 1, np.nan)
    strength = np.zeros(len(centres))
    for at in np.flatnonzero(near):
        index = tooth[at] - low
        if marks.strengths[at] > strength[index]:
            centres[index], strength[index] = marks.places_px[at], marks.strengths[at]
    # A mark far fainter than its neighbours is speckle, not a tick.
    usual = np.median(strength[strength > 0])
    centres[strength < 0.3 * min(usual, _STRONG)] = np.nan
    others = np.sort(marks.places_px[~near & (marks.strengths >= 0.5 * min(usual, _STRONG))])
    place = start + (low + np.arange(len(centres))) * period
    around = max(1.5 * period, 30.0)
    density = (np.searchsorted(others, place + around) - np.searchsorted(others, place - around)) / (2 * around)
    chance = np.clip(2 * _OFF_PX * density, 0.02, 0.9)
    gain = np.where(np.isfinite(centres), np.log(0.93 / chance), np.log(0.07 / (1 - chance)))
    left, right, evidence = _best_stretch(gain)
    while right - left > MIN_TEETH and gain[left] < _SURE_END:
        left += 1
    while right - left > MIN_TEETH and gain[right - 1] < _SURE_END:
        right -= 1
    if right - left < MIN_TEETH:
        return None
    return Comb(start + (low + left) * period, period, centres[left:right], evidence)


def _line(index: NDArray[np.int64], centres: NDArray[np.float64]) -> tuple[float, float]:
    """Start and period of the line through the centres; those far off it count less and less."""
    weight = np.ones(len(index))
    start = period = 0.0
    for _ in range(4):
        total = weight.sum()
        middle, mean = weight @ index / total, weight @ centres / total
        away = weight * (index - middle)
        period = away @ centres / (away @ index)
        start = mean - period * middle
        off = np.abs(centres - start - period * index)
        weight = 1.0 / (1.0 + (off / max(1.5 * float(np.median(off)), 0.15)) ** 2)
    return float(start), float(period)


def _best_stretch(gain: NDArray[np.float64]) -> tuple[int, int, float]:
    """Bounds (end excluded) and sum of the part with the largest sum."""
    total = np.r_[0.0, np.cumsum(gain)]
    least = np.minimum.accumulate(total)
    right = int(np.argmax(total - least))
    left = int(np.argmin(total[: right + 1]))
    return left, right, float(total[right] - total[left])


def _is_peak(strength: Floats) -> NDArray[np.bool_]:
    above = np.vstack([np.zeros_like(strength[:1]), strength[:-1]])
    below = np.vstack([strength[1:], np.zeros_like(strength[:1])])
    return np.asarray((strength > _FAINTEST) & (strength >= above) & (strength > below))


def _distinct(period: NDArray[np.float64], held: NDArray[np.float64], count: int) -> list[int]:
    """The seeds with the most weight whose periods differ by more than 1 %."""
    chosen: list[int] = []
    for at in np.argsort(-held, kind="stable")[:200]:
        if all(abs(period[at] / period[other] - 1) > 0.01 for other in chosen):
            chosen.append(int(at))
        if len(chosen) == count:
            break
    return chosen
