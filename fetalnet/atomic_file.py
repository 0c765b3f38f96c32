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

from fetalnet.errors import InputError

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


_PART_PREFIX, _PART_SUFFIX = ".fetalnet-", ".part"
_umask_asked = threading.Lock()
_being_written: set[str] = set()


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
        _being_written.discard(part.name)


def keeping_to_umask(mode: int) -> int:
    """Rights for a file or folder that was made for its owner alone: as the system would have made it."""
    with _umask_asked:
        # It can only be asked by setting it.
        umask = os.umask(0o077)
        os.umask(umask)
    return mode & ~umask


def remove_leftovers(folder: Path) -> None:
    """Delete what ``whole_file`` left half written in ``folder`` when its program was killed; nothing of others.

    Raises ``OSError`` where the system refuses.
    """
    for part in folder.glob(f"{_PART_PREFIX}*{_PART_SUFFIX}"):
        process = part.name.removeprefix(_PART_PREFIX).partition("-")[0]
        if process.isdecimal() and part.name not in _being_written and not _is_running(int(process)):
            part.unlink(missing_ok=True)


def _is_running(process: int) -> bool:
    """Whether another program has this number now. Windows keeps what is open from being deleted by itself."""
    if os.name == "nt" or process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def check_writable(path: Path) -> None:
    """Raise ``InputError`` where ``write_file`` could not put a file now; leaves nothing behind."""
    try:
        part, handle = _part_beside(path)
        os.close(handle)
        part.unlink()
        _being_written.discard(part.name)
    except OSError as error:
        raise cannot_write(path, error) from error


def _part_beside(path: Path) -> tuple[Path, int]:
    """A new empty file next to ``path`` and its handle. Raises ``OSError`` where no file can take that place."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "is a folder")
    if path.exists() and not path.is_file():
        raise OSError(errno.ENODEV, "is a device or a pipe")
    prefix = f"{_PART_PREFIX}{os.getpid()}-"
    handle, name = tempfile.mkstemp(prefix=prefix, suffix=_PART_SUFFIX, dir=path.parent)
    part = Path(name)
    _being_written.add(part.name)
    return part, handle


def cannot_write(path: Path, error: OSError) -> InputError:
    """The sentence for a failed write."""
    reason = _REASONS.get(error.errno or 0, f"the system refused ({error.strerror}); choose another place")
    return InputError(f"Cannot write {path.name or path}: {reason}.")
