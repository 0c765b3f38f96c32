"""Real pictures whose head is gone, so that real texture never means head."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from fetalnet.core.geometry import Ellipse, Geometry
from fetalnet.core.planes import Plane
from fetalnet.research.training.data.example import Example

Floats = NDArray[np.float32]

_HALO = 1.18
"""How much larger than the skull the erased ellipse is: the skull's bloom and the scalp must go too."""


def erased(head: Example, rng: np.random.Generator, fillers: list[Example]) -> Example:
    """The picture of a head with the head filled in: from its own surroundings, or from another picture."""
    covered = _cover(head.pixels.shape, [head.outlines[Plane.HEAD].geometry])
    if fillers and rng.random() < 0.6:
        filler = fillers[int(rng.integers(len(fillers)))].pixels
        fill = _matched(
            np.roll(filler, int(rng.integers(-60, 60)), axis=1)[:, :: 1 if rng.random() < 0.5 else -1], head.pixels
        )
    else:
        fill = _inpainted(head.pixels, covered, rng)
    return Example(blend(head.pixels, fill, covered))


def _cover(shape: tuple[int, ...], outlines: list[Geometry]) -> Floats:
    """(h, w): 1 on the outlines and a halo around them, falling softly to 0."""
    cover = np.zeros(shape, np.uint8)
    for outline in outlines:
        if isinstance(outline, Ellipse):
            outline = Ellipse(outline.cx, outline.cy, outline.a * _HALO, outline.b * _HALO, outline.theta_deg)
            cv2.fillPoly(cover, [np.round(outline.points(64)).astype(np.int32)], 255)
        else:
            start, end = np.round(outline.points()).astype(int)
            # A femur is known by its thigh: the soft tissue around it comes along.
            cv2.line(cover, start.tolist(), end.tolist(), 255, max(int(outline.length_px * 0.6), 3))
    return np.asarray(cv2.blur(cover, (15, 15)), np.float32) / np.float32(255)


def blend(pixels: NDArray[np.uint8], fill: NDArray[np.uint8], cover: Floats) -> NDArray[np.uint8]:
    """``fill`` where ``cover`` (height, width) is 1, the picture where it is 0."""
    return (pixels * (1 - cover) + fill * cover).astype(np.uint8)


def _matched(pixels: NDArray[np.uint8], like: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture resized to ``like`` with its brightness where both are lit."""
    if pixels.shape != like.shape:
        pixels = np.asarray(cv2.resize(pixels, like.shape[::-1], interpolation=cv2.INTER_AREA), np.uint8)
    lit, wanted = pixels[pixels > 8], like[like > 8]
    if lit.size == 0 or wanted.size == 0:
        return pixels
    matched: NDArray[np.uint8] = np.clip(pixels * (float(wanted.mean()) / float(lit.mean())), 0, 255).astype(np.uint8)
    return matched


def _inpainted(pixels: NDArray[np.uint8], cover: Floats, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Filled from around at an eighth of the size, with speckle of its own."""
    height, width = pixels.shape
    small = cv2.resize(pixels, (width // 8, height // 8), interpolation=cv2.INTER_AREA)
    hole = (cv2.resize(cover, (width // 8, height // 8), interpolation=cv2.INTER_AREA) > 0.02).astype(np.uint8)
    filled = cv2.resize(cv2.inpaint(small, hole, 3, cv2.INPAINT_TELEA), (width, height), interpolation=cv2.INTER_LINEAR)
    coarse = cv2.resize(rng.standard_normal((height // 16, width // 16), dtype=np.float32), (width, height))
    fine = cv2.resize(rng.standard_normal((height // 2, width // 3), dtype=np.float32), (width, height))
    speckled: NDArray[np.uint8] = np.clip(filled * (1.0 + 0.25 * coarse + 0.25 * fine), 0, 255).astype(np.uint8)
    return speckled
