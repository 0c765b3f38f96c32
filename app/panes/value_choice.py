"""One frame's value and the whole exam's, side by side: each stands above the button that accepts it."""

from __future__ import annotations

from collections import Counter

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QGridLayout, QLabel, QPushButton, QWidget

from app.session.session import Session
from fetalnet.exam.lengths import first_length
from fetalnet.exam.records import Measurement, Origin
from fetalnet.export.wording import length_text


class TwoValues(QWidget):
    """Two columns, each with its value, where it comes from, and the button that accepts it."""

    def __init__(self, session: Session, accept_frame: QAction, accept_whole: QAction) -> None:
        super().__init__()
        self._session = session
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 4, 0, 4)
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(1)
        self._labels: dict[str, QLabel] = {}
        columns = ("Best frame", "Accept", accept_frame), ("Whole exam", "Accept whole exam", accept_whole)
        for column, (title, text, action) in enumerate(columns):
            grid.setColumnStretch(column, 1)
            for row, part in enumerate(("title", "value", "about")):
                label = QLabel({"title": title, "value": "–"}.get(part, ""))
                label.setObjectName("hint" if part != "value" else "bigValue")
                label.setWordWrap(True)
                label.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
                if part == "about":
                    # Room for two lines at all times, so that the buttons below do not jump.
                    label.setMinimumHeight(2 * self.fontMetrics().lineSpacing())
                grid.addWidget(label, row, column)
                self._labels[f"{title} {part}"] = label
            button = QPushButton(text)
            button.setAccessibleName(action.text().replace("&", ""))
            button.setToolTip(action.toolTip())
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setEnabled(action.isEnabled())
            button.clicked.connect(action.trigger)
            action.enabledChanged.connect(button.setEnabled)
            grid.addWidget(button, 3, column)
        session.analysis.findings_changed.connect(lambda _: self.refresh())
        session.exam_changed.connect(self.refresh)
        session.analysis.changed.connect(lambda _: self.refresh())
        session.selection_changed.connect(lambda _: self.refresh())
        session.recording_opened.connect(lambda _: self.refresh())

    def refresh(self) -> None:
        """Both values of the selected measure."""
        session, kind = self._session, self._session.selected
        measurement, estimate = session.measurement_of(kind), session.estimate_of(kind)
        if measurement is None:
            self._labels["Best frame title"].setText("Best frame")
            self._set("Best frame", "–", "")
        else:
            value = None if measurement.is_unplaced else first_length(session.exam, measurement)
            title, merit = self._title_and_merit(measurement)
            self._labels["Best frame title"].setText(title)
            self._set("Best frame", length_text(value), f"frame {measurement.frame_index}\n{merit}".rstrip())
        if estimate is None:
            self._set("Whole exam", "–", "when the analysis is done" if session.analysis.state.running else "")
            self._labels["Whole exam about"].setToolTip("")
            return
        low, high = (each.px if each.mm is None else each.mm for each in (estimate.low, estimate.high))
        counted = "1 frame" if estimate.n == 1 else f"{estimate.n} frames"
        self._set("Whole exam", length_text(estimate.value), f"95 %: {low:.1f}–{high:.1f}\nfrom {counted}")
        left = Counter({reason: len(frames) for reason, frames in estimate.left_out.items()})
        told = "\n".join(f"{count} frames: {reason}" for reason, count in left.most_common())
        self._labels["Whole exam about"].setToolTip(f"Left out\n{told}" if left else "No frame was left out.")

    def _title_and_merit(self, measurement: Measurement) -> tuple[str, str]:
        """What the button below would accept: the best frame's, another frame's, or what a person placed."""
        if measurement.origin is Origin.PERSON:
            return "By hand", "not placed yet" if measurement.is_unplaced else ""
        best = self._session.analysis.findings.best.get(measurement.kind)
        if best is not None and best.index == measurement.frame_index:
            return "Best frame", f"★ {best.score:.2f}"
        return "Chosen frame" if best is not None else "Best frame", ""

    def texts(self) -> dict[str, str]:
        """What each label shows."""
        return {name: label.text() for name, label in self._labels.items()}

    def _set(self, column: str, value: str, about: str) -> None:
        self._labels[f"{column} value"].setText(value)
        self._labels[f"{column} about"].setText(about)
