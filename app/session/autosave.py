"""Autosave: every decision is on disk moments after it was taken, and found again with its recording."""

from __future__ import annotations

import logging
import sys
import threading
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, QThread, Signal

from app.session.exam_lock import ExamLock, Refusal
from fetalnet.analysis.cache import SUFFIX as FRAMES_SUFFIX
from fetalnet.core.errors import InputError
from fetalnet.exam.former_exams import former_exam
from fetalnet.exam.records import Exam, RecordingRef, new_exam, with_recording
from fetalnet.exam.store import DamagedExamError, MissingExamError, exam_name, load_exam, save_exam

log = logging.getLogger(__name__)

RETRY_S = 2.0
"""How soon a save that failed is tried again, until it succeeds."""

_LEFT_ALONE = "It is left alone: the recording can be looked at, nothing is decided."
_INSIDE = "Decisions cannot be saved because of an error inside the program; export them before you quit."
_TAKEN_OVER = "This exam was taken over on another computer, so nothing is saved here; export what you decided."


class Journal(QThread):
    """Writes the newest value of every exam to its file, off the UI thread, and again until the disk takes it.

    A file is named by what the recording holds, never by its name or label: names may tell who the patient is.

    Signals:
        saved(Exam): that value is on disk; failed(str): one sentence for a person, once for each decision.
    """

    saved = Signal(object)
    failed = Signal(str)

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.folder = folder
        self._changed = threading.Condition(threading.RLock())
        self._holding = threading.Lock()
        self._wanted = self._stopping = False
        self._pending: dict[Path, Exam] = {}
        self._failures: dict[Path, str] = {}
        self._held: dict[Path, ExamLock] = {}
        self._leaving: set[Path] = set()
        self._refusals: dict[Path, Refusal] = {}
        self._taken_over: set[Path] = set()

    def path_of(self, recording: RecordingRef) -> Path:
        return self.folder / exam_name(recording.content_sha256, recording.size_bytes)

    def frames_path_of(self, recording: RecordingRef) -> Path:
        """Where the answers of its analysis are kept."""
        return self.path_of(recording).with_suffix(FRAMES_SUFFIX)

    # Whose an exam is.

    def refusal(self, recording: RecordingRef) -> Refusal | None:
        """Why this window may not write the exam: another has it, or it cannot be read now. None where it may."""
        with self._changed:
            return self._refusals.get(self.path_of(recording))

    def release_others(self, recording: RecordingRef | None) -> None:
        """Let go of every exam but this one, each as soon as it is saved."""
        kept = None if recording is None else self.path_of(recording)
        with self._changed:
            self._leaving |= {path for path in self._held if path != kept}
            self._let_go()

    def take_over(self, recording: RecordingRef) -> None:
        """When it is opened next, take the exam from the computer that had it."""
        with self._changed:
            self._taken_over.add(self.path_of(recording))

    def _let_go(self) -> None:
        for path in [path for path in self._leaving if path not in self._pending]:
            self._leaving.remove(path)
            self._held.pop(path).release()

    def _hold(self, path: Path) -> None:
        with self._holding:  # the disk may be slow: nobody else waits for it
            with self._changed:
                self._leaving.discard(path)
                self._refusals.pop(path, None)
                if path in self._held:
                    return
                anyway = path in self._taken_over
                self._taken_over.discard(path)
            self._make_folder()
            lock = ExamLock(path.with_suffix(".lock"))
            refusal = lock.take(anyway=anyway)
            with self._changed:
                if refusal is None:
                    self._held[path] = lock
                else:
                    self._refusals[path] = refusal

    def _leave_alone(self, path: Path, why: str) -> None:
        """Write nothing over what is there."""
        with self._changed:
            self._refusals.setdefault(path, Refusal(f"{why} {_LEFT_ALONE}"))
            if path in self._held and path not in self._pending:
                self._held.pop(path).release()

    # Saving.

    @property
    def all_saved(self) -> bool:
        """Whether nothing waits for the disk, of any exam."""
        with self._changed:
            return not self._pending

    @property
    def failure(self) -> str | None:
        """Why the disk does not take what waits, in a sentence; None where nothing was refused."""
        with self._changed:
            return next(iter(self._failures.values()), None)

    def put(self, exam: Exam) -> None:
        """Save ``exam`` soon; an older value of the same one still waiting is skipped."""
        with self._changed:
            path = self.path_of(exam.recordings[0])
            self._pending[path] = exam
            self._failures.pop(path, None)
            self._wanted = True
            self._changed.notify_all()

    def stop(self) -> None:
        """Ask the thread to end; all that waits is tried once more."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def close(self) -> None:
        """Let go of every exam, saved or not; the thread has ended, or nobody waits for it."""
        with self._changed:
            for lock in self._held.values():
                lock.release()
            self._held.clear()

    def run(self) -> None:
        last = False
        while not last:
            with self._changed:
                if not (self._wanted or self._stopping):
                    self._changed.wait(RETRY_S if self._pending else None)
                last, self._wanted = self._stopping, False
                waiting = dict(self._pending)
            for path, exam in waiting.items():
                self._try(path, exam)

    def _try(self, path: Path, exam: Exam) -> None:
        try:
            failure = self._write(path, exam)
        except Exception:  # noqa: BLE001  the thread must live on: nothing else would ever be saved
            failure = _INSIDE
            if self._failures.get(path) != failure:
                sys.excepthook(*sys.exc_info())
        with self._changed:
            is_newest = self._pending.get(path) is exam
            is_new = is_newest and failure is not None and self._failures.get(path) != failure
            if failure is None:
                self._failures.pop(path, None)
                if is_newest:
                    del self._pending[path]
                    self._let_go()
            elif is_newest:
                self._failures[path] = failure
        if failure is None:
            self.saved.emit(exam)
        elif is_new:
            self.failed.emit(failure)

    def _write(self, path: Path, exam: Exam) -> str | None:
        """Why the exam could not be written, None where it was."""
        with self._changed:
            lock = self._held.get(path)
        if lock is not None and lock.is_lost():
            return _TAKEN_OVER
        if not self._make_folder():
            return "Decisions cannot be saved in your home folder; export them before you quit."
        try:
            save_exam(exam, path)
        except InputError as error:
            return f"{error} Until then your decisions are not saved; it is tried again by itself."
        return None

    def save_now(self, exam: Exam) -> bool:
        """Save on the calling thread, whatever the journal's own is doing; whether that succeeded."""
        with self._changed:
            waiting = self._pending | {self.path_of(exam.recordings[0]): exam}
        return not [path for path, each in waiting.items() if self._write(path, each) is not None]

    def _make_folder(self) -> bool:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            log.warning("exam folder cannot be made: %s", error.strerror)
            return False
        return True

    # Finding again.

    def restore(self, recording: RecordingRef, path: Path) -> tuple[Exam, str | None]:
        """The exam saved for the recording at ``path``, else a new one; with a sentence where something is to be said.

        A saved scale stays as it is. Where none was in use, what the recording says now counts.
        """
        at = self.path_of(recording)
        self._hold(at)
        with self._changed:
            waiting = self._pending.get(at)
        if waiting is not None:
            return _opened_again(waiting, recording), None
        fresh = with_recording(new_exam(), recording)
        try:
            return _opened_again(load_exam(at), recording), None
        except MissingExamError:
            return self._taken_up(fresh, recording, path)
        except DamagedExamError as error:
            return fresh, self._set_aside(at, error)
        except InputError as error:
            self._leave_alone(at, str(error))
            return fresh, None

    def _taken_up(self, fresh: Exam, recording: RecordingRef, path: Path) -> tuple[Exam, str | None]:
        """What an earlier version saved for the recording moves to where it belongs now, with its analysis."""
        at = self.path_of(recording)
        try:
            former = former_exam(self.folder, recording, path)
        except InputError as error:
            return fresh, str(error)
        if former is None:
            return fresh, None
        exam = _opened_again(former.exam, recording)
        if self.refusal(recording) is not None:
            return exam, None
        lock = ExamLock(former.path.with_suffix(".lock"))
        if (refusal := lock.take()) is not None:
            with self._changed:
                self._refusals[at] = refusal
            return exam, None
        try:
            for suffix in (FRAMES_SUFFIX, at.suffix):
                if former.path.with_suffix(suffix).is_file():
                    former.path.with_suffix(suffix).replace(at.with_suffix(suffix))
        except OSError as error:
            log.warning("a former exam cannot be moved: %s", error.strerror)
        finally:
            lock.release()
        return exam, None

    def _set_aside(self, path: Path, error: DamagedExamError) -> str:
        with self._changed:
            if path not in self._held:
                return str(error)
        names = (path.with_suffix(f".damaged{'' if number == 1 else f'-{number}'}") for number in range(1, 1000))
        aside = next(each for each in names if not each.exists())
        try:
            path.replace(aside)
        except OSError:
            self._leave_alone(path, str(error))
            return str(error)
        return f"{error} It was set aside as {aside.name}, and a new exam begins."


def _opened_again(exam: Exam, now: RecordingRef) -> Exam:
    """The saved exam of a recording as it lies now, wherever that is and whatever it is called."""
    saved = exam.recordings[0]
    is_known = any(step.calibration.is_known for step in saved.scale_track.steps)
    scales = saved.scale_track if is_known else now.scale_track
    return replace(
        exam, recordings=(replace(now, id=saved.id, scale_track=scales, fan=saved.fan), *exam.recordings[1:])
    )
