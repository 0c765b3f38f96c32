"""Opening recordings and writing exams."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QFileDialog

from app.actions.export import Exports
from app.actions.host import ActionHost
from app.workers.exporter import Format
from fetalnet.sources import ARCHIVE_SUFFIXES, DICOM_SUFFIXES, IMAGE_SUFFIXES, VIDEO_SUFFIXES


class Files:
    """Verbs of the File menu; ``exports`` is what writes."""

    def __init__(self, window: ActionHost) -> None:
        self.window, self.session = window, window.session
        self.exports = Exports(window)

    def open_dialog(self) -> None:
        suffixes = (*VIDEO_SUFFIXES, *IMAGE_SUFFIXES, *DICOM_SUFFIXES, *ARCHIVE_SUFFIXES)
        endings = " ".join(["DICOMDIR", *(f"*{suffix}" for suffix in suffixes)])
        name, _ = QFileDialog.getOpenFileName(
            self.window,
            "Open a recording",
            self.window.settings.last_folder,
            f"Recordings, images and archives ({endings});;All files (*)",
        )
        if name:
            self.window.open_path(Path(name))

    def open_folder_dialog(self) -> None:
        name = QFileDialog.getExistingDirectory(
            self.window, "Open a folder of recordings or images", self.window.settings.last_folder
        )
        if name:
            self.window.open_path(Path(name))

    def export_pdf(self) -> None:
        self.exports.ask(Format.PDF)

    def export_csv(self) -> None:
        self.exports.ask(Format.CSV)

    def export_json(self) -> None:
        self.exports.ask(Format.JSON)

    def keep_text(self, on: bool) -> None:
        """Nothing now: the next export looks whether it is checked. Not remembered, so that no start begins unsafe."""
