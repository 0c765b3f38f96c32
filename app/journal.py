"""Autosave: every decision is on disk moments after it was taken, and found again with its recording."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path

from PySide6.QtCore import QLockFile, QObject, QThread, Signal

from app.pipeline import BoxClosedError, Latest
from fetalnet.errors import InputError
from fetalnet.kept_analysis import SUFFIX as FRAMES_SUFFIX
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
        self._held: dict[Path, QLockFile] = {}

    def frames_path_of(self, recording: RecordingRef) -> Path:
        """Where the answers of its analysis are kept."""
        return self.path_of(recording).with_suffix(FRAMES_SUFFIX)

    def may_write(self, recording: RecordingRef) -> bool:
        """Whether this window holds the exam; another window that opened it first does, until it closes."""
        return self.path_of(recording) in self._held

    def release_others(self, recording: RecordingRef | None) -> None:
        """Let go of every exam but this one."""
        kept = None if recording is None else self.path_of(recording)
        for path in [path for path in self._held if path != kept]:
            self._held.pop(path).unlock()

    def _hold(self, recording: RecordingRef) -> None:
        path = self.path_of(recording)
        if path in self._held:
            return
        # Where nothing can be saved by anyone, saving will say so.
        with contextlib.suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
        lock = QLockFile(str(path.with_suffix(".lock")))
        # A lock is as old as its window; only one whose program is gone is stale.
        lock.setStaleLockTime(0)
        if lock.tryLock(0) or lock.error() is not QLockFile.LockError.LockFailedError:
            self._held[path] = lock

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
        self._hold(recording)
        path = self.path_of(recording)
        fresh = with_recording(new_exam(), recording)
        if not path.is_file():
            return fresh, None
        try:
            exam = load_exam(path)
        except InputError as error:
            if not self.may_write(recording):
                return fresh, str(error)
            aside = path.with_suffix(".damaged")
            path.replace(aside)
            return fresh, f"{error} It was set aside as {aside.name}, and a new exam begins."
        saved = exam.recordings[0]
        if not any(step.calibration.is_known for step in saved.scale_track.steps):
            exam = with_scale_track(exam, saved.id, recording.scale_track)
        return exam, None
