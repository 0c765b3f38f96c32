"""The recordings opened since the start, and the clips beside them; a click opens one."""

from __future__ import annotations

import time
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from app.session.picture_folders import SWITCHES
from app.session.session import Session
from app.session.settings import Settings
from app.workers.player import Listing, RecordingInfo
from fetalnet.dicom_network import Received

_FOLDER = Qt.ItemDataRole.UserRole + 1


class RecordingsPane(QFrame):
    """A list; the open recording is marked.

    Signals:
        chosen(Path).
    """

    chosen = Signal(object)

    def __init__(self, session: Session, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("pane")
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 4)
        self.received = 0
        title = QLabel("RECORDINGS")
        title.setObjectName("paneTitle")
        column.addWidget(title)
        self.count = QLabel()
        self.count.setObjectName("hint")
        self.count.hide()
        column.addWidget(self.count)
        self.folder = QLabel()
        self.folder.setObjectName("hint")
        self.folder.setWordWrap(True)
        self.folder.hide()
        column.addWidget(self.folder)
        self.switch = QPushButton()
        self.switch.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.switch.clicked.connect(session.switch_picture_folder)
        self.switch.hide()
        column.addWidget(self.switch)
        self._list = QListWidget()
        self._list.setAccessibleName("Recordings")
        self._list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self._list.itemClicked.connect(self._on_clicked)
        hint = QLabel("Recordings you open are listed here.")
        hint.setObjectName("hint")
        hint.setWordWrap(True)
        hint.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._pages = QStackedLayout()
        self._pages.addWidget(hint)
        self._pages.addWidget(self._list)
        column.addLayout(self._pages, 1)
        self._session = session

    def add(self, recording: RecordingInfo) -> None:
        """Mark the recording that is open now, adding it where it is new; say what its folder was taken for."""
        self._list.setCurrentItem(self.add_path(recording.path))
        folder = self._session.picture_folder
        self.folder.setVisible(folder is not None)
        self.switch.setVisible(folder is not None)
        if folder is not None:
            self.folder.setText(folder.text)
            self.switch.setText(SWITCHES[folder.taken_for])

    def add_clips(self, listing: Listing) -> None:
        """List the clips of a folder, a DICOMDIR or an archive, in the place of what holds them.

        Stills of a folder that is one recording now are recordings no longer.
        """
        ones = {clip.path for clip in listing.clips if clip.pictures}
        items = [self._list.item(row) for row in range(self._list.count())]
        gone = [
            row
            for row, item in enumerate(items)
            if item.data(Qt.ItemDataRole.UserRole) == listing.path or item.data(_FOLDER) in ones
        ]
        row = gone[0] if gone else self._list.count()
        for each in reversed(gone):
            self._list.takeItem(each)
        known = {self._list.item(each).data(Qt.ItemDataRole.UserRole) for each in range(self._list.count())}
        new = [clip for clip in listing.clips if clip.path not in known]
        for place, clip in enumerate(new, row):
            item = self._insert(place, clip.path, f"{clip.name}\n{clip.detail}".rstrip())
            item.setData(_FOLDER, clip.folder)

    def add_path(self, path: Path) -> QListWidgetItem:
        return self._item_of(path) or self._insert(self._list.count(), path, path.name)

    def add_received(self, received: Received) -> None:
        """List what a scanner or an archive sent; nothing in its name tells whose it is."""
        self.received += 1
        self.count.setText(f"{self.received} received")
        self.count.show()
        frames = f"{received.frames} frame{'s' * (received.frames != 1)}"
        if self._item_of(received.path) is None:
            self._insert(self._list.count(), received.path, f"Received {time.strftime('%H:%M:%S')}\n{frames}")

    def _insert(self, row: int, path: Path, label: str) -> QListWidgetItem:
        self._pages.setCurrentIndex(1)
        item = QListWidgetItem(label)
        item.setData(Qt.ItemDataRole.UserRole, path)
        item.setToolTip(str(path))
        self._list.insertItem(row, item)
        return item

    def _item_of(self, path: Path) -> QListWidgetItem | None:
        items = (self._list.item(row) for row in range(self._list.count()))
        return next((item for item in items if item.data(Qt.ItemDataRole.UserRole) == path), None)

    def _on_clicked(self, item: QListWidgetItem) -> None:
        path = item.data(Qt.ItemDataRole.UserRole)
        if self._session.recording is None or path != self._session.recording.path:
            self.chosen.emit(path)
