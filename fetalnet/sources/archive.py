"""Recordings in a zip archive: ``study.zip/series/IM_0001`` names one, and it is unpacked while it is open."""

from __future__ import annotations

import shutil
import stat
import threading
import weakref
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from fetalnet.core.errors import InputError
from fetalnet.core.frame import Frame, Source
from fetalnet.core.system.leftovers import PrivateFolder, remove_leftovers
from fetalnet.sources.pictures.images import IMAGE_SUFFIXES

MAX_MEMBERS = 10_000
MAX_TOTAL_BYTES = 32 * 2**30
MAX_RATIO, RATIO_COUNTS_FROM_BYTES = 300, 64 * 2**20
"""Video and cines pack by less than 100; what swells by more is made to fill the disk."""

_ZIP_STARTS = {b"PK\x03\x04", b"PK\x05\x06"}
_READ_ERRORS = (OSError, EOFError, NotImplementedError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error)


def is_archive(path: Path) -> bool:
    """Whether the file is a zip archive, by what it holds."""
    try:
        if not path.is_file():
            return False  # reading a pipe may wait for ever
        with path.open("rb") as file:
            return file.read(4) in _ZIP_STARTS and zipfile.is_zipfile(path)
    except OSError:
        return False


def archive_of(path: Path) -> tuple[Path, str] | None:
    """The archive and the name in it, where ``path`` leads through one."""
    for parent in path.parents:
        if parent.is_file():
            return (parent, path.relative_to(parent).as_posix()) if is_archive(parent) else None
    return None


class Archive:
    """A zip archive that has been looked at and may be unpacked. Raises ``InputError`` for one that may not."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._readable():
            self._zip = zipfile.ZipFile(path)
        try:
            self.members = self._checked()
        except BaseException:
            self._zip.close()
            raise

    def close(self) -> None:
        self._zip.close()

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def open(self, member: str) -> Iterator[BinaryIO]:
        """One member to be read, no further than it says it is long."""
        with self._readable(), self._zip.open(self.members[member]) as file:
            yield cast("BinaryIO", file)

    def unpack(self, member: str, to: Path) -> None:
        """Write one member to the file ``to``."""
        free = shutil.disk_usage(to.parent).free
        if self.members[member].file_size > free:
            raise InputError(f"There is no room to unpack {self.path.name}; free some space.")
        with self.open(member) as packed, to.open("wb") as file:
            shutil.copyfileobj(packed, file, 2**20)

    def _checked(self) -> dict[str, zipfile.ZipInfo]:
        infos = self._zip.infolist()
        if len(infos) > MAX_MEMBERS:
            raise InputError(f"{self.path.name} holds more than {MAX_MEMBERS} files; unpack it and open a part of it.")
        total = 0
        members = {}
        for info in infos:
            parts = PurePosixPath(info.filename.replace("\\", "/")).parts
            if ".." in parts or info.filename.startswith(("/", "\\")) or any(":" in part for part in parts[:1]):
                raise InputError(f"{self.path.name} names files outside itself and is not opened; ask who made it.")
            if info.flag_bits & 1:
                raise InputError(f"{self.path.name} is locked with a password; unpack it first.")
            total += info.file_size
            swells = info.file_size > RATIO_COUNTS_FROM_BYTES and info.file_size > MAX_RATIO * info.compress_size
            if swells or total > MAX_TOTAL_BYTES:
                raise InputError(f"{self.path.name} would unpack to more than can be right; unpack it yourself.")
            if not info.is_dir() and not stat.S_ISLNK(info.external_attr >> 16):
                members[info.filename] = info
        return members

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except _READ_ERRORS as error:
            raise InputError(f"{self.path.name} is a damaged archive; copy it again or unpack it first.") from error


class ArchivedSource:
    """A source whose file was unpacked for it, and goes when it is closed."""

    def __init__(self, source: Source, path: Path, unpacked: Unpacked) -> None:
        self._source, self._unpacked = source, unpacked
        self.path, self.name = path, path.name
        self.width, self.height, self.frame_rate_hz = source.width, source.height, source.frame_rate_hz
        self.calibration, self.remark = source.calibration, source.remark

    @property
    def notice(self) -> str | None:
        return self._source.notice

    @notice.setter
    def notice(self, sentence: str | None) -> None:
        self._source.notice = sentence

    def __len__(self) -> int:
        return len(self._source)

    def __getitem__(self, index: int) -> Frame:
        return self._source[index]

    def __iter__(self) -> Iterator[Frame]:
        return iter(self._source)

    def time_s(self, index: int) -> float | None:
        return self._source.time_s(index)

    def close(self) -> None:
        self._source.close()
        self._unpacked.leave()


class Unpacked:
    """What was unpacked of an archive, in a private folder, for everyone who has it open."""

    def __init__(self, archive: Archive, members: Sequence[str], *, is_folder: bool) -> None:
        self.users = 0
        self.mark = _mark_of(archive.path)
        remove_leftovers()
        held = PrivateFolder()
        # Should nobody close it, it goes with the program; should that be killed, with the next.
        self._remove = weakref.finalize(self, held.remove)
        folder = held.path
        try:
            for member in members:
                archive.unpack(member, folder / PurePosixPath(member).name)
        except BaseException:
            self._remove()
            raise
        self.path = folder if is_folder else folder / PurePosixPath(members[0]).name

    def leave(self) -> None:
        with _lock:
            self.users -= 1
            if self.users == 0:
                for key in [key for key, each in _held.items() if each is self]:
                    del _held[key]
                self._remove()


_held: dict[Path, Unpacked] = {}
_lock = threading.RLock()


def unpacked(path: Path) -> Unpacked:
    """Unpack what ``path`` names in an archive, once for all who ask; each calls ``leave`` when done."""
    found = archive_of(path) or (path, "")
    with _lock:
        held = _held.get(path)
        # Another archive of that name is another patient's; who has the one before open keeps it.
        if held is None or held.mark != _mark_of(found[0]):
            with Archive(found[0]) as archive:
                members, is_folder = _members(archive, found[1])
                held = _held[path] = Unpacked(archive, members, is_folder=is_folder)
        held.users += 1
        return held


def _mark_of(archive: Path) -> tuple[int, int, int] | None:
    try:
        found = archive.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def file_of(path: Path) -> Path:
    """The file that holds what ``path`` names: itself, or what is unpacked of it while it is open."""
    with _lock:
        held = _held.get(path)
    return path if held is None else held.path


def _members(archive: Archive, name: str) -> tuple[list[str], bool]:
    if name in archive.members:
        return [name], False
    inside = [
        each
        for each in archive.members
        if PurePosixPath(each).parent.as_posix() == (name or ".") and each.lower().endswith(IMAGE_SUFFIXES)
    ]
    if not inside:
        raise InputError(f"There is no {PurePosixPath(name).name} in {archive.path.name}; open the archive itself.")
    return inside, True
