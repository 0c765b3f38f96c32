"""One compressed frame of a DICOM file -> its components, by the decoder that knows its kind."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import av
import cv2
import jpeg_ls
import numpy as np
import openjpeg.utils
from numpy.typing import NDArray
from PIL import Image
from pydicom import uid
from pydicom.uid import UID

from fetalnet.sources.pictures.jpeg_stream import whole_jpeg

Components = NDArray[Any]
"""``(height, width)`` or ``(height, width, 3)``, uint8, uint16 or int16."""

_ADOBE_RGB = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"
_JFIF = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
_FRAME_MARKS = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
_BASELINE, _EXTENDED, _LOSSLESS, _LS = 0xC0, 0xC1, 0xC3, 0xF7
_J2K_START, _J2K_SIZE = b"\xff\x4f", 0xFF51
_J2K_CODING, _J2K_TILE = 0x52, 0x90


class UndecodableError(Exception):
    """The frame is damaged, or of another size than the file says."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What the file says each frame is."""

    rows: int
    columns: int
    samples: int
    bits_allocated: int

    @property
    def count(self) -> int:
        return self.rows * self.columns * self.samples


@dataclass(frozen=True, slots=True)
class Decoded:
    """``is_rgb``: the stream says, or the decoder saw to it, that this is RGB, whatever the file calls it; None where
    only the file's word tells.
    """

    components: Components
    is_rgb: bool | None = None


@dataclass(frozen=True, slots=True)
class _JpegHead:
    frame: int
    bits: int
    rows: int
    columns: int
    samples: int
    has_jfif: bool
    adobe_transform: int | None
    is_subsampled: bool
    has_rgb_names: bool

    @property
    def is_rgb(self) -> bool | None:
        """What the stream's own marks say of three components, as decoders trust them; None where there are none."""
        if self.has_jfif:
            return False
        if self.adobe_transform is not None:
            return self.adobe_transform == 0
        if self.is_subsampled:
            return False  # only colour differences are ever written more coarsely
        return True if self.has_rgb_names else None


def decode(content: bytes, syntax: UID, shape: Shape, photometric: str) -> Decoded:
    """Decode one frame, with as many components as the stream has. Raises ``UndecodableError``."""
    decoder = _DECODERS[syntax]
    try:
        decoded = decoder(content, shape, photometric)
    except (
        av.FFmpegError,
        cv2.error,
        LookupError,
        OSError,
        RuntimeError,
        TypeError,
        ValueError,
        struct.error,
    ) as error:
        raise UndecodableError from error
    height, width, *samples = decoded.components.shape
    if (height, width) != (shape.rows, shape.columns) or samples not in ([], [3]):
        raise UndecodableError
    return decoded


def _jpeg(content: bytes, shape: Shape, photometric: str) -> Decoded:
    head = _jpeg_head(content)
    if (head.rows, head.columns) != (shape.rows, shape.columns):
        raise UndecodableError
    if head.frame not in {_BASELINE, _EXTENDED, _LOSSLESS}:
        raise UndecodableError  # progressive ones can be made to take for ever
    if head.bits != 8 or head.frame == _LOSSLESS:
        return Decoded(_by_ffmpeg(content, head), head.is_rgb if head.adobe_transform is not None else None)
    whole = whole_jpeg(content)
    if whole is None:
        raise UndecodableError
    content = whole
    if head.samples == 3 and not head.has_jfif:
        # The decoder goes by marks in the stream. Where there are none the file's word counts.
        is_rgb = head.is_rgb if head.is_rgb is not None else photometric == "RGB"
        content = content[:2] + (_ADOBE_RGB if is_rgb else _JFIF) + content[2:]
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise UndecodableError
    return Decoded(pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), is_rgb=True)


def _by_ffmpeg(content: bytes, head: _JpegHead) -> Components:
    """Lossless and 12-bit JPEG; FFmpeg leaves values of 9 to 15 bits at the upper end of 16."""
    codec = av.CodecContext.create("mjpeg", "r")
    assert isinstance(codec, av.VideoCodecContext)
    codec.thread_count = 1
    frames = codec.decode(av.Packet(content)) or codec.decode(None)
    frame = frames[0]
    form = frame.format.name
    pixels: Components = frame.to_ndarray()
    if form.startswith("bgr"):
        return np.ascontiguousarray(pixels[..., ::-1])
    if form.startswith("yuv"):
        return np.ascontiguousarray(np.moveaxis(pixels, 0, -1))
    return pixels if pixels.dtype == np.uint8 else pixels >> (16 - head.bits)


def _jpeg_head(content: bytes) -> _JpegHead:
    """What stands before the picture. Raises ``UndecodableError`` where there is no such thing."""
    at, has_jfif = 2, False
    adobe: int | None = None
    if not content.startswith(b"\xff\xd8"):
        raise UndecodableError
    while at + 4 <= len(content):
        if content[at] != 0xFF:
            raise UndecodableError
        mark = content[at + 1]
        if mark in {0x01, 0xFF} or 0xD0 <= mark <= 0xD8:
            at += 1 if mark == 0xFF else 2
            continue
        length = struct.unpack(">H", content[at + 2 : at + 4])[0]
        has_jfif |= mark == 0xE0 and content[at + 4 : at + 9] == b"JFIF\0"
        if mark == 0xEE and content[at + 4 : at + 9] == b"Adobe" and length >= 14:
            adobe = content[at + 15]
        if mark in _FRAME_MARKS:
            bits, rows, columns, samples = struct.unpack(">BHHB", content[at + 4 : at + 10])
            parts = content[at + 10 : at + 10 + 3 * samples]
            factors = set(parts[1::3])
            return _JpegHead(
                mark, bits, rows, columns, samples, has_jfif, adobe, len(factors) > 1, parts[0::3] == b"RGB"
            )  # fmt: skip
        at += 2 + length
    raise UndecodableError


def _jpeg_ls(content: bytes, shape: Shape, photometric: str) -> Decoded:
    head = _jpeg_head(content)
    if (head.frame, head.rows, head.columns) != (_LS, shape.rows, shape.columns) or head.samples not in {1, 3}:
        raise UndecodableError
    raw, info = jpeg_ls.decode_buffer(content)
    values = np.frombuffer(raw, "<u2" if info["bits_per_sample"] > 8 else np.uint8)
    if head.samples == 1:
        return Decoded(values.reshape(shape.rows, shape.columns))
    if info["interleave_mode"] == 0:
        return Decoded(_interleaved(values.reshape(3, shape.rows, shape.columns)))
    return Decoded(values.reshape(shape.rows, shape.columns, 3))


def _jpeg_2000(content: bytes, shape: Shape, photometric: str) -> Decoded:
    at = content.find(_J2K_START, 0, 4096)  # bare, or after the boxes of a JP2 file
    mark, _, _, right, bottom, left, top = struct.unpack(">HHHIIII", content[at + 2 : at + 24])
    if at < 0 or mark != _J2K_SIZE or (bottom - top, right - left) != (shape.rows, shape.columns):
        raise UndecodableError
    samples, step_x, step_y = struct.unpack(">HxBB", content[at + 40 : at + 45])
    if samples not in {1, 3} or (step_x, step_y) != (1, 1):
        raise UndecodableError
    # The streams' own transform to luminance and colour difference is undone with the rest, whatever the file says.
    is_rgb = _has_own_transform(content, at) or photometric in {"YBR_ICT", "YBR_RCT"}
    return Decoded(openjpeg.utils.decode(content), is_rgb=is_rgb or None)


def _has_own_transform(content: bytes, start: int) -> bool:
    """Whether a JPEG 2000 stream from ``start`` on says that its components are transformed together."""
    at = start + 2
    while at + 4 <= len(content) and content[at] == 0xFF and content[at + 1] != _J2K_TILE:
        if content[at + 1] == _J2K_CODING:
            return content[at + 8 : at + 9] == b"\x01"
        at += 2 + max(struct.unpack(">H", content[at + 2 : at + 4])[0], 2)
    return False


def _rle(content: bytes, shape: Shape, photometric: str) -> Decoded:
    """Each byte of each component is a segment of its own, packed as Pillow knows from TIFF (PS3.5 annex G)."""
    count, *offsets = struct.unpack("<16I", content[:64])
    width = shape.bits_allocated // 8
    if count != width * shape.samples:
        raise UndecodableError
    pixels = shape.rows * shape.columns
    values = np.empty((shape.samples, pixels, width), np.uint8)
    for segment in range(count):
        end = offsets[segment + 1] if segment + 1 < count else len(content)
        packed = content[offsets[segment] : end]
        plane = Image.frombytes("L", (pixels, 1), packed, "packbits", "L")
        component, byte = divmod(segment, width)
        values[component, :, width - 1 - byte] = np.frombuffer(plane.tobytes(), np.uint8)
    planes: Components = values.reshape(shape.samples, shape.rows, shape.columns * width)
    planes = planes.view("<u2") if width == 2 else planes
    return Decoded(planes[0] if shape.samples == 1 else _interleaved(planes))


def _interleaved(planes: Components) -> Components:
    return np.ascontiguousarray(np.moveaxis(planes, 0, -1))


_DECODERS: dict[UID, Callable[[bytes, Shape, str], Decoded]] = {
    uid.RLELossless: _rle,
    uid.JPEGBaseline8Bit: _jpeg,
    uid.JPEGExtended12Bit: _jpeg,
    uid.JPEGLossless: _jpeg,
    uid.JPEGLosslessSV1: _jpeg,
    uid.JPEGLSLossless: _jpeg_ls,
    uid.JPEGLSNearLossless: _jpeg_ls,
    uid.JPEG2000Lossless: _jpeg_2000,
    uid.JPEG2000: _jpeg_2000,
}

COMPRESSED: frozenset[UID] = frozenset(_DECODERS)
"""Transfer syntaxes whose frames are compressed one by one and can be decoded."""
