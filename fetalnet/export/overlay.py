"""A frame with what was found drawn on it, and a video of such frames."""

from __future__ import annotations

import contextlib
import math
import os
import tempfile
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from fetalnet.core.errors import InputError
from fetalnet.core.geometry import Ellipse, Geometry
from fetalnet.core.measurement import measure
from fetalnet.core.planes import Plane
from fetalnet.core.prediction import Prediction
from fetalnet.core.scale.scale import Scale
from fetalnet.core.system.files import cannot_write, keeping_to_umask
from fetalnet.export.wording import length_text, scale_text

Picture = NDArray[np.uint8]

COLOURS = {Plane.HEAD: (240, 228, 66), Plane.ABDOMEN: (86, 180, 233), Plane.FEMUR: (230, 159, 0)}
"""Yellow, sky and orange of Okabe and Ito's colour-blind safe palette, RGB."""
RESEARCH_LINE = "Research software, not a medical device."

_TICKS_HZ = 60_000
"""Holds 24, 25, 30, 29.97, 50 and 60 frames a second exactly; MPEG-4 knows no finer clock than 65,535."""
_SHIFT = 4
"""OpenCV draws at sixteenths of a pixel."""
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw_overlay(pixels: Picture, prediction: Prediction, scale: Scale, *, decided: bool = False) -> Picture:
    """A new (h, w, 3) RGB picture of a frame, (h, w) grey or (h, w, 3) RGB, with outline, calipers, values and scale.

    Calipers are dashed while they are proposals and solid once ``decided``.
    """
    picture: Picture = cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB) if pixels.ndim == 2 else pixels.copy()
    unit = max(picture.shape[0] / 540.0, 0.5)
    colour = COLOURS.get(prediction.plane)
    lines = [f"{prediction.plane} {prediction.probability:.2f}"]
    if colour is not None and prediction.outline is not None and len(prediction.outline) > 2:
        _tint(picture, prediction.outline, colour)
    if colour is not None and prediction.geometry is not None:
        _caliper(picture, prediction.geometry, colour, unit, dashed=not decided)
        lengths = measure(prediction.geometry, prediction.plane, scale.mm_per_pixel)
        lines += [f"{kind} {length_text(length)}" for kind, length in lengths.items()]
    _labels(picture, lines, prediction.geometry, colour or (255, 255, 255), unit)
    for row, line in enumerate((RESEARCH_LINE, f"Scale: {scale_text(scale)}")):
        _text(picture, line, (8 * unit, picture.shape[0] - (8 + 15 * row) * unit), (200, 200, 200), 0.4 * unit)
    return picture


def _tint(picture: Picture, outline: NDArray[np.float32], colour: tuple[int, int, int]) -> None:
    """Mix a fifth of the colour into the segmented area, in its bounding box only."""
    x0, y0 = np.maximum(np.floor(outline.min(axis=0)).astype(int), 0)
    x1, y1 = np.minimum(np.ceil(outline.max(axis=0)).astype(int) + 1, (picture.shape[1], picture.shape[0]))
    if x0 >= x1 or y0 >= y1:
        return
    part = picture[y0:y1, x0:x1]
    mask = np.zeros(part.shape[:2], np.uint8)
    cv2.fillPoly(mask, [_fixed(outline - (x0, y0))], 1, shift=_SHIFT)
    mixed = cv2.addWeighted(part, 0.8, np.full_like(part, colour), 0.2, 0.0)
    cv2.copyTo(mixed, mask, part)


def _caliper(picture: Picture, geometry: Geometry, colour: tuple[int, int, int], unit: float, *, dashed: bool) -> None:
    path = geometry.points(240)
    if isinstance(geometry, Ellipse):
        path = np.vstack([path, path[:1]])
    strokes = _dashes(path, 9.0 * unit, 6.0 * unit) if dashed else [path]
    crosses = [stroke for end in _ends(geometry) for stroke in _cross(end, 6.0 * unit)]
    width = max(round(1.5 * unit), 2)
    # The halo comes first all around, so that no stroke's halo covers another stroke.
    for thickness, ink in ((width + 2, (0, 0, 0)), (width, colour)):
        lines = [_fixed(stroke) for stroke in (*strokes, *crosses)]
        cv2.polylines(picture, lines, False, ink, thickness, cv2.LINE_AA, _SHIFT)


def _ends(geometry: Geometry) -> NDArray[np.float64]:
    """Where the calipers stand: a line's ends, or the ends of an ellipse's axes."""
    return geometry.points(4) if isinstance(geometry, Ellipse) else geometry.points(2)


def _cross(centre: NDArray[np.float64], size: float) -> list[NDArray[np.float64]]:
    return [centre + np.array([[-size, 0], [size, 0]]), centre + np.array([[0, -size], [0, size]])]


def _dashes(path: NDArray[np.float64], dash: float, gap: float) -> list[NDArray[np.float64]]:
    """Cut a polyline (n, 2) into dashes of about ``dash`` pixels with gaps of about ``gap``."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
    count = max(round(along[-1] / (dash + gap)), 1)
    period = along[-1] / count
    starts = period * np.arange(count)
    dashes = []
    for start in starts:
        places = np.linspace(start, start + period * dash / (dash + gap), 5)
        dashes.append(np.stack([np.interp(places, along, path[:, axis]) for axis in (0, 1)], axis=1))
    return dashes


def _labels(
    picture: Picture, lines: list[str], geometry: Geometry | None, colour: tuple[int, int, int], unit: float
) -> None:
    """The plane above the last two lines; the values beside the figure they belong to, inside the picture.

    Scanners write at the top and leave the corner at the bottom left, beside the fan's end, mostly free.
    """
    size, step = 0.55 * unit, 22 * unit
    _text(picture, lines[0], (8 * unit, picture.shape[0] - 1.9 * step), colour, size)
    if geometry is None:
        return
    points = geometry.points(60)
    right = min(float(points[:, 0].max()) + 10 * unit, picture.shape[1] - 150 * unit)
    top = min(max(float(points[:, 1].min()), 2 * step), picture.shape[0] - (len(lines) + 1) * step)
    for row, line in enumerate(lines[1:]):
        _text(picture, line, (right, top + row * step), colour, size)


def _text(picture: Picture, text: str, place: tuple[float, float], colour: tuple[int, int, int], size: float) -> None:
    x, y = math.floor(place[0]), math.floor(place[1])
    width = max(round(1.6 * size), 1)
    # Thicker letters would also be wider: the halo is the same letters, moved.
    for dx, dy in ((-1, -1), (1, -1), (-1, 1), (1, 1)):
        cv2.putText(picture, text, (x + dx, y + dy), _FONT, size, (0, 0, 0), width, cv2.LINE_AA)
    cv2.putText(picture, text, (x, y), _FONT, size, colour, width, cv2.LINE_AA)


def _fixed(points: NDArray[np.floating]) -> NDArray[np.int32]:
    return np.rint(np.asarray(points, np.float64) * (1 << _SHIFT)).astype(np.int32)


class OverlayWriter:
    """Writes RGB pictures of one size, ``(width, height)``, as an MPEG-4 video; whole or not at all.

    A context manager: on an exception nothing is left. Raises ``InputError`` where the disk is full or not writable.
    """

    def __init__(self, path: Path, size: tuple[int, int], frame_rate_hz: float, *, own_times: bool = False) -> None:
        """``own_times``: every picture is written with the time at which it is shown."""
        self.path = path
        # The codec stores chroma for pairs of pixels.
        self._width, self._height = size[0] // 2 * 2, size[1] // 2 * 2
        suffix = path.suffix.lower() if path.suffix.lower() in {".mp4", ".avi", ".mkv", ".mov"} else ".mp4"
        try:
            handle, name = tempfile.mkstemp(prefix=".", suffix=f".part{suffix}", dir=path.parent)
        except OSError as error:
            raise cannot_write(path, error) from error
        os.close(handle)
        self._part = Path(name)
        rate = Fraction(frame_rate_hz).limit_denominator(1001)
        try:
            self._container = av.open(str(self._part), "w")
            self._stream = self._container.add_stream("mpeg4", rate=rate)
        except (av.FFmpegError, OSError) as error:
            self._part.unlink(missing_ok=True)
            raise _failed(path, error) from error
        self._stream.width, self._stream.height = self._width, self._height
        self._stream.pix_fmt = "yuv420p"
        self._stream.thread_count = 2
        # A fixed fine quantiser: lines one pixel wide survive, whatever the picture's size.
        self._stream.codec_context.options = {"qmin": "2", "qmax": "3"}
        self._stream.bit_rate = 8 * self._width * self._height
        self._tick = Fraction(1, _TICKS_HZ) if own_times else 1 / rate
        self._stream.codec_context.time_base = self._tick
        self._next = 0

    def write(self, picture: Picture, time_s: float | None = None) -> None:
        """Add one (h, w, 3) RGB picture; its time must be later than that of the one before."""
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture[: self._height, : self._width]), format="rgb24")
        frame.pts = self._next if time_s is None else max(round(time_s / self._tick), self._next)
        frame.time_base = self._tick
        self._next = frame.pts + 1
        try:
            self._container.mux(self._stream.encode(frame))
        except (av.FFmpegError, OSError) as error:
            raise _failed(self.path, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is not None:
                # What the muxer still wants to write no longer matters.
                with contextlib.suppress(av.FFmpegError, OSError):
                    self._container.close()
                return
            self._container.mux(self._stream.encode(None))
            self._container.close()
            self._part.chmod(keeping_to_umask(0o644))
            self._part.replace(self.path)
        except (av.FFmpegError, OSError) as failure:
            raise _failed(self.path, failure) from failure
        finally:
            self._part.unlink(missing_ok=True)


def _failed(path: Path, error: Exception) -> InputError:
    number = getattr(error, "errno", None)
    return cannot_write(path, OSError(number or 0, getattr(error, "strerror", None) or str(error)))
