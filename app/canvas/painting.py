"""Draws an overlay with QPainter. Widths and texts are in screen pixels: they do not grow with the picture."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPainterPath, QPen, QPolygonF, QTransform

from app.canvas.hit import Handle, handles_of
from app.canvas.overlay import Caliper, Overlay
from app.theme import WARNING, plane_colour
from fetalnet.core.geometry import Ellipse, Geometry
from fetalnet.screen.ruler.detect import Axis, Ruler

HALO = QColor(0, 0, 0, 220)
END_PX = 6.0
"""Half the size of the '+' at a caliper's end."""
HANDLE_PX = 4.5
DASHES = (5.0, 4.0)
LABEL_GAP_PX = 12.0
TICK_PX, TICK_GAP_PX = 7.0, 8.0
"""Length of the mark beside a short tick of the ruler, and its distance from it."""


def paint_ticks(painter: QPainter, ruler: Ruler, to_screen: QTransform, within: QRectF) -> None:
    """Mark each tick that was found with a line beside it, towards the middle; longer ticks get longer ones."""
    depth = ruler.axis is Axis.DEPTH
    painter.setPen(QPen(QColor(WARNING), 1.6))
    for tick in ruler.ticks:
        place = (ruler.across_px, tick.position_px) if depth else (tick.position_px, ruler.across_px)
        at = to_screen.map(QPointF(*place))
        reach = TICK_PX * (1 + tick.level)
        inwards = at.x() < within.center().x() if depth else at.y() < within.center().y()
        gap, end = (TICK_GAP_PX, TICK_GAP_PX + reach) if inwards else (-TICK_GAP_PX, -TICK_GAP_PX - reach)
        from_, to = (QPointF(gap, 0), QPointF(end, 0)) if depth else (QPointF(0, gap), QPointF(0, end))
        painter.drawLine(at + from_, at + to)


def paint_overlay(
    painter: QPainter, overlay: Overlay, to_screen: QTransform, within: QRectF, *, opacity: float,
    selected: Handle | None, selected_caliper: int | None, unit_px: float,
) -> None:  # fmt: skip
    """Draw outline and calipers. ``to_screen`` maps native pixel centres; ``unit_px`` is the monitor's line unit.

    Values stay inside ``within``, a rectangle of the screen.
    """
    # So faint a tint shows no steps at its edge; smoothed it would take twice the time.
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    if overlay.outline is not None and len(overlay.outline) > 2:
        tint = plane_colour(overlay.plane)
        tint.setAlphaF(opacity)
        polygon = _mapped(overlay.outline, to_screen)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tint)
        painter.drawPolygon(polygon)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for number, caliper in enumerate(overlay.calipers):
        chosen = number == selected_caliper
        _paint_caliper(painter, caliper, to_screen, within, selected if chosen else None, chosen, unit_px)


def _paint_caliper(
    painter: QPainter, caliper: Caliper, to_screen: QTransform, within: QRectF, handle: Handle | None, chosen: bool,
    unit_px: float,
) -> None:  # fmt: skip
    colour = plane_colour(caliper.plane)
    path = _path(caliper.geometry, to_screen)
    axes = _axes(caliper.geometry, to_screen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for pen in _pens(colour, unit_px, 1.6, dashed=not caliper.decided):
        painter.setPen(pen)
        painter.drawPath(path)
    thin = QColor(colour)
    thin.setAlpha(150)
    for start, end in axes:
        painter.setPen(QPen(thin, 1.0 * unit_px, Qt.PenStyle.DotLine))
        painter.drawLine(start, end)
    ends = {name: _at(point.x, point.y, to_screen) for name, point in handles_of(caliper.geometry).items()}
    for name, at in ends.items():
        if name is not Handle.BODY:
            _paint_plus(painter, at, colour, unit_px)
    if chosen:
        for name, at in ends.items():
            _paint_handle(painter, at, colour, unit_px, filled=name is handle)
    _paint_labels(painter, caliper.labels, path.boundingRect(), within, colour, unit_px)


def _paint_plus(painter: QPainter, at: QPointF, colour: QColor, unit_px: float) -> None:
    reach = END_PX * unit_px
    for pen in _pens(colour, unit_px, 1.6, dashed=False):
        painter.setPen(pen)
        painter.drawLine(QPointF(at.x() - reach, at.y()), QPointF(at.x() + reach, at.y()))
        painter.drawLine(QPointF(at.x(), at.y() - reach), QPointF(at.x(), at.y() + reach))


def _paint_handle(painter: QPainter, at: QPointF, colour: QColor, unit_px: float, *, filled: bool) -> None:
    reach = HANDLE_PX * unit_px * (1.3 if filled else 1.0)
    box = QRectF(at.x() - reach, at.y() - reach, 2 * reach, 2 * reach)
    painter.setPen(QPen(HALO, 3 * unit_px))
    painter.setBrush(colour if filled else QColor(0, 0, 0, 120))
    painter.drawEllipse(box)
    painter.setPen(QPen(colour, 1.5 * unit_px))
    painter.drawEllipse(box)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _paint_labels(
    painter: QPainter, lines: Sequence[str], around: QRectF, within: QRectF, colour: QColor, unit_px: float
) -> None:
    """Beside the caliper, to its right where there is room, else to its left; always inside ``within``."""
    font = QFont(painter.font())
    font.setPixelSize(round(13 * unit_px))
    font.setBold(True)
    metrics = QFontMetricsF(font)
    width = max((metrics.horizontalAdvance(line) for line in lines), default=0.0)
    height = metrics.lineSpacing() * len(lines)
    room = within.adjusted(8, 8, -8, -8)
    left = around.right() + LABEL_GAP_PX * unit_px
    if left + width > room.right():
        left = around.left() - LABEL_GAP_PX * unit_px - width
    left = max(min(left, room.right() - width), room.left())
    top = max(min(around.center().y() - height / 2, room.bottom() - height), room.top())
    painter.setFont(font)
    for number, line in enumerate(lines):
        paint_text(painter, QPointF(left, top + metrics.ascent() + number * metrics.lineSpacing()), line, colour)


def paint_text(painter: QPainter, baseline: QPointF, text: str, colour: QColor) -> None:
    """Text with a dark halo one pixel wide, readable on any picture."""
    painter.setPen(HALO)
    for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (1, 1), (-1, 1), (1, -1)):
        painter.drawText(baseline + QPointF(dx, dy), text)
    painter.setPen(colour)
    painter.drawText(baseline, text)


def _pens(colour: QColor, unit_px: float, width: float, *, dashed: bool) -> list[QPen]:
    """The halo below, the colour above."""
    halo, line = QPen(HALO, (width + 2.0) * unit_px), QPen(colour, width * unit_px)
    for pen, pen_width in ((halo, width + 2.0), (line, width)):
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        if dashed:
            # A dash is counted in widths of its own pen.
            pen.setDashPattern([part * 1.6 / pen_width for part in DASHES])
    return [halo, line]


def _path(geometry: Geometry, to_screen: QTransform) -> QPainterPath:
    path = QPainterPath()
    if isinstance(geometry, Ellipse):
        path.addPolygon(_mapped(geometry.points(128), to_screen))
        path.closeSubpath()
    else:
        path.addPolygon(_mapped(geometry.points(2), to_screen))
    return path


def _axes(geometry: Geometry, to_screen: QTransform) -> list[tuple[QPointF, QPointF]]:
    if not isinstance(geometry, Ellipse):
        return []
    at = {name: _at(point.x, point.y, to_screen) for name, point in handles_of(geometry).items()}
    return [(at[Handle.MAJOR_START], at[Handle.MAJOR_END]), (at[Handle.MINOR_START], at[Handle.MINOR_END])]


def _at(x: float, y: float, to_screen: QTransform) -> QPointF:
    return to_screen.map(QPointF(x, y))


def _mapped(points: np.ndarray, to_screen: QTransform) -> QPolygonF:
    """``(n, 2)`` native points on the screen; more of them than pixels on the way are left out."""
    step = max(1, math.ceil(len(points) / 400))
    x, y = np.asarray(points[::step], np.float64).T
    t = to_screen
    across, down = t.m11() * x + t.m21() * y + t.dx(), t.m12() * x + t.m22() * y + t.dy()
    return QPolygonF(list(map(QPointF, across.tolist(), down.tolist())))
