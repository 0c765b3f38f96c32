"""Files that are whole or not there: written beside their place, flushed to disk, then moved into it."""

from __future__ import annotations

import errno
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from fetalnet.core.errors import InputError
from fetalnet.core.system.file_lock import try_lock

_REASONS = {
    errno.ENOSPC: "the disk is full; free some space or choose another folder",
    errno.EDQUOT: "the disk quota is used up; free some space or choose another folder",
    errno.EACCES: "writing there is not allowed; choose another folder",
    errno.EPERM: "writing there is not allowed; choose another folder",
    errno.EROFS: "that disk is read-only; choose another folder",
    errno.ENOENT: "its folder does not exist; make the folder or choose another",
    errno.ENOTDIR: "its folder is a file; choose another folder",
    errno.EEXIST: "a file of that name is already there; choose another name",
    errno.EISDIR: "a folder of that name is already there; choose another name",
    errno.ENODEV: "that is a device or a pipe, not a file; choose another name",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
}


PART_PREFIX, PART_SUFFIX = ".fetalnet-", ".part"
"""How files are called while they are written."""
_umask_asked = threading.Lock()


def write_file(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write ``content`` to ``path`` at once; on any failure what was there before stays untouched.

    Raises ``InputError`` with a sentence for a person where the system refuses.
    """
    with whole_file(path, mode=mode) as file:
        file.write(content)


@contextmanager
def whole_file(
    path: Path, *, mode: int = 0o644, check: Callable[[Path], None] = lambda part: None
) -> Iterator[BinaryIO]:
    """A file to write into, which takes its place at ``path`` when the block ends well; else nothing changes.

    ``check`` is shown the whole file before that; where it raises, nothing changes either. Who may read it is ``mode``,
    or less where the system's umask says so. Raises ``InputError`` with a sentence for a person.
    """
    try:
        part, handle = _part_beside(path)
    except OSError as error:
        raise cannot_write(path, error) from error
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        check(part)
        part.chmod(keeping_to_umask(mode))
        part.replace(path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        part.unlink(missing_ok=True)


def keeping_to_umask(mode: int) -> int:
    """Rights for a file or folder that was made for its owner alone: as the system would have made it."""
    with _umask_asked:
        # It can only be asked by setting it.
        umask = os.umask(0o077)
        os.umask(umask)
    return mode & ~umask


def check_writable(path: Path) -> None:
    """Raise ``InputError`` where ``write_file`` could not put a file now; leaves nothing behind."""
    try:
        part, handle = _part_beside(path)
        os.close(handle)
        part.unlink()
    except OSError as error:
        raise cannot_write(path, error) from error


def _part_beside(path: Path) -> tuple[Path, int]:
    """A new empty file next to ``path`` and its handle. Raises ``OSError`` where no file can take that place."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "is a folder")
    if path.exists() and not path.is_file():
        raise OSError(errno.ENODEV, "is a device or a pipe")
    handle, name = tempfile.mkstemp(prefix=PART_PREFIX, suffix=PART_SUFFIX, dir=path.parent)
    try_lock(handle)  # as long as it is held, it is nobody's leftover
    return Path(name), handle


def cannot_write(path: Path, error: OSError) -> InputError:
    """The sentence for a failed write."""
    reason = _REASONS.get(error.errno or 0, f"the system refused ({error.strerror}); choose another place")
    return InputError(f"Cannot write {path.name or path}: {reason}.")
