"""The menu bar, built from the table of menus, and in it the recordings that were opened last."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QMenuBar

from app.actions.table import MENUS, Do
from app.session.settings import Settings


def fill_menu_bar(
    bar: QMenuBar, actions: dict[Do, QAction], settings: Settings, open_path: Callable[[Path], None]
) -> None:
    """All menus; ``open_path`` is asked for what was opened before."""
    for title, items in MENUS.items():
        menu = bar.addMenu(title)
        for do in items:
            if do is None:
                menu.addSeparator()
            else:
                menu.addAction(actions[do])
            if do is Do.OPEN_FOLDER:
                menu.addMenu(_recent(bar, settings, open_path))


def _recent(bar: QMenuBar, settings: Settings, open_path: Callable[[Path], None]) -> QMenu:
    menu = QMenu("Open &recent", bar)

    def opener(path: Path) -> Callable[[], None]:
        return lambda: open_path(path)

    def fill() -> None:
        menu.clear()
        for name in settings.recent_files:
            menu.addAction(Path(name).name, opener(Path(name)))
        if not settings.recent_files:
            menu.addAction("Recordings you open are listed here").setEnabled(False)

    menu.aboutToShow.connect(fill)
    return menu
