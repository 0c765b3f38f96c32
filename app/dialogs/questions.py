"""The dialogs of the window: closing before all is saved, an exam of another computer, an unexpected error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox

from app.dialogs.about import NAME

if TYPE_CHECKING:
    from app.window.window import Window


def may_leave(window: Window) -> bool:
    """Whether the window may close: at once where all is saved, else as soon as it is, or a person says so."""
    return window.session.journal.all_saved or _Leaving(window).ask()


class _Leaving(QMessageBox):
    """Goes by itself when the disk has taken what waits."""

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self._session = window.session
        self.setWindowTitle(NAME)
        self._leave = self.addButton("Quit without saving", QMessageBox.ButtonRole.DestructiveRole)
        self.setDefaultButton(self.addButton("Stay", QMessageBox.ButtonRole.RejectRole))
        self._session.saved_changed.connect(self._look)

    def ask(self) -> bool:
        self._look()
        if not self._session.journal.all_saved:
            self.exec()
        self._session.saved_changed.disconnect(self._look)
        self.deleteLater()
        return self._session.journal.all_saved or self.clickedButton() is self._leave

    def _look(self) -> None:
        journal = self._session.journal
        if journal.all_saved:
            self.done(0)
        elif (failure := journal.failure) is not None:
            self.setIcon(QMessageBox.Icon.Warning)
            self.setText(f"Your last decisions are not saved. {failure}\n\nYou can stay and export them.")
        else:
            self.setText("Your last decisions are being saved; the window closes when they are.")


def ask_to_take_over(window: Window, sentence: str) -> None:
    """An exam seems to be open on another computer: a person knows whether it is."""
    box = QMessageBox(QMessageBox.Icon.Question, NAME, sentence, parent=window)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    take = box.addButton("Take over", QMessageBox.ButtonRole.AcceptRole)
    box.setDefaultButton(box.addButton("Only look", QMessageBox.ButtonRole.RejectRole))
    take.clicked.connect(window.session.take_over)
    box.open()


def tell_error(window: Window, what: str) -> None:
    """One dialog for an error nobody expected; what it says of the decisions is so."""
    session = window.session
    saved = "Your decisions are saved." if session.is_on_disk else "Your last decisions are not saved yet: export them."
    box = QMessageBox(
        QMessageBox.Icon.Critical,
        NAME,
        f"Something went wrong inside the program ({what}).\n\n{saved} You can go on; if it "
        "happens again, restart the program and report what you did. Details are in the log file.",
        parent=window,
    )
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.open()
