"""Evidence for a fan about an apex: angles and depths are scored by sums over rays and rings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fetalnet.core.letterbox import Box
from fetalnet.screen.fan.sector import rims

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
"""Rays on either side of a fan's edge that are held against each other."""
_SHARP_STEP = 0.4
"""So much more of the last rays of a fan is lit than of those behind its side."""
_NEAR = 3.0
"""Small pixels below the probe's face that are never dark: the skin is there."""
_LIT = 0.5
"""A place that gains more than this part of a pixel of tissue is none that is dark."""
_OFF_MIDDLE = 0.25
"""The apex is no further from the middle of what is seen than this part of its width."""
_CLOSER = 1.5
"""Rays for each pixel of the width, looked at in full."""
_WIDEST_TANGENT = 3.0
"""No side of a fan lies flatter."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Limits are tangents of the angle from straight down, and radii (``arcs``) or heights below the apex."""

    score: float
    apex: tuple[float, float]
    arcs: bool
    tangents: tuple[float, float]
    depths: tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Grid:
    """Where the picture is looked at round each of n ``apexes`` (n, 2): the middles of ``rays`` (n, rays), angles from
    straight down with ``arcs`` and else tangents, and of ``depths`` (n, depths), radii or heights below.
    """

    apexes: NDArray[np.float64]
    arcs: bool
    rays: NDArray[np.float64]
    depths: NDArray[np.float64]
    ray_step: NDArray[np.float64]
    depth_step: NDArray[np.float64]

    @property
    def area(self) -> NDArray[np.float64]:
        """(n, depths): pixels that each place of a depth stands for."""
        return self.depths * (self.ray_step * self.depth_step)[:, None]

    def tangent(self, k: int, edge: int) -> float:
        """Of the edge before a ray of the apex ``k``."""
        ray = float(self.rays[k, 0] + (edge - 0.5) * self.ray_step[k])
        return math.tan(ray) if self.arcs else ray

    def depth(self, k: int, edge: int) -> float:
        """Of the edge before a depth of the apex ``k``."""
        return float(self.depths[k, 0] + (edge - 0.5) * self.depth_step[k])


class Evidence:
    """What speaks for and against the fan in each pixel of a clip, drawn straight round any apex: rays by depths."""

    def __init__(self, gain: Floats, clip: Box, small: int = 1) -> None:
        """``small`` times ``small`` pixels of ``gain`` are taken as one; in and out go those of ``gain``."""
        self.width, self.bottom = clip[2] - clip[0], clip[3]
        self.tissue = float(np.maximum(gain, 0).sum())
        width, height = (max(each // small, 1) for each in gain.shape[::-1])
        if small > 1:
            gain = np.asarray(cv2.resize(gain, (width, height), interpolation=cv2.INTER_AREA), np.float32)
        x0, y0 = min(clip[0] // small, width - 1), min(clip[1] // small, height - 1)
        x1, y1 = max(clip[2] // small, x0 + 1), max(clip[3] // small, y0 + 1)
        self._small = small
        self._gain = np.ascontiguousarray(gain[y0:y1, x0:x1])
        self._enough = _ASYMMETRY * float(np.maximum(self._gain, 0).sum())
        self._left, self._top = float(x0), float(y0)
        self._middle, self._aside = (x0 + x1) / 2, _OFF_MIDDLE * (x1 - x0)
        # In full, rays are closer: the apex is told by where sharp sides lie between them.
        closer = _CLOSER if small == 1 else 1.0
        self._rays, self._depths = 2 * max(round(closer * (x1 - x0) / 2), 8), max(y1 - y0, 8)
        self._rims = rims(self._gain > 0) + np.array([self._left, self._top])

    def best(self, places: list[tuple[float, float]], arcs: bool) -> list[Candidate]:
        """The angles and depths that gain most round each apex, or round the nearest place where one may lie.

        The apex of a probe is behind its face, and screens show fans much in the middle.
        """
        small, low, high = self._small, self._middle - self._aside, self._middle + self._aside
        apexes = [
            (min(max((x + 0.5) / small - 0.5, low), high), min((y + 0.5) / small - 0.5, self._top + EDGE))
            for x, y in places
        ]
        grid = self._grid(np.array(apexes), arcs)
        straight = self._straight(grid)
        lit = np.maximum(straight, 0.0)
        start, end = np.zeros(len(apexes), np.intp), np.full(len(apexes), self._depths)
        # Once more, with the corners behind the deep arc left out.
        for _ in range(2):
            seen = (_between(start, end, self._depths) * grid.area).astype(np.float32)
            by_ray, lit_by_ray = (np.einsum("kad,kd->ka", each, seen).astype(np.float64) for each in (straight, lit))
            gained, first, last = self._angles(by_ray, lit_by_ray)
            inside = _between(first, last, self._rays).astype(np.float32)
            by_depth = np.einsum("kad,ka->kd", straight, inside) * grid.area
            score, start, end = best_run(by_depth)
        found = []
        for k, apex in enumerate(apexes):
            tangents = grid.tangent(k, int(first[k])), grid.tangent(k, int(last[k]))
            near, far, total = grid.depth(k, int(start[k])), grid.depth(k, int(end[k])), float(score[k])
            below = slice(start[k], start[k] + max(round(_NEAR / grid.depth_step[k]), 1))
            if arcs and self._faceless(apex, near, tangents, straight[k, first[k] : last[k], below]):
                sums = np.cumsum(by_depth[k])
                near, far, total = 0.0, grid.depth(k, int(np.argmax(sums)) + 1), float(sums.max())
            # What a side in the dark costs less than other dark; a lopsided sector must be worth it beside every
            # other apex too.
            lopsided = abs(first[k] + last[k] - self._rays) > 2
            total += float(gained[k]) - lopsided * self._enough
            x, y = ((each + 0.5) * small - 0.5 for each in apex)
            found.append(Candidate(total * small**2, (x, y), arcs, tangents, (near * small, far * small)))
        return found

    def _grid(self, apexes: NDArray[np.float64], arcs: bool) -> _Grid:
        """Rays and depths round each apex that hold all that shows tissue, with one ray to spare on either side."""
        x, y = apexes.T[:, :, None]
        across, down = np.abs(self._rims[:, 0] - x), np.maximum(self._rims[:, 1] - y, 0.5)
        widest = np.minimum((across / down).max(axis=1), _WIDEST_TANGENT)
        widest = (np.arctan(widest) if arcs else widest) * (1.0 + 2.0 / self._rays)
        near = np.maximum(self._top - 0.5 - y[:, 0], 0.0)
        far = (np.hypot(across, down) if arcs else down).max(axis=1) + 0.5
        ray_step, depth_step = 2.0 * widest / self._rays, (far - near) / self._depths
        rays = (np.arange(self._rays) + 0.5) * ray_step[:, None] - widest[:, None]
        depths = (np.arange(self._depths) + 0.5) * depth_step[:, None] + near[:, None]
        return _Grid(apexes, arcs, rays, depths, ray_step, depth_step)

    def _straight(self, grid: _Grid) -> Floats:
        """(apexes, rays, depths): the gains along rays; 0 outside of the clip."""
        rays, depths = grid.rays, grid.depths.astype(np.float32)
        sines, cosines = (np.sin(rays), np.cos(rays)) if grid.arcs else (rays, np.ones_like(rays))
        across, down = sines.astype(np.float32), cosines.astype(np.float32)
        places = (grid.apexes - (self._left, self._top)).astype(np.float32)
        straight = np.empty((*rays.shape, self._depths), np.float32)
        # One by one, in the same memory, they stay in the processor's cache.
        to_x, to_y = np.empty((2, *straight.shape[1:]), np.float32)
        for k, (x, y) in enumerate(places):
            np.multiply(across[k, :, None], depths[k], out=to_x)
            np.multiply(down[k, :, None], depths[k], out=to_y)
            to_x += x
            to_y += y
            cv2.remap(self._gain, to_x, to_y, cv2.INTER_LINEAR, straight[k], cv2.BORDER_CONSTANT)
        return straight

    def _faceless(
        self, apex: tuple[float, float], face: float, tangents: tuple[float, float], below: NDArray[Any]
    ) -> bool:
        """Whether what looks like the probe's face is none: a shadow under the menu, or without echoes ``below`` it."""
        sag = face - face / math.hypot(1.0, max(abs(each) for each in tangents))
        # Cut off at both ends but not in its middle.
        if apex[1] + face - sag < self._top - EDGE - 0.35 * sag:
            return True
        return bool(np.count_nonzero((below < _LIT) & (below != 0.0)) > 0.5 * np.count_nonzero(below))

    def _angles(
        self, by_ray: NDArray[Any], lit: NDArray[Any]
    ) -> tuple[NDArray[Any], NDArray[np.intp], NDArray[np.intp]]:
        """The run of rays that gains most; the same to both sides unless that loses much: probes are symmetric.

        First comes what is to be added to its sum: one side of a symmetric run may lie in the dark, where the probe
        does not touch the skin.
        """
        middle = self._rays // 2
        dark = lit - by_ray
        relief = _folded(np.where(lit < _DARK_RAY * dark, (1.0 - _DARK_SIDE) * dark, 0.0))
        share = _folded(lit / np.maximum(lit + dark / DARK_COST, 1.0))
        reliefs = _reliefs(relief, share).max(axis=0)
        relieved = np.cumsum(_folded(by_ray).sum(axis=0), axis=1) + reliefs
        most = relieved.max(axis=1)
        # Of equal ones the widest: behind a cut-off nothing is seen.
        reach = middle - np.argmax(relieved[:, ::-1] >= most[:, None] - 1e-3, axis=1)
        score, start, end = best_run(by_ray)
        symmetric = most >= score - self._enough
        return (
            np.where(symmetric, reliefs[np.arange(len(reach)), reach - 1], 0.0),
            np.where(symmetric, middle - reach, start),
            np.where(symmetric, middle + reach, end),
        )


def _folded(values: NDArray[Any]) -> NDArray[Any]:
    """Both sides (2, n, rays / 2) from the middle on, right and left."""
    middle = values.shape[1] // 2
    return np.stack([values[:, middle:], values[:, middle - 1 :: -1]])


def _between(start: NDArray[Any], end: NDArray[Any], count: int) -> NDArray[np.bool_]:
    """(n, count): which places lie in the runs from ``start`` (n,) on to ``end`` (excluded)."""
    place = np.arange(count)
    return np.asarray((place >= start[:, None]) & (place < end[:, None]))


def _reliefs(relief: NDArray[Any], share: NDArray[Any]) -> NDArray[Any]:
    """For each side and reach from the middle, what the outer half of that side in the dark is relieved of.

    ``share`` of the rays' pixels is lit. Only where the opposite side ends with a sharp edge, and this one fades: what
    ends with a sharp edge is not in the dark behind it.
    """
    sums = _sums(share)
    count, wide = share.shape[-1], _STEP_WIDTH
    place = np.arange(count + 1)
    here = sums[..., 1:]
    before, behind = sums[..., np.maximum(place[1:] - wide, 0)], sums[..., np.minimum(place[1:] + wide, count)]
    sharp = 2.0 * here - before - behind >= _SHARP_STEP * wide
    ends, relieved = _sums(sharp), _sums(relief)
    half = place[1:] // 2
    fades = ends[..., 1:] == ends[..., half]
    return np.where(sharp[::-1] & fades, relieved[..., 1:] - relieved[..., half], 0.0)


def _sums(values: NDArray[Any]) -> NDArray[np.float64]:
    """Sums of the values before each place of the last axis, and of all."""
    sums = np.zeros((*values.shape[:-1], values.shape[-1] + 1))
    np.cumsum(values, axis=-1, out=sums[..., 1:])
    return sums


def best_run(gains: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.intp]]:
    """Sum, start and end (excluded) of the run with the largest sum in each row (n, places)."""
    sums = _sums(gains)
    lowest = np.minimum.accumulate(sums, axis=1)
    rises, place = sums - lowest, np.arange(sums.shape[1])
    end = np.argmax(rises, axis=1)
    row = np.arange(len(sums))
    # Of equal starts the last: what neither gains nor costs, a menu say, is left out.
    starts = (sums == lowest[row, end][:, None]) & (place <= end[:, None])
    return rises[row, end], np.where(starts, place, 0).max(axis=1), end
