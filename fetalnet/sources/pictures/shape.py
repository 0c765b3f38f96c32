"""How stored pictures are brought upright and to square pixels: once, in the source, so that all others see no else."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from av.sidedata.sidedata import Type
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

SQUARE_WITHIN = 0.005
"""Pixels nearer to square than this are left alone: numbers in files are rounded."""
MAX_ASPECT = 4.0
"""Beyond this, wide or high, it is a slip: anamorphic video reaches 2.4."""
MAX_PIXELS = 100_000_000
"""Of one picture: 8K has a third of it, and a file that lies must not take the memory."""


@dataclass(frozen=True, slots=True)
class Orientation:
    """How a stored picture is turned: rows and columns exchanged first, then mirrored along x and y."""

    transposed: bool = False
    mirrored_x: bool = False
    mirrored_y: bool = False

    @staticmethod
    def of_exif(value: object) -> Orientation:
        """By EXIF's number; anything but 2 to 8 is upright."""
        if not isinstance(value, int) or not 2 <= value <= 8:
            return UPRIGHT
        return Orientation(value >= 5, value in (2, 3, 6, 7), value in (3, 4, 7, 8))

    @staticmethod
    def of_display_matrix(matrix: bytes) -> Orientation:
        """By the matrix of MP4 and its like; one that is no quarter turn is left alone."""
        if len(matrix) != 36:
            return UPRIGHT
        a, b, _, c, d = struct.unpack("=9i", matrix)[:5]
        if b == c == 0 and a and d:
            return Orientation(False, a < 0, d < 0)
        if a == d == 0 and b and c:
            return Orientation(True, c < 0, b < 0)
        return UPRIGHT


UPRIGHT = Orientation()


@dataclass(frozen=True, slots=True)
class PictureShape:
    """The size of stored pictures, how wide their pixels are for their height, and how they are turned.

    Square pixels have the size of the smaller side of the stored ones, so that nothing of the picture is lost.
    """

    stored_width: int
    stored_height: int
    pixel_aspect: float = 1.0
    orientation: Orientation = UPRIGHT

    @staticmethod
    def of(
        width: int, height: int, pixel_aspect: float | Fraction | None, orientation: Orientation = UPRIGHT
    ) -> PictureShape:
        """``pixel_aspect`` as a file states it: none, or one that cannot be, counts as square."""
        aspect = float(pixel_aspect or 1.0)
        shape = PictureShape(width, height, aspect, orientation)
        is_square = abs(aspect - 1.0) < SQUARE_WITHIN or refused_aspect(aspect)
        return replace(shape, pixel_aspect=1.0) if is_square or shape.width * shape.height > MAX_PIXELS else shape

    @property
    def stretch_x(self) -> float:
        """Factor by which the width of a stored picture is scaled, in its stored orientation."""
        return self._square[0] / self.stored_width

    @property
    def stretch_y(self) -> float:
        return self._square[1] / self.stored_height

    @property
    def width(self) -> int:
        """Of the upright picture with square pixels."""
        return self._square[1 if self.orientation.transposed else 0]

    @property
    def height(self) -> int:
        return self._square[0 if self.orientation.transposed else 1]

    @property
    def _square(self) -> tuple[int, int]:
        if self.pixel_aspect >= 1.0:
            return round(self.stored_width * self.pixel_aspect), self.stored_height
        return self.stored_width, round(self.stored_height / self.pixel_aspect)

    def shown(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A stored picture upright and with square pixels, C-contiguous and read-only; the same where it is so."""
        size = self._square
        if (pixels.shape[1], pixels.shape[0]) != size:
            pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR), np.uint8)
        turned = self.orientation
        if turned.transposed:
            pixels = np.swapaxes(pixels, 0, 1)
        pixels = pixels[:: -1 if turned.mirrored_y else 1, :: -1 if turned.mirrored_x else 1]
        pixels = np.ascontiguousarray(pixels)
        pixels.setflags(write=False)
        return pixels


def refused_aspect(aspect: float) -> bool:
    """Whether a pixel aspect cannot be true."""
    return not 1.0 / MAX_ASPECT <= aspect <= MAX_ASPECT


def shape_remark(shape: PictureShape, stated: float | Fraction | None) -> str | None:
    """What to know where a file states that its pixels are not square, without the name of the file."""
    wide = f"its pixels are {float(stated or 1.0):.4g} times as wide as high"
    if stated and refused_aspect(float(stated)):
        return f"it says that {wide}, which cannot be: they are taken as square, so check the scale"
    if shape.pixel_aspect == 1.0:
        return None
    return (
        f"{wide} and are made square: it is shown and measured with {shape.width} x {shape.height} pixels, and a scale "
        "that is typed is that of these"
    )


def video_shape(frame: VideoFrame, pixel_aspect: Fraction | None) -> PictureShape:
    """The shape of a decoded video frame; ``pixel_aspect`` is the stream's ``sample_aspect_ratio``."""
    beside: Any = frame.side_data  # its type stubs know of nothing in it
    orientation = Orientation.of_display_matrix(bytes(beside.get(Type.DISPLAYMATRIX) or b""))
    return PictureShape.of(frame.width, frame.height, pixel_aspect, orientation)
