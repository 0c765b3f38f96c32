"""The dialogs of the window: closing before all is saved, an exam of another computer, an unexpected error."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from app.dialogs.about import NAME
from app.session.session import Session


def may_leave(session: Session, parent: QWidget) -> bool:
    """Whether the window may close: at once where all is saved, else as soon as it is, or a person says so."""
    return session.journal.all_saved or _Leaving(session, parent).ask()


class _Leaving(QMessageBox):
    """Goes by itself when the disk has taken what waits."""

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session
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


def ask_to_take_over(session: Session, parent: QWidget, sentence: str) -> None:
    """An exam seems to be open on another computer: a person knows whether it is."""
    box = QMessageBox(QMessageBox.Icon.Question, NAME, sentence, parent=parent)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    take = box.addButton("Take over", QMessageBox.ButtonRole.AcceptRole)
    box.setDefaultButton(box.addButton("Only look", QMessageBox.ButtonRole.RejectRole))
    take.clicked.connect(session.take_over)
    box.open()


def tell_error(session: Session, parent: QWidget, what: str) -> None:
    """One dialog for an error nobody expected; what it says of the decisions is so."""
    saved = "Your decisions are saved." if session.is_on_disk else "Your last decisions are not saved yet: export them."
    box = QMessageBox(
        QMessageBox.Icon.Critical,
        NAME,
        f"Something went wrong inside the program ({what}).\n\n{saved} You can go on; if it "
        "happens again, restart the program and report what you did. Details are in the log file.",
        parent=parent,
    )
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.open()
