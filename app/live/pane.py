"""Beside the live picture: which planes and measures are there and which are missing, the link, and the verbs."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QAction, QImage, QKeySequence, QPixmap
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.session.watch import Watch
from app.theme import MUTED, TEXT, WARNING, plane_colour
from fetalnet.core.measurement import Length
from fetalnet.core.planes import KINDS_OF, STANDARD_PLANES, Plane
from fetalnet.export.wording import length_text
from fetalnet.live import Caught, LinkState

PICTURE_PX = (92, 70)
_LINK_MS = 500


class LivePane(QFrame):
    """Follows a watch."""

    def __init__(self, watch: Watch, verbs: list[QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("pane")
        self._watch = watch
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        title = QLabel("LIVE EXAM")
        title.setObjectName("paneTitle")
        column.addWidget(title)
        self.rows = {plane: _PlaneRow(plane) for plane in STANDARD_PLANES}
        for row in self.rows.values():
            column.addWidget(row)
        self.missing = QLabel()
        self.missing.setWordWrap(True)
        self.missing.setObjectName("hint")
        column.addWidget(self.missing)
        column.addStretch(1)
        title = QLabel("LINK")
        title.setObjectName("paneTitle")
        column.addWidget(title)
        self.link = QLabel()
        self.link.setWordWrap(True)
        self.link.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column.addWidget(self.link)
        for action in verbs:
            key = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            button = QPushButton(f"{action.text().replace('&', '')}   ({key})")
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setToolTip(action.toolTip())
            button.clicked.connect(action.trigger)
            action.enabledChanged.connect(button.setEnabled)
            column.addWidget(button)
        self._tick = QTimer(self)
        self._tick.setInterval(_LINK_MS)
        self._tick.timeout.connect(self._show_link)
        watch.began.connect(self._on_began)
        watch.caught_changed.connect(self._on_caught)
        watch.ended.connect(lambda _: self._tick.stop())

    def _on_began(self) -> None:
        self._on_caught(())
        self._show_link()
        self._tick.start()

    def _on_caught(self, caught: tuple[Caught, ...]) -> None:
        found = {each.plane: each for each in caught}
        for plane, row in self.rows.items():
            row.show_caught(found.get(plane))
        kinds = [kind for plane in STANDARD_PLANES if plane not in found for kind in KINDS_OF[plane]]
        planes = [str(plane) for plane in STANDARD_PLANES if plane not in found]
        if kinds:
            self.missing.setText(f"Still missing: {', '.join(planes)} ({', '.join(kinds)}).")
        else:
            self.missing.setText("All three planes are there. Stop to review them.")

    def _show_link(self) -> None:
        report = self._watch.report()
        if report is None:
            return
        lines = [f"{report.delivered_hz:.0f} frames/s arrive, {report.processed_hz:.0f} analysed"]
        if report.age_ms is not None:
            lines.append("delay p50 {:.0f}, p95 {:.0f}, p99 {:.0f} ms".format(*report.age_ms))
        if report.form is not None:
            lines.append(f"{report.form.width} × {report.form.height}, {report.form.codec}, {report.form.pixel_format}")
        live = self._watch.status.state is LinkState.LIVE
        lines += [trouble.sentence for trouble in report.troubles[:1]]
        self.link.setText("\n".join(lines))
        colour = TEXT if live and not report.troubles else WARNING
        self.link.setStyleSheet(f"color: {colour};")


class _PlaneRow(QFrame):
    """One plane: its caught frame, its values with their spread, or that it is missing."""

    def __init__(self, plane: Plane) -> None:
        super().__init__()
        self._plane = plane
        self._shown: Caught | None = None
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 2, 0, 2)
        self.picture = QLabel()
        self.picture.setFixedSize(*PICTURE_PX)
        self.picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.picture.setStyleSheet("background: black;")
        row.addWidget(self.picture)
        self.text = QLabel()
        self.text.setTextFormat(Qt.TextFormat.RichText)
        self.text.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.text.setWordWrap(True)
        row.addWidget(self.text, 1)

    def show_caught(self, caught: Caught | None) -> None:
        name = f"<b style='color:{plane_colour(self._plane).name()}'>{self._plane.capitalize()}</b>"
        if caught is None:
            self._shown = None
            self.picture.clear()
            self.picture.setText("–")
            self.text.setText(f"☐ {name}<br><span style='color:{MUTED}'>not found yet</span>")
            self.setToolTip("")
            return
        lines, spreads = [], []
        for kind in KINDS_OF[self._plane]:
            line = f"{kind} {length_text(caught.values[kind])}"
            estimate = caught.estimates.get(kind)
            if estimate is not None:
                spread = _spread(estimate.low, estimate.high)
                line += f" <span style='color:{MUTED}'>({spread})</span>"
                spreads.append(f"{kind}: 95 % of {estimate.n} frames lie within {spread}")
            lines.append(line)
        self.text.setText(f"☑ {name}  ★ {caught.score:.2f}<br>{'<br>'.join(lines)}")
        self.setToolTip("\n".join(spreads))
        if self._shown is None or self._shown.live is not caught.live:
            self.picture.setPixmap(_thumbnail(caught))
        self._shown = caught


def _spread(low: Length, high: Length) -> str:
    if low.mm is not None and high.mm is not None:
        return f"{low.mm:.0f}–{high.mm:.0f}"
    return f"{low.px:.0f}–{high.px:.0f}"


def _thumbnail(caught: Caught) -> QPixmap:
    """The fan alone: what scanners write around it may name the patient."""
    x0, y0, x1, y1 = caught.fan.box
    pixels = caught.live.frame.pixels[y0:y1, x0:x1]
    mask = caught.fan.mask(caught.live.frame.pixels.shape)[y0:y1, x0:x1]
    inside = np.ascontiguousarray(np.where(mask if pixels.ndim == 2 else mask[..., None], pixels, 0))
    form = QImage.Format.Format_Grayscale8 if inside.ndim == 2 else QImage.Format.Format_RGB888
    image = QImage(inside.data, inside.shape[1], inside.shape[0], inside.strides[0], form)
    small = image.scaled(*PICTURE_PX, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)
    return QPixmap.fromImage(small)
