"""The transport: play, step, speed, loop, and where we are."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QToolButton, QWidget

from app.workers.player import SPEEDS, PlayState, RecordingInfo
from fetalnet.export.wording import time_text
from fetalnet.sources import Frame


class PlayerBar(QWidget):
    """Buttons are the actions of the table; the texts keep their width so that nothing jumps.

    Signals:
        speed_chosen(float).
    """

    speed_chosen = Signal(float)

    def __init__(self, buttons: list[QAction], loop: QAction, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._recording: RecordingInfo | None = None
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 4, 8, 4)
        row.setSpacing(4)
        for action in buttons:
            row.addWidget(_button(action))
        self._time = _clock("–")
        self._time.setMinimumWidth(150)
        self._frame = _clock("no recording")
        self._frame.setMinimumWidth(170)
        row.addSpacing(8)
        row.addWidget(self._time)
        row.addWidget(self._frame)
        row.addStretch(1)
        self._speed = QComboBox()
        self._speed.setAccessibleName("Speed")
        self._speed.setToolTip("Speed")
        self._speed.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        for speed in SPEEDS:
            self._speed.addItem(f"{speed:g}×", speed)
        self._speed.setCurrentIndex(SPEEDS.index(1.0))
        self._speed.setEnabled(False)
        self._speed.activated.connect(lambda index: self.speed_chosen.emit(SPEEDS[index]))
        row.addWidget(self._speed)
        row.addWidget(_button(loop))

    def begin(self, recording: RecordingInfo) -> None:
        self._recording = recording
        self._speed.setEnabled(len(recording) > 1)

    def show_frame(self, frame: Frame) -> None:
        if self._recording is None:
            return
        whole = time_text(self._recording.times_s[-1] if self._recording.has_clock else None)
        time = time_text(frame.time_s)
        self._time.setText(f"{time} / {whole}" if self._recording.has_clock else "still pictures")
        width = len(str(len(self._recording)))
        self._frame.setText(f"frame {frame.index:>{width}} / {len(self._recording) - 1}")

    def show_state(self, state: PlayState) -> None:
        self._speed.setCurrentIndex(SPEEDS.index(state.speed))

    @property
    def position_text(self) -> str:
        return self._frame.text()


def _button(action: QAction) -> QToolButton:
    button = QToolButton()
    button.setDefaultAction(action)
    button.setIconSize(QSize(20, 20))
    button.setAutoRaise(False)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button


def _clock(text: str) -> QLabel:
    label = QLabel(text)
    label.setObjectName("clock")
    return label
