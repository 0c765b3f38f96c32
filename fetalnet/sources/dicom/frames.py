"""Where each frame of a DICOM file lies: found without reading the pixels, read one by one."""

from __future__ import annotations

import bisect
import io
import itertools
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

import numpy as np
from pydicom.dataset import Dataset

from fetalnet.core.errors import InputError
from fetalnet.sources.dicom.header import Header, PixelElement, octets, whole

MAX_FRAMES = 1_000_000
_ITEM, _SEQUENCE_END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
_IMAGE_STARTS = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51")
"""How a JPEG (also lossless and JPEG-LS) and a JPEG 2000 stream begin."""


class Frames(Protocol):
    """The stored bytes of each frame."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes of a file."""

    offset: int
    length: int


class NativeFrames:
    """Frames of equal length behind each other, as many as there are. Raises ``InputError`` where there is none."""

    def __init__(self, header: Header, promised: int | None, frame_bytes: int, name: str) -> None:
        assert header.pixels is not None
        self._file, self._name = header.file, name
        self._offset, self._frame_bytes = header.pixels.offset, frame_bytes
        # Bytes written as words of big-endian order come in swapped pairs.
        is_bytes = whole(header.dataset, "BitsAllocated") == 8
        self._swapped = is_bytes and not header.is_little_endian and header.pixels.vr == "OW"
        held = min(header.pixels.length or 0, _size(self._file) - self._offset)
        full, rest = divmod(held, frame_bytes)
        # What lies behind the last promised frame is more of them only where it fills frames too.
        self._count = full if rest <= 1 else min(full, promised or 1)
        if self._count == 0:
            start = _read(self._file, Span(self._offset, min(held, 4)), name)
            raise not_as_said(name) if start.startswith(_IMAGE_STARTS) else _none_whole(name)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> bytes:
        start = index * self._frame_bytes
        if not self._swapped:
            return _read(self._file, Span(self._offset + start, self._frame_bytes), self._name)
        odd = start % 2
        length = odd + self._frame_bytes
        pairs = _read(self._file, Span(self._offset + start - odd, length + length % 2), self._name)
        return np.frombuffer(pairs, "<u2").byteswap().tobytes()[odd:length]


class EncapsulatedFrames:
    """Frames in fragments, as many as there are. Tables of offsets spare looking at every fragment; where they cannot
    be right it is done. A frame whose fragment is empty is broken.

    Raises ``InputError`` where there is no frame.
    """

    def __init__(self, header: Header, promised: int | None, name: str) -> None:
        assert header.pixels is not None
        self._file, self._name = header.file, name
        self._end = _size(self._file)
        first, table = _offset_table(self._file, header.pixels, self._end, name)
        extended = _extended_table(header.dataset)
        self._count = promised or len(extended) or len(table)
        self._starts = next((each for each in (extended, table) if self._is_right(each, first)), None)
        self._first = first
        self._spans: list[list[Span]] = []
        if self._starts is None:
            self._spans = self._grouped(list(self._fragments(first, self._end)), promised)
            self._count = len(self._spans)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> bytes:
        if self._starts is None:
            spans = self._spans[index]
        else:
            start = self._first + self._starts[index]
            end = self._first + self._starts[index + 1] if index + 1 < self._count else self._end
            spans = list(self._fragments(start, end))
        return b"".join(_read(self._file, span, self._name) for span in spans)

    def _is_right(self, table: tuple[int, ...], first: int) -> bool:
        """Whether a table has a place for every frame, in order, and its last is followed by a whole frame."""
        if not table or len(table) != self._count or table[0] != 0 or any(a >= b for a, b in itertools.pairwise(table)):
            return False
        if first + table[-1] >= self._end or any(not self._is_item(first + each) for each in (table[0], table[-1])):
            return False
        last = list(self._fragments(first + table[-1], self._end))
        # More fragments than frames can stand behind a table that knows of one frame only.
        return len(last) == 1 or (bool(last) and sum(self._starts_image(span) for span in last) <= 1)

    def _grouped(self, fragments: list[Span], promised: int | None) -> list[list[Span]]:
        full = [span for span in fragments if span.length]
        if not full:
            raise _none_whole(self._name)
        starts = [index for index, span in enumerate(full) if self._starts_image(span)]
        if len(fragments) == promised:
            return [[span] if span.length else [] for span in fragments]
        if starts[:1] == [0] and len(full) != promised:
            return [full[a:b] for a, b in zip(starts, [*starts[1:], len(full)], strict=True)]
        return [full] if promised == 1 and not starts else [[span] for span in full]

    def _fragments(self, offset: int, end: int) -> Iterator[Span]:
        """The fragments from the item at ``offset`` on, up to where the file is cut off."""
        for span in _items(self._file, offset, end, self._name):
            if span.offset + span.length > self._end:
                return
            yield span

    def _is_item(self, offset: int) -> bool:
        self._file.seek(offset)
        return self._file.read(4) == _ITEM

    def _starts_image(self, span: Span) -> bool:
        self._file.seek(span.offset)
        return self._file.read(4).startswith(_IMAGE_STARTS)


class FragmentStream(io.RawIOBase):
    """The fragments of a video as one file, to be read and sought in. Nothing is held.

    A video that is cut off goes up to the cut, as one in a file of its own does.
    """

    def __init__(self, header: Header, name: str) -> None:
        super().__init__()
        assert header.pixels is not None
        self._file, self._name = header.file, name
        end = _size(self._file)
        first, _ = _offset_table(self._file, header.pixels, end, name)
        self._spans: list[Span] = []
        self._starts: list[int] = []
        self._length = self._position = 0
        for span in _items(self._file, first, end, name):
            held = min(span.length, end - span.offset)
            if held:
                self._spans.append(Span(span.offset, held))
                self._starts.append(self._length)
                self._length += held
        if not self._spans:
            raise _cut_off(name)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._length}[whence]
        self._position = max(base + offset, 0)
        return self._position

    def read(self, size: int = -1) -> bytes:
        left = self._length - self._position
        left = left if size < 0 else min(left, size)
        parts = []
        while left > 0:
            at = bisect.bisect_right(self._starts, self._position) - 1
            span, within = self._spans[at], self._position - self._starts[at]
            length = min(left, span.length - within)
            parts.append(_read(self._file, Span(span.offset + within, length), self._name))
            self._position += length
            left -= length
        return b"".join(parts)


def _items(file: BinaryIO, offset: int, end: int, name: str) -> Iterator[Span]:
    """Every item from ``offset`` to the end of the sequence, however long it claims to be."""
    count = 0
    while offset + 8 <= end:
        file.seek(offset)
        head = file.read(8)
        if head[:4] == _SEQUENCE_END:
            return
        count += 1
        if head[:4] != _ITEM or count > MAX_FRAMES:
            raise _damaged(name)
        length = struct.unpack("<I", head[4:])[0]
        yield Span(offset + 8, length)
        offset += 8 + length


def _offset_table(file: BinaryIO, pixels: PixelElement, end: int, name: str) -> tuple[int, tuple[int, ...]]:
    """Where the first fragment's item begins, and what the basic offset table says."""
    file.seek(pixels.offset)
    head = file.read(8)
    if pixels.length is not None or head[:4] != _ITEM:
        raise _damaged(name)
    length = struct.unpack("<I", head[4:])[0] if len(head) == 8 else 0
    first = pixels.offset + 8 + length
    if first > end:
        raise _cut_off(name)
    if length % 4 or length > 4 * MAX_FRAMES:
        return first, ()
    return first, struct.unpack(f"<{length // 4}I", _read(file, Span(pixels.offset + 8, length), name))


def _extended_table(dataset: Dataset) -> tuple[int, ...]:
    value = octets(dataset, "ExtendedOffsetTable")
    return () if len(value) % 8 else struct.unpack(f"<{len(value) // 8}Q", value)


def _read(file: BinaryIO, span: Span, name: str) -> bytes:
    try:
        file.seek(span.offset)
        content = file.read(span.length)
    except OSError as error:
        raise InputError(f"{name} cannot be read any more ({error.strerror}); open it again.") from error
    if len(content) < span.length:
        raise _cut_off(name)
    return content


def _size(file: BinaryIO) -> int:
    return file.seek(0, io.SEEK_END)


def not_as_said(name: str) -> InputError:
    """Where a file without compression holds compressed pictures."""
    return InputError(f"{name} says that its pictures are not compressed, but they are; export it again.")


def _none_whole(name: str) -> InputError:
    return InputError(f"{name} holds not one whole frame; copy or export it again.")


def _cut_off(name: str) -> InputError:
    return InputError(f"{name} is cut off within its pictures; copy or export it again.")


def _damaged(name: str) -> InputError:
    return InputError(f"{name} is damaged where its pictures should be; copy or export it again.")
