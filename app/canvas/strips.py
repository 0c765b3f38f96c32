"""The strips above and below the picture: what the frame is, how to go on. No part of the picture lies under them."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter

from app.theme import BACKGROUND

HEIGHT_PX = 26
MARGIN_PX = 10
GAP_PX = 16


@dataclass(frozen=True, slots=True)
class Note:
    """A short text of a strip in its colour."""

    text: str
    colour: QColor


def picture_area(whole: QRectF) -> QRectF:
    """What the strips leave of a canvas."""
    return whole.adjusted(0, HEIGHT_PX, 0, -HEIGHT_PX)


def paint_strips(painter: QPainter, whole: QRectF, above: tuple[Note, Note], below: tuple[Note, Note]) -> None:
    """Each strip has a note at its left and one at its right."""
    _paint_strip(painter, QRectF(whole.left(), whole.top(), whole.width(), HEIGHT_PX), *above)
    _paint_strip(painter, QRectF(whole.left(), whole.bottom() - HEIGHT_PX, whole.width(), HEIGHT_PX), *below)


def _paint_strip(painter: QPainter, strip: QRectF, left: Note, right: Note) -> None:
    """The right note is always whole; the left one ends in dots where there is no room for both."""
    painter.fillRect(strip, QColor(BACKGROUND))
    font = QFont(painter.font())
    font.setPixelSize(12)
    font.setBold(False)
    painter.setFont(font)
    metrics = QFontMetricsF(font)
    inner = strip.adjusted(MARGIN_PX, 0, -MARGIN_PX, 0)
    room = inner.width() - (metrics.horizontalAdvance(right.text) + GAP_PX if right.text else 0)
    text = metrics.elidedText(left.text, Qt.TextElideMode.ElideRight, max(room, 0))
    for shown, colour, side in (
        (text, left.colour, Qt.AlignmentFlag.AlignLeft),
        (right.text, right.colour, Qt.AlignmentFlag.AlignRight),
    ):
        painter.setPen(colour)
        painter.drawText(inner, side | Qt.AlignmentFlag.AlignVCenter, shown)
