"""Autosave: every decision is on disk moments after it was taken, and found again with its recording."""

from __future__ import annotations

import logging
from pathlib import Path

from PySide6.QtCore import QObject, QThread, Signal

from app.pipeline import BoxClosedError, Latest
from fetalnet.errors import InputError
from fetalnet.records import Exam, RecordingRef, new_exam, with_recording, with_scale_track
from fetalnet.store import SUFFIX, load_exam, save_exam

log = logging.getLogger(__name__)


class Journal(QThread):
    """Writes the newest exam to its file, off the UI thread.

    A file is named by what the recording holds, never by its name or label: names may tell who the patient is.

    Signals:
        saved(Exam): that value is on disk; failed(str): one sentence for a person.
    """

    saved = Signal(object)
    failed = Signal(str)

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.folder = folder
        self._newest: Latest[Exam] = Latest()

    def put(self, exam: Exam) -> None:
        """Save ``exam`` soon; an older one still waiting is skipped."""
        self._newest.put(exam)

    def stop(self) -> None:
        """Ask the thread to end; what waits is saved first."""
        self._newest.close()

    def run(self) -> None:
        try:
            while True:
                self.save_now(self._newest.get())
        except BoxClosedError:
            return

    def save_now(self, exam: Exam) -> None:
        """Save on the calling thread."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            save_exam(exam, self.path_of(exam.recordings[0]))
        except InputError as error:
            self.failed.emit(str(error))
        except OSError as error:
            log.warning("exam folder cannot be made: %s", error.strerror)
            self.failed.emit("Decisions cannot be saved in your home folder; export them before you quit.")
        else:
            self.saved.emit(exam)

    def path_of(self, recording: RecordingRef) -> Path:
        return self.folder / f"{recording.head_sha256[:24]}-{recording.size_bytes}{SUFFIX}"

    def restore(self, recording: RecordingRef) -> tuple[Exam, str | None]:
        """The exam saved for the same recording, else a new one; with a sentence where the saved one is damaged.

        A saved scale stays as it is. Where none was in use, what the recording says now counts.
        """
        path = self.path_of(recording)
        fresh = with_recording(new_exam(), recording)
        if not path.is_file():
            return fresh, None
        try:
            exam = load_exam(path)
        except InputError as error:
            aside = path.with_suffix(".damaged")
            path.replace(aside)
            return fresh, f"{error} It was set aside as {aside.name}, and a new exam begins."
        saved = exam.recordings[0]
        if not any(step.calibration.is_known for step in saved.scale_track.steps):
            exam = with_scale_track(exam, saved.id, recording.scale_track)
        return exam, None
