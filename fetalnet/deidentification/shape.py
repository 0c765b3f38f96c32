"""How a video's pictures are meant to be shown: upright, and with square pixels."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import cv2
import numpy as np
from av.sidedata.sidedata import SideData
from numpy.typing import NDArray

from fetalnet.errors import InputError

_SQUARE = Fraction(1)
_LIKELY = (Fraction(1, 8), Fraction(8))
"""Widths of a pixel by its height; beyond them a file does not know what it says."""
_UPRIGHT = (1, 0, 0, 1)


@dataclass(frozen=True, slots=True)
class Shape:
    """``pixel_aspect``: width of a stored pixel by its height. ``turn``: where its axes point when it is upright.

    ``turn`` is a, b, c, d of a display matrix: stored x, y is shown at a x + c y, b x + d y, but for a shift.
    """

    width: int
    height: int
    pixel_aspect: Fraction = _SQUARE
    turn: tuple[int, int, int, int] = _UPRIGHT

    def shown(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A picture as it is meant, from one as it is stored; the shorter side of its pixels grows."""
        height, width = pixels.shape[:2]
        if self.pixel_aspect > 1:
            width = round(width * self.pixel_aspect)
        elif self.pixel_aspect < 1:
            height = round(height / self.pixel_aspect)
        if (height, width) != pixels.shape[:2]:
            pixels = np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
        a, b, c, d = self.turn
        x, y = a, d
        if abs(b) > abs(a):
            pixels, x, y = np.swapaxes(pixels, 0, 1), c, b
        return np.ascontiguousarray(pixels[:: -1 if y < 0 else 1, :: -1 if x < 0 else 1])


def shape_of(path: Path, part: io.RawIOBase | None = None, like: tuple[int, int] | None = None) -> Shape:
    """Of the video in a file, or in ``part`` of it; of several, the one whose pictures are ``like`` (width, height).

    Raises ``InputError`` where there is none.
    """
    try:
        file, options = part or f"file:{path.absolute()}", {"protocol_whitelist": "file"}
        with av.open(file, "r", options=options, metadata_errors="replace") as container:
            streams = [stream for stream in container.streams.video if stream.codec_context is not None]
            stream = next((each for each in streams if (each.width, each.height) == like), streams[0])
            frame = next(container.decode(stream))
            aspects = (stream.sample_aspect_ratio, stream.codec_context.sample_aspect_ratio)
            aspect = next((Fraction(each) for each in aspects if each), _SQUARE)
            if not _LIKELY[0] <= aspect <= _LIKELY[1]:
                aspect = _SQUARE
            turn = _UPRIGHT
            if (side := frame.side_data.get("DISPLAYMATRIX")) is not None:
                a, b, _, c, d, *_ = struct.unpack("=9i", bytes(cast(SideData, side)))
                turn = a, b, c, d
            return Shape(frame.width, frame.height, aspect, turn)
    except (av.FFmpegError, StopIteration, IndexError) as error:
        raise InputError(
            f"No picture of {path.name} can be decoded; export it again, as MP4 if you can choose."
        ) from error
