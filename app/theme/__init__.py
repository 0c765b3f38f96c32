"""Dark by default, because scan rooms are dark. Colours from Okabe and Ito, safe for colour-blind eyes."""

from __future__ import annotations

from pathlib import Path
from string import Template

from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

from fetalnet.core.planes import Plane
from fetalnet.export.overlay import COLOURS

BACKGROUND = "#15181c"
PANEL = "#1c2026"
RAISED = "#272d35"
BORDER = "#3a424d"
TEXT = "#e6e9ed"
MUTED = "#a3adb9"
"""Contrast with PANEL 7:1; with RAISED 6:1."""
ACCENT = "#56b4e9"
WARNING = "#e69f00"
PROBLEM = "#ff8f66"

PLANE_COLOURS = {plane: QColor(*rgb) for plane, rgb in COLOURS.items()}
"""The same on the screen, in the report and in the overlay video."""


def plane_colour(plane: Plane) -> QColor:
    """The colour of a plane's calipers, ribbons and titles."""
    return QColor(PLANE_COLOURS.get(plane, QColor(MUTED)))


def apply_theme(app: QApplication) -> None:
    """Give the whole program its palette and style sheet."""
    app.setStyle("Fusion")
    roles = QPalette.ColorRole
    palette = QPalette()
    for role, colour in {
        roles.Window: BACKGROUND,
        roles.WindowText: TEXT,
        roles.Base: PANEL,
        roles.AlternateBase: RAISED,
        roles.Text: TEXT,
        roles.Button: RAISED,
        roles.ButtonText: TEXT,
        roles.BrightText: TEXT,
        roles.ToolTipBase: RAISED,
        roles.ToolTipText: TEXT,
        roles.PlaceholderText: MUTED,
        roles.Highlight: "#2d6d94",
        roles.HighlightedText: "#ffffff",
        roles.Link: ACCENT,
    }.items():
        palette.setColor(role, QColor(colour))
    for role in (roles.WindowText, roles.Text, roles.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor("#7f8994"))
    app.setPalette(palette)
    sheet = Template((Path(__file__).parent / "dark.qss").read_text(encoding="utf-8"))
    app.setStyleSheet(
        sheet.substitute(
            background=BACKGROUND, panel=PANEL, raised=RAISED, border=BORDER, text=TEXT, muted=MUTED,
            accent=ACCENT, warning=WARNING,
        )
    )  # fmt: skip
