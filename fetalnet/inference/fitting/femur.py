"""The line of a femur from its region."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from fetalnet.inference.fitting.outline import Floats, RefusedError, Region, away_from_edge

_MIN_FEMUR_LENGTH = 12.0
"""Grid pixels."""
_MAX_FEMUR_WIDTH = 0.4
_MAX_FEMUR_BOW = 0.12
"""Width of a femur, and distance of its middle from the line between its ends, in lengths."""


def fit_line(region: Region, contour: Floats, seen: NDArray[np.bool_]) -> Floats:
    """The femur's ends (2, 2) x, y on the grid: where the outline reaches furthest along the principal axis."""
    y, x = np.nonzero(region.probability > 0.05)
    weight = region.probability[y, x].astype(np.float64)
    points = np.stack([x + region.x0, y + region.y0], axis=1).astype(np.float64)
    centre = np.average(points, axis=0, weights=weight)
    offset = points - centre
    variance, axes = np.linalg.eigh((offset * weight[:, None]).T @ offset / weight.sum())
    along = axes[:, 1]
    across = np.array([-along[1], along[0]])
    position, side = offset @ along, offset @ across
    reach = (contour - centre) @ along
    width = math.sqrt(12.0 * max(float(variance[0]), 0.0))

    ends = np.empty((2, 2))
    for row, furthest in enumerate((float(reach.min()), float(reach.max()))):
        # Across, an end lies in the middle of the bone there: a bowed bone leaves its principal axis.
        tip = np.abs(position - furthest) <= max(width, 2.0)
        offset_across = float(np.average(side[tip], weights=weight[tip])) if tip.any() else 0.0
        ends[row] = centre + furthest * along + offset_across * across
    length = float(np.linalg.norm(ends[1] - ends[0]))
    if length < _MIN_FEMUR_LENGTH:
        raise RefusedError("the bone found is too short to measure")
    if width > _MAX_FEMUR_WIDTH * length:
        raise RefusedError("the region found is too wide for a femur")
    middle = np.abs(position) <= max(0.1 * length, 1.0)
    chord = float(np.mean((ends - centre) @ across))
    if abs(float(np.average(side[middle], weights=weight[middle])) - chord) > _MAX_FEMUR_BOW * length:
        raise RefusedError("the region found is too curved for a femur")
    if not away_from_edge(ends, seen).all():
        raise RefusedError("an end of the bone lies at the edge of the picture")
    return ends


def fit_rectangle(contour: Floats, seen: NDArray[np.bool_]) -> Floats:
    """The ends (2, 2) x, y of the long middle line of the smallest rectangle around an outline, on the grid."""
    corners = cv2.boxPoints(cv2.minAreaRect(contour.astype(np.float32))).astype(np.float64)
    sides = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1)[:2]
    # Of four corners in turn, the middles of two opposite sides.
    short = int(np.argmin(sides))
    ends = np.stack([corners[[at % 4, (at + 1) % 4]].mean(axis=0) for at in (short, short + 2)])
    if sides.max() < _MIN_FEMUR_LENGTH:
        raise RefusedError("the bone found is too short to measure")
    if sides.min() > _MAX_FEMUR_WIDTH * sides.max():
        raise RefusedError("the region found is too wide for a femur")
    if not away_from_edge(ends, seen).all():
        raise RefusedError("an end of the bone lies at the edge of the picture")
    return ends
