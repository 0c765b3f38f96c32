"""Ribbons of the planes along the recording, the best frames, and the cursor that can be dragged."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QBrush, QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme import BORDER, MUTED, PANEL, PROBLEM, RAISED, TEXT, WARNING, plane_colour
from app.theme.icons import star
from fetalnet.analysis.segments import Broken, Frozen, Segment
from fetalnet.core.planes import STANDARD_PLANES, Plane
from fetalnet.core.prediction import Prediction

LABEL_WIDTH = 78
RIBBON_HEIGHT = 18
RIBBON_GAP = 5
TOP = 6
PROGRESS_HEIGHT = 3
REDRAW_MS = 80
"""Ribbons are drawn anew at most this often while answers arrive: the eye needs no more."""
FLOOR = 0.08
"""Probabilities below leave the ribbon empty, so that what is there stands out."""


class Timeline(QWidget):
    """One ribbon a plane: its height is the probability, its pattern tells the plane without colour.

    Signals:
        sought(int): the person asks for this frame.
    """

    sought = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Timeline")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self._count = 0
        self._probability = np.zeros((len(STANDARD_PLANES), 0), np.float32)
        self._known = np.zeros(0, bool)
        self._earlier = self._probability, self._known
        self._best: tuple[tuple[Plane, int], ...] = ()
        self._scale_changes: tuple[tuple[int, str], ...] = ()
        self._segments: tuple[Segment, ...] = ()
        self._frozen: tuple[Frozen, ...] = ()
        self._broken: tuple[Broken, ...] = ()
        self._index = 0
        self._ribbons: QPixmap | None = None
        self._redraw = QTimer(self)
        self._redraw.setSingleShot(True)
        self._redraw.setInterval(REDRAW_MS)
        self._redraw.timeout.connect(self._forget_ribbons)

    def sizeHint(self) -> QSize:
        return QSize(600, TOP + len(STANDARD_PLANES) * (RIBBON_HEIGHT + RIBBON_GAP) + PROGRESS_HEIGHT + 5)

    # What is shown.

    def begin(self, count: int) -> None:
        """A recording of ``count`` frames, none analysed."""
        self._count, self._index, self._best, self._scale_changes = count, 0, (), ()
        self._segments, self._frozen, self._broken = (), (), ()
        self._probability = np.zeros((len(STANDARD_PLANES), count), np.float32)
        self._known = np.zeros(count, bool)
        self._earlier = self._probability, self._known
        self._forget_ribbons()

    def forget(self) -> None:
        """Nothing is analysed any more; cursor and best frames stay, and what was there can be recalled."""
        self._earlier = self._probability, self._known
        self._probability, self._known = np.zeros_like(self._probability), np.zeros_like(self._known)
        self._segments, self._frozen, self._broken = (), (), ()
        self._forget_ribbons()

    def recall(self) -> None:
        """The new analysis ended early: of the frames that it did not reach, what was known before stays true."""
        probability, known = self._earlier
        if len(known) == len(self._known):
            missing = known & ~self._known
            self._probability[:, missing] = probability[:, missing]
            self._known |= known
            self._forget_ribbons()

    def add(self, predictions: tuple[Prediction, ...]) -> None:
        for each in predictions:
            if each.index < self._count:
                self._probability[:, each.index] = [each.probabilities[plane] for plane in STANDARD_PLANES]
                self._known[each.index] = True
        if not self._redraw.isActive():
            self._redraw.start()

    def set_segments(
        self, segments: tuple[Segment, ...], frozen: tuple[Frozen, ...], broken: tuple[Broken, ...] = ()
    ) -> None:
        """When each plane is shown, where the picture stands still, and where the recording is damaged."""
        if (segments, frozen, broken) != (self._segments, self._frozen, self._broken):
            self._segments, self._frozen, self._broken = segments, frozen, broken
            self._forget_ribbons()

    def set_best(self, best: list[tuple[Plane, int]]) -> None:
        if tuple(best) != self._best:
            self._best = tuple(best)
            self.update()

    def set_scale_changes(self, changes: tuple[tuple[int, str], ...]) -> None:
        """Mark the frames from which another scale holds, or none, each with what that means."""
        if changes != self._scale_changes:
            self._scale_changes = changes
            self.setAccessibleDescription("; ".join(f"frame {index}: {text}" for index, text in changes))
            self.update()

    def set_index(self, index: int) -> None:
        """Move the cursor; only the strips it leaves and enters are painted."""
        if index != self._index:
            before, self._index = self._index, index
            for each in (before, index):
                self.update(QRectF(self._x(each) - 4, 0, 8, self.height()).toAlignedRect())

    # Where things are.

    def _span(self) -> float:
        return max(self.width() - LABEL_WIDTH - 10, 1)

    def _x(self, index: float) -> float:
        return LABEL_WIDTH + self._span() * (index + 0.5) / max(self._count, 1)

    def index_at(self, x: float) -> int:
        """The frame under a place on the widget."""
        share = (x - LABEL_WIDTH) / self._span()
        return min(max(int(share * self._count), 0), max(self._count - 1, 0))

    def _forget_ribbons(self) -> None:
        self._ribbons = None
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._ribbons = None

    # Painting.

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._ribbons is None:
            self._ribbons = self._drawn()
        painter = QPainter(self)
        # Target and source in the same logical place: a strip of the cached picture, not all of it.
        ratio = self._ribbons.devicePixelRatio()
        area = QRectF(event.rect())
        source = QRectF(area.x() * ratio, area.y() * ratio, area.width() * ratio, area.height() * ratio)
        painter.drawPixmap(area, self._ribbons, source)
        if not self._count:
            return
        for index, _ in self._scale_changes:
            x = round(self._x(index - 0.5))
            painter.setPen(QPen(QColor(WARNING), 1, Qt.PenStyle.DashLine))
            painter.drawLine(x, 0, x, self.height())
            painter.fillRect(x - 3, 0, 7, 4, QColor(WARNING))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for plane, index in self._best:
            row = STANDARD_PLANES.index(plane)
            y = TOP + row * (RIBBON_HEIGHT + RIBBON_GAP) + RIBBON_HEIGHT / 2
            path = star(self._x(index), y, 7.5)
            painter.setPen(QPen(QColor("black"), 2))
            painter.drawPath(path)
            painter.fillPath(path, QColor("white"))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        x = round(self._x(self._index))
        painter.setPen(QPen(QColor("black"), 3))
        painter.drawLine(x, 2, x, self.height() - 2)
        painter.setPen(QPen(QColor(TEXT), 1))
        painter.drawLine(x, 2, x, self.height() - 2)

    def _drawn(self) -> QPixmap:
        """Everything that does not move with the cursor."""
        ratio = self.devicePixelRatioF()
        pixmap = QPixmap(QSize(round(self.width() * ratio), round(self.height() * ratio)))
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(QColor(PANEL))
        painter = QPainter(pixmap)
        columns = int(self._span())
        for row, plane in enumerate(STANDARD_PLANES):
            y = TOP + row * (RIBBON_HEIGHT + RIBBON_GAP)
            painter.setPen(plane_colour(plane) if self._count else QColor(MUTED))
            label = QRectF(0, y, LABEL_WIDTH - 10, RIBBON_HEIGHT)
            painter.drawText(label, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, plane.capitalize())
            painter.fillRect(QRectF(LABEL_WIDTH, y, columns, RIBBON_HEIGHT), QColor(RAISED))
            for each in self._segments if self._count else ():
                if each.plane is plane:
                    self._draw_segment(painter, each, y)
            if self._count:
                heights = _by_column(self._probability[row], columns)
                image = _ribbon(heights, plane)
                painter.drawImage(QPointF(LABEL_WIDTH, y), image)
        if self._count:
            for frozen in self._frozen:
                self._hatch(painter, frozen, QColor(TEXT), Qt.BrushStyle.BDiagPattern)
            for broken in self._broken:
                self._hatch(painter, broken, QColor(PROBLEM), Qt.BrushStyle.DiagCrossPattern)
        y = TOP + len(STANDARD_PLANES) * (RIBBON_HEIGHT + RIBBON_GAP) - 1
        painter.fillRect(QRectF(LABEL_WIDTH, y, columns, PROGRESS_HEIGHT), QColor(BORDER))
        if self._count:
            known = _by_column(self._known.astype(np.float32), columns) > 0
            for start, stop in _runs(known):
                painter.fillRect(QRectF(LABEL_WIDTH + start, y, stop - start, PROGRESS_HEIGHT), QColor(MUTED))
        painter.end()
        return pixmap

    def _draw_segment(self, painter: QPainter, segment: Segment, y: float) -> None:
        """A box from the segment's start to its end, in which the probability stands."""
        colour = plane_colour(segment.plane)
        left, right = self._x(segment.start - 0.5), self._x(segment.stop - 0.5)
        box = QRectF(left, y, max(right - left, 2.0), RIBBON_HEIGHT)
        faint = QColor(colour)
        faint.setAlpha(70)
        painter.fillRect(box, faint)
        painter.fillRect(QRectF(left, y + RIBBON_HEIGHT, box.width(), 2), colour)

    def _hatch(self, painter: QPainter, stretch: Frozen | Broken, colour: QColor, style: Qt.BrushStyle) -> None:
        """Hatched over all ribbons: there the scanner's picture stands still, or nothing can be read."""
        left, right = self._x(stretch.start - 0.5), self._x(stretch.stop - 0.5)
        height = len(STANDARD_PLANES) * (RIBBON_HEIGHT + RIBBON_GAP) - RIBBON_GAP
        box = QRectF(left, TOP, max(right - left, 2.0), height)
        colour.setAlpha(110)
        painter.fillRect(box, QBrush(colour, style))
        painter.setPen(QPen(colour, 1))
        painter.drawRect(box)

    # The pointer.

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._count and event.button() == Qt.MouseButton.LeftButton:
            near = [(abs(self._x(index) - event.position().x()), index) for _, index in self._best]
            distance, index = min(near, default=(99.0, 0))
            self.sought.emit(index if distance <= 6 else self.index_at(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._count and event.buttons() & Qt.MouseButton.LeftButton:
            self.sought.emit(self.index_at(event.position().x()))
        elif self._count:
            self.setToolTip(self.told_at(event.position().x()))

    def told_at(self, x: float) -> str:
        """What the tooltip says at a place on the widget."""
        near = [(abs(self._x(index - 0.5) - x), index, text) for index, text in self._scale_changes]
        distance, index, text = min(near, default=(99.0, 0, ""))
        if distance <= 5:
            return f"Frame {index}: {text}"
        index = self.index_at(x)
        what = [str(each.plane) for each in self._segments if each.start <= index < each.stop]
        what += ["damaged" for each in self._broken if each.start <= index < each.stop]
        what += ["frozen" for each in self._frozen if each.start <= index < each.stop]
        shown = "".join(f", {each}" for each in what if each != Plane.OTHER)
        return f"Frame {index}{shown}: click or drag to go there"


def _by_column(values: NDArray[np.float32], columns: int) -> NDArray[np.float32]:
    """``(columns,)``: the greatest value of each column's frames, so that no short find is lost."""
    count = len(values)
    if columns >= count:
        return values[np.minimum(np.arange(columns) * count // columns, count - 1)]
    starts = np.arange(columns) * count // columns
    return np.maximum.reduceat(values, starts)


def _ribbon(heights: NDArray[np.float32], plane: Plane) -> QImage:
    """Columns filled from below in the plane's colour: head solid, abdomen striped, femur dotted."""
    colour = plane_colour(plane)
    y, x = np.mgrid[:RIBBON_HEIGHT, : len(heights)]
    filled = (RIBBON_HEIGHT - y <= np.round(heights * RIBBON_HEIGHT)) & (heights >= FLOOR)
    full = np.array([colour.red(), colour.green(), colour.blue(), 255])
    pale = np.array([*(full[:3] * 0.55).astype(int), 255])
    pattern = {
        Plane.HEAD: np.zeros_like(x, bool),
        Plane.ABDOMEN: (x + y) % 6 < 2,
        Plane.FEMUR: (x % 5 < 2) & (y % 5 < 2),
    }[plane]
    pixels = np.zeros((*filled.shape, 4), np.uint8)
    pixels[filled] = full
    pixels[filled & pattern] = pale
    # A copy, because the image does not keep the array alive.
    height, width = filled.shape
    return QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGBA8888).copy()


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [(int(start), int(stop)) for start, stop in zip(edges[::2], edges[1::2], strict=True)]
