"""Regions of a mask on the network's grid, and their outlines between pixel centres."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.measure import find_contours

from fetalnet.core.letterbox import Letterbox

Floats = NDArray[np.float64]

LEVEL = 0.5
"""The network learns masks whose boundary lies at one half."""

_MIN_AREA = 60.0
"""Grid pixels; the smallest femur that is still a bone's shape (12 x 4)."""
_RIVAL_AREA = 0.4
"""A second region of this part of the largest means that the network does not know which is meant."""
_EDGE = 1.5
"""Grid pixels from the edge of the picture or fan within which an outline is the edge's, not the body's."""


class RefusedError(Exception):
    """Why nothing is measured, in a few words."""


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """One region's probabilities, all else zero, cut out at (x0, y0) with a border of zeros; ``area`` in pixels."""

    probability: NDArray[np.float32]
    x0: int
    y0: int
    area: int


def regions_of(probability: NDArray[np.float32]) -> list[Region]:
    """Regions at one half and above that are large enough to measure, the largest first. Raises ``RefusedError``."""
    above = (probability >= LEVEL).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(above, connectivity=8)
    if count < 2:
        raise RefusedError("no outline was found")
    areas = stats[:, cv2.CC_STAT_AREA]
    order = [int(label) for label in np.argsort(-areas[1:]) + 1 if areas[label] >= _MIN_AREA]
    if not order:
        raise RefusedError("the region found is too small to measure")
    return [_cut_out(probability, labels, label, stats[label]) for label in order]


def largest(regions: list[Region]) -> Region:
    """The largest region. Raises ``RefusedError`` where another is of similar size."""
    if len(regions) > 1 and regions[1].area > _RIVAL_AREA * regions[0].area:
        raise RefusedError("several regions of similar size were found")
    return regions[0]


def _cut_out(
    probability: NDArray[np.float32], labels: NDArray[np.int32], label: int, stats: NDArray[np.int32]
) -> Region:
    left, top, width, height, area = (int(value) for value in stats)
    # Two pixels more on each side keep the ramp outside the boundary, which the sub-pixel level needs.
    y0, y1 = max(top - 2, 0), min(top + height + 2, probability.shape[0])
    x0, x1 = max(left - 2, 0), min(left + width + 2, probability.shape[1])
    part = probability[y0:y1, x0:x1].copy()
    part[(labels[y0:y1, x0:x1] != label) & (part >= LEVEL)] = 0.0
    return Region(np.pad(part, 1), x0 - 1, y0 - 1, area)


def contour_of(region: Region) -> Floats:
    """The outer contour (n, 2) x, y on the grid at one half, between pixel centres (marching squares)."""
    contours = find_contours(region.probability, LEVEL, fully_connected="high")
    longest = max(contours, key=len)
    points: Floats = longest[:-1, ::-1] + (region.x0, region.y0)
    return points


def inside_of(letterbox: Letterbox) -> NDArray[np.bool_]:
    """(height, width): which grid pixels show a part of the picture."""
    inside = np.zeros((letterbox.height, letterbox.width), bool)
    left, top, right, bottom = letterbox.inner
    inside[top:bottom, left:right] = True
    return inside


def away_from_edge(points: Floats, seen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which points lie further than ``_EDGE`` inside what is seen."""
    reach = 2 * math.ceil(_EDGE) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    core = cv2.erode(np.pad(seen.astype(np.uint8), 1), kernel, borderValue=0)[1:-1, 1:-1]
    return looked_up(core.astype(bool), points)


def looked_up(mask: NDArray[np.bool_], points: Floats) -> NDArray[np.bool_]:
    """The mask at each point; outside the grid it is False."""
    x, y = np.rint(points).astype(int).T
    within = (x >= 0) & (y >= 0) & (x < mask.shape[1]) & (y < mask.shape[0])
    result = np.zeros(len(points), bool)
    result[within] = mask[y[within], x[within]]
    return result
