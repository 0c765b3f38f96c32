"""The status bar: scale, model and speed, analysis, what is left to review, saved. Each keeps its place."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QLabel, QProgressBar, QPushButton, QStatusBar, QWidget

from app.canvas.overlay import scale_badge, scale_warning
from app.session.analysis import AnalysisState
from app.session.session import Session
from app.theme import WARNING
from fetalnet.analysis.findings import PredictorInfo
from fetalnet.core.scale.calibration import Calibration
from fetalnet.export.wording import calibration_text


class StatusBar(QStatusBar):
    """Follows the session."""

    def __init__(self, session: Session, cancel: QAction, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self._session = session
        self._fps = ""
        self._calibration: Calibration | None = None
        self.scale = _label(230)
        self.model = _label(310)
        self.progress = QProgressBar()
        self.progress.setFixedWidth(170)
        self.progress.setAccessibleName("Analysis")
        self.cancel = QPushButton("Stop")
        self.cancel.setToolTip(cancel.toolTip())
        self.cancel.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.cancel.setEnabled(cancel.isEnabled())
        self.cancel.clicked.connect(cancel.trigger)
        cancel.enabledChanged.connect(self.cancel.setEnabled)
        self.review = _label(96)
        self.saved = _label(80)
        self.addWidget(self.scale)
        self.addWidget(self.model, 1)
        for widget in (self.progress, self.cancel, self.review, self.saved):
            self.addPermanentWidget(widget)
        session.exam_changed.connect(self.refresh)
        session.frame_shown.connect(lambda _: self._show_scale(session.calibration))
        session.recording_opened.connect(lambda _: self.refresh())
        session.analysis.predictor_changed.connect(lambda _: self._show_model())
        session.analysis.changed.connect(self._show_analysis)
        session.analysis.findings_changed.connect(lambda _: self._show_model())
        session.saved_changed.connect(lambda _: self.refresh())
        session.watch.began.connect(self.refresh)
        session.watch.ended.connect(lambda _: self.refresh())
        self.refresh()
        self._show_model()
        self._show_analysis(session.analysis.state)

    def refresh(self) -> None:
        session = self._session
        self.progress.setVisible(not session.watch.watching)
        self.cancel.setVisible(not session.watch.watching)
        if not session.is_open or session.watch.watching:
            # While watching, the open exam is not on screen, and its scale is not the link's.
            for label in (self.scale, self.review, self.saved):
                label.setText("")
            self._calibration = None
            return
        self._show_scale(session.calibration)
        count = session.to_review
        self.review.setText(f"{count} to review" if count or session.exam.measurements else "")
        self.saved.setText("saved" if session.saved else "NOT SAVED" if session.save_failed else "saving…")
        self.saved.setStyleSheet(f"color: {WARNING};" if session.save_failed else "")

    def _show_scale(self, calibration: Calibration) -> None:
        if calibration is not self._calibration:
            self._calibration = calibration
            badge = scale_badge(calibration)
            self.scale.setText(f"Scale: {badge.removeprefix('no scale: ').removeprefix('scale ')}")
            self.scale.setStyleSheet(f"color: {WARNING};" if scale_warning(calibration) else "")
            self.scale.setToolTip(calibration_text(calibration))

    def _show_model(self) -> None:
        info: PredictorInfo | None = self._session.analysis.predictor
        made = self._session.analysis.findings.model
        # A picture alone is measured on another engine than recordings are.
        text = f"{made.name}, {made.engine}" if made else info.text if info else None
        waiting = "No network: see Help, About" if self._session.analysis.predictor_failed else "Loading the network…"
        self.model.setText(f"{text}{self._fps}" if text else waiting)

    def _show_analysis(self, state: AnalysisState) -> None:
        # A picture alone has no rate.
        self._fps = f", {state.frames_per_s:.0f} fps" if state.total > 1 and state.frames_per_s else ""
        self._show_model()
        self.progress.setMaximum(max(state.total, 1))
        self.progress.setValue(state.total if state.complete else state.done)
        if state.running:
            text = f"analysing {state.done}/{state.total}"
        elif state.complete:
            text = f"analysed {state.done} frame" + "s" * (state.done != 1)
        elif state.total:
            text = f"stopped at {state.done}/{state.total}"
        else:
            text = "no analysis yet"
        self.progress.setFormat(text)


def _label(width: int) -> QLabel:
    label = QLabel()
    label.setMinimumWidth(width)
    return label
