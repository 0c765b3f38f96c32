"""Charts of an examination: planes and quality over time, each measure across frames, machine against person."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QBuffer, QIODevice, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QImage, QImageWriter, QPaintDevice, QPainter
from PySide6.QtSvg import QSvgGenerator

from app.session.session import Session
from app.theme import ACCENT, BORDER, MUTED, PANEL, PROBLEM, TEXT, WARNING, plane_colour
from fetalnet.analysis.quality import overridden
from fetalnet.core.errors import InputError
from fetalnet.core.planes import STANDARD_PLANES, Kind, Plane
from fetalnet.core.system.files import write_file
from fetalnet.exam.agreement import agreement_of
from fetalnet.exam.lengths import decided_length
from fetalnet.exam.records import Exam

PICTURE_WIDTH = 1600
MOST_POINTS = 2000
"""More than a chart has columns; of a long recording every second frame is drawn, or fewer."""
STYLES = {Plane.HEAD: Qt.PenStyle.SolidLine, Plane.ABDOMEN: Qt.PenStyle.DashLine, Plane.FEMUR: Qt.PenStyle.DotLine}
"""Told apart without colour."""
SYMBOLS = {Plane.HEAD: "o", Plane.ABDOMEN: "s", Plane.FEMUR: "t"}


class Chart(pg.GraphicsLayoutWidget):  # type: ignore[misc]  # pyqtgraph is untyped here
    """A chart in the program's colours that can be saved as a picture."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setBackground(PANEL)

    def new_plot(self, row: int, bottom: str, left: str) -> pg.PlotItem:
        plot = self.addPlot(row=row, col=0)
        for side, text in (("bottom", bottom), ("left", left)):
            axis = plot.getAxis(side)
            axis.setPen(BORDER)
            axis.setTextPen(MUTED)
            axis.enableAutoSIPrefix(False)
            plot.setLabel(side, text, color=MUTED)
        plot.showGrid(x=True, y=True, alpha=0.15)
        plot.setMenuEnabled(False)
        plot.hideButtons()
        return plot

    def save(self, path: Path) -> None:
        """Write the chart as PNG or SVG, by the file's suffix. Raises ``InputError``."""
        suffix = path.suffix.lower()
        if suffix not in (".png", ".svg"):
            raise InputError(f"A chart cannot be saved as {suffix or 'a file without a suffix'}; choose .png or .svg.")
        held = QBuffer()
        held.open(QIODevice.OpenModeFlag.WriteOnly)
        if suffix == ".svg":
            drawing = QSvgGenerator()
            drawing.setOutputDevice(held)
            drawing.setSize(self.size())
            drawing.setViewBox(self.rect())
            self._paint(drawing, 1.0)
        else:
            ratio = PICTURE_WIDTH / self.width()
            image = QImage(self.size() * ratio, QImage.Format.Format_RGB32)
            self._paint(image, ratio)
            QImageWriter(held, b"png").write(image)
        write_file(path, bytes(held.data().data()))

    def _paint(self, device: QPaintDevice, ratio: float) -> None:
        painter = QPainter(device)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.scale(ratio, ratio)
        self.render(painter, QRectF(self.rect()))
        painter.end()


class OverTime(Chart):
    """Probability of each plane and criteria met, along the recording; a click goes there.

    Signals:
        sought(int): the frame the person clicked at.
    """

    sought = Signal(int)

    def __init__(self) -> None:
        super().__init__("Planes and quality over time")
        self._planes = self.new_plot(0, "", "probability")
        # Room above the curves for their names.
        self._planes.setYRange(0, 1.2, padding=0.02)
        self._planes.addLegend(offset=(-8, 1), labelTextColor=TEXT, colCount=len(STANDARD_PLANES))
        self._quality = self.new_plot(1, "frame", "criteria met")
        self._quality.setYRange(0, 6, padding=0.05)
        self._quality.setXLink(self._planes)
        for plot in (self._planes, self._quality):
            plot.setMouseEnabled(x=True, y=False)
        self._cursors: list[pg.InfiniteLine] = []
        self.scene().sigMouseClicked.connect(self._on_click)

    def show_session(self, session: Session) -> None:
        """Draw everything anew."""
        for plot in (self._planes, self._quality):
            plot.clear()
        every = -(-len(session.analysis.predictions) // MOST_POINTS)
        indices = np.array(sorted(session.analysis.predictions))[:: max(every, 1)]
        found = [session.analysis.predictions[index] for index in indices.tolist()]
        for plane in STANDARD_PLANES:
            pen = pg.mkPen(plane_colour(plane), width=2, style=STYLES[plane])
            values = np.array([each.probabilities[plane] for each in found])
            self._planes.plot(indices, values, pen=pen, name=plane, autoDownsample=True, downsampleMethod="peak")
            scores = [
                (each.index, overridden(*quality).score)
                for each in found
                if each.plane is plane and (quality := session.quality_of(each))
            ]
            x, y = np.array(scores, float).reshape(-1, 2).T
            dots = {"symbol": SYMBOLS[plane], "symbolSize": 5, "symbolPen": None}
            self._quality.plot(x, y, pen=None, symbolBrush=plane_colour(plane), **dots)
        pale, red = QColor(230, 233, 237, 40), QColor(PROBLEM)
        red.setAlpha(60)
        findings = session.analysis.findings
        stretches = [(each.start, each.stop, pale) for each in findings.frozen]
        stretches += [(each.start, each.stop, red) for each in findings.broken]
        for start, stop, brush in stretches:
            for plot in (self._planes, self._quality):
                band = pg.LinearRegionItem((start, stop), movable=False, brush=brush, pen=pg.mkPen(None))
                band.setZValue(-5)
                plot.addItem(band)
        line = pg.mkPen(TEXT, width=1)
        self._cursors = [pg.InfiniteLine(0, pen=line), pg.InfiniteLine(0, pen=line)]
        for plot, cursor in zip((self._planes, self._quality), self._cursors, strict=True):
            plot.addItem(cursor)
        if session.frame is not None:
            self.set_index(session.frame.index)

    def set_index(self, index: int) -> None:
        """Move the cursor."""
        for cursor in self._cursors:
            cursor.setValue(index)

    def _on_click(self, event: Any) -> None:
        place = self._planes.vb.mapSceneToView(event.scenePos())
        self.sought.emit(max(round(place.x()), 0))


class Distribution(Chart):
    """What each frame of the estimate gave, the interval, the best frame's value and the accepted one."""

    def __init__(self) -> None:
        super().__init__("Distribution of a measure across frames")
        self._plot = self.new_plot(0, "", "frames")
        self._plot.setMouseEnabled(x=False, y=False)
        self.summary = ""

    def show_session(self, session: Session, kind: Kind) -> None:
        """Draw ``kind`` anew."""
        self._plot.clear()
        estimate, best = session.analysis.findings.estimates.get(kind), session.analysis.findings.best.get(kind)
        if estimate is None:
            self.summary = f"No {kind.plane} frame was good enough."
            self._plot.setTitle(self.summary, color=MUTED)
            return
        in_mm = estimate.value.mm is not None
        self._plot.setLabel("bottom", f"{kind} ({'mm' if in_mm else 'px'})", color=MUTED)
        values = estimate.values
        count, edges = np.histogram(values, bins=min(max(round(math.sqrt(len(values)) * 1.5), 5), 40))
        colour = plane_colour(kind.plane)
        bars = pg.BarGraphItem(x0=edges[:-1], x1=edges[1:], height=count, brush=colour, pen=pg.mkPen(PANEL))
        low, high = ((each.mm if in_mm else each.px) or 0.0 for each in (estimate.low, estimate.high))
        interval = pg.LinearRegionItem((low, high), movable=False, brush=(86, 180, 233, 45), pen=pg.mkPen(None))
        interval.setZValue(-5)
        self._plot.addItem(interval)
        self._plot.addItem(bars)
        # Room above the bars for what the lines say.
        self._plot.setYRange(0, 1.4 * float(count.max()), padding=0)
        self._mark(estimate.value.mm if in_mm else estimate.value.px, "whole exam", ACCENT, 0.94)
        if best is not None:
            self._mark(best.value.mm if in_mm else best.value.px, "best frame", TEXT, 0.84)
        measurement = session.measurement_of(kind)
        if measurement is not None and (decided := decided_length(measurement)) is not None:
            self._mark(decided.mm if in_mm else decided.px, measurement.status, WARNING, 0.74)
        self.summary = f"{kind.title}: {_counted(estimate.n, 'frame')}, 95 % band"
        self._plot.setTitle(self.summary, color=TEXT)

    def _mark(self, value: float | None, name: str, colour: str, height: float) -> None:
        if value is not None:
            told = {"position": height, "color": colour, "fill": PANEL, "anchors": [(0, 0.5), (1, 0.5)]}
            pen = pg.mkPen(colour, width=2)
            self._plot.addItem(pg.InfiniteLine(value, pen=pen, label=f"{name} {value:.1f}", labelOpts=told))


class AgreementChart(Chart):
    """Bland-Altman: person minus machine against the mean of both."""

    def __init__(self) -> None:
        super().__init__("Agreement of machine and person")
        self._plot = self.new_plot(0, "mean of machine and person (mm)", "person − machine (mm)")
        self.summary = ""

    def show_exams(self, exams: tuple[Exam, ...], kind: Kind) -> None:
        """Draw ``kind`` anew over these exams."""
        self._plot.clear()
        agreement = agreement_of(exams, kind)
        if not len(agreement):
            self.summary = f"No {kind} that was proposed is decided yet."
            self._plot.setTitle(self.summary, color=MUTED)
            return
        self._plot.plot(
            agreement.mean_mm, agreement.difference_mm, pen=None, symbol=SYMBOLS[kind.plane], symbolSize=8,
            symbolBrush=plane_colour(kind.plane), symbolPen=None,
        )  # fmt: skip
        low, high = agreement.limits_mm
        furthest = float(np.abs(agreement.difference_mm).max())
        reach = max(1.0, 1.3 * max(furthest, *(abs(each) for each in (low, high) if math.isfinite(each)), 0.0))
        self._plot.setYRange(-reach, reach, padding=0)
        # Each name has a place of its own, so that none covers another where the lines meet.
        for value, text, style, place in (
            (agreement.bias_mm, "bias", Qt.PenStyle.SolidLine, 0.5),
            (low, "lower limit", Qt.PenStyle.DashLine, 0.1),
            (high, "upper limit", Qt.PenStyle.DashLine, 0.9),
        ):
            if math.isfinite(value):
                told = {"position": place, "color": TEXT, "anchors": [(0.5, 1), (0.5, 1)]}
                pen = pg.mkPen(ACCENT, width=1, style=style)
                self._plot.addItem(
                    pg.InfiniteLine(value, angle=0, pen=pen, label=f"{text} {value:+.1f}", labelOpts=told)
                )
        self.summary = f"{kind.title}: {_counted(len(agreement), 'measurement')} in {_counted(len(exams), 'exam')}"
        self._plot.setTitle(self.summary, color=TEXT)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
