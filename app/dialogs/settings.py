"""The settings that a person changes by hand; all others are remembered from what they do."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QLabel, QSpinBox, QVBoxLayout, QWidget

from app.session.settings import Settings

SIZES_PERCENT = (10, 90)


class SettingsDialog(QDialog):
    """A row a setting, in per cent; the settings change when it is accepted."""

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Settings")
        self._settings = settings
        self.min_plane_size = _percent(settings.min_plane_size, *SIZES_PERCENT)
        self.overlay_opacity = _percent(settings.overlay_opacity, 0, 100)
        rows = QFormLayout()
        rows.addRow("A plane fills &enough of the picture from", self.min_plane_size)
        rows.addRow("", _hint("of the fan's smaller side. INTERGROWTH-21st asks for 30 %, ISUOG for half."))
        rows.addRow("&Tint of what is outlined", self.overlay_opacity)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addLayout(rows)
        column.addWidget(buttons)

    def accept(self) -> None:
        """Take what was set."""
        self._settings.min_plane_size = self.min_plane_size.value() / 100
        self._settings.overlay_opacity = self.overlay_opacity.value() / 100
        super().accept()


def _percent(share: float, least: int, most: int) -> QSpinBox:
    box = QSpinBox()
    box.setRange(least, most)
    box.setSingleStep(5)
    box.setSuffix(" %")
    box.setValue(round(100 * share))
    return box


def _hint(text: str) -> QLabel:
    label = QLabel(text)
    label.setObjectName("hint")
    label.setWordWrap(True)
    return label
