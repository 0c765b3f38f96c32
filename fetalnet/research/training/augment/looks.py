"""Where pixels lie about an organ, and smooth noise: what the looks of simulated pictures are drawn with."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from fetalnet.core.geometry import Ellipse

Floats = NDArray[np.float32]


def sound_of(matrix: NDArray[np.float64]) -> Floats:
    """The direction (2,) of the sound, which came from above, in a picture that an affine map (2, 3) has turned."""
    return np.asarray(matrix[:, 1] / np.linalg.norm(matrix[:, 1]), np.float32)


def about(ellipse: Ellipse, shape: tuple[int, ...], sound: Floats) -> tuple[Floats, Floats, Floats]:
    """Of each pixel: its radius in units of the ellipse's; how squarely the sound, of direction ``sound`` (2,), meets
    the rim there, 0 to 1; and how deep it lies, -1 where the sound enters the ellipse, 1 where it leaves.
    """
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    dx, dy = x - np.float32(ellipse.cx), y - np.float32(ellipse.cy)
    inverse = np.linalg.inv(ellipse.matrix).astype(np.float32)
    u, v = inverse[0, 0] * dx + inverse[0, 1] * dy, inverse[1, 0] * dx + inverse[1, 1] * dy
    radius = np.sqrt(u * u + v * v)
    nx, ny = inverse[0, 0] * u + inverse[1, 0] * v, inverse[0, 1] * u + inverse[1, 1] * v
    across = np.abs(sound[0] * nx + sound[1] * ny) / (np.sqrt(nx * nx + ny * ny) + np.float32(1e-9))
    reach = np.float32(np.linalg.norm(sound @ ellipse.matrix))
    return radius, across, (sound[0] * dx + sound[1] * dy) / reach


def between_ends(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Of each row what lies between its first and its last pixel that is not black."""
    lit = pixels > 0
    between: NDArray[np.bool_] = (
        np.logical_or.accumulate(lit, axis=1) & (np.logical_or.accumulate(lit[:, ::-1], axis=1)[:, ::-1])
    )
    return between


def fan_of(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where a picture (height, width) is within its fan: the convex hull of what is lit, single letters left out."""
    lit = cv2.morphologyEx((pixels > 0).astype(np.uint8), cv2.MORPH_OPEN, np.ones((9, 9), np.uint8))
    points = cv2.findNonZero(lit)
    if points is None:
        return pixels > 0
    fan = np.zeros(pixels.shape, np.uint8)
    cv2.fillConvexPoly(fan, cv2.convexHull(points), 1)
    return fan > 0


def finished(x: Floats, blur_px: float, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Greys (height, width) as a picture, blurred. Beside the fan of ``pixels`` it is black and stays so."""
    if blur_px > 0.3:
        x = np.asarray(cv2.GaussianBlur(x, (0, 0), blur_px), np.float32)
    return np.where(fan_of(pixels), np.clip(x, 0.0, 255.0), 0.0).astype(np.uint8)


def draw_ellipse(layer: Floats, ellipse: Ellipse, grey: float) -> None:
    """Fill an ellipse, to an eighth of a pixel; one too small to be seen is drawn a pixel wide."""
    at = round(ellipse.cx * 8), round(ellipse.cy * 8)
    axes = max(round(ellipse.a * 8), 8), max(round(ellipse.b * 8), 8)
    cv2.ellipse(layer, at, axes, ellipse.theta_deg, 0, 360, grey, -1, cv2.LINE_8, 3)


def speckle(rng: np.random.Generator, shape: tuple[int, ...], grain_px: float) -> Floats:
    """Noise of unit variance, wider across the picture than along it."""
    noise = rng.standard_normal(shape, dtype=np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), sigmaX=1.5 * grain_px, sigmaY=grain_px)
    return np.asarray(smooth / smooth.std(), np.float32)


def lumps(rng: np.random.Generator, shape: tuple[int, ...], cell_px: float) -> Floats:
    """Smooth noise of unit variance or a little less, which varies over ``cell_px``."""
    coarse = max(round(shape[0] / cell_px), 2), max(round(shape[1] / cell_px), 2)
    noise = rng.standard_normal(coarse, dtype=np.float32)
    return np.asarray(cv2.resize(noise, shape[::-1], interpolation=cv2.INTER_CUBIC), np.float32)
