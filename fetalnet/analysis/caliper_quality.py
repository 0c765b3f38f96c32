"""How a caliper that a person placed or moved lies in a frame: what the criteria of quality say of it as it stands."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from fetalnet.analysis.quality import calipers_fit
from fetalnet.core.geometry import Ellipse, Geometry, Line
from fetalnet.core.letterbox import Letterbox
from fetalnet.core.prediction import Shape
from fetalnet.inference.fitting.outline import Floats, looked_up
from fetalnet.inference.fitting.shape import along_ellipse, shown_part

if TYPE_CHECKING:
    from fetalnet.core.prediction import Prediction
    from fetalnet.screen.fan.sector import Sector

_GRID = (256, 384)
"""Where the fan is looked up: as fine as the network sees it."""
_UNKNOWN = float("nan")


def with_caliper(prediction: Prediction, caliper: Geometry, sector: Sector, frame_shape: tuple[int, ...]) -> Prediction:
    """The answer for a frame of ``frame_shape`` (height, width, ...) with another caliper, its shape as it lies now.

    It lies well on the network's outline, or where the machine's own caliper lay well. Whether the organ is
    symmetrical is none of the caliper's: that stays what it was.
    """
    if caliper == prediction.geometry:
        return prediction
    letterbox = Letterbox.of(frame_shape, _GRID, sector.box)
    seen = sector.on_grid(letterbox)
    x0, y0, x1, y1 = letterbox.box
    length = 2 * caliper.a if isinstance(caliper, Ellipse) else caliper.length_px
    asymmetry = None if isinstance(caliper, Line) else _UNKNOWN
    if prediction.shape is not None:
        asymmetry = prediction.shape.asymmetry
    shape = Shape(
        float(np.mean(looked_up(seen, letterbox.to_grid(shown_part(caliper))))),
        _UNKNOWN,
        _UNKNOWN,
        asymmetry,
        length / min(x1 - x0, y1 - y0),
    )
    lying = [replace(shape, residual=residual, followed=followed) for residual, followed in _lying(prediction, caliper)]
    best = next((each for each in lying if calipers_fit(each)), lying[0] if lying else shape)
    return replace(prediction, geometry=caliper, shape=best)


def _lying(prediction: Prediction, caliper: Geometry) -> list[tuple[float, float]]:
    """``residual`` and ``followed``, as in ``Shape``, of the caliper on the outline and on the machine's caliper."""
    found = []
    if prediction.outline is not None and len(prediction.outline) > 2:
        found.append(_on(caliper, prediction.outline.astype(np.float64)))
    own, shape = prediction.geometry, prediction.shape
    if own is not None and shape is not None and type(own) is type(caliper):
        residual, followed = _on(caliper, own.points(180 if isinstance(own, Ellipse) else 2))
        found.append((max(residual, shape.residual), min(followed, shape.followed)))
    return found


def _on(caliper: Geometry, points: Floats) -> tuple[float, float]:
    if isinstance(caliper, Line):
        return _along(caliper, points)
    _, distance, followed = along_ellipse(points, caliper)
    return float(np.median(np.abs(distance))), followed


def _along(line: Line, points: Floats) -> tuple[float, float]:
    """Mean distance of the ends from the points' long axis, in its lengths; the part of both lengths they share."""
    start, end = _long_axis(points)
    length = float(np.hypot(*(end - start)))
    if length <= 0.0:
        return _UNKNOWN, 0.0
    along = (end - start) / length
    offset = line.points() - start
    reach = np.sort(offset @ along)
    across = np.abs(offset @ np.array([-along[1], along[0]]))
    shared = min(reach[1], length) - max(reach[0], 0.0)
    both = max(reach[1], length) - min(reach[0], 0.0)
    return float(across.mean()) / length, max(float(shared / both), 0.0)


def _long_axis(points: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The ends of the middle line of the smallest rectangle around the points; two points are such a line."""
    if len(points) == 2:
        return points[0], points[1]
    corners = cv2.boxPoints(cv2.minAreaRect(points.astype(np.float32))).astype(np.float64)
    if np.hypot(*(corners[0] - corners[1])) > np.hypot(*(corners[1] - corners[2])):
        corners = np.roll(corners, -1, axis=0)
    return (corners[0] + corners[1]) / 2, (corners[2] + corners[3]) / 2
