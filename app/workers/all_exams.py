"""Reads every exam that was saved, on a thread of its own."""

from __future__ import annotations

import logging
from pathlib import Path

from PySide6.QtCore import QObject, QThread, Signal

from fetalnet.core.errors import InputError
from fetalnet.exam.records import Exam
from fetalnet.exam.store import SUFFIX, load_exam

log = logging.getLogger(__name__)


class ExamReader(QThread):
    """Signals: read(tuple of Exam)."""

    read = Signal(object)

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder = folder

    def run(self) -> None:
        exams: list[Exam] = []
        for path in sorted(self._folder.glob(f"*{SUFFIX}")):
            if self.isInterruptionRequested():
                return
            try:
                exams.append(load_exam(path))
            except InputError as error:
                # Opening its recording will set it aside and say so.
                log.info("an exam is left out of the agreement: %s", type(error).__name__)
        self.read.emit(tuple(exams))
