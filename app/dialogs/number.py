"""Asks for one number, which may be typed with a decimal point or a decimal comma."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QLineEdit, QVBoxLayout, QWidget

from fetalnet.core.decimal_text import decimal
from fetalnet.core.errors import InputError


class NumberDialog(QDialog):
    """Says below the field how the number is understood, and closes on a number alone."""

    def __init__(self, title: str, label: str, value: float, unit: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self._unit = unit
        self.value = value
        column = QVBoxLayout(self)
        column.addWidget(QLabel(label))
        self.field = QLineEdit(f"{value:.6g}")
        self.field.setAccessibleName(label)
        self.field.selectAll()
        self.field.textChanged.connect(lambda _: self._read())
        column.addWidget(self.field)
        self.understood = QLabel()
        self.understood.setObjectName("hint")
        self.understood.setWordWrap(True)
        column.addWidget(self.understood)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        self._ok = buttons.button(QDialogButtonBox.StandardButton.Ok)
        column.addWidget(buttons)
        self._read()

    @staticmethod
    def ask(title: str, label: str, value: float, unit: str, parent: QWidget | None = None) -> float | None:
        """The number that a person typed; None where they would rather not."""
        dialog = NumberDialog(title, label, value, unit, parent)
        return dialog.value if dialog.exec() else None

    def _read(self) -> None:
        try:
            self.value = decimal(self.field.text())
        except InputError as error:
            self.understood.setText(str(error))
            self._ok.setEnabled(False)
        else:
            self.understood.setText(f"That is {self.value:g} {self._unit}.")
            self._ok.setEnabled(True)
