"""Finds the fan's shape on a scanner's screen: for each apex the best angles and depths are sums of evidence."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from fetalnet.picture.fan import ConvexFan, FanShape, FlatFan
from fetalnet.picture.letterbox import Box
from fetalnet.picture.sector import brightest, tissue_in

Floats = NDArray[np.float32]

_DARK_COST = 0.35
"""What a dark pixel inside the fan costs beside the gain of one of tissue: shadows and fluid are dark too."""
_MIN_TISSUE = 0.08
"""Less tissue than this part of the picture is no fan."""
_ASYMMETRY = 0.015
_ARCS = 0.004
"""How much better, in parts of the tissue, a sector must be than a symmetric one, and one with arcs than without."""
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
    Takes about a second: several frames help more than one, for tissue moves through shadows.
    """
    small = brightest(pictures)
    tissue = tissue_in(small)
    if tissue.mean() < _MIN_TISSUE:
        return None
    gain = np.where(tissue > 0, np.float32(1.0), np.float32(-_DARK_COST))
    # Letters and rulers are bright but no tissue: they say nothing.
    gain[(tissue == 0) & (small > 3)] = 0.0
    clip = _bounds(tissue)
    for _ in range(2):
        best = _search(gain, clip)
        clip = _fitted_clip(gain, best, clip)
    return _shape(best, clip, gain.shape, pictures[0].shape)


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
            for above in (-0.15, 0.0, 0.08, 0.16, 0.26, 0.4, 0.6, 0.9, 1.4, 2.5, 5.0, 20.0)
        ]
        first = max(tried, key=lambda each: each.score)
        found.append(_refined(fine, (2 * first.apex[0], 2 * first.apex[1]), arcs, height))
    convex, flat = found
    return convex if convex.score > flat.score + _ARCS * float((gain > 0).sum()) else flat


def _refined(evidence: _Evidence, apex: tuple[float, float], arcs: bool, height: float) -> _Candidate:
    """Shift the apex until nothing gets better; its height on a scale on which far apexes lie no further apart."""
    x, y = apex
    bottom = evidence.bottom

    def place(shift: NDArray[np.float64]) -> tuple[float, float]:
        return x + shift[0], bottom - (bottom - y) * math.exp(shift[1])

    def loss(shift: NDArray[np.float64]) -> float:
        return -evidence.best(place(shift), arcs).score

    simplex = np.array([[0.0, 0.0], [0.03 * height, 0.05], [-0.03 * height, 0.05]])
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
        self.bottom = float(y1)
        self._gain = np.ascontiguousarray(part).ravel()
        x, y = np.meshgrid(np.arange(x0, x1, dtype=np.float32), np.arange(y0, y1, dtype=np.float32))
        self._x, self._y = x.ravel(), y.ravel()
        self._bins = 2 * (x1 - x0 + y1 - y0)
        self._enough = _ASYMMETRY * float(np.maximum(part, 0).sum())

    def best(self, apex: tuple[float, float], arcs: bool) -> _Candidate:
        """The angles and depths that gain most round an apex."""
        across, down = self._x - np.float32(apex[0]), self._y - np.float32(apex[1])
        below = down > 0.5
        tangent = np.where(below, across / np.maximum(down, 0.5), np.float32(9.0))
        depth = np.hypot(across, down) if arcs else down
        widest = float(min(np.abs(tangent[below]).max(initial=0.1), 3.0))
        deepest = float(depth[below].max(initial=1.0)) + 1.0
        angle_bin, depth_bin = self._binned(tangent, -widest, widest), self._binned(depth, 0.0, deepest)
        inside = below & (np.abs(tangent) <= widest)
        depths = (0, self._bins)
        for _ in range(2):
            at = inside & (depth_bin >= depths[0]) & (depth_bin < depths[1])
            angles = self._angles(np.bincount(angle_bin[at], self._gain[at], self._bins))
            at = inside & (angle_bin >= angles[0]) & (angle_bin < angles[1])
            score, *depths = _best_run(np.bincount(depth_bin[at], self._gain[at], self._bins))
        to_tangent, to_depth = 2 * widest / self._bins, deepest / self._bins
        return _Candidate(
            score, apex, arcs,
            (angles[0] * to_tangent - widest, angles[1] * to_tangent - widest),
            (depths[0] * to_depth, depths[1] * to_depth),
        )  # fmt: skip

    def _binned(self, values: Floats, low: float, high: float) -> NDArray[np.int32]:
        return np.clip((values - low) * (self._bins / (high - low)), 0, self._bins - 1).astype(np.int32)

    def _angles(self, by_angle: NDArray[np.float64]) -> tuple[int, int]:
        """The run of angles that gains most; the same to both sides unless that loses much: probes are symmetric."""
        middle = self._bins // 2
        both = np.cumsum(by_angle[middle:] + by_angle[:middle][::-1])
        # Of equal ones the widest: behind a cut-off nothing is seen.
        reach = middle - int(np.argmax(both[::-1] >= both.max() - 1e-3))
        score, start, end = _best_run(by_angle)
        return (middle - reach, middle + reach) if both.max() >= score - self._enough else (start, end)


def _best_run(gains: NDArray[np.float64]) -> tuple[float, int, int]:
    """Sum, start and end (excluded) of the run with the largest sum."""
    sums = np.concatenate([[0.0], np.cumsum(gains)])
    lowest = np.minimum.accumulate(sums)
    end = int(np.argmax(sums - lowest))
    return float(sums[end] - lowest[end]), int(np.argmin(sums[: end + 1])), end


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
    x0, y0, x1, y1 = clip
    _, top, bottom = _best_run(seen[:, x0:x1].sum(axis=1, dtype=np.float64))
    _, left, right = _best_run(seen[top:bottom].sum(axis=0, dtype=np.float64))
    return left, top, right, bottom


def _shape(fan: _Candidate, clip: Box, small: tuple[int, ...], native: tuple[int, ...]) -> FanShape:
    """From small to native pixels; cut-offs that cut nothing go to the picture's edge."""
    to_x, to_y = native[1] / small[1], native[0] / small[0]

    def point(x: float, y: float) -> tuple[float, float]:
        return (x + 0.5) * to_x - 0.5, (y + 0.5) * to_y - 0.5

    x0, y0, x1, y1 = clip
    whole = (0, 0, native[1], native[0])
    (apex_x, apex_y), (left, right), (near, far) = fan.apex, fan.tangents, fan.depths
    bounds = (
        0 if x0 <= _EDGE else round(x0 * to_x),
        0 if y0 <= _EDGE else round(y0 * to_y),
        whole[2] if x1 >= small[1] - _EDGE else round(x1 * to_x),
        whole[3] if y1 >= small[0] - _EDGE else round(y1 * to_y),
    )
    if fan.arcs and far < _FLAT_DISTANCE * (y1 - y0):
        x, y = point(apex_x, apex_y)
        left_deg, right_deg = math.degrees(math.atan(left)), math.degrees(math.atan(right))
        return ConvexFan(x, y, near * to_y, far * to_y, left_deg, right_deg, bounds)
    top, bottom = max(near + apex_y, y0) - 0.5, min(far + apex_y, y1) - 0.5
    corners = tuple(
        point(apex_x + tangent * (row - apex_y), row)
        for row, tangent in ((top, left), (top, right), (bottom, right), (bottom, left))
    )
    return FlatFan(corners, bounds)  # type: ignore[arg-type]
