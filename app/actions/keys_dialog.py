"""Keys: every action with a key, under the menu it stands in."""

from __future__ import annotations

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

from app.actions.table import ACTIONS, MENUS, ActionInfo
from app.theme import ACCENT

COLUMNS = (("&File", "&Edit", "&Live", "&View", "&Help"), ("&Measure",), ("&Play",))
"""Side by side, so that all keys are seen at once on a screen of 800 lines."""


class KeysDialog(QDialog):
    """One page of text."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys")
        self.resize(1180, 620)
        column = QVBoxLayout(self)
        self.page = QTextBrowser()
        self.page.setAccessibleName("Keys")
        self.page.setHtml(keys_html())
        column.addWidget(self.page)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)


def keys_html() -> str:
    """The page: menus side by side, their actions in the menus' order."""
    columns = (f"<td><table>{''.join(map(_menu, column))}</table></td>" for column in COLUMNS)
    return f"<table style='white-space: nowrap'><tr>{''.join(columns)}</tr></table>"


def _menu(title: str) -> str:
    infos = {info.do: info for info in ACTIONS if info.shortcuts}
    rows = "".join(
        f"<tr><td style='padding-right: 16px'>{infos[do].text.replace('&', '')}</td>"
        f"<td style='padding-right: 28px'><b>{_keys(infos[do])}</b></td></tr>"
        for do in MENUS[title]
        if do in infos
    )
    return f"<tr><td colspan='2' style='padding-top: 8px; color: {ACCENT}'>{title.replace('&', '')}</td></tr>{rows}"


def _keys(info: ActionInfo) -> str:
    return ", ".join(QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText) for key in info.shortcuts)
