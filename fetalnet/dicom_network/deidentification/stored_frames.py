"""Frames of a DICOM file as they are stored again: grey values as they were, colours as the program shows them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filereader import read_dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, MPEGTransferSyntaxes

from fetalnet.core.errors import InputError
from fetalnet.sources import VideoFile
from fetalnet.sources.dicom.codecs import COMPRESSED
from fetalnet.sources.dicom.file import SYNTAXES, frame_count_text, promised_frames
from fetalnet.sources.dicom.frames import EncapsulatedFrames, FragmentStream, Frames, NativeFrames
from fetalnet.sources.dicom.header import Header, read_header, whole
from fetalnet.sources.dicom.pixels import PixelForm

Pixels = NDArray[Any]
"""(rows, columns) of any whole numbers, or (rows, columns, 3) uint8."""

_PIXELS = 0x7FE00008
_LARGE_BYTES = 1 << 20


class StoredFrames:
    """The frames of one file, decoded one by one by the readers that the rest of the program has.

    A context manager. Raises ``InputError`` with a sentence where the frames cannot be decoded.
    """

    def __init__(self, path: Path) -> None:
        with ExitStack() as stack:
            header = read_header(stack.enter_context(path.open("rb")), path.name)
            stack.callback(header.file.close)
            self._path, self._header = path, header
            self.syntax = header.syntax
            if header.pixels is None:
                raise NoPixelsError(f"{path.name} is a DICOM file without a picture; leave it out.")
            is_fragmented = header.syntax in COMPRESSED or header.syntax in MPEGTransferSyntaxes
            if header.syntax not in SYNTAXES or (header.pixels.length is None) != is_fragmented:
                raise InputError(
                    f"{path.name} is compressed in a way that is not supported; export it without compression."
                )
            if header.syntax in MPEGTransferSyntaxes:
                self._frames: VideoFile | _Pictures = VideoFile(path, stream=FragmentStream(header, path.name))
                stack.callback(self._frames.close)
            else:
                self._frames = _Pictures(header, path.name)
            self._open_files = stack.pop_all()

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, index: int) -> Pixels:
        return self._frames[index].pixels if isinstance(self._frames, VideoFile) else self._frames[index]

    def __iter__(self) -> Iterator[Pixels]:
        if isinstance(self._frames, VideoFile):
            return (frame.pixels for frame in self._frames)
        return (self[index] for index in range(len(self)))

    def attributes(self) -> Dataset:
        """The elements before the pixel data; large values are read from the file when they are accessed."""
        header = self._header
        if header.syntax == DeflatedExplicitVRLittleEndian:
            header.file.seek(0)
            ds = read_dataset(header.file, False, True, stop_when=lambda tag, *_: tag >= _PIXELS)
        else:
            ds = dcmread(self._path, stop_before_pixels=True, force=True, defer_size=_LARGE_BYTES)
        if not ds.get("SOPClassUID"):
            ds.SOPClassUID = header.media_class
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = header.syntax
        return ds

    @property
    def pixel_aspect(self) -> Fraction:
        """How wide a pixel is for its height, as far as a video stream says."""
        stated = self._frames.pixel_aspect if isinstance(self._frames, VideoFile) else None
        return stated or Fraction(1)

    @property
    def notice(self) -> str | None:
        """What is missing, once the frames were read."""
        broken = self._frames.notice if isinstance(self._frames, VideoFile) else None
        counted = frame_count_text(self._header, len(self), self._path.name)
        return " ".join(each for each in (counted, broken) if each) or None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open_files.close()


class NoPixelsError(InputError):
    """The file holds no picture."""


class _Pictures:
    """Frames that are each a picture of their own."""

    def __init__(self, header: Header, name: str) -> None:
        promised = promised_frames(header)
        self._form = PixelForm(header, name, promised)
        self._stored: Frames
        if header.syntax in COMPRESSED:
            self._stored = EncapsulatedFrames(header, promised, name)
        else:
            self._stored = NativeFrames(header, promised, self._form.frame_bytes, name)
        dataset = header.dataset
        self._bits = whole(dataset, "BitsStored") or self._form.shape.bits_allocated
        self._shift = (whole(dataset, "HighBit") or self._bits - 1) + 1 - self._bits
        self._is_signed = whole(dataset, "PixelRepresentation") == 1

    def __len__(self) -> int:
        return len(self._stored)

    def __getitem__(self, index: int) -> Pixels:
        content = self._stored[index]
        if self._form.shape.samples == 3:
            return self._form.pixels(content, index)
        values = self._form.decoded(content, index).components
        unsigned: Pixels = values.view(f"u{values.dtype.itemsize}")
        # What lies in the bits beside the value is no picture: older scanners drew their overlays there.
        unsigned = np.right_shift(unsigned, self._shift) & unsigned.dtype.type((1 << self._bits) - 1)
        if not self._is_signed:
            return unsigned
        unused = 8 * unsigned.dtype.itemsize - self._bits
        signed: Pixels = np.left_shift(unsigned, unused).view(f"i{unsigned.dtype.itemsize}") >> unused
        return signed
