"""Identity of a recording: a hash of its pictures, independent of file names and folders."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from fetalnet.core.errors import InputError
from fetalnet.core.printable import printable
from fetalnet.core.scale.track import NO_SCALE_TRACK, ScaleTrack
from fetalnet.exam.records import RecordingRef, new_id
from fetalnet.sources.pictures.images import image_files, natural_order

WHOLE_BYTES = 64 << 20
"""Files up to this size are hashed whole, larger ones in slices spread over all of the file."""
SLICE_BYTES = 32 << 10
SLICES = 512
FEWEST_SLICES = 8
"""Of each picture of a large folder."""
_GOLDEN = 0.618033988749895

FORMER_HEAD_BYTES = 1 << 20
"""How much of a file was hashed before whole contents were: one that begins black was not told from another."""
_TELLING_BYTES = FORMER_HEAD_BYTES // 8
"""Black rows shrink to nothing; a head that does not shrink to this is one recording's alone."""


@dataclass(frozen=True, slots=True)
class FormerIdentity:
    """What earlier versions knew a recording by: a file's size and head, a folder's names and sizes.

    Others may share it, unless it ``is_certain``.
    """

    size_bytes: int
    sha256: str
    is_certain: bool


def recording_ref(path: Path, frame_count: int, scale_track: ScaleTrack = NO_SCALE_TRACK) -> RecordingRef:
    """A reference to the file or folder of pictures at ``path``. Raises ``InputError`` where it cannot be read."""
    try:
        if path.is_dir():
            size, sha256 = _of_pictures(sorted(image_files(path), key=natural_order))
        else:
            size, sha256 = path.stat().st_size, _content(path, SLICES).hex()
    except OSError as error:
        raise InputError(f"Cannot read {path.name}: {error.strerror}; check that it is still there.") from error
    return RecordingRef(new_id(), printable(path), size, sha256, frame_count, scale_track)


def _of_pictures(files: list[Path]) -> tuple[int, str]:
    """Bytes and hash of pictures in their order; other files beside them do not count, nor do names."""
    sizes = [file.stat().st_size for file in files]
    slices = SLICES if sum(sizes) <= WHOLE_BYTES else max(SLICES // len(files), FEWEST_SLICES)
    digest = hashlib.sha256()
    for file in files:
        digest.update(_content(file, slices))
    return sum(sizes), digest.hexdigest()


def _content(path: Path, slices: int) -> bytes:
    size = path.stat().st_size
    with path.open("rb") as file:
        whole = size <= (WHOLE_BYTES if slices == SLICES else slices * SLICE_BYTES)
        return hashlib.file_digest(file, "sha256").digest() if whole else _spread(file, size, slices)


def _spread(file: BinaryIO, size: int, slices: int) -> bytes:
    """One slice from each stretch of the file, at a place that wanders: else each could hit the same rows of frames."""
    digest = hashlib.sha256(str(size).encode())
    for number in range(slices):
        place = (number + number * _GOLDEN % 1) * size / slices
        file.seek(min(int(place), size - SLICE_BYTES))
        digest.update(file.read(SLICE_BYTES))
    return digest.digest()


def former_identities(path: Path) -> tuple[FormerIdentity, ...]:
    """Identities that earlier versions computed for the file or folder, where they differ from the one of today."""
    try:
        if path.is_dir():
            everything = [each for each in path.iterdir() if each.is_file()]
            # It may have gained other files since.
            return tuple(dict.fromkeys(_of_names(files) for files in (everything, image_files(path))))
        size = path.stat().st_size
        if size <= FORMER_HEAD_BYTES:
            return ()
        with path.open("rb") as file:
            head = file.read(FORMER_HEAD_BYTES)
    except OSError as error:
        raise InputError(f"Cannot read {path.name}: {error.strerror}; check that it is still there.") from error
    is_certain = len(zlib.compress(head, 1)) >= _TELLING_BYTES
    return (FormerIdentity(size, hashlib.sha256(head).hexdigest(), is_certain),)


def _of_names(files: list[Path]) -> FormerIdentity:
    sizes = sorted((each.name, each.stat().st_size) for each in files)
    named = hashlib.sha256(repr(sizes).encode()).hexdigest()
    return FormerIdentity(sum(size for _, size in sizes), named, is_certain=False)
