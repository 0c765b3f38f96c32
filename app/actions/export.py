"""Exports as the person asks for them: where to, one at a time, and what became of it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from app.actions.host import ActionHost
from app.actions.table import Do
from app.workers.exporter import Export, Exporter, Format
from app.workers.hanging import wait_or_leave

FILTERS = {Format.PDF: "PDF (*.pdf)", Format.CSV: "CSV (*.csv)", Format.JSON: "JSON (*.json)"}


class Exports(QObject):
    """``running`` is the export now being written, if any."""

    def __init__(self, window: ActionHost) -> None:
        super().__init__(window)
        self.window = window
        self.running: Exporter | None = None

    def ask(self, form: Format) -> None:
        """Ask where to, then write."""
        start = Path(self.window.settings.last_folder or Path.home()) / f"exam.{form}"
        name, _ = QFileDialog.getSaveFileName(self.window, f"Export {form.upper()}", str(start), FILTERS[form])
        if name:
            path = Path(name)
            self.write(form, path if path.suffix else path.with_suffix(f".{form}"))

    def write(self, form: Format, path: Path) -> None:
        """Write the exam on a thread of its own; one at a time."""
        session = self.window.session
        if self.running is not None or session.recording is None:
            self.window.notification.say("An export is still being written; wait a moment and try again.")
            return
        keep_text = self.window.actions_[Do.KEEP_TEXT].isChecked()
        device = session.device
        export = Export(form, path, session.exam, session.recording.path, keep_text, session.searched_fan, device.masks)
        exporter = Exporter(export, self.window.open_source, self)
        exporter.done.connect(self._on_done)
        exporter.failed.connect(self.window.notification.say)
        exporter.progress.connect(self._on_progress)
        exporter.finished.connect(self._on_finished)
        self.running = exporter
        exporter.start()

    def stop(self) -> None:
        """Leave what is being written; nothing half stays."""
        if self.running is not None:
            self.running.requestInterruption()
            wait_or_leave(self.running)

    def _on_progress(self, done: int, total: int) -> None:
        self.window.statusBar().showMessage(f"Writing the report: picture {done + 1} of {total}")

    def _on_done(self, path: Path, about_text: str) -> None:
        self.window.notification.say(f"Written: {path}{about_text and f'. {about_text}'}")

    def _on_finished(self) -> None:
        self.window.statusBar().clearMessage()
        if self.running is not None:
            self.running.deleteLater()
        self.running = None
