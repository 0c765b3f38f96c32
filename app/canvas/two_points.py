"""Two points on a ruler, clicked one after the other."""

from __future__ import annotations

from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QPainter, QTransform

from app.canvas.hit import Point
from app.theme import WARNING

_CROSS_PX = 8.0


class TwoPoints:
    """The points clicked so far, in native pixels; the line goes on to the ``pointer``."""

    def __init__(self) -> None:
        self.pointer: Point | None = None
        self._points: list[Point] = []

    def begin(self) -> None:
        self._points = []

    def add(self, point: Point) -> tuple[Point, Point] | None:
        """Take a click; both points, once they are there."""
        self._points.append(point)
        return (self._points[0], self._points[1]) if len(self._points) == 2 else None

    def hint(self, text_hidden: bool) -> str:
        number = "second" if self._points else "first"
        ruler = "  (B shows the ruler)" if text_hidden else "  (Esc cancels)"
        return f"Click the {number} point on the ruler{ruler}"

    def paint(self, painter: QPainter, to_screen: QTransform) -> None:
        points = [*self._points, *([self.pointer] if self.pointer and len(self._points) < 2 else [])]
        places = [to_screen.map(QPointF(point.x, point.y)) for point in points]
        painter.setPen(QColor(WARNING))
        for at in places:
            painter.drawLine(at - QPointF(_CROSS_PX, 0), at + QPointF(_CROSS_PX, 0))
            painter.drawLine(at - QPointF(0, _CROSS_PX), at + QPointF(0, _CROSS_PX))
        if len(places) == 2:
            painter.drawLine(*places)
