"""What stands in the picture's place before anything is open."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.theme import MUTED, TEXT
from fetalnet.export.wording import RESEARCH_USE


class StartPage(QWidget):
    """Says what to do first, and what the program is not."""

    def __init__(self, openers: list[QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(40, 40, 40, 30)
        column.addStretch(2)
        column.addWidget(_line("Open an ultrasound recording", f"font-size: 22px; color: {TEXT};"))
        column.addSpacing(6)
        column.addWidget(
            _line(
                "Drop a video, a DICOM file, an image, a folder or a zip archive here, or use a button below; "
                "a scanner's picture is watched live. "
                "The program looks for head, abdomen and femur and proposes HC, BPD, OFD, AC and FL; you decide.",
                f"color: {MUTED};",
            )
        )
        column.addSpacing(14)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        for action in openers:
            button = QPushButton(action.text().replace("&", ""))
            button.setMinimumWidth(150)
            # The first is where the keyboard begins.
            self.setFocusProxy(self.focusProxy() or button)
            button.clicked.connect(action.trigger)
            buttons.addWidget(button)
        buttons.addStretch(1)
        column.addLayout(buttons)
        column.addStretch(3)
        column.addWidget(_line(RESEARCH_USE, f"color: {MUTED}; font-size: 11px;"))


def _line(text: str, style: str) -> QLabel:
    label = QLabel(text)
    label.setAlignment(Qt.AlignmentFlag.AlignCenter)
    label.setWordWrap(True)
    label.setStyleSheet(style)
    return label
