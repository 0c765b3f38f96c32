"""What scanners draw over pictures: calipers, dotted lines, a depth ruler, text."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_WORDS = ("BPD", "HC", "AC", "FL", "OFD", "GA", "Dist", "MI 1.1", "TIb 0.3", "Gn 12", "FR 31Hz", "2D", "Frq Mid", "cm")


def draw_furniture(rng: np.random.Generator, grid: tuple[int, int]) -> NDArray[np.uint8]:
    """A layer (height, width) uint8 to lay over a picture: drawn blindly, so that it tells nothing of it."""
    layer = np.zeros(grid, np.uint8)
    if rng.random() < 0.5:
        _calipers(rng, layer)
    if rng.random() < 0.5:
        _ruler(rng, layer)
    if rng.random() < 0.6:
        _text(rng, layer)
    return layer


def _calipers(rng: np.random.Generator, layer: NDArray[np.uint8]) -> None:
    height, width = layer.shape
    for _ in range(int(rng.integers(1, 3))):
        ends = np.round(rng.uniform(0.1, 0.9, (2, 2)) * [width, height]).astype(int)
        grey, arm = int(rng.integers(140, 256)), int(rng.integers(2, 6))
        kind = cv2.MARKER_CROSS if rng.random() < 0.6 else cv2.MARKER_TILTED_CROSS
        for end in ends:
            cv2.drawMarker(layer, end.tolist(), grey, kind, 2 * arm, 1)
        if rng.random() < 0.6:
            spacing = int(rng.integers(4, 9))
            count = max(int(np.linalg.norm(ends[1] - ends[0])) // spacing, 2)
            dots = np.round(np.linspace(ends[0], ends[1], count)).astype(int)
            layer[dots[:, 1].clip(0, height - 1), dots[:, 0].clip(0, width - 1)] = grey


def _ruler(rng: np.random.Generator, layer: NDArray[np.uint8]) -> None:
    height, width = layer.shape
    x = int(width * (rng.uniform(0.0, 0.06) if rng.random() < 0.5 else rng.uniform(0.93, 0.99)))
    spacing, grey = int(rng.integers(5, 20)), int(rng.integers(80, 256))
    for number, y in enumerate(range(int(rng.integers(0, spacing)), height, spacing)):
        layer[y, x : x + (5 if number % 5 == 0 else 3)] = grey


def _text(rng: np.random.Generator, layer: NDArray[np.uint8]) -> None:
    height, width = layer.shape
    left = bool(rng.random() < 0.5)
    size = float(rng.uniform(0.22, 0.42)) * height / 256
    y = float(rng.uniform(0.05, 0.8)) * height
    for word in rng.choice(_WORDS, int(rng.integers(1, 6))):
        value = f"{word} {rng.uniform(1, 99):.1f}"
        x = int(width * (rng.uniform(0.0, 0.03) if left else rng.uniform(0.8, 0.9)))
        cv2.putText(
            layer, value, (x, int(y)), cv2.FONT_HERSHEY_SIMPLEX, size, int(rng.integers(120, 256)), 1, cv2.LINE_AA
        )
        y += 32 * size
