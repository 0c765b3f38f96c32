"""One picture file: what its head says, and its pictures as 8-bit grey or RGB, upright and with square pixels."""

from __future__ import annotations

import struct
import threading
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin, UnidentifiedImageError

from fetalnet.core.errors import InputError
from fetalnet.core.frame import BrokenFrameError, Frame
from fetalnet.core.printable import printable
from fetalnet.sources.checks import check_readable
from fetalnet.sources.pictures.jpeg_stream import whole_jpeg, whole_png
from fetalnet.sources.pictures.shape import MAX_PIXELS, Orientation, PictureShape, shape_remark
from fetalnet.sources.unsupported import unsupported_text

_ORIENTATION, _X_RESOLUTION, _Y_RESOLUTION, _SUBFILE = 274, 282, 283, 254
_WIDTH, _HEIGHT = 256, 257
_SMALLER_COPY = 1
_MAX_PAGES = 10_000

PIL_ERRORS = (
    UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, TypeError, LookupError, SyntaxError,
    EOFError, ArithmeticError, struct.error,
)  # fmt: skip
"""Exceptions that Pillow raises for damaged files."""

_warnings_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class PictureHead:
    """The shape of a file's pictures, the pages that are no smaller copies, and a sentence without the file's name."""

    shape: PictureShape
    pages: tuple[int, ...] = (0,)
    remark: str | None = None


def read_head(path: Path) -> PictureHead:
    """Read the head alone. Raises ``BrokenFrameError`` where there is none, ``InputError`` for too large a picture."""
    check_readable(path)
    with path.open("rb") as file:
        return head_in(file, path)


def head_in(file: BinaryIO, path: Path) -> PictureHead:
    """The same of an open file, called ``path`` where something is wrong with it."""
    try:
        # Its warnings quote what a file says, and filters are everyone's.
        with _warnings_lock, warnings.catch_warnings(action="ignore"), Image.open(file) as image:
            return _head_of(image, path)
    except Image.DecompressionBombError:
        raise _too_large(path, "of a size that is") from None
    except PIL_ERRORS as error:
        raise _damaged(path) from error


def read_image(path: Path, page: int = 0) -> Frame:
    """One picture of a file as a frame with index 0 and no time: grey stays grey, all else is RGB.

    It is upright and has square pixels. 16-bit values are scaled linearly to 8 bits (65535 becomes 255); palettes are
    resolved; transparency is ignored, for what lies under it is picture all the same. Raises ``InputError`` where the
    file cannot be decoded.
    """
    head = read_head(path)
    stored = path.read_bytes()
    is_marked = stored.startswith((b"\xff\xd8", b"\x89PNG"))
    content = whole_jpeg(stored) or whole_png(stored) if is_marked else stored
    if content is None:
        raise _damaged(path)
    try:
        decoded = _decoded(np.frombuffer(content, np.uint8), page)
    except cv2.error as error:
        raise _damaged(path) from error
    if decoded is None:
        raise _damaged(path)
    pixels = _eight_bit(decoded, path)
    shape = head.shape
    if (pixels.shape[1], pixels.shape[0]) != (shape.stored_width, shape.stored_height):
        shape = PictureShape.of(pixels.shape[1], pixels.shape[0], shape.pixel_aspect, shape.orientation)
    return Frame(0, None, shape.shown(pixels), printable(path.name))


def _decoded(content: NDArray[np.uint8], page: int) -> NDArray[np.generic] | None:
    if page == 0:
        only: NDArray[np.generic] | None = cv2.imdecode(content, cv2.IMREAD_UNCHANGED)
        return only
    done, pages = cv2.imdecodemulti(content, cv2.IMREAD_UNCHANGED, None, (page, page + 1))
    return pages[0] if done and pages else None


def _head_of(image: Image.Image, path: Path) -> PictureHead:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise _too_large(path, f"of {width} x {height} pixels, which is")
    # Pillow would decode the whole of a PNG to look for more behind its lines.
    exif = image.getexif() if "exif" in image.info or image.format != "PNG" else Image.Exif()
    orientation = Orientation.of_exif(exif.get(_ORIENTATION))
    stated = _pixel_aspect(image, exif)
    pages: tuple[int, ...] = (0,)
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        pages, sizes = _pages_of(image)
        # Whoever decodes a TIFF turns it already, while its resolutions are those of the stored axes.
        stated = 1.0 / stated if orientation.transposed else stated
        shape = PictureShape.of(*sizes[0], stated)
    else:
        shape = PictureShape.of(width, height, stated, orientation)
    return PictureHead(shape, pages, shape_remark(shape, stated))


def _pixel_aspect(image: Image.Image, exif: Image.Exif) -> float:
    """How wide pixels are for their height: the first of the file's statements by which they are not square."""
    stated: list[Any] = [
        (exif.get(_X_RESOLUTION), exif.get(_Y_RESOLUTION)),
        image.info.get("jfif_density"),
        image.info.get("dpi"),
        image.info.get("aspect"),
        image.info.get("resolution"),
    ]
    for each in stated:
        try:
            per_x, per_y = (float(number) for number in each or ())
        except (TypeError, ValueError, ZeroDivisionError):
            continue
        if per_x > 0 and per_y > 0 and abs(per_y / per_x - 1.0) > 0.01:
            return per_y / per_x
    return 1.0


def _pages_of(image: TiffImagePlugin.TiffImageFile) -> tuple[tuple[int, ...], tuple[tuple[int, int], ...]]:
    """The pages that are pictures of their own, and their sizes when turned upright."""
    pages, sizes = [], []
    for page in range(min(image.n_frames, _MAX_PAGES)):
        image.seek(page)
        tags = image.tag_v2
        subfile, width, height = tags.get(_SUBFILE, 0), int(tags[_WIDTH]), int(tags[_HEIGHT])
        if page == 0 or not (isinstance(subfile, int) and subfile & _SMALLER_COPY):
            turned = Orientation.of_exif(tags.get(_ORIENTATION)).transposed
            pages.append(page)
            sizes.append((height, width) if turned else (width, height))
    return tuple(pages), tuple(sizes)


def _eight_bit(decoded: NDArray[np.generic], path: Path) -> NDArray[np.uint8]:
    if decoded.dtype == np.uint16:
        decoded = ((decoded.astype(np.uint32) + 128) // 257).astype(np.uint8)
    elif decoded.dtype != np.uint8:
        raise InputError(f"{path.name} holds {decoded.dtype} values; save it with 8 or 16 bits.")
    channels = 1 if decoded.ndim == 2 else decoded.shape[2]
    if channels == 4:
        decoded = cv2.cvtColor(decoded, cv2.COLOR_BGRA2RGB)
    elif channels == 3:
        decoded = cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB)
    elif channels <= 2:
        decoded = decoded if decoded.ndim == 2 else decoded[..., 0]
    return np.ascontiguousarray(decoded, dtype=np.uint8)


def _damaged(path: Path) -> BrokenFrameError:
    sentence = unsupported_text(path) or f"{path.name} is damaged or no image; save it again as PNG, or leave it out."
    return BrokenFrameError(sentence)


def _too_large(path: Path, how: str) -> InputError:
    return InputError(f"{path.name} is {how} more than can be opened; save it smaller, or cut out the ultrasound.")
