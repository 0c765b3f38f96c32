"""MetaImage volumes (.mha) of bytes, frame by frame; a whole sweep of 350 MB is never held.

SimpleITK would read them too, at 50 MB more to install for one format.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fetalnet.core.errors import InputError
from fetalnet.core.geometry import MmPerPixel
from fetalnet.sources.checks import check_readable

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class MetaImage:
    """The head of a file: ``count`` frames of (height, width) uint8, where they begin, and whether they are packed."""

    path: Path
    width: int
    height: int
    count: int
    mm_per_pixel: MmPerPixel
    offset: int
    packed: bool

    @staticmethod
    def open(path: Path) -> MetaImage:
        """Read the head. Raises ``InputError`` for all but three-dimensional volumes of bytes in one file."""
        check_readable(path)
        tags: dict[str, str] = {}
        with path.open("rb") as file:
            while "ElementDataFile" not in tags:
                name, found, value = file.readline(_CHUNK).decode("latin-1").partition("=")
                if not found:
                    raise InputError(f"{path.name} is no MetaImage file; fetch the data set again.")
                tags[name.strip()] = value.strip()
            offset = file.tell()
        try:
            width, height, count = (int(size) for size in tags["DimSize"].split())
            x, y, _ = (float(size) for size in tags["ElementSpacing"].split())
        except (KeyError, ValueError) as error:
            raise InputError(f"{path.name} tells no size or spacing in three dimensions; fetch it again.") from error
        of_bytes = (tags.get("ElementType"), tags["ElementDataFile"]) == ("MET_UCHAR", "LOCAL")
        if not of_bytes or min(width, height, count, x, y) <= 0:
            raise InputError(f"{path.name} holds no volume of bytes in itself; save it as MET_UCHAR in one .mha file.")
        packed = tags.get("CompressedData", "False").lower() == "true"
        return MetaImage(path, width, height, count, MmPerPixel(x, y), offset, packed)

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        """(height, width) each, in order. Raises ``InputError`` where the file ends early or is damaged."""
        size, held, count = self.width * self.height, bytearray(), 0
        for part in self._content():
            held += part
            while len(held) >= size and count < self.count:
                yield np.frombuffer(bytes(held[:size]), np.uint8).reshape(self.height, self.width)
                del held[:size]
                count += 1
        if count < self.count:
            raise InputError(f"{self.path.name} ends early; fetch the data set again.")

    def _content(self) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            file.seek(self.offset)
            chunks = iter(lambda: file.read(_CHUNK), b"")
            try:
                yield from _unpacked(chunks) if self.packed else chunks
            except zlib.error as error:
                raise InputError(f"{self.path.name} is damaged; fetch the data set again.") from error


def _unpacked(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Pieces of at most ``_CHUNK`` bytes: a mask unpacks to a thousand times its size."""
    unpack = zlib.decompressobj()
    for chunk in chunks:
        yield unpack.decompress(chunk, _CHUNK)
        while rest := unpack.decompress(unpack.unconsumed_tail, _CHUNK):
            yield rest
