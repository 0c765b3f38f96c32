"""Strong variation of a picture: where it lies (Warp) and how it looks (Appearance)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from fetalnet.research.training.augment.furniture import draw_furniture

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Warp:
    """Rotation, scale, stretch, shift (shares of the grid) and flips about the picture's centre."""

    angle_deg: float = 0.0
    scale: float = 1.0
    stretch: float = 1.0
    shift_x: float = 0.0
    shift_y: float = 0.0
    flip_x: bool = False
    flip_y: bool = False

    @staticmethod
    def draw(rng: np.random.Generator) -> Warp:
        """A strong warp: 35 degrees, scale 0.7 to 1.3, stretch 12 %."""
        return Warp(
            angle_deg=float(rng.uniform(-35, 35)),
            scale=float(math.exp(rng.uniform(math.log(0.7), math.log(1.3)))),
            stretch=float(rng.uniform(0.88, 1.12)),
            shift_x=float(rng.uniform(-0.1, 0.1)),
            shift_y=float(rng.uniform(-0.1, 0.1)),
            flip_x=bool(rng.random() < 0.5),
            # The probe is at the top: a picture upside down is rare.
            flip_y=bool(rng.random() < 0.1),
        )

    def drifted(self, rng: np.random.Generator) -> Warp:
        """A warp a short movement of the probe away."""
        return replace(
            self,
            angle_deg=self.angle_deg + float(rng.normal(0, 3)),
            scale=self.scale * float(math.exp(rng.normal(0, 0.02))),
            shift_x=self.shift_x + float(rng.normal(0, 0.02)),
            shift_y=self.shift_y + float(rng.normal(0, 0.02)),
        )

    def towards(self, end: Warp, share: float) -> Warp:
        """The warp ``share`` (0 to 1) of the way to ``end``; flips stay."""
        numbers = {
            name: getattr(self, name) + share * (getattr(end, name) - getattr(self, name))
            for name in ("angle_deg", "scale", "stretch", "shift_x", "shift_y")
        }
        return replace(self, **numbers)

    def matrix(self, base: tuple[int, int], grid: tuple[int, int]) -> NDArray[np.float64]:
        """The affine map (2, 3) from a picture ``base`` (height, width) to ``grid``; integers are pixel centres."""
        fit = min(grid[0] / base[0], grid[1] / base[1]) * self.scale
        root = math.sqrt(self.stretch)
        cos, sin = math.cos(math.radians(self.angle_deg)), math.sin(math.radians(self.angle_deg))
        linear = np.array([[cos, -sin], [sin, cos]]) @ np.diag(
            [fit * root * (-1 if self.flip_x else 1), fit / root * (-1 if self.flip_y else 1)]
        )
        centre = np.array([(base[1] - 1) / 2, (base[0] - 1) / 2])
        target = np.array([(grid[1] - 1) / 2 + self.shift_x * grid[1], (grid[0] - 1) / 2 + self.shift_y * grid[0]])
        return np.column_stack([linear, target - linear @ centre])


def warp_picture(pixels: NDArray[np.uint8], matrix: NDArray[np.float64], grid: tuple[int, int]) -> NDArray[np.uint8]:
    """The picture under an affine map to ``grid`` (height, width), shrunk by area first where it gets much smaller."""
    fit = math.sqrt(abs(float(np.linalg.det(matrix[:, :2]))))
    if fit < 0.75:
        height, width = pixels.shape
        shape = max(round(height * fit * 1.2), 2), max(round(width * fit * 1.2), 2)
        pixels = np.asarray(cv2.resize(pixels, shape[::-1], interpolation=cv2.INTER_AREA), np.uint8)
        x, y = width / shape[1], height / shape[0]
        # From the shrunk picture back to the given one, pixel centres kept.
        back = np.array([[x, 0, 0.5 * x - 0.5], [0, y, 0.5 * y - 0.5], [0, 0, 1]])
        matrix = matrix @ back
    return np.asarray(cv2.warpAffine(pixels, matrix, grid[::-1], flags=cv2.INTER_LINEAR), np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Appearance:
    """How a recording looks, the same for each of its frames but for the speckle.

    ``gain`` (height, width) holds depth gain, side gain, shadow, glare and the fan's edge or a crop's; ``overlay`` what
    a scanner draws. ``floor`` is the grey below which a low dynamic range shows black, ``quality`` that of the JPEG in
    which a picture was passed on, 0 for none: every source of pictures gets the same, so that neither tells the plane.
    """

    gain: Floats
    haze: Floats
    overlay: NDArray[np.uint8] | None
    detail: float
    blur_px: float
    speckle: float
    grain: int
    gamma: float
    contrast: float
    floor: float
    quality: int

    @staticmethod
    def draw(rng: np.random.Generator, grid: tuple[int, int]) -> Appearance:
        """A random look for pictures of ``grid`` (height, width)."""
        size = grid[0] / 256
        haze = np.zeros((grid[0], 1), np.float32)
        if rng.random() < 0.3:
            haze = _curve(rng.uniform(0, 0.35, 4) * [1, 0.6, 0.2, 0.1], grid[0])[:, None]
        return Appearance(
            gain=_gain(rng, grid),
            haze=haze,
            overlay=draw_furniture(rng, grid) if rng.random() < 0.4 else None,
            detail=float(rng.uniform(0.4, 0.9)) if rng.random() < 0.25 else 1.0,
            blur_px=float(rng.uniform(0.3, 1.8)) * size if rng.random() < 0.25 else 0.0,
            speckle=float(rng.uniform(0.05, 0.4)) if rng.random() < 0.5 else 0.0,
            grain=int(rng.integers(1, 4)),
            gamma=float(math.exp(rng.normal(0, 0.3))),
            contrast=float(math.exp(rng.normal(0, 0.2))),
            floor=float(rng.uniform(0.02, 0.2)) if rng.random() < 0.2 else 0.0,
            quality=int(rng.integers(25, 96)) if rng.random() < 0.5 else 0,
        )

    def apply(self, pixels: NDArray[np.uint8], rng: np.random.Generator) -> Floats:
        """One frame (height, width) uint8 to grey 0 to 1."""
        height, width = pixels.shape
        x = pixels.astype(np.float32) * np.float32(1 / 255)
        if self.detail < 1.0:
            small = cv2.resize(
                x, (round(width * self.detail), round(height * self.detail)), interpolation=cv2.INTER_AREA
            )
            x = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
        if self.blur_px > 0:
            x = cv2.GaussianBlur(x, (0, 0), self.blur_px)
        if self.speckle > 0:
            # Speckle is wider than deep, and wider with a lower frequency.
            noise = rng.standard_normal((height // self.grain, width // (self.grain + 1)), dtype=np.float32)
            x = x * (1.0 + self.speckle * cv2.resize(noise, (width, height), interpolation=cv2.INTER_LINEAR))
        x = x * self.gain
        x += self.haze * (x > 0)
        if self.floor > 0:
            x = (x - self.floor) / (1.0 - self.floor)
        x = self.contrast * np.power(np.clip(x, 0.0, 1.0), self.gamma)
        if self.overlay is not None:
            x = np.maximum(x, self.overlay * np.float32(1 / 255))
        x = np.clip(x, 0.0, 1.0)
        return np.asarray(_through_jpeg(x, self.quality) if self.quality else x, np.float32)


def _through_jpeg(x: Floats, quality: int) -> Floats:
    """Grey 0 to 1 as it comes out of a JPEG."""
    _, coded = cv2.imencode(".jpg", (x * 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), np.float32) / np.float32(255)


def _gain(rng: np.random.Generator, grid: tuple[int, int]) -> Floats:
    height, width = grid
    gain = np.ones(grid, np.float32)
    if rng.random() < 0.6:
        gain *= _curve(np.exp(rng.normal(0, 0.3, 5)), height)[:, None]
    if rng.random() < 0.3:
        gain *= _curve(np.exp(rng.normal(0, 0.2, 4)), width)[None, :]
    for _ in range(int(rng.choice([0, 1, 2], p=[0.65, 0.25, 0.1]))):
        gain *= _shadow(rng, grid)
    if rng.random() < 0.2:
        gain *= _fan(rng, grid)
    if rng.random() < 0.15:
        gain *= _crop(rng, grid)
    return gain


def _curve(values: NDArray[np.float64], length: int) -> Floats:
    """A smooth curve (length,) through evenly spaced values."""
    column = values.astype(np.float32)[:, None]
    return np.asarray(cv2.resize(column, (1, length), interpolation=cv2.INTER_CUBIC)[:, 0], np.float32)


def _shadow(rng: np.random.Generator, grid: tuple[int, int]) -> Floats:
    """A dark wedge that opens away from the probe."""
    height, width = grid
    apex = np.array([width * rng.uniform(0.3, 0.7), -height * rng.uniform(0.1, 0.8)])
    aim = np.array([width * rng.uniform(0.0, 1.0), height * 1.2])
    half = width * rng.uniform(0.01, 0.07)
    start = rng.uniform(0.0, 0.7)
    near, side = apex + (aim - apex) * start, np.array([half, 0.0])
    corners = np.array([near - side * start, near + side * start, aim + side, aim - side])
    wedge = np.ones(grid, np.float32)
    cv2.fillConvexPoly(wedge, np.round(corners).astype(np.int32), float(rng.uniform(0.05, 0.6)))
    return np.asarray(cv2.blur(wedge, (max(int(half / 2), 1), 1)), np.float32)


def _crop(rng: np.random.Generator, grid: tuple[int, int]) -> Floats:
    """The mask of a cropped picture: zero outside."""
    height, width = grid
    left, top, right, bottom = rng.uniform(0, 0.15, 4) * [width, height, width, height]
    inside = np.zeros(grid, np.float32)
    inside[round(top) : height - round(bottom), round(left) : width - round(right)] = 1.0
    return inside


def _fan(rng: np.random.Generator, grid: tuple[int, int]) -> Floats:
    """The field of a curved probe: zero outside."""
    height, width = grid
    apex_y = -height * rng.uniform(0.05, 0.5)
    apex_x = width * rng.uniform(0.4, 0.6)
    y, x = np.ogrid[:height, :width]
    radius = np.hypot(x - apex_x, y - apex_y)
    angle = np.arctan2(np.abs(x - apex_x), y - apex_y)
    near = -apex_y + height * rng.uniform(0.0, 0.06)
    far = height * rng.uniform(0.92, 1.05) - apex_y
    inside = (radius > near) & (radius < far) & (angle < math.radians(rng.uniform(28, 50)))
    return inside.astype(np.float32)
