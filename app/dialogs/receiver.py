"""The dialog of the DICOM receiver: on or off, under which name, where, from whom, and what happened so far."""

from __future__ import annotations

from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.session.reception import Reception
from app.session.settings import Settings
from app.theme import MUTED, TEXT, WARNING
from fetalnet.core.errors import InputError
from fetalnet.dicom_network import ReceiverSettings

HOSTS = {"This computer alone": "127.0.0.1", "The whole network (needs a list below)": "0.0.0.0"}


class ReceiveDialog(QDialog):
    """What is chosen holds from Apply on, and at the next start."""

    def __init__(self, reception: Reception, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Receive by DICOM")
        self.resize(620, 520)
        self._reception, self._settings = reception, settings
        column = QVBoxLayout(self)
        self.on = QCheckBox("Receive ultrasound that scanners and archives send (C-STORE)")
        self.on.setChecked(settings.receive)
        column.addWidget(self.on)
        form = QFormLayout()
        column.addLayout(form)
        self.title = QLineEdit(settings.receive_ae_title)
        form.addRow("Our AE title", self.title)
        self.port = QSpinBox()
        self.port.setRange(1, 65535)
        self.port.setValue(settings.receive_port)
        form.addRow("Port", self.port)
        self.host = QComboBox()
        for text, host in HOSTS.items():
            self.host.addItem(text, host)
        if settings.receive_host not in HOSTS.values():
            self.host.addItem(settings.receive_host, settings.receive_host)
        self.host.setCurrentIndex(self.host.findData(settings.receive_host))
        form.addRow("Listen to", self.host)
        self.allowed = QLineEdit(", ".join(settings.receive_from))
        self.allowed.setPlaceholderText("all AE titles; or a list such as VOLUSON1, ARCHIVE")
        form.addRow("May send", self.allowed)
        self.state = QLabel()
        self.state.setWordWrap(True)
        column.addWidget(self.state)
        self.events = QPlainTextEdit()
        self.events.setReadOnly(True)
        self.events.setAccessibleName("What happened so far")
        self.events.setPlaceholderText("What arrives, and what was refused and why, is listed here.")
        column.addWidget(self.events, 1)
        note = QLabel(
            f"What arrives is written to {reception.folder}, until you delete it there. The objects may name the "
            "patient, their file names do not. Nothing is encrypted on the way: use it within your own network."
        )
        note.setWordWrap(True)
        note.setStyleSheet(f"color: {MUTED};")
        column.addWidget(note)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Apply | QDialogButtonBox.StandardButton.Close)
        self.apply_button = buttons.button(QDialogButtonBox.StandardButton.Apply)
        self.apply_button.clicked.connect(self.apply)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)
        reception.changed.connect(self._show_state)
        reception.happened.connect(lambda _: self._show_events())
        self._show_state()
        self._show_events()

    def apply(self) -> None:
        """Take what is chosen; a sentence where it cannot be."""
        titles = (each.strip() for each in self.allowed.text().split(","))
        try:
            chosen = ReceiverSettings(
                self.port.value(),
                self.title.text().strip(),
                tuple(each for each in titles if each),
                self.host.currentData(),
            )
        except InputError as error:
            self._say(str(error), WARNING)
            return
        settings = self._settings
        settings.receive = self.on.isChecked()
        settings.receive_port, settings.receive_ae_title = chosen.port, chosen.ae_title
        settings.receive_from, settings.receive_host = list(chosen.allowed), chosen.host
        if settings.receive:
            self._reception.begin(chosen)
        else:
            self._reception.end()

    def _show_state(self) -> None:
        fine = self._reception.listening or not self._settings.receive
        self._say(self._reception.state, TEXT if fine else WARNING)

    def _show_events(self) -> None:
        self.events.setPlainText("\n".join(self._reception.events))
        self.events.verticalScrollBar().setValue(self.events.verticalScrollBar().maximum())

    def _say(self, sentence: str, colour: str) -> None:
        self.state.setText(sentence)
        self.state.setStyleSheet(f"color: {colour};")
