"""How a fitted ellipse or line lies in the picture and on its outline: what quality criteria are judged by."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from fetalnet.core.geometry import Ellipse, Geometry, Line
from fetalnet.core.letterbox import Letterbox
from fetalnet.core.prediction import Shape
from fetalnet.inference.fitting.ellipse import axes_coordinates, ellipse_distance
from fetalnet.inference.fitting.outline import Floats, inside_of, looked_up

_SECTORS = 72
_BEYOND_ENDS = 0.06
"""A femur's end is seen where the fan goes on beyond it by this part of the length: else the bone may go on too."""
_NEAR = 0.06
"""The outline follows an ellipse within this part of the minor semi-axis (as the fitting counts support)."""


def shape_of(
    geometry: Geometry,
    outline: NDArray[np.float32],
    letterbox: Letterbox,
    seen: NDArray[np.bool_] | None = None,
    fitted: Geometry | None = None,
) -> Shape:
    """``outline`` (n, 2) in native pixels, ``seen`` (height, width) where the fan lies on the grid.

    ``fitted`` is what was fitted to the outline where ``geometry`` was moved to the border since: a coarse outline
    lies a little inside of that all around, and only what was fitted to it tells whether it is whole.
    """
    seen = inside_of(letterbox) if seen is None else seen & inside_of(letterbox)
    x0, y0, x1, y1 = letterbox.box
    side = min(x1 - x0, y1 - y0)
    points = outline.astype(np.float64)
    own = geometry if fitted is None else fitted
    if isinstance(geometry, Line):
        assert isinstance(own, Line)
        return _of_line(geometry, own, points, letterbox, seen, side)
    assert isinstance(own, Ellipse)
    inside = float(np.mean(looked_up(seen, letterbox.to_grid(shown_part(geometry)))))
    angle, distance, followed = along_ellipse(points, own)
    return Shape(
        inside, float(np.median(np.abs(distance))), followed, _asymmetry(angle, distance), 2 * geometry.a / side
    )


def along_ellipse(points: Floats, ellipse: Ellipse) -> tuple[Floats, Floats, float]:
    """Of points (n, 2): angle, signed distance in minor semi-axes, and the part of the ellipse that they follow."""
    distance = ellipse_distance(points, ellipse) / ellipse.b
    u, v = axes_coordinates(points, ellipse)
    angle = np.arctan2(v / ellipse.b, u / ellipse.a)
    sector = (angle * (_SECTORS / 2 / math.pi)).astype(int) % _SECTORS
    return angle, distance, len(np.unique(sector[np.abs(distance) <= _NEAR])) / _SECTORS


def shown_part(geometry: Geometry) -> Floats:
    """The points that the fan must show: along an ellipse, or a line drawn a little beyond its ends."""
    if isinstance(geometry, Ellipse):
        return geometry.points(180)
    start, end = geometry.points()
    beyond: Floats = np.linspace(start - _BEYOND_ENDS * (end - start), end + _BEYOND_ENDS * (end - start), 41)
    return beyond


def _of_line(
    line: Line, fitted: Line, points: Floats, letterbox: Letterbox, seen: NDArray[np.bool_], side: int
) -> Shape:
    inside = float(np.mean(looked_up(seen, letterbox.to_grid(shown_part(line)))))
    start, end = fitted.points()
    along = (end - start) / fitted.length_px
    offset = points - start
    reach = offset @ along
    across = offset @ np.array([-along[1], along[0]])
    length = float(np.ptp(reach))
    middle = abs(float(across.max() + across.min())) / 2 / fitted.length_px
    return Shape(inside, middle, fitted.length_px / length if length else 0.0, None, line.length_px / side)


def _asymmetry(angle: Floats, distance: Floats) -> float:
    """Mean difference between the outline's distance at an angle and at its mirror, over the angles both sides have."""
    edges = ((angle + math.pi) * (_SECTORS / 2 / math.pi)).astype(int) % _SECTORS
    count = np.bincount(edges, minlength=_SECTORS)
    mean = np.bincount(edges, distance, minlength=_SECTORS) / np.maximum(count, 1)
    both = (count > 0) & (count[::-1] > 0)
    return float(np.abs(mean - mean[::-1])[both].mean()) if both.any() else 1.0
