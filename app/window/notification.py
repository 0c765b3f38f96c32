"""One sentence over the picture that does not block: what went wrong and what to do."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QWidget

SHOWN_MS = 12_000
MARGIN = 10


class Notification(QFrame):
    """Lies over its parent's upper edge, so that nothing below it moves. The same sentence is not stacked."""

    def __init__(self, over: QWidget) -> None:
        super().__init__(over)
        self.setObjectName("notification")
        self._over = over
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 6, 6, 6)
        self._label = QLabel()
        self._label.setWordWrap(True)
        self._label.setTextFormat(Qt.TextFormat.PlainText)
        row.addWidget(self._label, 1)
        self.action = QPushButton()
        self.action.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.action.clicked.connect(self._do)
        row.addWidget(self.action, 0, Qt.AlignmentFlag.AlignTop)
        self._offered: QAction | None = None
        close = QToolButton()
        close.setText("✕")
        close.setAccessibleName("Close message")
        close.clicked.connect(self.hide)
        row.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SHOWN_MS)
        self._timer.timeout.connect(self.hide)
        over.installEventFilter(self)
        self.hide()

    def say(self, sentence: str, offered: QAction | None = None) -> None:
        """Show a sentence for a while; one that offers an action stays until the person has answered."""
        self._label.setText(sentence)
        self.setAccessibleName(sentence)
        self._offered = offered
        self.action.setVisible(offered is not None)
        if offered is not None:
            self.action.setText(offered.text().replace("&", ""))
        self._place()
        self.show()
        self.raise_()
        if offered is None:
            self._timer.start()
        else:
            self._timer.stop()

    def withdraw(self) -> None:
        """What is offered has been done another way."""
        if self._offered is not None:
            self.hide()

    def _do(self) -> None:
        if self._offered is not None and self._offered.isEnabled():
            self._offered.trigger()

    @property
    def text(self) -> str:
        """The sentence now shown; empty while hidden."""
        return self._label.text() if not self.isHidden() else ""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)

    def _place(self) -> None:
        width = max(min(self._over.width() - 2 * MARGIN, 720), 200)
        height = max(self.heightForWidth(width), self.sizeHint().height())
        self.setGeometry((self._over.width() - width) // 2, MARGIN + 28, width, height)
