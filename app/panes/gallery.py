"""The best frames as small pictures with score and value, and the thread that decodes them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QSize, Qt, QThread, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QAbstractButton, QFrame, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.canvas.overlay import SIGNS
from app.session.analysis import AnalysisState
from app.session.session import Session
from app.theme import MUTED, RAISED, TEXT, plane_colour
from app.workers.hanging import wait_or_leave
from fetalnet.core.errors import InputError
from fetalnet.core.letterbox import Box
from fetalnet.core.planes import KINDS_OF, STANDARD_PLANES, Plane
from fetalnet.core.system.latest import BoxClosedError, Latest
from fetalnet.exam.lengths import shown_length
from fetalnet.exam.records import Measurement, Origin, Status, calibration_of
from fetalnet.export.wording import length_text
from fetalnet.screen.burned_in import FanOnly
from fetalnet.screen.fan.sector import Sector
from fetalnet.sources import Source

log = logging.getLogger(__name__)

THUMBNAIL_WIDTH = 320
"""Twice the width shown, for monitors with two pixels a unit."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which frames of which recording are to be shown small, without the text outside its fan."""

    path: Path
    frames: tuple[int, ...]
    fan: Sector
    masks: tuple[Box, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Thumbnail:
    """A small copy of a frame, grey or RGB."""

    path: Path
    index: int
    pixels: NDArray[np.uint8]

    def pixmap(self) -> QPixmap:
        """The same for the screen; on the UI thread."""
        height, width = self.pixels.shape[:2]
        form = QImage.Format.Format_Grayscale8 if self.pixels.ndim == 2 else QImage.Format.Format_RGB888
        return QPixmap.fromImage(QImage(self.pixels.data, width, height, self.pixels.strides[0], form))


class ThumbnailThread(QThread):
    """Decodes the frames last asked for, with a source of its own so that playing is not disturbed.

    Signals:
        made(Thumbnail).
    """

    made = Signal(object)

    def __init__(self, open_source: Callable[[Path], Source], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._open_source = open_source
        self._wanted: Latest[Wanted] = Latest()
        self._stopping = False

    def ask(self, wanted: Wanted) -> None:
        self._wanted.put(wanted)

    def stop(self) -> None:
        self._stopping = True
        self._wanted.close()

    def run(self) -> None:
        try:
            while True:
                wanted = self._wanted.get()
                try:
                    self._make(wanted)
                except InputError as error:
                    # The player has shown the same sentence; a missing thumbnail needs no second one.
                    log.info("no thumbnail: %s", type(error).__name__)
        except BoxClosedError:
            return

    def _make(self, wanted: Wanted) -> None:
        source = self._open_source(wanted.path)
        fan = FanOnly.of(wanted.fan, (source.height, source.width), wanted.masks)
        try:
            for index in wanted.frames:
                if self._stopping:
                    return
                self.made.emit(Thumbnail(wanted.path, index, _small(fan.shown(source[index].pixels))))
        finally:
            source.close()


def _small(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    scale = min(THUMBNAIL_WIDTH / pixels.shape[1], 1.0)
    size = max(round(pixels.shape[1] * scale), 1), max(round(pixels.shape[0] * scale), 1)
    return np.ascontiguousarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))


class Gallery(QFrame):
    """One card a plane: the frame the measurement is taken from. A click goes there."""

    def __init__(self, session: Session, open_source: Callable[[Path], Source], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("pane")
        self._session = session
        self._kept: dict[int, QPixmap] = {}
        self._asked: Wanted | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        title = QLabel("BEST FRAMES")
        title.setObjectName("paneTitle")
        column.addWidget(title, 0, Qt.AlignmentFlag.AlignTop)
        self.cards = {plane: Card(plane) for plane in STANDARD_PLANES}
        for card in self.cards.values():
            column.addWidget(card, 10)
            card.clicked.connect(self._on_clicked)
        column.addStretch(1)
        self.thread_ = ThumbnailThread(open_source, self)
        self.thread_.made.connect(self._on_made)
        self.thread_.start()
        session.exam_changed.connect(self.refresh)
        session.recording_opened.connect(lambda _: self._begin())
        session.analysis.changed.connect(self._on_analysis)

    def close_thread(self) -> None:
        self.thread_.stop()
        wait_or_leave(self.thread_)

    def _begin(self) -> None:
        self._kept, self._asked = {}, None
        self.refresh()

    def _on_analysis(self, state: AnalysisState) -> None:
        if not state.running:
            self.refresh()

    def refresh(self) -> None:
        """Show each plane's frame; ask for the pictures that are not there yet."""
        session = self._session
        frames = []
        for plane, card in self.cards.items():
            of_plane = [m for kind in KINDS_OF[plane] if (m := session.measurement_of(kind)) is not None]
            live = [each for each in of_plane if each.status is not Status.REJECTED]
            measurement = next(iter(live or of_plane), None)
            if measurement is None:
                card.show_nothing(session.is_open, session.analysis.state.complete)
                continue
            frames.append(measurement.frame_index)
            value = length_text(shown_length(measurement, calibration_of(session.exam, measurement)))
            card.show_frame(
                measurement.frame_index,
                self._kept.get(measurement.frame_index),
                f"{measurement.kind} {value}",
                self._merit(measurement),
            )
        missing = tuple(sorted({index for index in frames if index not in self._kept}))
        # A third decoder beside player's and analysis' costs memory at 1080p: pictures come when the analysis is over.
        if missing and session.recording and session.fan and not session.analysis.state.running:
            wanted = Wanted(session.recording.path, missing, session.fan, session.device.masks)
            if wanted != self._asked:
                self._asked = wanted
                self.thread_.ask(wanted)

    def _merit(self, measurement: Measurement) -> str:
        """Why this frame: its score, or a person's choice; the status where rejected or nothing else is known."""
        if measurement.status is Status.REJECTED:
            return SIGNS[Status.REJECTED]
        if measurement.origin is Origin.PERSON:
            return "by hand"
        best = self._session.analysis.findings.best.get(measurement.kind)
        if best is not None and best.index == measurement.frame_index:
            return f"★ {best.score:.2f}"
        return "chosen" if self._session.analysis.findings.best else measurement.status

    def _on_made(self, thumbnail: Thumbnail) -> None:
        if self._session.recording is None or thumbnail.path != self._session.recording.path:
            return
        self._kept[thumbnail.index] = thumbnail.pixmap()
        self.refresh()

    def _on_clicked(self) -> None:
        card = self.sender()
        if isinstance(card, Card) and card.index is not None:
            self._session.show(card.index)
            self._session.select(KINDS_OF[card.plane][0])


class Card(QAbstractButton):
    """A small picture of a frame with its plane, index, value and score."""

    def __init__(self, plane: Plane) -> None:
        super().__init__()
        self.plane = plane
        self.index: int | None = None
        self._picture: QPixmap | None = None
        self._value = self._score = ""
        self._hint = f"The best {plane} frame appears here."
        self.setAccessibleName(f"Best {plane} frame")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setMinimumHeight(90)
        self.setMaximumHeight(210)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        return QSize(170, 140)

    def show_nothing(self, is_open: bool, complete: bool) -> None:
        self.index, self._picture = None, None
        if is_open and complete:
            self._hint = f"No {self.plane} frame was good enough."
        else:
            self._hint = f"The best {self.plane} frame appears here."
        self.setToolTip("")
        self.update()

    def show_frame(self, index: int, picture: QPixmap | None, value: str, score: str) -> None:
        self.index, self._picture, self._value, self._score = index, picture, value, score
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip(f"{value}, frame {index}, {score}: click to go there")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        frame = self.rect().adjusted(0, 2, -1, -3)
        painter.fillRect(frame, RAISED)
        colour = plane_colour(self.plane)
        line = painter.fontMetrics().height()
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        if self.index is None:
            painter.setPen(MUTED)
            painter.drawText(frame.adjusted(8, line + 4, -8, -4), flags, self._hint)
        else:
            room = frame.adjusted(3, line + 6, -3, -line - 6)
            painter.fillRect(room, "black")
            if self._picture is not None:
                size = self._picture.size().scaled(room.size(), Qt.AspectRatioMode.KeepAspectRatio)
                target = room.adjusted(0, 0, 0, 0)
                target.setSize(size)
                target.moveCenter(room.center())
                painter.drawPixmap(target, self._picture)
            above = frame.adjusted(6, 2, -6, 0)
            below = frame.adjusted(6, frame.height() - line - 4, -6, -2)
            painter.setPen(MUTED)
            painter.drawText(above, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop, f"frame {self.index}")
            painter.drawText(below, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, self._score)
            painter.setPen(TEXT)
            painter.drawText(below, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, self._value)
        painter.setPen(colour)
        painter.drawText(
            frame.adjusted(6, 2, -6, 0), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop,
            self.plane.capitalize(),
        )  # fmt: skip
        painter.setPen(colour if self.hasFocus() or self.underMouse() else QColor(RAISED))
        painter.drawRect(frame)
