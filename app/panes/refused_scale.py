"""Why the scale of the shown frame is not used, and what a person can do about it. It blocks nothing."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QVBoxLayout, QWidget

from app.session.session import Session
from fetalnet.core.scale.calibration import Calibration
from fetalnet.export.wording import calibration_text


class RefusedScale(QFrame):
    """Shown while the scale of the shown frame is refused or withdrawn, with an action a button."""

    def __init__(self, session: Session, actions: list[QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("notification")
        self._session = session
        self._calibration: Calibration | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 8, 10, 8)
        self._reason = QLabel()
        self._reason.setWordWrap(True)
        self._reason.setTextFormat(Qt.TextFormat.PlainText)
        column.addWidget(self._reason)
        for action in actions:
            button = QPushButton(action.text().replace("&", ""))
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setToolTip(action.toolTip())
            button.clicked.connect(action.trigger)
            column.addWidget(button)
        session.exam_changed.connect(self.refresh)
        session.recording_opened.connect(lambda _: self.refresh())
        session.frame_shown.connect(lambda _: self.refresh())
        self.refresh()

    def refresh(self) -> None:
        """Follow the shown frame; while playing over a change of scale it comes and goes."""
        calibration = self._session.calibration
        if calibration is self._calibration:
            return
        self._calibration = calibration
        if calibration.refused is not None:
            scale = calibration_text(replace(calibration, refused=None))
            self._reason.setText(f"The scale is not used. {calibration.refused} It is {scale}.")
            self.setAccessibleName(self._reason.text())
        self.setVisible(calibration.refused is not None)

    @property
    def text(self) -> str:
        """The sentence now shown; empty while hidden."""
        return self._reason.text() if not self.isHidden() else ""
