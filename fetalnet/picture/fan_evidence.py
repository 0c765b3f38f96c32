"""What speaks for and against a fan round an apex: the best angles and depths are sums over pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fetalnet.picture.letterbox import Box

Floats = NDArray[np.float32]

DARK_COST = 0.25
"""What a dark pixel inside the fan costs beside the gain of one of tissue: shadows and fluid are dark too."""
EDGE = 1.5
"""Small pixels: a cut-off this near to the picture's edge, or to the fan's own end, is none."""
_ASYMMETRY = 0.05
"""How much better, in parts of the tissue, a lopsided sector must be than a symmetric one."""
_DARK_RAY, _DARK_SIDE = 0.4, 0.1
"""A ray that gains less than this part of what its dark costs is dark; on one side all of them cost this part."""
_STEP_WIDTH = 3
_STEP = np.repeat([-1.0 / _STEP_WIDTH, 1.0 / _STEP_WIDTH], _STEP_WIDTH)
_SHARP_STEP = 0.4
"""So much more of the last rays of a fan is lit than of those behind its side."""
_NEAR = 3.0
"""Small pixels below the probe's face that are never dark: the skin is there."""
_OFF_MIDDLE = 0.25
"""The apex is no further from the middle of what is seen than this part of its width."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Limits are tangents of the angle from straight down, and radii (``arcs``) or heights below the apex."""

    score: float
    apex: tuple[float, float]
    arcs: bool
    tangents: tuple[float, float]
    depths: tuple[float, float]


class Evidence:
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

    def nearest(self, apex: tuple[float, float]) -> tuple[float, float]:
        """Where an apex may lie: that of a probe is behind its face, and screens show fans much in the middle."""
        aside = _OFF_MIDDLE * self._width
        x = min(max(apex[0], self._middle - aside), self._middle + aside)
        return x, min(apex[1], self._top + EDGE)

    def best(self, apex: tuple[float, float], arcs: bool) -> Candidate:
        """The angles and depths that gain most round an apex."""
        if apex != self.nearest(apex):
            return Candidate(-math.inf, apex, arcs, (-0.1, 0.1), (0.0, 1.0))
        across, down = self._x - np.float32(apex[0]), self._y - np.float32(apex[1])
        below = down > 0.5
        tangent = np.where(below, across / np.maximum(down, 0.5), np.float32(9.0))
        depth = np.sqrt(across * across + down * down) if arcs else down
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
            score, *depths = best_run(by_depth)
            if arcs:
                steepest = max(abs(each * to_tangent - widest) for each in angles)
                face = depths[0] * to_depth
                sag = face - face / math.hypot(1.0, steepest)
                # A face that is cut off at both ends but not in its middle is a shadow under the menu,
                # and so is one without echoes right below it.
                cut = apex[1] + face - sag < self._top - EDGE - 0.35 * sag
                just_below = at & (depth_bin >= depths[0]) & (depth_bin < depths[0] + _NEAR / to_depth)
                if cut or np.count_nonzero(self._gain[just_below] < 1) > 0.5 * np.count_nonzero(just_below):
                    sums = np.cumsum(by_depth)
                    depths = [0, int(np.argmax(sums)) + 1]
                    score = float(sums.max())
        # What a side in the dark costs less than other dark.
        score += gained
        # A lopsided sector must be worth it beside every other apex too.
        lopsided = abs(angles[0] + angles[1] - self._bins) > 2
        return Candidate(
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
        share = lit / np.maximum(lit + dark / DARK_COST, 1.0)
        both = np.cumsum(by_angle[middle:] + by_angle[:middle][::-1])
        reliefs = np.maximum(
            _relief(relief[middle:], share[middle:], share[:middle][::-1]),
            _relief(relief[:middle][::-1], share[:middle][::-1], share[middle:]),
        )
        relieved = both + reliefs
        # Of equal ones the widest: behind a cut-off nothing is seen.
        reach = middle - int(np.argmax(relieved[::-1] >= relieved.max() - 1e-3))
        score, start, end = best_run(by_angle)
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


def best_run(gains: NDArray[Any]) -> tuple[float, int, int]:
    """Sum, start and end (excluded) of the run with the largest sum."""
    sums = np.concatenate([[0.0], np.cumsum(gains)])
    lowest = np.minimum.accumulate(sums)
    end = int(np.argmax(sums - lowest))
    # Of equal starts the last: what neither gains nor costs, a menu say, is left out.
    start = end - int(np.argmin(sums[end::-1]))
    return float(sums[end] - lowest[end]), start, end
