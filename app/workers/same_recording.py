"""Opens the open recording again: for its analysis, small pictures and reports, as long as it is the same one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from fetalnet.core.errors import InputError
from fetalnet.exam.identity import recording_ref
from fetalnet.sources import Source, file_of, image_files

_Marks = tuple[tuple[int, int, int, int], ...]
"""Where each file lies, how long it is and when it was written: what is read at once."""


class SameRecording:
    """Called with a path as ``open_source``. A stick may be another by now, and a file written over.

    Raises ``InputError`` where the path holds other pictures than those that were opened.
    """

    def __init__(self, open_source: Callable[[Path], Source]) -> None:
        self._open_source = open_source
        self._lock = threading.Lock()
        self._known: dict[Path, str] = {}
        self._seen: dict[Path, _Marks] = {}

    def know(self, path: Path, content_sha256: str) -> None:
        """From now on ``path`` names the recording with this content."""
        with self._lock:
            self._known[path] = content_sha256
            self._seen.pop(path, None)

    def __call__(self, path: Path) -> Source:
        source = self._open_source(path)
        try:
            self._check(path)
        except BaseException:
            source.close()
            raise
        return source

    def _check(self, path: Path) -> None:
        with self._lock:
            known, seen = self._known.get(path), self._seen.get(path)
        if known is None:
            return
        file = file_of(path)
        marks = _marks(file)
        if marks == seen:
            return
        if recording_ref(file, 0).content_sha256 != known:
            raise InputError(f"{path.name} holds other pictures than when it was opened; open it again.")
        with self._lock:
            if self._known.get(path) == known:
                self._seen[path] = marks


def _marks(file: Path) -> _Marks:
    try:
        found = [each.stat() for each in (image_files(file) if file.is_dir() else [file])]
    except OSError as error:
        raise InputError(f"Cannot read {file.name}: {error.strerror}; check that it is still there.") from error
    return tuple((each.st_dev, each.st_ino, each.st_size, each.st_mtime_ns) for each in found)
