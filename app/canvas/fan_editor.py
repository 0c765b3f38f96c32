"""The fan in hand: its handles, where they are dragged to, and the points a person begins anew with."""

from __future__ import annotations

import math
from dataclasses import replace
from enum import StrEnum

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF, QTransform

from app.canvas.hit import Point
from app.theme import WARNING
from fetalnet.core.errors import InputError
from fetalnet.core.letterbox import Box
from fetalnet.screen.fan.shape import ConvexFan, FanShape, FlatFan, check_fan, fan_through

HANDLE_PX = 5.0
SMALLEST_PX = 8.0
"""Neither ring nor cut-off can be dragged nearer to its counterpart."""
_MOST_DEG = 80.0


class FanHandle(StrEnum):
    """What of a fan can be taken hold of: a sector's rings, sides and apex, a trapezoid's corners, the cut-offs."""

    APEX = "apex"
    FACE = "probe face"
    DEPTH = "depth"
    LEFT = "left side"
    RIGHT = "right side"
    TOP_LEFT = "top left"
    TOP_RIGHT = "top right"
    BOTTOM_RIGHT = "bottom right"
    BOTTOM_LEFT = "bottom left"
    CUT_LEFT = "left cut-off"
    CUT_TOP = "top cut-off"
    CUT_RIGHT = "right cut-off"
    CUT_BOTTOM = "bottom cut-off"
    BODY = "body"


CORNERS = (FanHandle.TOP_LEFT, FanHandle.TOP_RIGHT, FanHandle.BOTTOM_RIGHT, FanHandle.BOTTOM_LEFT)
CUTS = (FanHandle.CUT_LEFT, FanHandle.CUT_TOP, FanHandle.CUT_RIGHT, FanHandle.CUT_BOTTOM)


class FanEditor:
    """A fan being drawn on a picture. Places are in native pixels; nothing is told until ``taken``."""

    def __init__(self) -> None:
        self.fan: FanShape | None = None
        self.points: list[Point] = []
        self._picture = (0, 0)
        self._handle: FanHandle | None = None
        self._from = Point(0.0, 0.0)

    def begin(self, fan: FanShape | None, picture: tuple[int, int]) -> None:
        """Edit ``fan`` on a ``picture`` (width, height); None begins with points."""
        self.fan, self.points, self._picture, self._handle = fan, [], picture, None

    def begin_anew(self) -> None:
        self.begin(None, self._picture)

    @property
    def dragging(self) -> bool:
        return self._handle is not None

    @property
    def hint(self) -> str:
        if self.fan is not None:
            return "Drag the handles · Enter: take · Del: begin anew · Esc: cancel"
        more = " · Enter after 3" if len(self.points) == 3 else ""
        return f"Click 3 points of the deep arc, or 4 corners ({len(self.points)} so far{more} · Esc: cancel)"

    def taken(self) -> FanShape:
        """The fan as it was drawn. Raises ``InputError`` where it is none yet, or covers nothing."""
        if self.fan is None and len(self.points) == 3:
            self._through_points()
        if self.fan is None:
            raise InputError("Click three points of the deep arc or four corners first; Esc leaves the fan as it was.")
        return check_fan(self.fan, self._picture)

    # The pointer.

    def press(self, point: Point, reach_px: float) -> bool:
        """Take a handle, or set the next point; whether there was something to do.

        Raises ``InputError`` where no fan goes through the points: they are forgotten.
        """
        if self.fan is None:
            self.points.append(point)
            if len(self.points) == 4:
                self._through_points()
            return True
        apart = [(math.hypot(at.x - point.x, at.y - point.y), handle) for handle, at in self.handles().items()]
        distance, nearest = min(apart)
        if distance > reach_px:
            return False
        self._handle, self._from = nearest, point
        return True

    def drag_to(self, point: Point) -> None:
        if self.fan is None or self._handle is None:
            return
        if self._handle in CUTS:
            self.fan = replace(self.fan, clip=self._cut(self.fan.clip, self._handle, point))
        elif isinstance(self.fan, ConvexFan):
            self.fan = _dragged_convex(self.fan, self._handle, point, self._from)
        else:
            self.fan = _dragged_flat(self.fan, self._handle, point, self._from)
        self._from = point

    def drop(self) -> None:
        self._handle = None

    def handles(self) -> dict[FanHandle, Point]:
        """Every handle that lies on the picture, and where."""
        if self.fan is None:
            return {}
        places = _convex_places(self.fan) if isinstance(self.fan, ConvexFan) else self._flat_places(self.fan)
        x0, y0, x1, y1 = self.fan.clip
        middle_x, middle_y = (x0 + x1 - 1) / 2, (y0 + y1 - 1) / 2
        places |= {
            FanHandle.CUT_LEFT: Point(x0, middle_y),
            FanHandle.CUT_TOP: Point(middle_x, y0),
            FanHandle.CUT_RIGHT: Point(x1 - 1, middle_y),
            FanHandle.CUT_BOTTOM: Point(middle_x, y1 - 1),
        }
        width, height = self._picture
        return {
            handle: at for handle, at in places.items() if -0.5 <= at.x <= width - 0.5 and -0.5 <= at.y <= height - 0.5
        }

    def _through_points(self) -> None:
        points, self.points = self.points, []
        self.fan = fan_through([(each.x, each.y) for each in points], self._picture)

    def _flat_places(self, fan: FlatFan) -> dict[FanHandle, Point]:
        """The corners; where one lies off the picture, the place where its side leaves the picture."""
        corners = dict(zip(CORNERS, fan.corners, strict=True))
        beside = {
            FanHandle.TOP_LEFT: FanHandle.BOTTOM_LEFT, FanHandle.BOTTOM_LEFT: FanHandle.TOP_LEFT,
            FanHandle.TOP_RIGHT: FanHandle.BOTTOM_RIGHT, FanHandle.BOTTOM_RIGHT: FanHandle.TOP_RIGHT,
        }  # fmt: skip
        places = {handle: self._drawn_in(corners[handle], corners[beside[handle]]) for handle in CORNERS}
        centre = fan.polygon.mean(axis=0)
        return places | {FanHandle.BODY: Point(float(centre[0]), float(centre[1]))}

    def _drawn_in(self, corner: tuple[float, float], towards: tuple[float, float]) -> Point:
        part = 0.0
        for at, to, last in zip(corner, towards, self._picture, strict=True):
            limit = min(max(at, 0.0), last - 1.0)
            if at != limit and to != at:
                part = max(part, min((limit - at) / (to - at), 1.0))
        return Point(corner[0] + part * (towards[0] - corner[0]), corner[1] + part * (towards[1] - corner[1]))

    def _cut(self, clip: Box, handle: FanHandle, to: Point) -> Box:
        x0, y0, x1, y1 = clip
        least = round(SMALLEST_PX)
        width, height = self._picture
        match handle:
            case FanHandle.CUT_LEFT:
                x0 = min(max(round(to.x), 0), x1 - least)
            case FanHandle.CUT_TOP:
                y0 = min(max(round(to.y), 0), y1 - least)
            case FanHandle.CUT_RIGHT:
                x1 = max(min(round(to.x) + 1, width), x0 + least)
            case _:
                y1 = max(min(round(to.y) + 1, height), y0 + least)
        return x0, y0, x1, y1

    # Painting.

    def paint(self, painter: QPainter, to_screen: QTransform, unit_px: float) -> None:
        """Outline, handles and points; widths are in screen pixels."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = QColor(WARNING)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if self.fan is not None:
            outline = QPolygonF([to_screen.map(QPointF(float(x), float(y))) for x, y in self.fan.polygon])
            for pen in (QPen(QColor(0, 0, 0, 200), 3.5 * unit_px), QPen(colour, 1.6 * unit_px)):
                painter.setPen(pen)
                painter.drawPolygon(outline)
        painter.setPen(QPen(colour, 1.6 * unit_px))
        painter.setBrush(QColor(0, 0, 0, 140))
        for handle, at in self.handles().items():
            box = _square(to_screen.map(QPointF(at.x, at.y)), HANDLE_PX * unit_px)
            if handle in CUTS:
                painter.drawRect(box)
            else:
                painter.drawEllipse(box)
        for point in self.points:
            painter.drawEllipse(_square(to_screen.map(QPointF(point.x, point.y)), HANDLE_PX * unit_px))


def _square(at: QPointF, reach: float) -> QRectF:
    return QRectF(at.x() - reach, at.y() - reach, 2 * reach, 2 * reach)


def _convex_places(fan: ConvexFan) -> dict[FanHandle, Point]:
    middle_deg = (fan.left_deg + fan.right_deg) / 2
    middle_px = (fan.inner_px + fan.outer_px) / 2
    return {
        FanHandle.APEX: Point(fan.apex_x, fan.apex_y),
        FanHandle.FACE: _on_ray(fan, middle_deg, fan.inner_px),
        FanHandle.DEPTH: _on_ray(fan, middle_deg, fan.outer_px),
        FanHandle.LEFT: _on_ray(fan, fan.left_deg, middle_px),
        FanHandle.RIGHT: _on_ray(fan, fan.right_deg, middle_px),
        FanHandle.BODY: _on_ray(fan, middle_deg, middle_px),
    }


def _on_ray(fan: ConvexFan, deg: float, radius_px: float) -> Point:
    rad = math.radians(deg)
    return Point(fan.apex_x + radius_px * math.sin(rad), fan.apex_y + radius_px * math.cos(rad))


def _dragged_convex(fan: ConvexFan, handle: FanHandle, to: Point, before: Point) -> ConvexFan:
    """A ring or side goes to the pointer; body and apex take all with them, the apex leaving the depths in place."""
    radius_px = math.hypot(to.x - fan.apex_x, to.y - fan.apex_y)
    deg = min(max(math.degrees(math.atan2(to.x - fan.apex_x, to.y - fan.apex_y)), -_MOST_DEG), _MOST_DEG)
    match handle:
        case FanHandle.FACE:
            return replace(fan, inner_px=min(radius_px, fan.outer_px - SMALLEST_PX))
        case FanHandle.DEPTH:
            return replace(fan, outer_px=max(radius_px, fan.inner_px + SMALLEST_PX))
        case FanHandle.LEFT:
            return replace(fan, left_deg=min(deg, fan.right_deg - 1.0))
        case FanHandle.RIGHT:
            return replace(fan, right_deg=max(deg, fan.left_deg + 1.0))
    moved = replace(fan, apex_x=fan.apex_x + to.x - before.x, apex_y=fan.apex_y + to.y - before.y)
    if handle is FanHandle.APEX:
        inner_px = max(fan.inner_px - (to.y - before.y), 1.0)
        return replace(moved, inner_px=inner_px, outer_px=max(fan.outer_px - (to.y - before.y), inner_px + SMALLEST_PX))
    return moved


def _dragged_flat(fan: FlatFan, handle: FanHandle, to: Point, before: Point) -> FlatFan:
    """A corner goes to the pointer where four corners remain; the body takes all of them."""
    corners = list(fan.corners)
    if handle in CORNERS:
        corners[CORNERS.index(handle)] = (to.x, to.y)
        if not _is_convex(corners):
            return fan
    else:
        corners = [(x + to.x - before.x, y + to.y - before.y) for x, y in corners]
    a, b, c, d = corners
    return replace(fan, corners=(a, b, c, d))


def _is_convex(corners: list[tuple[float, float]]) -> bool:
    """Clockwise without a dent."""
    for k in range(4):
        (ax, ay), (bx, by), (cx, cy) = corners[k - 2], corners[k - 1], corners[k]
        if (bx - ax) * (cy - by) - (by - ay) * (cx - bx) <= 0:
            return False
    return True
