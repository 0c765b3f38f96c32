"""One window writes an exam: the lock file beside it, and who has it."""

from __future__ import annotations

import contextlib
import os
import platform
import uuid
from dataclasses import dataclass
from pathlib import Path

from fetalnet.core.system.file_lock import try_lock
from fetalnet.core.system.folders import PROGRAM

READ_ONLY = (
    "This exam is open in another window: here it can be looked at, nothing is changed. Close the other window and "
    "open the recording again to decide."
)
_ELSEWHERE = (
    "This exam was opened on the computer {host} and not closed there: here it can be looked at, nothing is changed. "
    "Is that window closed, or that computer off, take the exam over."
)
_TRIES = 5
_OWNER_ONLY = 0o600


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an exam is not written here; ``is_question`` where a person may know better than the program."""

    sentence: str
    is_question: bool = False


class ExamLock:
    """Held as long as this window has the exam. What a dead program left behind holds nobody up."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None
        # The first three lines are those of earlier versions, which read them.
        self._mark = f"{os.getpid()}\n{PROGRAM}\n{platform.node()}\n{uuid.uuid4().hex}\n"

    def take(self, *, anyway: bool = False) -> Refusal | None:
        """Take the lock; ``anyway`` also from a computer that may be gone. Returns why not, None where it is taken."""
        for _ in range(_TRIES):
            try:
                handle = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), _OWNER_ONLY)
            except OSError:
                return None  # where nothing can be saved by anyone, saving will say so
            if not try_lock(handle):
                os.close(handle)
                return Refusal(READ_ONLY)
            if self._is_there(handle):
                return self._mark_as_ours(handle, anyway)
            # Its holder let go and removed it just now.
            os.close(handle)
        return Refusal(READ_ONLY)

    def is_lost(self) -> bool:
        """Whether another computer took the exam over."""
        try:
            mark = self._path.read_text("utf-8", "replace")
        except OSError:
            return False
        return self._handle is not None and mark.strip() != "" and mark != self._mark

    def release(self) -> None:
        if self._handle is None:
            return
        with contextlib.suppress(OSError):
            if not self.is_lost():
                self._path.unlink()
        handle, self._handle = self._handle, None
        os.close(handle)
        if os.name == "nt":
            with contextlib.suppress(OSError):
                self._path.unlink()

    def _is_there(self, handle: int) -> bool:
        try:
            return os.path.samestat(os.fstat(handle), self._path.stat())
        except OSError:
            return False

    def _mark_as_ours(self, handle: int, anyway: bool) -> Refusal | None:
        lines = os.read(handle, 4096).decode("utf-8", "replace").splitlines()
        host = lines[2].strip() if len(lines) > 2 and lines[0].strip().isdigit() else ""
        if host and host.casefold() != platform.node().casefold() and not anyway:
            # A disk shared by several computers need not tell of locks that are held at another.
            os.close(handle)
            return Refusal(_ELSEWHERE.format(host=host), is_question=True)
        with contextlib.suppress(OSError):  # on a full disk it is held all the same
            os.ftruncate(handle, 0)
            os.lseek(handle, 0, os.SEEK_SET)
            os.write(handle, self._mark.encode())
        self._handle = handle
        return None
