"""The program's icons, drawn here as paths in a square of 24 by 24."""

from __future__ import annotations

import math
from enum import StrEnum

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPainterPath, QPainterPathStroker, QPixmap

from app.theme import ACCENT, TEXT


class Icon(StrEnum):
    """What can be drawn. Each value is a row of shapes: a triangle, a bar, a ring, each with its numbers."""

    PLAY = "tri 7 4 20 12 7 20"
    PAUSE = "bar 6 4 4 16;bar 14 4 4 16"
    STEP_BACK = "tri 15 5 6 12 15 19;bar 17 5 2.5 14"
    STEP_FORWARD = "tri 9 5 18 12 9 19;bar 4.5 5 2.5 14"
    TO_START = "bar 4 5 2.5 14;tri 13 5 6.5 12 13 19;tri 20 5 13 12 20 19"
    TO_END = "bar 17.5 5 2.5 14;tri 11 5 17.5 12 11 19;tri 4 5 11 12 4 19"
    BEST_BACK = "tri 12 5 4 12 12 19;star 16.5 12 5.5"
    BEST_FORWARD = "star 7.5 12 5.5;tri 12 5 20 12 12 19"
    LOOP = "arc 12 12 7 60 300;tri 10 1 10 9 16.5 5"
    APP = "ring 12 12 9;tri 12 12 3 12 12 3;bar 11 11 11 2"


def icon(which: Icon) -> QIcon:
    """The icon in the colour of text, paler while disabled and in the accent while checked."""
    result = QIcon()
    for mode, state, colour in (
        (QIcon.Mode.Normal, QIcon.State.Off, TEXT),
        (QIcon.Mode.Normal, QIcon.State.On, ACCENT),
        (QIcon.Mode.Disabled, QIcon.State.Off, "#5d6670"),
    ):
        for side in (24, 48):
            result.addPixmap(_drawn(which, side, QColor(colour)), mode, state)
    return result


def _drawn(which: Icon, side: int, colour: QColor) -> QPixmap:
    pixmap = QPixmap(side, side)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(side / 24, side / 24)
    painter.fillPath(_path(which), colour)
    painter.end()
    return pixmap


def _path(which: Icon) -> QPainterPath:
    path = QPainterPath()
    path.setFillRule(Qt.FillRule.WindingFill)
    for shape in which.split(";"):
        name, *texts = shape.split()
        numbers = [float(text) for text in texts]
        match name:
            case "tri":
                path.moveTo(numbers[0], numbers[1])
                path.lineTo(numbers[2], numbers[3])
                path.lineTo(numbers[4], numbers[5])
                path.closeSubpath()
            case "bar":
                path.addRect(QRectF(*numbers))
            case "ring":
                outer, inner = QPainterPath(), QPainterPath()
                x, y, radius = numbers
                outer.addEllipse(QRectF(x - radius, y - radius, 2 * radius, 2 * radius))
                inner.addEllipse(QRectF(x - radius + 2, y - radius + 2, 2 * radius - 4, 2 * radius - 4))
                path.addPath(outer.subtracted(inner))
            case "arc":
                x, y, radius, start, span = numbers
                arc, box = QPainterPath(), QRectF(x - radius, y - radius, 2 * radius, 2 * radius)
                arc.arcMoveTo(box, start)
                arc.arcTo(box, start, -span)
                stroker = QPainterPathStroker()
                stroker.setWidth(2.2)
                path.addPath(stroker.createStroke(arc))
            case "star":
                path.addPath(star(*numbers))
    return path


def star(x: float, y: float, radius: float) -> QPainterPath:
    """A five-pointed star, one point up."""
    path = QPainterPath()
    for corner in range(10):
        angle = math.radians(36 * corner - 90)
        reach = radius if corner % 2 == 0 else radius * 0.42
        point = (x + reach * math.cos(angle), y + reach * math.sin(angle))
        (path.lineTo if corner else path.moveTo)(*point)
    path.closeSubpath()
    return path
