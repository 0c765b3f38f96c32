"""What actions need of the window that they belong to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMainWindow

from app.actions.table import Do
from app.canvas.view import Canvas
from app.live.view import LiveCanvas
from app.panes.timeline import Timeline
from app.session.session import Session
from app.session.settings import Settings
from app.window.columns import Columns
from app.window.notification import Notification
from fetalnet.sources import Source


class ActionHost(QMainWindow):
    """The window as its actions see it; they know nothing else of it."""

    session: Session
    settings: Settings
    open_source: Callable[[Path], Source]
    model_card: Path
    actions_: dict[Do, QAction]
    canvas: Canvas
    live_canvas: LiveCanvas
    timeline: Timeline
    columns: Columns
    notification: Notification

    def open_path(self, path: Path) -> None:
        """Open a recording, unless a watch runs."""
        raise NotImplementedError

    def apply_settings(self) -> None:
        """Let what is shown follow the settings that a person changes by hand."""
        raise NotImplementedError
