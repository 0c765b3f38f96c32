"""Finds the fan's shape on a scanner's screen: for each apex the best angles and depths are sums of evidence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from fetalnet.picture.fan import ConvexFan, FanShape, FlatFan
from fetalnet.picture.letterbox import Box
from fetalnet.picture.sector import DARK, SMALL_WIDTH, brightest, tissue_in

Floats = NDArray[np.float32]

_DARK_COST = 0.25
"""What a dark pixel inside the fan costs beside the gain of one of tissue: shadows and fluid are dark too."""
_FAINT_GAIN = 0.1
"""What a pixel gains in which the beam's noise is all there is."""
_NOISE = 0.02
"""Mean grey value over black of the least noise of a beam."""
_FAINTEST = 0.6
"""Mean grey value over the screen's black from which on the beam has been there."""
_MIN_TISSUE = 0.08
"""Less tissue than this part of the picture is no fan."""
_DARK_RAY, _DARK_SIDE = 0.4, 0.1
"""A ray that gains less than this part of what its dark costs is dark; on one side all of them cost this part."""
_STEP_WIDTH = 3
_STEP = np.repeat([-1.0 / _STEP_WIDTH, 1.0 / _STEP_WIDTH], _STEP_WIDTH)
_SHARP_STEP = 0.4
"""So much more of the last rays of a fan is lit than of those behind its side."""
_NEAR = 3.0
"""Small pixels below the probe's face that are never dark: the skin is there."""
_FULL = 0.995
"""More tissue than this, and the picture is all fan."""
_ASYMMETRY = 0.05
_ARCS = 0.002
"""How much better, in parts of the tissue, a sector must be than a symmetric one, and one with arcs than without."""
_HELD = 0.9
"""Less of the tissue than this in a fan, and it is none."""
_STARTS = 3
"""Apexes of the coarse grid that are refined."""
_SHARP = 0.6
"""Tissue along this part of a side cut-off, or it is only where the beam gets dim."""
_OFF_MIDDLE = 0.25
"""The apex is no further from the middle of what is seen than this part of its width."""
_FLAT_DISTANCE = 12.0
"""An apex further above the fan than this many of its heights is that of a linear probe."""
_EDGE = 1.5
"""Small pixels: a cut-off this near to the picture's edge, or to the fan's own end, is none."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """Limits are tangents of the angle from straight down, and radii (``arcs``) or heights below the apex."""

    score: float
    apex: tuple[float, float]
    arcs: bool
    tangents: tuple[float, float]
    depths: tuple[float, float]


def find_fan(*pictures: NDArray[np.uint8]) -> FanShape | None:
    """The fan on one or more pictures of one recording, (h, w) grey or (h, w, 3) RGB of one size; None without tissue.

    It holds what ``find_sector`` calls tissue, and is completed to a sector where the beam is dim or in a shadow.
    Several frames help more than one, for tissue moves through shadows.
    """
    mean = _mean(pictures)
    level = _levels(mean)
    tissue = tissue_in(brightest(pictures), level)
    if tissue.mean() < _MIN_TISSUE:
        return None
    if tissue.mean() > _FULL:
        return _rectangle(tissue, pictures[0].shape)
    gain = np.where(tissue > 0, np.float32(1.0), np.float32(-_DARK_COST))
    gain[(tissue == 0) & _faint(mean, tissue)] = _FAINT_GAIN
    # Letters and rulers are bright but no tissue: they say nothing.
    gain[(tissue == 0) & (level > DARK)] = 0.0
    clip = _bounds((gain > 0).astype(np.uint8))
    for _ in range(2):
        best = _search(gain, clip)
        clip = _fitted_clip(gain, best, clip)
    fan = _shape(best, clip, gain.shape, pictures[0].shape)
    return fan if _holds(fan, tissue, pictures[0].shape) else _rectangle(tissue, pictures[0].shape)


def _mean(pictures: Sequence[NDArray[np.uint8]]) -> Floats:
    """The mean of all pictures, small and grey."""
    size = SMALL_WIDTH, max(round(pictures[0].shape[0] * SMALL_WIDTH / pictures[0].shape[1]), 1)
    mean = np.zeros(size[::-1], np.float32)
    for picture in pictures:
        small = cv2.resize(picture.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        mean += (small if small.ndim == 2 else small.mean(axis=2)) / len(pictures)
    return mean


def _faint(mean: Floats, tissue: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where the beam's noise is all there is: wide parts a little above the black of the picture's darkest side."""
    high, wide = mean.shape[0] // 25, mean.shape[1] // 40
    rims = mean[:high], mean[-high:], mean[:, :wide], mean[:, -wide:]
    black = min(float(np.percentile(rim, 60)) for rim in rims)
    above = (mean > 2.0 * black + _NOISE).astype(np.uint8)
    # Around letters and tissue a codec leaves a seam of noise: thin, as letters are.
    apart = above & ~(cv2.dilate(tissue, np.ones((7, 7), np.uint8)))
    closed = cv2.morphologyEx(apart, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    wide_parts = cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    return np.asarray((cv2.dilate(wide_parts, np.ones((9, 9), np.uint8)) & above) > 0, np.bool_)


def _levels(mean: Floats) -> NDArray[np.uint8]:
    """A mean picture spread so that the faintest noise of the beam is above ``DARK``."""
    black = min(float(np.percentile(mean, 2)), DARK)
    above = mean - black
    spread = np.where(above > _FAINTEST, above + (DARK - _FAINTEST) + 0.5, above * (DARK / _FAINTEST))
    return np.clip(spread, 0, 255).astype(np.uint8)


def _bounds(tissue: NDArray[np.uint8]) -> Box:
    x, y, width, height = cv2.boundingRect(tissue)
    return x, y, x + width, y + height


def _search(gain: Floats, clip: Box) -> _Candidate:
    """The best fan within a clip: apexes tried on a coarse grid, the best of them refined."""
    half = cv2.resize(gain, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    coarse = _Evidence(half, tuple(each // 2 for each in clip))  # type: ignore[arg-type]
    fine = _Evidence(gain, clip)
    x0, y0, x1, y1 = clip
    width, height = x1 - x0, y1 - y0
    found = []
    for arcs in (True, False):
        tried = [
            coarse.best(((x0 + across * width) / 2, (y0 - above * height) / 2), arcs)
            for across in (0.3, 0.4, 0.5, 0.6, 0.7)
            for above in (0.0, 0.08, 0.16, 0.26, 0.4, 0.6, 0.9, 1.4, 2.5, 5.0, 20.0)
        ]
        starts = sorted(tried, key=lambda each: each.score)[-_STARTS:]
        ends = [_refined(coarse, each.apex, arcs, 0.03 * height / 2) for each in starts]
        x, y = max(ends, key=lambda each: each.score).apex
        found.append(_refined(fine, (2 * x, 2 * y), arcs, 0.01 * height))
    convex, flat = found
    return convex if convex.score > flat.score + _ARCS * float(np.maximum(gain, 0).sum()) else flat


def _refined(evidence: _Evidence, apex: tuple[float, float], arcs: bool, step: float) -> _Candidate:
    """Shift the apex until nothing gets better, with ``step`` pixels to the sides at first.

    Its height is on a scale on which far apexes lie no further apart.
    """
    x, y = apex
    bottom = evidence.bottom

    def place(shift: NDArray[np.float64]) -> tuple[float, float]:
        return x + shift[0], bottom - (bottom - y) * math.exp(shift[1])

    def loss(shift: NDArray[np.float64]) -> float:
        return -evidence.best(place(shift), arcs).score

    simplex = np.array([[0.0, 0.0], [step, 0.05], [-step, 0.05]])
    result = minimize(
        loss, np.zeros(2), method="Nelder-Mead",
        options={"initial_simplex": simplex, "xatol": 0.05, "fatol": 0.5, "maxfev": 60},
    )  # fmt: skip
    return evidence.best(place(result.x), arcs)


class _Evidence:
    """What speaks for and against the fan in each pixel of a clip."""

    def __init__(self, gain: Floats, clip: Box) -> None:
        x0, y0, x1, y1 = clip
        part = gain[y0:y1, x0:x1]
        self._top, self.bottom = float(y0), float(y1)
        self._middle, self._width = (x0 + x1) / 2, x1 - x0
        self._gain = np.ascontiguousarray(part).ravel()
        self._lit = np.maximum(self._gain, 0)
        x, y = np.meshgrid(np.arange(x0, x1, dtype=np.float32), np.arange(y0, y1, dtype=np.float32))
        self._x, self._y = x.ravel(), y.ravel()
        self._bins = 2 * (x1 - x0 + y1 - y0)
        self._enough = _ASYMMETRY * float(self._lit.sum())

    def best(self, apex: tuple[float, float], arcs: bool) -> _Candidate:
        """The angles and depths that gain most round an apex."""
        if apex[1] > self._top + _EDGE or abs(apex[0] - self._middle) > _OFF_MIDDLE * self._width:
            # The apex of a probe lies behind its face, and screens show fans much in the middle.
            return _Candidate(-math.inf, apex, arcs, (-0.1, 0.1), (0.0, 1.0))
        across, down = self._x - np.float32(apex[0]), self._y - np.float32(apex[1])
        below = down > 0.5
        tangent = np.where(below, across / np.maximum(down, 0.5), np.float32(9.0))
        depth = np.hypot(across, down) if arcs else down
        widest = float(min(np.abs(tangent[below]).max(initial=0.1), 3.0))
        deepest = float(depth[below].max(initial=1.0)) + 1.0
        angle_bin, depth_bin = self._binned(tangent, -widest, widest), self._binned(depth, 0.0, deepest)
        inside = below & (np.abs(tangent) <= widest)
        to_tangent, to_depth = 2 * widest / self._bins, deepest / self._bins
        depths = [0, self._bins]
        for _ in range(2):
            at = inside & (depth_bin >= depths[0]) & (depth_bin < depths[1])
            by_angle = (np.bincount(angle_bin[at], each[at], self._bins) for each in (self._gain, self._lit))
            gained, *angles = self._angles(*by_angle)
            at = inside & (angle_bin >= angles[0]) & (angle_bin < angles[1])
            by_depth = np.bincount(depth_bin[at], self._gain[at], self._bins)
            score, *depths = _best_run(by_depth)
            if arcs:
                steepest = max(abs(each * to_tangent - widest) for each in angles)
                face = depths[0] * to_depth
                sag = face - face / math.hypot(1.0, steepest)
                # A face that is cut off at both ends but not in its middle is a shadow under the menu,
                # and so is one without echoes right below it.
                cut = apex[1] + face - sag < self._top - _EDGE - 0.35 * sag
                just_below = at & (depth_bin >= depths[0]) & (depth_bin < depths[0] + _NEAR / to_depth)
                if cut or (self._gain[just_below] < 1).mean() > 0.5:
                    sums = np.cumsum(by_depth)
                    depths = [0, int(np.argmax(sums)) + 1]
                    score = float(sums.max())
        # What a side in the dark costs less than other dark.
        score += gained
        # A lopsided sector must be worth it beside every other apex too.
        lopsided = abs(angles[0] + angles[1] - self._bins) > 2
        return _Candidate(
            score - lopsided * self._enough, apex, arcs,
            (angles[0] * to_tangent - widest, angles[1] * to_tangent - widest),
            (depths[0] * to_depth, depths[1] * to_depth),
        )  # fmt: skip

    def _binned(self, values: Floats, low: float, high: float) -> NDArray[np.int32]:
        binned: NDArray[np.int32] = np.clip((values - low) * (self._bins / (high - low)), 0, self._bins - 1).astype(
            np.int32
        )
        return binned

    def _angles(self, by_angle: NDArray[Any], lit: NDArray[Any]) -> tuple[float, int, int]:
        """The run of angles that gains most; the same to both sides unless that loses much: probes are symmetric.

        First comes what is to be added to its sum: one side of a symmetric run may lie in the dark, where the probe
        does not touch the skin.
        """
        middle = self._bins // 2
        dark = lit - by_angle
        relief = np.where(lit < _DARK_RAY * dark, (1.0 - _DARK_SIDE) * dark, 0.0)
        share = lit / np.maximum(lit + dark / _DARK_COST, 1.0)
        both = np.cumsum(by_angle[middle:] + by_angle[:middle][::-1])
        reliefs = np.maximum(
            _relief(relief[middle:], share[middle:], share[:middle][::-1]),
            _relief(relief[:middle][::-1], share[:middle][::-1], share[middle:]),
        )
        relieved = both + reliefs
        # Of equal ones the widest: behind a cut-off nothing is seen.
        reach = middle - int(np.argmax(relieved[::-1] >= relieved.max() - 1e-3))
        score, start, end = _best_run(by_angle)
        if relieved.max() >= score - self._enough:
            return float(reliefs[reach - 1]), middle - reach, middle + reach
        return 0.0, start, end


def _relief(relief: NDArray[Any], share: NDArray[Any], other: NDArray[Any]) -> NDArray[Any]:
    """For each reach from the middle, what the outer half of a side in the dark is relieved of.

    ``share`` of the rays' pixels is lit on this side and ``other`` on the opposite one. Only where that one ends with
    a sharp edge, and this one fades: what ends with a sharp edge is not in the dark behind it.
    """
    sharp = np.convolve(other, _STEP, "full")[_STEP_WIDTH : _STEP_WIDTH + len(other)] >= _SHARP_STEP
    ended = np.convolve(share, _STEP, "full")[_STEP_WIDTH : _STEP_WIDTH + len(share)] >= _SHARP_STEP
    sums, ends = (np.concatenate([[0.0], np.cumsum(each)]) for each in (relief, ended))
    reach = np.arange(1, len(sums))
    fades = ends[reach] == ends[reach // 2]
    return np.where(sharp & fades, sums[reach] - sums[reach // 2], 0.0)


def _best_run(gains: NDArray[Any]) -> tuple[float, int, int]:
    """Sum, start and end (excluded) of the run with the largest sum."""
    sums = np.concatenate([[0.0], np.cumsum(gains)])
    lowest = np.minimum.accumulate(sums)
    end = int(np.argmax(sums - lowest))
    # Of equal starts the last: what neither gains nor costs, a menu say, is left out.
    start = end - int(np.argmin(sums[end::-1]))
    return float(sums[end] - lowest[end]), start, end


def _fitted_clip(gain: Floats, fan: _Candidate, clip: Box) -> Box:
    """The rows and columns between which the fan gains most."""
    height, width = gain.shape
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    across, down = x - fan.apex[0], np.maximum(y - fan.apex[1], 1e-3)
    depth = np.hypot(across, down) if fan.arcs else down
    tangent = across / down
    inside = (tangent >= fan.tangents[0]) & (tangent <= fan.tangents[1])
    inside &= (depth >= fan.depths[0]) & (depth <= fan.depths[1])
    seen = np.where(inside, gain, 0)
    x0, _, x1, _ = clip
    _, top, bottom = _best_run(seen[:, x0:x1].sum(axis=1, dtype=np.float64))
    _, left, right = _best_run(seen[top:bottom].sum(axis=0, dtype=np.float64))
    rows = inside[top:bottom] & (gain[top:bottom] != 0)

    def is_cut(columns: slice) -> bool:
        part = rows[:, columns]
        return bool(part.any()) and float((gain[top:bottom, columns][part] == 1.0).mean()) >= _SHARP

    middle = fan.apex[0]
    cut_left, cut_right = is_cut(slice(left, left + 4)), is_cut(slice(max(right - 4, 0), right))
    if not cut_left:
        left = min(left, max(round(2 * middle - right), 0) if cut_right else 0)
    if not cut_right:
        right = max(right, min(round(2 * middle - left), width) if cut_left else width)
    return left, top, right, bottom


def _holds(fan: FanShape, tissue: NDArray[np.uint8], native: tuple[int, ...]) -> bool:
    """Whether nearly all tissue lies in the fan."""
    mask = cv2.resize(fan.mask(native).astype(np.uint8), tissue.shape[::-1], interpolation=cv2.INTER_NEAREST)
    return float(mask[tissue > 0].mean()) >= _HELD


def _rectangle(tissue: NDArray[np.uint8], native: tuple[int, ...]) -> FanShape:
    """All that shows tissue, where no probe's shape can be told from it."""
    x0, y0, x1, y1 = _bounds(tissue)
    to_x, to_y = native[1] / tissue.shape[1], native[0] / tissue.shape[0]
    left, top, right, bottom = x0 * to_x - 0.5, y0 * to_y - 0.5, x1 * to_x - 0.5, y1 * to_y - 0.5
    return FlatFan(((left, top), (right, top), (right, bottom), (left, bottom)), (0, 0, native[1], native[0]))


def _shape(fan: _Candidate, clip: Box, small: tuple[int, ...], native: tuple[int, ...]) -> FanShape:
    """From small to native pixels; cut-offs that cut nothing go to the picture's edge."""
    to_x, to_y = native[1] / small[1], native[0] / small[0]

    def point(x: float, y: float) -> tuple[float, float]:
        return float((x + 0.5) * to_x - 0.5), float((y + 0.5) * to_y - 0.5)

    x0, y0, x1, y1 = clip
    whole = (0, 0, native[1], native[0])
    (apex_x, apex_y), (left, right), (near, far) = fan.apex, fan.tangents, fan.depths
    # A small pixel that the fan only touches already shows tissue: half of it lies outside.
    near, far = near + 0.5, far - 0.5
    left, right = left + 1.0 / (near + far), right - 1.0 / (near + far)
    bounds = (
        0 if x0 <= _EDGE else round(x0 * to_x),
        0 if y0 <= _EDGE else round(y0 * to_y),
        whole[2] if x1 >= small[1] - _EDGE else round(x1 * to_x),
        whole[3] if y1 >= small[0] - _EDGE else round(y1 * to_y),
    )
    if fan.arcs and far < _FLAT_DISTANCE * (y1 - y0):
        x, y = point(apex_x, apex_y)
        left_deg, right_deg = math.degrees(math.atan(left)), math.degrees(math.atan(right))
        # What the cut-offs hide is not known: the rings begin and end there.
        near = max(near, y0 - apex_y)
        far = min(far, math.hypot(max(apex_x - x0, x1 - apex_x), y1 - apex_y))
        return ConvexFan(x, y, near * to_y, far * to_y, left_deg, right_deg, bounds)
    top, bottom = max(near + apex_y, y0) - 0.5, min(far + apex_y, y1) - 0.5
    corners = tuple(
        point(apex_x + tangent * (row - apex_y), row)
        for row, tangent in ((top, left), (top, right), (bottom, right), (bottom, left))
    )
    return FlatFan(corners, bounds)  # type: ignore[arg-type]
