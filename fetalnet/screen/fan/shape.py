"""The shape of the fan as a person would draw it: a convex probe's sector, a rectangle or trapezoid; with cut-offs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, PlainSerializer

from fetalnet.core.errors import InputError
from fetalnet.core.letterbox import Box

Polygon = NDArray[np.float64]
"""(n, 2) x, y in native pixels, integers at pixel centres."""
Corner = tuple[float, float]

_ARC_POINTS = 48
_SMALLEST_PART = 0.01
"""A fan on less than this part of the picture shows nothing: a slip of the hand."""
_START_INNER = 0.2
"""Radius of the probe's face beside the fan's depth, where a person has only drawn the deep arc."""


@dataclass(frozen=True, slots=True)
class ConvexFan:
    """A sector of rings round an apex above it. Angles are in degrees from straight down, positive to the right.

    ``inner_px`` is the radius of the probe's face, ``outer_px`` that of the deepest echoes; ``clip`` is the part of
    the picture that menus and the picture's edge leave.
    """

    apex_x: float
    apex_y: float
    inner_px: float
    outer_px: float
    left_deg: float
    right_deg: float
    clip: Box

    @property
    def polygon(self) -> Polygon:
        """The outline with its cut-offs, clockwise from the face's left end."""
        angles = np.radians(np.linspace(self.left_deg, self.right_deg, _ARC_POINTS))
        rays = np.column_stack([np.sin(angles), np.cos(angles)])
        rings = np.vstack([self.inner_px * rays, self.outer_px * rays[::-1]])
        return _clipped(rings + np.array([self.apex_x, self.apex_y]), self.clip)

    @property
    def box(self) -> Box:
        return box_of(self.polygon)

    def mask(self, shape: tuple[int, ...]) -> NDArray[np.bool_]:
        """(height, width): which native pixels lie in the fan."""
        return _filled(self.polygon, shape)

    def widened(self, margin_px: float) -> ConvexFan:
        """A little larger on every side, cut-offs included."""
        more_deg = math.degrees(2.0 * margin_px / (self.inner_px + self.outer_px))
        inner_px = max(self.inner_px - margin_px, 0.0)
        left_deg, right_deg = self.left_deg - more_deg, self.right_deg + more_deg
        outer_px, clip = self.outer_px + margin_px, _widened_clip(self.clip, margin_px)
        return ConvexFan(self.apex_x, self.apex_y, inner_px, outer_px, left_deg, right_deg, clip)

    def to_json(self) -> dict[str, Any]:
        numbers = {name: getattr(self, name) for name in _CONVEX_FIELDS}
        return {"type": "convex", **numbers, "clip": list(self.clip)}


@dataclass(frozen=True, slots=True)
class FlatFan:
    """A rectangle (linear probe) or trapezoid; also a sector whose arcs lie beyond the cut-offs.

    ``corners``: top left, top right, bottom right, bottom left; ``clip`` as for ``ConvexFan``.
    """

    corners: tuple[Corner, Corner, Corner, Corner]
    clip: Box

    @property
    def polygon(self) -> Polygon:
        """The outline with its cut-offs, clockwise from the top left corner."""
        return _clipped(np.array(self.corners), self.clip)

    @property
    def box(self) -> Box:
        return box_of(self.polygon)

    def mask(self, shape: tuple[int, ...]) -> NDArray[np.bool_]:
        """(height, width): which native pixels lie in the fan."""
        return _filled(self.polygon, shape)

    def widened(self, margin_px: float) -> FlatFan:
        """A little larger on every side, cut-offs included."""
        m = margin_px
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = self.corners
        corners = (ax - m, ay - m), (bx + m, by - m), (cx + m, cy + m), (dx - m, dy + m)
        return FlatFan(corners, _widened_clip(self.clip, margin_px))

    def to_json(self) -> dict[str, Any]:
        return {"type": "flat", "corners": [list(corner) for corner in self.corners], "clip": list(self.clip)}


FanShape = ConvexFan | FlatFan

_CONVEX_FIELDS = ("apex_x", "apex_y", "inner_px", "outer_px", "left_deg", "right_deg")


def fan_from_json(value: dict[str, Any]) -> FanShape:
    """Inverse of ``to_json``. Raises ``KeyError``, ``TypeError`` or ``ValueError`` where it is no fan."""
    x0, y0, x1, y1 = (int(each) for each in value["clip"])
    if value["type"] == "convex":
        numbers = {name: _finite(value[name]) for name in _CONVEX_FIELDS}
        return ConvexFan(**numbers, clip=(x0, y0, x1, y1))
    if value["type"] != "flat":
        raise ValueError("no fan")
    a, b, c, d = ((_finite(x), _finite(y)) for x, y in value["corners"])
    return FlatFan((a, b, c, d), (x0, y0, x1, y1))


def fan_through(points: list[Corner], picture: tuple[int, int]) -> FanShape:
    """A fan begun by hand on a ``picture`` (width, height).

    Three points lie on the deep arc, its ends and one between; four are the corners of a trapezoid, in any order.
    Raises ``InputError`` where no fan goes through them.
    """
    clip = (0, 0, *picture)
    if len(points) == 3:
        return check_fan(_through_arc(sorted(points), clip), picture)
    upper, lower = (
        sorted(sorted(points, key=lambda point: point[1])[:2]),
        sorted(points, key=lambda point: point[1])[2:],
    )
    lower.sort()
    return check_fan(FlatFan((upper[0], upper[1], lower[1], lower[0]), clip), picture)


def check_fan(fan: FanShape, picture: tuple[int, int]) -> FanShape:
    """The fan itself. Raises ``InputError`` where it covers next to nothing of a ``picture`` (width, height)."""
    width, height = picture
    outline = _clipped(fan.polygon, (0, 0, width, height)) if len(fan.polygon) else fan.polygon
    area = cv2.contourArea(outline.astype(np.float32)) if len(outline) > 2 else 0.0
    if not area >= _SMALLEST_PART * width * height:
        raise InputError("This fan covers next to nothing of the picture; draw it round everything the beam shows.")
    return fan


def _through_arc(points: list[Corner], clip: Box) -> ConvexFan:
    (x1, y1), (x2, y2), (x3, y3) = points
    twice = 2.0 * (x1 * (y2 - y3) + x2 * (y3 - y1) + x3 * (y1 - y2))
    # Positive where the middle point hangs below its neighbours, as a deep arc does.
    if -twice < 0.01 * (x3 - x1) ** 2:
        raise InputError("Three points mark the deep arc: its left end, its lowest point, its right end; try again.")
    a, b, c = x1 * x1 + y1 * y1, x2 * x2 + y2 * y2, x3 * x3 + y3 * y3
    x = (a * (y2 - y3) + b * (y3 - y1) + c * (y1 - y2)) / twice
    y = (a * (x3 - x2) + b * (x1 - x3) + c * (x2 - x1)) / twice
    radius = math.hypot(x1 - x, y1 - y)
    left, right = (math.degrees(math.atan2(px - x, py - y)) for px, py in (points[0], points[2]))
    return ConvexFan(x, y, _START_INNER * radius, radius, left, right, clip)


def _clipped(polygon: Polygon, clip: Box) -> Polygon:
    """Cut a polygon to the pixels of a box, side by side (Sutherland and Hodgman 1974)."""
    x0, y0, x1, y1 = clip
    for axis, limit, sign in ((0, x0 - 0.5, 1), (0, x1 - 0.5, -1), (1, y0 - 0.5, 1), (1, y1 - 0.5, -1)):
        if not len(polygon):
            return polygon
        depth = sign * (polygon[:, axis] - limit)
        kept: list[Polygon] = []
        for k in range(len(polygon)):
            now, before = depth[k], depth[k - 1]
            if (now >= 0) != (before >= 0):
                kept.append(polygon[k - 1] + (polygon[k] - polygon[k - 1]) * (before / (before - now)))
            if now >= 0:
                kept.append(polygon[k])
        polygon = np.array(kept).reshape(-1, 2)
    return polygon


def _widened_clip(clip: Box, margin_px: float) -> Box:
    more = math.ceil(margin_px)
    x0, y0, x1, y1 = clip
    return x0 - more, y0 - more, x1 + more, y1 + more


def box_of(polygon: Polygon) -> Box:
    """The smallest box of whole pixels round a polygon."""
    x0, y0 = np.floor(polygon.min(axis=0) + 0.5).astype(int)
    x1, y1 = np.ceil(polygon.max(axis=0) + 0.5).astype(int)
    return int(x0), int(y0), int(x1), int(y1)


def _filled(polygon: Polygon, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    mask = np.zeros(shape[:2], np.uint8)
    if len(polygon):
        cv2.fillPoly(mask, [np.rint(polygon * 16).astype(np.int32)], 1, shift=4)
    return mask.astype(bool)


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError("no number")
    return number


def _read_fan(value: object) -> object:
    if not isinstance(value, dict):
        return value
    try:
        return fan_from_json(value)
    except (KeyError, TypeError) as error:
        raise ValueError("no fan") from error


StoredFan = Annotated[FanShape, BeforeValidator(_read_fan), PlainSerializer(lambda fan: fan.to_json())]
"""A fan that is stored as its JSON."""
