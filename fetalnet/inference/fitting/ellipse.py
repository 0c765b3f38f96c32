"""An ellipse through an outline, and whether it may be believed."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from fetalnet.core.geometry import Ellipse
from fetalnet.core.letterbox import Letterbox
from fetalnet.core.planes import Plane
from fetalnet.inference.fitting.outline import Floats, RefusedError, away_from_edge, looked_up

_MIN_SEMI_AXIS = 6.0
"""Grid pixels; below, one pixel of error is 15 % of the measure."""
_MIN_AXIS_RATIO = {Plane.HEAD: 0.55, Plane.ABDOMEN: 0.6}
"""Cephalic indices under 0.65 and abdomens flatter than this are oblique cuts, not biometry planes."""
_MIN_SUPPORT = 0.55
"""Part of the ellipse that the outline must follow; on shorter arcs the fit extrapolates."""
_MIN_SEEN = 0.7
"""Part of the ellipse that must lie in the picture (the same bound as the truth's, docs/definitions.md)."""
_MAX_RESIDUAL = 0.05
"""Median distance of the outline from the ellipse, in minor semi-axes."""


def fit_ellipse(plane: Plane, contour: Floats, letterbox: Letterbox, seen: NDArray[np.bool_]) -> Ellipse:
    """Direct least squares (Fitzgibbon et al., 1999) with outliers trimmed by the median absolute deviation."""
    own = contour[away_from_edge(contour, seen)]
    if len(own) < 12:
        raise RefusedError("too little of the outline lies in the picture")
    points = letterbox.to_native(own)
    pixel = 1.0 / min(letterbox.scale)
    kept = np.ones(len(points), bool)
    for _ in range(3):
        ellipse = _least_squares(points[kept])
        distance = ellipse_distance(points, ellipse)
        middle = float(np.median(distance))
        spread = 1.4826 * float(np.median(np.abs(distance - middle)))
        near = np.abs(distance - middle) <= max(3.0 * spread, 0.5 * pixel)
        if np.array_equal(near, kept):
            break
        kept = near
    _check_ellipse(plane, ellipse, points, letterbox, seen)
    return ellipse


def _least_squares(points: Floats) -> Ellipse:
    # About the mean, single precision keeps a thousandth of a pixel.
    centre = points.mean(axis=0)
    (cx, cy), (width, height), angle = cv2.fitEllipseDirect((points - centre).astype(np.float32))
    if not all(math.isfinite(value) for value in (cx, cy, width, height)) or min(width, height) <= 0:
        raise RefusedError("the outline is no ellipse")
    return Ellipse.of(cx + centre[0], cy + centre[1], width / 2, height / 2, angle)


def ellipse_distance(points: Floats, ellipse: Ellipse) -> Floats:
    """Signed distance of each point from the ellipse to first order (Sampson, 1982), outside positive."""
    u, v = axes_coordinates(points, ellipse)
    value = (u / ellipse.a) ** 2 + (v / ellipse.b) ** 2 - 1.0
    slope = 2.0 * np.hypot(u / ellipse.a**2, v / ellipse.b**2)
    distance: Floats = value / np.maximum(slope, 1e-9)
    return distance


def axes_coordinates(points: Floats, ellipse: Ellipse) -> tuple[Floats, Floats]:
    """Each point along the major and the minor axis, from the centre."""
    cos, sin = math.cos(math.radians(ellipse.theta_deg)), math.sin(math.radians(ellipse.theta_deg))
    x, y = points[:, 0] - ellipse.cx, points[:, 1] - ellipse.cy
    return x * cos + y * sin, y * cos - x * sin


def _check_ellipse(
    plane: Plane, ellipse: Ellipse, points: Floats, letterbox: Letterbox, seen: NDArray[np.bool_]
) -> None:
    pixel = 1.0 / min(letterbox.scale)
    if ellipse.b < _MIN_SEMI_AXIS * pixel:
        raise RefusedError("the region found is too small to measure")
    if ellipse.b < _MIN_AXIS_RATIO[plane] * ellipse.a:
        raise RefusedError("the ellipse is too long and narrow for this plane")
    distance = np.abs(ellipse_distance(points, ellipse))
    if float(np.median(distance)) > _MAX_RESIDUAL * ellipse.b:
        raise RefusedError("the outline is no ellipse")
    on_grid = letterbox.to_grid(ellipse.points(180))
    if float(np.mean(looked_up(seen, on_grid))) < _MIN_SEEN:
        raise RefusedError("too much of the ellipse lies outside the picture")
    tolerance = max(0.06 * ellipse.b, 1.5 * pixel)
    u, v = axes_coordinates(points[distance <= tolerance], ellipse)
    sectors = np.unique((np.arctan2(v / ellipse.b, u / ellipse.a) * (36 / math.pi)).astype(int) % 72)
    if len(sectors) / 72 < _MIN_SUPPORT:
        raise RefusedError("the outline follows too little of the ellipse")
