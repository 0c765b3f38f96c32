"""The checks every file passes before a reader opens it."""

from __future__ import annotations

import stat
from pathlib import Path

from fetalnet.core.errors import InputError


def check_no_pipe(path: Path) -> None:
    """Raise ``InputError`` for a pipe or a device: to open one may take for ever."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return  # whoever opens it will say what is wrong
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise InputError(f"{path.name} is a pipe or a device, not a file; choose a recording.")


def check_readable(path: Path) -> None:
    """Raise ``InputError`` where ``path`` is not a local file with something in it that may be read."""
    check_no_pipe(path)
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except FileNotFoundError as error:
        raise InputError(f"There is no file {path.name} any more or yet; check its name and folder.") from error
    except PermissionError as error:
        raise InputError(f"Reading {path.name} is not allowed; ask its owner for the right to read it.") from error
    except IsADirectoryError as error:
        raise InputError(f"{path.name} is a folder, not a file; choose a file in it.") from error
    except OSError as error:
        raise InputError(f"{path.name} cannot be read ({error.strerror}); copy it to this computer first.") from error
    if empty:
        raise InputError(f"{path.name} is empty; copy the recording again from where it came.")
