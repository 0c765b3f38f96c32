"""What hides the scanner's text: black outside the fan, and over the masks of a device."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPolygonF, QTransform

from fetalnet.core.letterbox import Box


class Cover:
    """The ``fan`` in native pixels, None where it is not known, and the masks."""

    def __init__(self) -> None:
        self.fan: QPainterPath | None = None
        self._masks: list[QRectF] = []

    def set_fan(self, outlines: Sequence[NDArray[np.float64]], masks: Sequence[Box] = ()) -> None:
        """Where ultrasound is: in all outlines, (n, 2) x, y in native pixels; none where that is not known."""
        self.fan = None
        for outline in outlines:
            path = QPainterPath()
            path.addPolygon(QPolygonF([QPointF(x, y) for x, y in outline]))
            path.closeSubpath()
            self.fan = path if self.fan is None else self.fan.intersected(path)
        self._masks = [QRectF(x0 - 0.5, y0 - 0.5, x1 - x0, y1 - y0) for x0, y0, x1, y1 in masks]

    def paint(self, painter: QPainter, picture: QRectF, to_screen: QTransform) -> None:
        """Blacken what lies outside the fan in ``picture``, its place on the screen, and the masks."""
        for mask in self._masks:
            painter.fillRect(to_screen.mapRect(mask), QColor("black"))
        if self.fan is not None:
            path = QPainterPath()
            path.addRect(picture)
            path.addPath(to_screen.map(self.fan))
            painter.fillPath(path, QColor("black"))
