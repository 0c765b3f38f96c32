"""What the window shows and how."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QInputDialog

from app.actions.host import ActionHost
from app.actions.keys_dialog import KeysDialog
from app.actions.table import Do
from app.canvas.view import ZOOM_STEP
from app.dialogs.about import AboutDialog
from app.dialogs.settings import SettingsDialog
from fetalnet.export.wording import TEXT_NOT_FOUND

if TYPE_CHECKING:
    from app.panes.examination import ExaminationPane

ENGINES = ("auto", "openvino", "openvino:int8", "openvino:bf16", "torch", "cuda")


class Showing:
    """Verbs of the View and Help menus; ``examination`` is the pane once it was shown."""

    def __init__(self, window: ActionHost) -> None:
        self.window, self.session = window, window.session
        self.canvas = window.canvas
        self.examination: ExaminationPane | None = None

    def zoom_in(self) -> None:
        self.canvas.zoom_by(ZOOM_STEP)

    def zoom_out(self) -> None:
        self.canvas.zoom_by(1 / ZOOM_STEP)

    def fit(self) -> None:
        self.canvas.fit()

    def show_overlay(self, on: bool) -> None:
        self.window.settings.show_overlay = on
        for canvas in (self.canvas, self.window.live_canvas):
            canvas.set_overlay_visible(on)

    def hide_text(self, on: bool) -> None:
        self.window.settings.hide_text = on
        for canvas in (self.canvas, self.window.live_canvas):
            canvas.set_text_hidden(on)
        if on and self.canvas.fan is None and self.session.frame is not None:
            self.window.notification.say(TEXT_NOT_FOUND)

    def show_examination(self, on: bool) -> None:
        """Best frames and charts beside the player; made when first asked for: pyqtgraph takes a moment to load."""
        if self.examination is None and on:
            from app.panes.examination import ExaminationPane

            action = self.window.actions_[Do.EXAMINATION]
            self.examination = ExaminationPane(self.session, self.window.open_source, action)
            self.window.columns.add_side_page(self.examination)
        self.window.columns.show_side_page(self.examination if on else None)

    def full_screen(self, on: bool) -> None:
        window, full = self.window, Qt.WindowState.WindowFullScreen
        window.setWindowState(window.windowState() | full if on else window.windowState() & ~full)

    def cancel(self) -> None:
        if self.window.notification.text:
            self.window.notification.hide()
        self.canvas.cancel()

    def show_settings(self) -> None:
        if SettingsDialog(self.window.settings, self.window).exec():
            self.window.apply_settings()

    def show_shortcuts(self) -> None:
        KeysDialog(self.window).exec()

    def ask_engine(self) -> None:
        known = self.window.settings.engine
        engines = list(dict.fromkeys((*ENGINES, known)))
        running = self.session.analysis.predictor.text if self.session.analysis.predictor else "still loading"
        chosen, agreed = QInputDialog.getItem(
            self.window,
            "Engine of the network",
            f"Now: {running}.\n\nauto takes the one that was measured to be the fastest on this computer.",
            engines,
            engines.index(known),
            False,
        )
        if agreed:
            self.choose_engine(chosen)

    def choose_engine(self, engine: str) -> None:
        self.window.settings.engine = engine
        self.window.notification.say(f"From the next start the network runs on: {engine}.")

    def about(self) -> None:
        AboutDialog(self.session.analysis.predictor, self.window.model_card, self.window).exec()

    def close(self) -> None:
        self.window.close()
