"""Soft masks drawn from geometry: exact under any warp, so that a mask's size carries no bias of its own."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from fetalnet.core.geometry import Ellipse, Geometry, Line

RAMP_PX = 1.5
"""Width of the ramp from 0 to 1 across an outline, grid pixels; the outline itself lies at one half."""

MIN_FEMUR_PX = 4.0
"""Least thickness of a femur's mask, grid pixels: a thinner one would vanish in the coarse side outputs."""

Floats = NDArray[np.float32]


def warped(geometry: Geometry, matrix: NDArray[np.float64]) -> Geometry:
    """The image of a geometry under an affine map (2, 3); an ellipse stays an ellipse."""
    linear, shift = matrix[:, :2], matrix[:, 2]
    if isinstance(geometry, Line):
        start, end = geometry.points() @ linear.T + shift
        return Line.of(*start, *end)
    cos, sin = math.cos(math.radians(geometry.theta_deg)), math.sin(math.radians(geometry.theta_deg))
    halves = linear @ np.array([[geometry.a * cos, -geometry.b * sin], [geometry.a * sin, geometry.b * cos]])
    axes, lengths, _ = np.linalg.svd(halves)
    centre = linear @ np.array([geometry.cx, geometry.cy]) + shift
    return Ellipse.of(
        float(centre[0]),
        float(centre[1]),
        float(lengths[0]),
        float(lengths[1]),
        math.degrees(math.atan2(axes[1, 0], axes[0, 0])),
    )


def soft_mask(geometry: Geometry, shape: tuple[int, int], half_width_px: float = 0.0) -> Floats:
    """The mask (height, width), 0 to 1, of an ellipse, or of a femur as a capsule exactly as long as its line."""
    if isinstance(geometry, Ellipse):
        return _soft_ellipse(geometry, shape)
    return _soft_capsule(geometry, shape, max(half_width_px, MIN_FEMUR_PX / 2))


def _soft_ellipse(ellipse: Ellipse, shape: tuple[int, int]) -> Floats:
    mask, rows, columns = _window(shape, ellipse.points(32), 2 * RAMP_PX + 1)
    if mask[rows, columns].size == 0:
        return mask
    y, x = np.ogrid[rows, columns]
    cos, sin = math.cos(math.radians(ellipse.theta_deg)), math.sin(math.radians(ellipse.theta_deg))
    u = ((x - ellipse.cx) * cos + (y - ellipse.cy) * sin).astype(np.float32)
    v = ((y - ellipse.cy) * cos - (x - ellipse.cx) * sin).astype(np.float32)
    radius = np.sqrt((u / ellipse.a) ** 2 + (v / ellipse.b) ** 2)
    # First order distance to the outline: (1 - r) / |grad r|; its zero is exact.
    slope = np.sqrt((u / ellipse.a**2) ** 2 + (v / ellipse.b**2) ** 2)
    distance = (1.0 - radius) * radius / np.maximum(slope, 1e-6)
    distance[radius < 0.5] = RAMP_PX
    mask[rows, columns] = np.clip(0.5 + distance / RAMP_PX, 0.0, 1.0)
    return mask


def _soft_capsule(line: Line, shape: tuple[int, int], half_width: float) -> Floats:
    half_width = min(half_width, line.length_px / 2)
    ends = line.points()
    mask, rows, columns = _window(shape, ends, half_width + 2 * RAMP_PX + 1)
    if mask[rows, columns].size == 0 or line.length_px == 0:
        return mask
    y, x = np.ogrid[rows, columns]
    along = (ends[1] - ends[0]) / line.length_px
    # The round ends belong to the bone: the axis between their centres is a thickness shorter.
    start = ends[0] + along * half_width
    dx, dy = x - start[0], y - start[1]
    at = np.clip(dx * along[0] + dy * along[1], 0.0, line.length_px - 2 * half_width)
    distance = half_width - np.hypot(dx - at * along[0], dy - at * along[1])
    mask[rows, columns] = np.clip(0.5 + distance / RAMP_PX, 0.0, 1.0).astype(np.float32)
    return mask


def _window(shape: tuple[int, int], points: NDArray[np.float64], margin: float) -> tuple[Floats, slice, slice]:
    """An empty mask and the part of it that a shape around ``points`` can touch."""
    low = np.floor(points.min(axis=0) - margin).astype(int)
    high = np.ceil(points.max(axis=0) + margin).astype(int) + 1
    columns = slice(int(np.clip(low[0], 0, shape[1])), int(np.clip(high[0], 0, shape[1])))
    rows = slice(int(np.clip(low[1], 0, shape[0])), int(np.clip(high[1], 0, shape[0])))
    return np.zeros(shape, np.float32), rows, columns
