"""The dialog of device presets: rename, say what the ruler's ticks stand for, delete, give away, take from others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QListWidget,
    QMessageBox,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.session.scanner import Device
from fetalnet.core.errors import InputError
from fetalnet.core.scale.scale import SPACINGS_MM
from fetalnet.screen.device.preset import Preset
from fetalnet.screen.device.preset_folder import SUFFIX

TICKS_UNKNOWN = "not known: ask each time"
FILTER = f"Device presets (*{SUFFIX} *.json)"


class PresetsDialog(QDialog):
    """Asking is apart from doing: each other method needs no further dialog."""

    def __init__(self, device: Device, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Device presets")
        self.resize(620, 380)
        self._device = device
        self.list = QListWidget()
        self.list.setAccessibleName("Presets")
        self.list.currentTextChanged.connect(lambda _: self._describe())
        self.about = _wrapped()
        self.message = _wrapped()
        buttons = QVBoxLayout()
        self.buttons = {
            text: self._button(text, do, buttons)
            for text, do in (
                ("Rename…", self._ask_rename),
                ("Ruler ticks…", self._ask_ticks),
                ("Delete", self._ask_delete),
                ("Export…", self._ask_export),
                ("Import…", self._ask_import),
            )
        }
        buttons.addStretch(1)
        row = QHBoxLayout()
        row.addWidget(self.list, 1)
        row.addLayout(buttons)
        close = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        close.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addLayout(row, 1)
        for widget in (self.about, self.message, close):
            column.addWidget(widget)
        self._fill()

    @property
    def chosen(self) -> str:
        """The name of the chosen preset; empty where there is none."""
        item = self.list.currentItem()
        return item.text() if item is not None else ""

    def rename(self, new_name: str) -> None:
        name = self.chosen
        self._do(lambda: self._device.folder.rename(name, new_name), choose=new_name.strip())

    def set_ticks(self, spacing_mm: float | None) -> None:
        """Say what the ruler's ticks stand for; None forgets it."""
        name = self.chosen
        self._do(lambda: self._device.folder.set_ticks(name, spacing_mm), choose=name)

    def delete(self) -> None:
        name = self.chosen
        self._do(lambda: self._device.folder.delete(name))

    def export(self, path: Path) -> None:
        name = self.chosen
        self._do(lambda: self._device.folder.export(name, path), choose=name, said=f"Written: {path}")

    def take(self, path: Path) -> None:
        """Import a colleague's file."""
        self._do(lambda: self._device.folder.import_file(path))

    def _do(self, change: Callable[[], object], *, choose: str = "", said: str = "") -> None:
        try:
            change()
        except InputError as error:
            said = str(error)
        self._device.reload()
        self._fill(choose)
        self.message.setText(" ".join([said, *self._device.folder.damaged]).strip())

    def _fill(self, choose: str = "") -> None:
        presets = self._device.folder.presets()
        self.list.clear()
        self.list.addItems([preset.name for preset in presets])
        names = [preset.name for preset in presets]
        self.list.setCurrentRow(names.index(choose) if choose in names else 0 if names else -1)
        self.message.setText(" ".join(self._device.folder.damaged))
        self._describe()

    def _describe(self) -> None:
        name = self.chosen
        for text in ("Rename…", "Ruler ticks…", "Delete", "Export…"):
            self.buttons[text].setEnabled(bool(name))
        preset = next((each for each in self._device.folder.presets() if each.name == name), None)
        self.about.setText(
            "No device is remembered yet: open a recording, then Measure, Remember this device."
            if preset is None
            else description(preset)
        )

    def _ask_rename(self) -> None:
        name, agreed = QInputDialog.getText(self, "Rename preset", "Name of the device:", text=self.chosen)
        if agreed:
            self.rename(name)

    def _ask_ticks(self) -> None:
        known = self._device.folder.named(self.chosen).tick_spacing_mm
        choices = {f"{spacing_mm:g} mm": spacing_mm for spacing_mm in sorted(SPACINGS_MM)} | {TICKS_UNKNOWN: None}
        now = list(choices.values()).index(known) if known in choices.values() else len(choices) - 1
        text, agreed = QInputDialog.getItem(
            self, "Ruler ticks", "From one tick of this device's ruler to the next:", list(choices), now, False
        )
        if agreed:
            self.set_ticks(choices[text])

    def _ask_delete(self) -> None:
        question = f"Delete the preset {self.chosen}? This cannot be undone."
        if QMessageBox.question(self, "Delete preset", question) is QMessageBox.StandardButton.Yes:
            self.delete()

    def _ask_export(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self, "Export preset", f"preset{SUFFIX}", FILTER)
        if name:
            self.export(Path(name))

    def _ask_import(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Import preset", "", FILTER)
        if name:
            self.take(Path(name))

    def _button(self, text: str, do: Callable[[], None], column: QVBoxLayout) -> QPushButton:
        button = QPushButton(text)
        button.setAutoDefault(False)
        button.clicked.connect(lambda _=False: do())
        column.addWidget(button)
        return button


def description(preset: Preset) -> str:
    """What a preset holds, in a line."""
    parts = [f"Screen of {preset.layout.width} × {preset.layout.height} pixels"]
    if preset.fan is not None:
        parts.append("a fan drawn by hand")
    if preset.tick_spacing_mm is not None:
        longer = " and ".join("2nd" if every == 2 else f"{every}th" for every in preset.tick_pattern or ())
        longer = f" (every {longer} one longer)" if longer else ""
        parts.append(f"ruler ticks every {preset.tick_spacing_mm:g} mm{longer}")
    if preset.scale is not None:
        parts.append(f"{preset.scale.x:.4g} mm per pixel at one depth")
    if preset.masks:
        parts.append(f"{len(preset.masks)} masks")
    return ", ".join(parts) + "."


def _wrapped() -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    return label
