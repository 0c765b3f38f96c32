"""The system's own lock on an open file: it is gone when the program that holds it is, however that ended."""

from __future__ import annotations

import errno
import os
import sys

_HELD = {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK}
_FAR_BYTE = 1 << 30
"""Windows lets nobody read a locked byte: one that is never written."""


def try_lock(handle: int) -> bool:
    """Take the lock of an open file; False where somebody has it. A file system without locks gives it to everyone."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(handle, _FAR_BYTE, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
            os.lseek(handle, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _HELD
    return True
