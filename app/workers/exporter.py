"""Files out: PDF, CSV and JSON are written on a thread of their own."""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QRectF, QThread, Signal
from PySide6.QtGui import QImage, QPainter, QTransform

from app.canvas.overlay import Overlay, calipers_of
from app.canvas.painting import paint_overlay
from fetalnet.core.errors import InputError
from fetalnet.core.letterbox import Box
from fetalnet.exam.lengths import decided_length
from fetalnet.exam.records import Exam, Measurement, Status
from fetalnet.export.wording import TEXT_KEPT, TEXT_NOT_FOUND, length_text, scale_text, status_text, time_text
from fetalnet.screen.burned_in import ALL, FanOnly
from fetalnet.screen.fan.sector import Sector
from fetalnet.screen.fan.sector_search import sector_of
from fetalnet.sources import Frame, Source

log = logging.getLogger(__name__)

PICTURE_WIDTH = 1200
"""Pictures narrower than this are enlarged before the calipers are drawn, so that lines and texts stay fine."""


class Format(StrEnum):
    """What can be exported. The value is the file's suffix."""

    PDF = "pdf"
    CSV = "csv"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Export:
    """One wish: a snapshot of the exam, so that it may go on changing."""

    format: Format
    path: Path
    exam: Exam
    recording: Path
    keep_text: bool = False
    fan: Sector | None = None
    """Where a person said that it is; else it is found."""
    masks: tuple[Box, ...] = ()


class Exporter(QThread):
    """Writes one file and ends.

    Signals:
        progress(int, int): pictures drawn, of how many; failed(str): one sentence for a person.
        done(Path, str): with what is to be said about text in its pictures, empty where all of it is hidden.
    """

    progress = Signal(int, int)
    done = Signal(object, str)
    failed = Signal(str)

    def __init__(self, export: Export, open_source: Callable[[Path], Source], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.export = export
        self._open_source = open_source
        self._about_text: str | None = None

    def run(self) -> None:
        try:
            if self._write():
                self.done.emit(self.export.path, self._about_text or "")
        except InputError as error:
            self.failed.emit(str(error))
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            reason = "the disk is full; free some space" if full else f"{error.strerror}; choose another folder"
            self.failed.emit(f"Cannot write {self.export.path.name}: {reason}.")

    def _write(self) -> bool:
        """Write the file; False when cancelled before."""
        export = self.export
        match export.format:
            case Format.CSV:
                from fetalnet.export.csv_table import write_exam_csv

                write_exam_csv(export.path, export.exam)
            case Format.JSON:
                from fetalnet.export.exam_json import write_exam_json

                write_exam_json(export.path, export.exam)
            case Format.PDF:
                # Report libraries take a moment to import; the window need not wait for them at the start.
                from fetalnet.export.pdf_report import ReportPicture, write_exam_pdf

                pictures = []
                for pixels, caption in self._pictures():
                    if self.isInterruptionRequested():
                        return False
                    pictures.append(ReportPicture(pixels, caption))
                write_exam_pdf(export.path, export.exam, pictures, about_text=self._about_text)
        return True

    def _pictures(self) -> list[tuple[NDArray[np.uint8], str]]:
        """One picture a frame with accepted or corrected measurements, its calipers drawn, burned-in text hidden."""
        frames: dict[int, list[Measurement]] = {}
        for each in self.export.exam.measurements:
            if each.status in (Status.ACCEPTED, Status.CORRECTED):
                frames.setdefault(each.frame_index, []).append(each)
        if not frames:
            return []
        pictures = []
        source = self._open_source(self.export.recording)
        try:
            fan = ALL
            if self.export.keep_text:
                self._about_text = TEXT_KEPT
            else:
                sector = self.export.fan or sector_of(source)
                fan = FanOnly.of(sector, (source.height, source.width), self.export.masks)
                self._about_text = None if fan.hides else TEXT_NOT_FOUND
            for count, (index, measurements) in enumerate(sorted(frames.items())):
                if self.isInterruptionRequested():
                    break
                self.progress.emit(count, len(frames))
                frame = source[index]
                frame = replace(frame, pixels=fan.shown(frame.pixels))
                pictures.append((drawn(frame, measurements), _caption(index, measurements)))
        finally:
            source.close()
        return pictures


def drawn(frame: Frame, measurements: list[Measurement]) -> NDArray[np.uint8]:
    """The frame as ``(height, width, 3)`` RGB with the calipers of its measurements, as on the screen."""
    grey = frame.pixels.ndim == 2
    form = QImage.Format.Format_Grayscale8 if grey else QImage.Format.Format_RGB888
    image = QImage(frame.pixels.data, frame.width, frame.height, frame.pixels.strides[0], form)
    scale = max(PICTURE_WIDTH / frame.width, 1.0)
    canvas = QImage(round(frame.width * scale), round(frame.height * scale), QImage.Format.Format_RGB888)
    painter = QPainter(canvas)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.drawImage(canvas.rect(), image)
    paint_overlay(
        painter,
        Overlay(calipers=calipers_of(measurements)),
        QTransform(scale, 0, 0, scale, 0, 0).translate(0.5, 0.5),
        QRectF(canvas.rect()),
        opacity=0.0,
        selected=None,
        selected_caliper=None,
        unit_px=canvas.width() / 800,
    )
    painter.end()
    rows = np.frombuffer(canvas.constBits(), np.uint8).reshape(canvas.height(), canvas.bytesPerLine())
    # A copy: the image's memory goes when this function returns.
    return rows[:, : 3 * canvas.width()].reshape(canvas.height(), canvas.width(), 3).copy()


def _caption(index: int, measurements: list[Measurement]) -> str:
    first = measurements[0]
    where = f"Frame {index}" + (f" at {time_text(first.time_s)}" if first.time_s is not None else "")
    values = ", ".join(
        f"{each.kind} {length_text(decided_length(each))} ({status_text(each)})" for each in measurements
    )
    scales = dict.fromkeys(scale_text(each.decision.scale) for each in measurements if each.decision)
    return f"{where}: {values}. Scale {'; '.join(scales)}."
