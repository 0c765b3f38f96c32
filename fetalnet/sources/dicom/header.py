"""The head of a DICOM file: the elements this program needs, and where the pixel data lie. Names are never read."""

from __future__ import annotations

import logging
import math
import struct
import tempfile
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from pydicom import uid
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.filereader import read_dataset
from pydicom.tag import BaseTag
from pydicom.uid import UID

from fetalnet.core.errors import InputError
from fetalnet.sources.dicom.signature import PREAMBLE_BYTES

PARSE_ERRORS = (
    ArithmeticError, AssertionError, AttributeError, BytesLengthException, EOFError, InvalidDicomError, LookupError,
    MemoryError, NotImplementedError, RecursionError, RuntimeError, TypeError, ValueError, struct.error, zlib.error,
)  # fmt: skip
"""What reading a file that is no DICOM, or a damaged one, may raise."""

_MAX_VALUE_BYTES = 2 * 2**20
_MAX_INFLATED_BYTES = 2**30
_PIXELS = {0x7FE00008: "FloatPixelData", 0x7FE00009: "DoubleFloatPixelData", 0x7FE00010: "PixelData"}

_KEYWORDS = (
    "SOPClassUID", "Modality", "SeriesNumber", "InstanceNumber",
    "Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration",
    "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "LossyImageCompression",
    "FrameTime", "FrameTimeVector", "CineRate", "RecommendedDisplayFrameRate", "ActualFrameDuration",
    "FrameIncrementPointer", "SequenceOfUltrasoundRegions", "PixelSpacing", "NominalScannedPixelSpacing",
    "ImagerPixelSpacing", "PixelAspectRatio", "SharedFunctionalGroupsSequence",
    "WindowCenter", "WindowWidth", "VOILUTFunction", "VOILUTSequence", "RescaleSlope", "RescaleIntercept",
    "RedPaletteColorLookupTableDescriptor", "GreenPaletteColorLookupTableDescriptor",
    "BluePaletteColorLookupTableDescriptor", "RedPaletteColorLookupTableData", "GreenPaletteColorLookupTableData",
    "BluePaletteColorLookupTableData", "SegmentedRedPaletteColorLookupTableData",
    "SegmentedGreenPaletteColorLookupTableData", "SegmentedBluePaletteColorLookupTableData",
    "ExtendedOffsetTable", "DirectoryRecordSequence",
)  # fmt: skip
_TAGS = [tag for tag in map(tag_for_keyword, _KEYWORDS) if tag is not None]

_quiet_lock = threading.RLock()
# Its warnings quote what a file says, and that may be a name.
logging.getLogger("pydicom").disabled = True


@dataclass(frozen=True, slots=True)
class PixelElement:
    """Where the value of the pixel data lies in the file; ``length`` is None where it is made of fragments."""

    keyword: str
    vr: str
    offset: int
    length: int | None


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says before its pixels. ``file`` is what to read the pixels from."""

    dataset: Dataset
    syntax: UID
    media_class: str
    is_little_endian: bool
    pixels: PixelElement | None
    file: BinaryIO


def read_header(file: BinaryIO, name: str) -> Header:
    """Read the head of an open file. Raises ``InputError`` where it is no DICOM or a damaged one."""
    try:
        with quiet():
            return _read(file, name)
    except PARSE_ERRORS:
        # What pydicom says may hold what the file says, and that may be a name.
        raise InputError(f"{name} is not a DICOM file that can be read; copy or export it again.") from None
    except OSError as error:
        raise InputError(f"{name} cannot be read ({error.strerror}); copy it to this computer first.") from error


def numbers(dataset: Dataset, keyword: str) -> tuple[float, ...]:
    """The numbers of an element; none where it is absent, empty or no number."""
    try:
        with quiet():
            value = dataset.get(keyword)
            if value is None or isinstance(value, bytes) or value == "":
                return ()
            values = [value] if isinstance(value, str | int | float) else list(value)
            return tuple(float(each) for each in values)
    except PARSE_ERRORS:
        return ()


def number(dataset: Dataset, keyword: str) -> float | None:
    """The first number of an element, where it is a finite one."""
    values = numbers(dataset, keyword)
    return values[0] if values and math.isfinite(values[0]) else None


def whole(dataset: Dataset, keyword: str) -> int | None:
    """The whole number of an element, if it is one."""
    value = number(dataset, keyword)
    return int(value) if value is not None and value.is_integer() else None


def word(dataset: Dataset, keyword: str) -> str:
    """A code word of an element (never free text), empty where it is absent."""
    try:
        with quiet():
            value = dataset.get(keyword)
            return "" if value is None or isinstance(value, bytes) else str(value).strip()
    except PARSE_ERRORS:
        return ""


def octets(dataset: Dataset, keyword: str) -> bytes:
    """The bytes of an element that holds neither numbers nor text; none where it is absent."""
    try:
        with quiet():
            value = dataset.get(keyword)
            return value if isinstance(value, bytes) else b""
    except PARSE_ERRORS:
        return b""


def items(dataset: Dataset, keyword: str) -> list[Dataset]:
    """The items of a sequence; none where it is absent or no sequence."""
    try:
        with quiet():
            return [item for item in dataset.get(keyword) or () if isinstance(item, Dataset)]
    except PARSE_ERRORS:
        return []


@contextmanager
def quiet() -> Iterator[None]:
    """Within, pydicom's warnings go nowhere: they quote what a file says."""
    with _quiet_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _read(file: BinaryIO, name: str) -> Header:
    file.seek(0)
    has_preamble = file.read(PREAMBLE_BYTES + 4).endswith(b"DICM")
    file.seek(PREAMBLE_BYTES + 4 if has_preamble else 0)
    meta = read_dataset(file, False, True, stop_when=lambda tag, *_: tag.group != 2, defer_size=_MAX_VALUE_BYTES)
    syntax = UID(word(meta, "TransferSyntaxUID"))
    if not syntax:
        syntax = _guessed_syntax(file)
    media_class = word(meta, "MediaStorageSOPClassUID")
    if syntax != uid.DeflatedExplicitVRLittleEndian:
        return _read_dataset(file, syntax, media_class)
    with ExitStack() as stack:
        inflated = stack.enter_context(tempfile.TemporaryFile())
        _inflate(file, inflated, name)
        header = _read_dataset(inflated, syntax, media_class)
        stack.pop_all()  # now it is the caller's to close
    return header


def _read_dataset(file: BinaryIO, syntax: UID, media_class: str) -> Header:
    is_implicit = syntax == uid.ImplicitVRLittleEndian
    is_little_endian = syntax != uid.ExplicitVRBigEndian
    dataset = read_dataset(
        file, is_implicit, is_little_endian,
        stop_when=lambda tag, *_: tag in _PIXELS or tag > 0x7FE00010,
        defer_size=_MAX_VALUE_BYTES, specific_tags=list(_TAGS),
    )  # fmt: skip
    is_implicit = bool(dataset.original_encoding[0])  # pydicom sees where the syntax is named wrongly
    pixels = _pixel_element(file, is_implicit, is_little_endian)
    if pixels is None and not dataset:
        raise InvalidDicomError
    return Header(dataset, syntax, media_class, is_little_endian, pixels, file)


def _guessed_syntax(file: BinaryIO) -> UID:
    """The syntax of a file that does not name it, from how its first element is written."""
    first = file.read(6)
    file.seek(-len(first), 1)
    if not first[4:6].isalpha() or not first[4:6].isupper():
        return uid.ImplicitVRLittleEndian
    return uid.ExplicitVRBigEndian if first[:1] == b"\0" else uid.ExplicitVRLittleEndian


def _pixel_element(file: BinaryIO, is_implicit: bool, is_little_endian: bool) -> PixelElement | None:
    order = "<" if is_little_endian else ">"
    head = file.read(8)
    if len(head) < 8:
        return None
    group, element = struct.unpack(order + "HH", head[:4])
    keyword = _PIXELS.get(BaseTag(group << 16 | element))
    if keyword is None:
        return None
    vr, length = "OW", struct.unpack(order + "I", head[4:])[0]
    if not is_implicit:
        vr = head[4:6].decode("latin-1")
        length = struct.unpack(order + "I", file.read(4))[0]
    return PixelElement(keyword, vr, file.tell(), None if length == 0xFFFFFFFF else length)


def _inflate(file: BinaryIO, to: BinaryIO, name: str) -> None:
    """Write what is deflated from here on; what is cut off will be found too short."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    while not inflater.eof and (block := inflater.unconsumed_tail or file.read(2**16)):
        to.write(inflater.decompress(block, 2**20))
        if to.tell() > _MAX_INFLATED_BYTES:
            raise InputError(f"{name} would unpack to more than 1 GB; export it without deflation, or in parts.")
    to.seek(0)
