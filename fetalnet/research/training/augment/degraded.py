"""Five ways in which pictures reach a program that are worse than the scanner's own file."""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from fetalnet.research.training.augment.furniture import draw_furniture

Pixels = NDArray[np.uint8]


def with_furniture(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Text, calipers and a ruler drawn over the picture."""
    layers = [draw_furniture(rng, (pixels.shape[0], pixels.shape[1])) for _ in range(3)]
    return np.asarray(np.maximum.reduce([pixels, *layers]), np.uint8)


def cropped(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """A part of the picture: up to an eighth is cut off at each side."""
    height, width = pixels.shape
    left, top, right, bottom = (rng.uniform(0.02, 0.125, 4) * [width, height, width, height]).round().astype(int)
    return np.ascontiguousarray(pixels[top : height - bottom, left : width - right])


def photographed(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """A screen photographed by hand: a little askew, moire, glare, a raised black, JPEG."""
    height, width = pixels.shape
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    askew = corners + rng.uniform(0, 0.03, (4, 2)).astype(np.float32) * [width, height] * [
        [1, 1],
        [-1, 1],
        [-1, -1],
        [1, -1],
    ]
    matrix = cv2.getPerspectiveTransform(corners, askew.astype(np.float32))
    x = cv2.warpPerspective(pixels, matrix, (width, height), flags=cv2.INTER_LINEAR).astype(np.float32)
    down, across = np.mgrid[:height, :width].astype(np.float32)
    angle, period = rng.uniform(0, math.pi), rng.uniform(4, 9)
    x *= 1 + 0.06 * np.sin(2 * math.pi * (across * math.cos(angle) + down * math.sin(angle)) / period)
    glare_x, glare_y = rng.uniform(0.1, 0.9, 2) * [width, height]
    glare = np.exp(-((across - glare_x) ** 2 + (down - glare_y) ** 2) / (2 * (0.2 * width) ** 2))
    x = 18 + 0.85 * x + rng.uniform(10, 45) * glare
    x = cv2.GaussianBlur(x, (0, 0), 1.0) + rng.normal(0, 2.5, x.shape)
    return _through_jpeg(x, 70)


def grabbed(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """A frame grabber's picture: scaled down and up again, blurred, and hard compressed."""
    height, width = pixels.shape
    share = rng.uniform(0.45, 0.65)
    small = cv2.resize(pixels, (round(width * share), round(height * share)), interpolation=cv2.INTER_AREA)
    x = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.float32)
    return _through_jpeg(cv2.GaussianBlur(x, (0, 0), 1.2), int(rng.integers(30, 50)))


def narrow(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """A narrow fan, and a low dynamic range: dim greys are black, bright ones white."""
    height, width = pixels.shape
    apex_x, apex_y = width / 2, -0.35 * height
    y, x = np.ogrid[:height, :width]
    inside = np.abs(np.arctan2(x - apex_x, y - apex_y)) < math.radians(rng.uniform(27, 32))
    floor, ceiling = rng.uniform(18, 30), rng.uniform(170, 210)
    stretched = np.clip((pixels.astype(np.float32) - floor) / (ceiling - floor), 0, 1) * 255
    return np.asarray(stretched * inside, np.float32).astype(np.uint8)


WAYS: dict[str, Callable[[Pixels, np.random.Generator], Pixels]] = {
    "text and rulers": with_furniture,
    "cropped": cropped,
    "photographed screen": photographed,
    "grabbed, JPEG": grabbed,
    "narrow fan, low dynamic range": narrow,
}


def _through_jpeg(x: NDArray[np.floating], quality: int) -> Pixels:
    _, coded = cv2.imencode(".jpg", np.clip(x, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), np.uint8)
