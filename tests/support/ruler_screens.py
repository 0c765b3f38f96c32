"""Screens of made-up scanners with a ruler and much that looks like one, to test its detection; none is a real make."""

from __future__ import annotations

import io
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

import av
import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Colour = tuple[int, int, int]

SIZES = ((640, 480), (800, 600), (960, 720), (976, 736), (1024, 768), (1280, 720), (1280, 960), (1920, 1080))
PATTERNS: tuple[tuple[float, tuple[int, ...], float], ...] = (
    (5.0, (2, 10), 0.26), (5.0, (2,), 0.24), (10.0, (5,), 0.26), (5.0, (10,), 0.12),
    (1.0, (5, 10), 0.06), (10.0, (), 0.06)
)  # fmt: skip
"""Spacing in mm, every how many ticks a longer one comes, and the share of screens drawn so."""
_COLOURS: tuple[Colour, ...] = (
    (240, 240, 120),
    (220, 220, 220),
    (120, 200, 255),
    (140, 140, 140),
    (90, 230, 120),
    (255, 170, 60),
)


class TickStyle(StrEnum):
    """How ticks are drawn."""

    LINE = "line"
    DOT = "dot"
    TRIANGLE = "triangle"
    AXIS = "axis"


@dataclass(frozen=True, slots=True, eq=False)
class RulerScreen:
    """``picture`` (h, w, 3) RGB with the ruler's truth; ``fan_depth_px`` is the height of the fan that is shown."""

    picture: Picture
    spacing_mm: float
    major_every: tuple[int, ...]
    period_px: float
    across_px: float
    fan_depth_px: float
    style: TickStyle

    @property
    def mm_per_pixel(self) -> float:
        return self.spacing_mm / self.period_px


def draw_ruler_screen(seed: int) -> RulerScreen:
    """A random layout; the same seed gives the same pixels."""
    rng = np.random.default_rng((seed, 41))
    width, height = SIZES[int(rng.integers(len(SIZES)))]
    picture = np.zeros((height, width, 3), np.uint8)
    unit = max(height / 735.0, 0.6)
    top, bottom = height * float(rng.uniform(0.04, 0.12)), height * float(rng.uniform(0.88, 0.99))
    depth_mm = float(np.clip(rng.lognormal(np.log(125.0), 0.3), 55.0, 260.0))
    px_per_mm = (bottom - top) / depth_mm
    _draw_fan(rng, picture, top, bottom)
    spacing_mm, major_every = _pattern(rng, px_per_mm)
    style = list(TickStyle)[int(rng.choice(4, p=[0.55, 0.2, 0.1, 0.15]))]
    left = rng.uniform() < 0.55
    across = width * (float(rng.uniform(0.02, 0.16)) if left else float(rng.uniform(0.84, 0.975)))
    _draw_distractors(rng, picture, unit, across, (top, bottom))
    colour = _COLOURS[int(rng.integers(len(_COLOURS)))]
    inward = (1 if left else -1) * (1 if rng.uniform() < 0.7 else -1)
    ticks = _Ticks(picture, unit, colour, style, round(across), inward, shadow=rng.uniform() < 0.4)
    zero = top + (0.0 if rng.uniform() < 0.7 else float(rng.uniform(-40, 20)) * unit)
    period = spacing_mm * px_per_mm
    if style is TickStyle.AXIS:
        cv2.line(picture, (round(across), round(top)), (round(across), round(bottom)), colour, 1)
    numbered = rng.uniform() < 0.5
    for k in range(int(np.ceil((top - zero) / period)), int((bottom - zero) / period) + 1):
        y = zero + k * period
        level = sum(k % every == 0 for every in major_every)
        ticks.draw(y, level)
        label = k * spacing_mm / 10
        if numbered and k > 0 and level == len(major_every) and label == int(label) and period * 5 > 12 * unit:
            _write(
                picture,
                (across + (16 if inward > 0 else -30) * unit, y + 4 * unit),
                str(int(label)),
                colour,
                0.36 * unit,
            )
    return RulerScreen(picture, spacing_mm, major_every, period, across, bottom - top, style)


def recompressed(picture: Picture, crf: int = 28) -> Picture:
    """The picture after H.264, as a grabber or a forwarded video leaves it; even sizes only."""
    memory = io.BytesIO()
    with av.open(memory, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=Fraction(25), options={"crf": str(crf), "threads": "1"})
        stream.height, stream.width, stream.pix_fmt = picture.shape[0], picture.shape[1], "yuv420p"
        for packet in [*stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")), *stream.encode()]:
            container.mux(packet)
    memory.seek(0)
    with av.open(memory, "r") as container:
        frame = next(container.decode(container.streams.video[0]))
        return np.ascontiguousarray(frame.to_ndarray(format="rgb24"))


@dataclass(frozen=True, slots=True, eq=False)
class _Ticks:
    picture: Picture
    unit: float
    colour: Colour
    style: TickStyle
    x: int
    inward: int
    shadow: bool

    def draw(self, y: float, level: int) -> None:
        row, thick = round(y), max(1, round(1.3 * self.unit)) + (level == 2)
        if self.shadow:
            self._mark(self.x + 1, row + thick, level, thick, (0, 0, 0))
        self._mark(self.x, row, level, thick, self.colour)

    def _mark(self, x: int, row: int, level: int, thick: int, colour: Colour) -> None:
        if self.style is TickStyle.DOT:
            cv2.circle(self.picture, (x, row), max(1, round((1.0 + 0.9 * level) * self.unit)), colour, -1)
        elif self.style is TickStyle.TRIANGLE:
            size = round((3.5 + 1.8 * level) * self.unit)
            tip = np.array(
                [[x, row], [x + self.inward * size, row - size // 2], [x + self.inward * size, row + size // 2]]
            )
            cv2.fillPoly(self.picture, [tip], colour)
        else:
            length = round((2.5, 6.0, 11.0)[level] * self.unit)
            cv2.line(self.picture, (x, row), (x + self.inward * length, row), colour, thick)


def _pattern(rng: np.random.Generator, px_per_mm: float) -> tuple[float, tuple[int, ...]]:
    share = np.array([share if spacing * px_per_mm >= 5.5 else 0.0 for spacing, _, share in PATTERNS])
    spacing_mm, major_every, _ = PATTERNS[int(rng.choice(len(PATTERNS), p=share / share.sum()))]
    return spacing_mm, major_every


def _draw_fan(rng: np.random.Generator, picture: Picture, top: float, bottom: float) -> None:
    height, width = picture.shape[:2]
    speckle = rng.rayleigh(1.0, (height, width)).astype(np.float32)
    speckle = cv2.GaussianBlur(speckle, (0, 0), 1.6 * height / 735, sigmaY=0.9 * height / 735)
    lumps = cv2.resize(
        rng.uniform(0.1, 1.0, (9, 12)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC
    )
    tissue = np.clip(90 * speckle * np.maximum(lumps, 0.02) ** 1.5 - 10, 0, 255)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    axis = width * float(rng.uniform(0.44, 0.56))
    if rng.uniform() < 0.15:
        half = width * float(rng.uniform(0.2, 0.4))
        inside = (np.abs(x - axis) < half) & (y > top) & (y < bottom)
    else:
        radius = float(rng.uniform(0.1, 0.9)) * (bottom - top)
        r, angle = np.hypot(x - axis, y - top + radius), np.arctan2(x - axis, y - top + radius)
        inside = (r > radius) & (r < radius + bottom - top) & (np.abs(angle) < float(rng.uniform(0.4, 0.65)))
    tint = [(1.0, 1.0, 1.0), (0.93, 0.96, 1.0), (1.0, 0.93, 0.8)][int(rng.integers(3))]
    for channel, gain in enumerate(tint):
        np.copyto(picture[..., channel], (tissue * gain).astype(np.uint8), where=inside)


def _draw_distractors(
    rng: np.random.Generator, picture: Picture, unit: float, across: float, rows: tuple[float, float]
) -> None:
    height, width = picture.shape[:2]
    if rng.uniform() < 0.7:  # the bar of grey levels
        x = width - 14 if across < width / 2 else 3
        y0, y1 = round(height * 0.14), round(height * float(rng.uniform(0.35, 0.6)))
        picture[y0:y1, x : x + 9] = np.linspace(255, 0, y1 - y0).astype(np.uint8)[:, None, None]
    if rng.uniform() < 0.4:  # the time gain: evenly spaced dots, on a slant or in a bend
        x = width * (0.9 if across < width / 2 else 0.08)
        for k in range(8):
            at = (
                round(x + unit * (4 * k if rng.uniform() < 0.9 else 30)),
                round(rows[0] + (rows[1] - rows[0]) * (k + 0.5) / 9),
            )
            cv2.circle(picture, at, max(1, round(1.5 * unit)), (200, 200, 60), -1)
    if rng.uniform() < 0.8:  # a column of words
        x = width * (float(rng.uniform(0.86, 0.9)) if across < width / 2 else float(rng.uniform(0.01, 0.04)))
        step = float(rng.uniform(17, 24)) * unit
        for row in range(int(rng.integers(5, 18))):
            words = ["Gn -2", "C5 / M7", "P3 / E2", "SRI 3", "Pwr 89", "FR 32", "2D", "Har-mid", "78%", "OB"]
            _write(picture, (x, height * 0.13 + row * step), words[int(rng.integers(10))], (190, 190, 190), 0.4 * unit)
    if rng.uniform() < 0.6:  # focus
        y = round(float(rng.uniform(*rows)))
        cv2.drawMarker(
            picture, (round(across) + round(14 * unit), y), (240, 240, 120), cv2.MARKER_TRIANGLE_UP, round(8 * unit)
        )
    if rng.uniform() < 0.4:  # dotted calipers
        x = round(width * float(rng.uniform(0.35, 0.65)))
        for y in range(round(height * 0.3), round(height * 0.75), max(4, round(7 * unit))):
            cv2.circle(picture, (x, y), 1, (230, 230, 90), -1)
    if rng.uniform() < 0.25:  # ECG
        t = np.arange(round(width * 0.1), round(width * 0.9))
        wave = 12 * unit * np.exp(-((((t % (90 * unit)) - 30) / 4) ** 2))
        cv2.polylines(
            picture, [np.stack([t, height * 0.95 - wave], 1).round().astype(np.int32)], False, (60, 220, 60), 1
        )
    _write(
        picture,
        (0.4 * width, 0.03 * height),
        f"{rng.uniform(6, 20):.1f}cm / {rng.uniform(1, 2.5):.1f}",
        (220, 220, 220),
        0.5 * unit,
    )


def _write(picture: Picture, at: tuple[float, float], words: str, colour: Colour, size: float) -> None:
    place = round(at[0]), round(at[1])
    cv2.putText(picture, words, place, cv2.FONT_HERSHEY_SIMPLEX, size, colour, 1, cv2.LINE_AA)
