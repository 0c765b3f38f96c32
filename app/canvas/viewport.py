"""Which part of the picture is seen, and how large: fit, zoom and pan as arithmetic."""

from __future__ import annotations

from dataclasses import dataclass, field

from PySide6.QtCore import QPointF, QRectF, QSizeF
from PySide6.QtGui import QTransform

from app.canvas.hit import Point
from fetalnet.core.letterbox import Box

MAX_ZOOM = 16.0


@dataclass(slots=True)
class Viewport:
    """Size of the picture, and the ``area`` of the screen it is seen in, in pixels; ``zoom`` 1 fits all of it."""

    picture: QSizeF = field(default_factory=QSizeF)
    area: QRectF = field(default_factory=QRectF)
    zoom: float = 1.0
    centre: QPointF = field(default_factory=QPointF)

    def fit(self) -> None:
        self.zoom = 1.0
        self.centre = QPointF(self.picture.width() / 2, self.picture.height() / 2)

    def set_picture(self, width: int, height: int) -> None:
        """Another picture of the same size keeps the place; one of another size is fitted."""
        size = QSizeF(width, height)
        if size != self.picture:
            self.picture = size
            self.fit()

    def to_screen(self) -> QTransform:
        """From native pixels, integers at pixel centres, to the screen."""
        if self.picture.isEmpty():
            return QTransform()
        fit = min(self.area.width() / self.picture.width(), self.area.height() / self.picture.height())
        scale = fit * self.zoom
        x = self.area.center().x() - self.centre.x() * scale
        y = self.area.center().y() - self.centre.y() * scale
        # The picture's corner is half a pixel before the centre of its first pixel.
        return QTransform(scale, 0, 0, scale, x, y).translate(0.5, 0.5)

    def to_native(self, at: QPointF) -> Point:
        """The point of the picture under a place on the screen."""
        native = self.to_screen().inverted()[0].map(at)
        return Point(native.x(), native.y())

    def zoom_by(self, factor: float, about: QPointF) -> None:
        """Zoom, keeping the point of the picture under ``about`` (screen) where it is."""
        before = self.to_native(about)
        self.zoom = min(max(self.zoom * factor, 1.0), MAX_ZOOM)
        after = self.to_native(about)
        self.centre += QPointF(before.x - after.x, before.y - after.y)
        self.keep_in_view()

    def seen(self) -> Box:
        """The part of the picture that is on the screen, in whole pixels."""
        corner, opposite = self.to_native(self.area.topLeft()), self.to_native(self.area.bottomRight())
        width, height = round(self.picture.width()), round(self.picture.height())
        x0, y0 = max(round(corner.x), 0), max(round(corner.y), 0)
        return x0, y0, min(round(opposite.x) + 1, width), min(round(opposite.y) + 1, height)

    def pan(self, moved: QPointF) -> None:
        """Move the picture by a way on the screen."""
        self.centre -= moved / max(self.to_screen().m11(), 1e-6)
        self.keep_in_view()

    def keep_in_view(self) -> None:
        """Never show more than the border of the picture on a side."""
        half = 0.5 / self.zoom
        width, height = self.picture.width(), self.picture.height()
        x = min(max(self.centre.x(), half * width), (1 - half) * width)
        y = min(max(self.centre.y(), half * height), (1 - half) * height)
        self.centre = QPointF(x, y)
