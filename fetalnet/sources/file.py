"""The checks every file passes before a reader opens it."""

from __future__ import annotations

from pathlib import Path

from fetalnet.errors import InputError


def check_readable(path: Path) -> None:
    """Raise ``InputError`` where ``path`` is not a local file with something in it that may be read."""
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
