"""The folder of received objects: an object is in it whole and opens, or it is refused with the reason."""

from __future__ import annotations

import hashlib
import shutil
import threading
from contextlib import closing
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_file_meta_info

from fetalnet.core.errors import InputError
from fetalnet.core.system.files import whole_file
from fetalnet.sources.dicom.file import DicomFile, check_ultrasound, promised_frames
from fetalnet.sources.dicom.header import quiet, read_header
from fetalnet.sources.dicom.signature import PREAMBLE_BYTES

_INDEX_BYTES = 64 << 20
"""Within these stands what tells of the pixels."""


class Status:
    """Answers to C-STORE (PS3.4 B.2.3)."""

    SUCCESS, FAILED, NO_ROOM, NO_ULTRASOUND, NO_UID = 0x0000, 0x0110, 0xA700, 0xA900, 0x0117
    NOT_UNDERSTOOD = 0xC000


class RefusedError(Exception):
    """The object is not taken, for this reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True)
class Stored:
    """An object that is on disk; ``is_new`` where it was not before, ``is_beside`` where its number has another."""

    path: Path
    frames: int
    is_new: bool
    is_beside: bool


class Storage:
    """Takes objects from several threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writing = threading.Lock()

    def take(self, instance: str | None, file_meta: Any, content: BytesIO | None, least_free_bytes: int) -> Stored:
        """Write what came under this instance UID, unless it is here already. Raises ``RefusedError``."""
        if content is None or not instance:
            raise RefusedError(Status.NO_UID, "it holds nothing, or does not say which object it is.")
        written = DicomBytesIO()
        with quiet():
            written.write(bytes(PREAMBLE_BYTES) + b"DICM")
            write_file_meta_info(written, file_meta)
        head, body = written.getvalue(), content.getbuffer()
        frames = _frames_of(head, body)
        # Neither the name of the file nor its folder tells whom it shows.
        path = self._folder / f"{hashlib.sha256(instance.encode()).hexdigest()[:20]}.dcm"
        with self._writing:
            is_beside = path.exists() and not _holds(path, body)
            if is_beside:
                path = path.with_stem(f"{path.stem}-{hashlib.sha256(body).hexdigest()[:8]}")
            is_new = not path.exists()
            if is_new:
                self._write(path, head, body, least_free_bytes)
        return Stored(path, frames, is_new, is_beside)

    def _write(self, path: Path, head: bytes, body: memoryview, least_free_bytes: int) -> None:
        try:
            if shutil.disk_usage(self._folder).free < least_free_bytes + body.nbytes:
                raise RefusedError(Status.NO_ROOM, "too little space is left on the disk; free some.")
            with whole_file(path, mode=0o600, check=_check_opens) as file:
                file.write(head)
                file.write(body)
        except (InputError, OSError) as error:
            raise RefusedError(Status.NO_ROOM, "it cannot be written; look at disk and folder.") from error


def _frames_of(head: bytes, body: memoryview) -> int:
    """Number of frames of the object. Raises ``RefusedError`` where it is no ultrasound object."""
    try:
        header = read_header(BytesIO(head + body[:_INDEX_BYTES]), "it")
        try:
            check_ultrasound(header, "it")
            return promised_frames(header) or 1
        finally:
            header.file.close()
    except InputError as error:
        raise RefusedError(Status.NO_ULTRASOUND, str(error)) from error


def _holds(path: Path, body: memoryview) -> bool:
    """Whether this very object is in the file, behind a head that may be another."""
    if path.stat().st_size < body.nbytes:
        return False
    with path.open("rb") as file:
        file.seek(-body.nbytes, 2)
        return file.read() == body


def _check_opens(path: Path) -> None:
    """Raises ``RefusedError`` where nothing of a file can be shown."""
    try:
        with closing(DicomFile(path)) as source:
            next(iter(source))
    except StopIteration as error:
        raise RefusedError(Status.NOT_UNDERSTOOD, "it cannot be opened: all its pictures are damaged.") from error
    except InputError as error:
        why = str(error).replace(path.name, "it")
        raise RefusedError(Status.NOT_UNDERSTOOD, f"it cannot be opened: {why}") from error
