"""The dialogs of a watch: what to watch, and the truth about the link."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from app.session.settings import Settings
from app.session.watch import Watch
from app.theme import MUTED, WARNING
from fetalnet.core.errors import InputError
from fetalnet.live import LiveSource, Replay, network_source

if TYPE_CHECKING:
    from fetalnet.live.links.grabber import Grabber

_REPORT_MS = 1000


class WatchDialog(QDialog):
    """Asks for a source: a stream by its address, a grabber by its name, or a recording."""

    _found = Signal(object)

    def __init__(self, settings: Settings, folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Watch live")
        self.setMinimumWidth(560)
        self.source: LiveSource | None = None
        self.connection = ""
        self._settings = settings
        column = QVBoxLayout(self)
        grid = QGridLayout()
        grid.setColumnStretch(1, 1)
        column.addLayout(grid)
        self.kinds = QButtonGroup(self)
        self.stream, self.grabber, self.recording = (
            QRadioButton("Network stream"),
            QRadioButton("Frame grabber or camera"),
            QRadioButton("A recording, as if live"),
        )
        self.address = QComboBox()
        self.address.setEditable(True)
        self.address.addItems(settings.live_addresses)
        self.address.setAccessibleName("Address of the stream")
        edit = self.address.lineEdit()
        assert isinstance(edit, QLineEdit)
        edit.setPlaceholderText("rtsp://host/stream   udp://@:5000   igtl://host")
        self.devices = QComboBox()
        self.devices.setAccessibleName("Frame grabbers and cameras")
        self.devices.addItem("Looking…")
        look = QPushButton("Look again")
        look.clicked.connect(self.look_for_grabbers)
        self.path = QLineEdit()
        self.path.setPlaceholderText("A video, a DICOM file or a folder of images")
        choose = QPushButton("Choose…")
        choose.clicked.connect(self._choose)
        for row, (radio, field, button) in enumerate(
            (
                (self.stream, self.address, None),
                (self.grabber, self.devices, look),
                (self.recording, self.path, choose),
            )
        ):
            self.kinds.addButton(radio)
            grid.addWidget(radio, row, 0)
            beside = QHBoxLayout()
            beside.addWidget(field, 1)
            if button is not None:
                beside.addWidget(button)
            grid.addLayout(beside, row, 1)
        self.stream.setChecked(True)
        edit.textEdited.connect(lambda _: self.stream.setChecked(True))
        self.devices.activated.connect(lambda _: self.grabber.setChecked(True))
        self.path.textEdited.connect(lambda _: self.recording.setChecked(True))
        self.problem = QLabel()
        self.problem.setWordWrap(True)
        self.problem.setStyleSheet(f"color: {WARNING};")
        self.problem.setMinimumHeight(34)
        column.addWidget(self.problem)
        note = QLabel(f"All that arrives is recorded, in {folder}, until you delete it there.")
        note.setWordWrap(True)
        note.setStyleSheet(f"color: {MUTED};")
        column.addWidget(note)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.watch_button = buttons.addButton("Watch", QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)
        self._found.connect(self._list)
        self.look_for_grabbers()
        edit.setFocus()

    def accept(self) -> None:
        """Close with a source; stay open with a sentence where there is none."""
        try:
            self.source = self._chosen()
        except InputError as error:
            self.problem.setText(str(error))
            return
        super().accept()

    def look_for_grabbers(self) -> None:
        """List what is plugged in; the system may take a second to say."""
        found = self._found

        def look() -> None:
            try:
                from fetalnet.live.links.grabber import grabbers

                found.emit(grabbers())
            except OSError:
                found.emit(())
            except RuntimeError:
                return  # the dialog has gone meanwhile
            except Exception:  # noqa: BLE001  the error hook logs it and tells the person
                sys.excepthook(*sys.exc_info())

        threading.Thread(target=look, name="look for grabbers", daemon=True).start()

    def _list(self, found: tuple[Grabber, ...]) -> None:
        self.devices.clear()
        for each in found:
            self.devices.addItem(each.name, each)
        if not found:
            self.devices.addItem("none found: plug one in and look again")
        self.devices.setEnabled(bool(found))

    def _chosen(self) -> LiveSource:
        if self.grabber.isChecked():
            device: Grabber | None = self.devices.currentData()
            if device is None:
                raise InputError("No grabber was found; plug one in and look again.")
            self.connection = f"USB, {device.usb_mbit_s:.0f} Mbit/s" if device.usb_mbit_s else ""
            return device
        if self.recording.isChecked():
            path = Path(self.path.text().strip())
            if not self.path.text().strip() or not path.exists():
                raise InputError("There is no such recording; choose one.")
            return Replay(path)
        stream = network_source(self.address.currentText())
        self._settings.add_live_address(stream.name)
        return stream

    def _choose(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "A recording to play as if live", self._settings.last_folder)
        if name:
            self.path.setText(name)
            self.recording.setChecked(True)


class LinkDialog(QDialog):
    """The capture doctor's report, which follows the link and can be copied."""

    def __init__(self, watch: Watch, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Capture doctor")
        self.resize(680, 380)
        self._watch = watch
        column = QVBoxLayout(self)
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setAccessibleName("Report about the link")
        column.addWidget(self.text, 1)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.copy = buttons.addButton("Copy report", QDialogButtonBox.ButtonRole.ActionRole)
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.text.toPlainText()))
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)
        tick = QTimer(self)
        tick.timeout.connect(self._refresh)
        tick.start(_REPORT_MS)
        self._refresh()

    def _refresh(self) -> None:
        report = self._watch.report()
        if report is not None and report.text() != self.text.toPlainText():
            self.text.setPlainText(report.text())
