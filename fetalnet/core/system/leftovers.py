"""Leftovers of a killed program (partly written files, unpacked archives), removed at the next start."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from fetalnet.core.system.file_lock import try_lock
from fetalnet.core.system.files import PART_PREFIX, PART_SUFFIX

_UNPACKED = "fetalnet-unpacked-"


class PrivateFolder:
    """A folder for its owner alone, where nothing is to stay; held as long as this program lives."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=_UNPACKED))
        # Windows locks no folders; it keeps open files from being removed instead.
        self._handle = None if os.name == "nt" else os.open(self.path, os.O_RDONLY)
        if self._handle is not None:
            try_lock(self._handle)

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def remove_leftovers(*folders: Path) -> None:
    """Remove what no living program holds: unpacked archives, and half-written files in our own ``folders``."""
    for unpacked in _listed(Path(tempfile.gettempdir()), f"{_UNPACKED}*"):
        # One that is empty may not be held yet.
        if _is_our_folder(unpacked) and any(unpacked.iterdir()) and not _is_held(unpacked, os.O_RDONLY):
            shutil.rmtree(unpacked, ignore_errors=True)
    for folder in folders:
        for part in _listed(folder, f"{PART_PREFIX}*{PART_SUFFIX}"):
            if part.is_file() and not part.is_symlink() and not _is_held(part, os.O_RDWR):
                with contextlib.suppress(OSError):
                    part.unlink()


def _listed(folder: Path, pattern: str) -> list[Path]:
    try:
        return list(folder.glob(pattern))
    except OSError:
        return []


def _is_our_folder(path: Path) -> bool:
    try:
        return os.name != "nt" and path.is_dir() and not path.is_symlink() and path.stat().st_uid == os.getuid()
    except OSError:
        return False


def _is_held(path: Path, how: int) -> bool:
    """Whether a program that lives writes the file; one that cannot be asked is taken for held."""
    try:
        handle = os.open(path, how)
    except OSError:
        return True
    try:
        return not try_lock(handle)
    finally:
        os.close(handle)
