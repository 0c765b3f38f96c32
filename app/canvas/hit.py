"""Calipers as pure functions: where the handles are, which one a point touches, what dragging one does."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from fetalnet.core.geometry import Ellipse, Geometry, Line

SMALLEST_PX = 2.0
"""A caliper cannot be dragged smaller: an ellipse or line without extent measures nothing."""


class Handle(StrEnum):
    """What can be taken hold of. An ellipse has both ends of both axes; a line its two ends."""

    MAJOR_START = "major start"
    MAJOR_END = "major end"
    MINOR_START = "minor start"
    MINOR_END = "minor end"
    LINE_START = "line start"
    LINE_END = "line end"
    BODY = "body"


@dataclass(frozen=True, slots=True)
class Point:
    """A place in the pixels of the native frame."""

    x: float
    y: float


def handles_of(geometry: Geometry) -> dict[Handle, Point]:
    """Every handle of a caliper and where it lies; the body's is the centre."""
    if isinstance(geometry, Line):
        return {
            Handle.LINE_START: Point(geometry.x1, geometry.y1),
            Handle.LINE_END: Point(geometry.x2, geometry.y2),
            Handle.BODY: Point((geometry.x1 + geometry.x2) / 2, (geometry.y1 + geometry.y2) / 2),
        }
    cos, sin = _direction(geometry.theta_deg)
    ax, ay, bx, by = geometry.a * cos, geometry.a * sin, -geometry.b * sin, geometry.b * cos
    return {
        Handle.MAJOR_START: Point(geometry.cx - ax, geometry.cy - ay),
        Handle.MAJOR_END: Point(geometry.cx + ax, geometry.cy + ay),
        Handle.MINOR_START: Point(geometry.cx - bx, geometry.cy - by),
        Handle.MINOR_END: Point(geometry.cx + bx, geometry.cy + by),
        Handle.BODY: Point(geometry.cx, geometry.cy),
    }


def find_handle(*, geometry: Geometry, point: Point, reach_px: float) -> Handle | None:
    """The handle within ``reach_px`` of ``point``: ends first, then the outline or line itself as the body."""
    handles = handles_of(geometry)
    ends = [(math.hypot(at.x - point.x, at.y - point.y), handle) for handle, at in handles.items()]
    distance, nearest = min(ends)
    if distance <= reach_px:
        return nearest
    return Handle.BODY if distance_to(geometry, point) <= reach_px else None


def distance_to(geometry: Geometry, point: Point) -> float:
    """Distance in pixels from ``point`` to the drawn outline or line."""
    outline = geometry.points(180 if isinstance(geometry, Ellipse) else 2)
    if isinstance(geometry, Ellipse):
        outline = np.vstack([outline, outline[:1]])
    starts, steps = outline[:-1], np.diff(outline, axis=0)
    towards = np.array([point.x, point.y]) - starts
    along = np.clip((towards * steps).sum(1) / np.maximum((steps**2).sum(1), 1e-9), 0.0, 1.0)
    return float(np.hypot(*(towards - along[:, None] * steps).T).min())


def dragged(geometry: Geometry, handle: Handle, to: Point) -> tuple[Geometry, Handle]:
    """The caliper after ``handle`` was pulled to ``to``, and the name the handle has now.

    The body moves as it is. The end of an axis turns and stretches the ellipse about its centre, the other axis
    keeping its length; an axis pulled longer than the other takes its place, so the handle may be renamed.
    """
    if isinstance(geometry, Line):
        return _dragged_line(geometry, handle, to)
    return _dragged_ellipse(geometry, handle, to)


def _dragged_line(line: Line, handle: Handle, to: Point) -> tuple[Line, Handle]:
    start, end = Point(line.x1, line.y1), Point(line.x2, line.y2)
    if handle is Handle.BODY:
        dx, dy = to.x - (start.x + end.x) / 2, to.y - (start.y + end.y) / 2
        return Line(line.x1 + dx, line.y1 + dy, line.x2 + dx, line.y2 + dy), handle
    fixed = end if handle is Handle.LINE_START else start
    if math.hypot(to.x - fixed.x, to.y - fixed.y) < SMALLEST_PX:
        return line, handle
    moved = Line.of(fixed.x, fixed.y, to.x, to.y)
    return moved, Handle.LINE_START if (moved.x1, moved.y1) == (to.x, to.y) else Handle.LINE_END


def _dragged_ellipse(ellipse: Ellipse, handle: Handle, to: Point) -> tuple[Ellipse, Handle]:
    if handle is Handle.BODY:
        return Ellipse(to.x, to.y, ellipse.a, ellipse.b, ellipse.theta_deg), handle
    semi = math.hypot(to.x - ellipse.cx, to.y - ellipse.cy)
    if semi < SMALLEST_PX:
        return ellipse, handle
    major = handle in (Handle.MAJOR_START, Handle.MAJOR_END)
    other = ellipse.b if major else ellipse.a
    direction_deg = math.degrees(math.atan2(to.y - ellipse.cy, to.x - ellipse.cx))
    moved = Ellipse.of(ellipse.cx, ellipse.cy, semi, other, direction_deg)
    return moved, _nearest_end(moved, to)


def _nearest_end(ellipse: Ellipse, to: Point) -> Handle:
    ends = {handle: at for handle, at in handles_of(ellipse).items() if handle is not Handle.BODY}
    return min(ends, key=lambda handle: math.hypot(ends[handle].x - to.x, ends[handle].y - to.y))


def _direction(theta_deg: float) -> tuple[float, float]:
    return math.cos(math.radians(theta_deg)), math.sin(math.radians(theta_deg))
