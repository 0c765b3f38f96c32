"""The phantom's ruler screens at another depth: the same layout, the ruler and the fan drawn to the new scale.

And a small recording of a scanner whose knob is turned.
"""

from __future__ import annotations

import functools
from typing import Any
from unittest import mock

import cv2
import numpy as np
from numpy.typing import NDArray

from support.ruler_screens import RulerScreen, draw_ruler_screen

WIDTH, HEIGHT = 640, 480
"""Of ``moving_screen``."""
_DEPTHS_MM = (55.0, 260.0)


class _AtDepth(np.random.Generator):
    """Draws what the phantom's own generator draws, but another depth.

    A probe's face has one size in mm, so that it shrinks on the screen with the depth; tissue differs by frame.
    """

    def __init__(self, seed: Any, deeper: float, frame: int) -> None:
        super().__init__(np.random.PCG64(seed))
        self._deeper = deeper
        self._tissue = np.random.Generator(np.random.PCG64((*seed, frame)))

    def lognormal(self, *more: Any) -> Any:
        drawn = float(np.clip(super().lognormal(*more), *_DEPTHS_MM))
        depth_mm = float(np.clip(drawn * self._deeper, *_DEPTHS_MM))
        self._deeper = depth_mm / drawn
        return depth_mm

    def uniform(self, low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Any:
        drawn = super().uniform(low, high, size)
        # The radius of a curved probe's face beside the fan's depth, and half the width of a linear one.
        return drawn / self._deeper if (low, high) in ((0.1, 0.9), (0.2, 0.4)) else drawn

    def rayleigh(self, scale: Any = 1.0, size: Any = None) -> Any:
        super().rayleigh(scale, size)
        return self._tissue.rayleigh(scale, size)


def screen_at_depth(seed: int, deeper: float = 1.0, frame: int = 0) -> RulerScreen:
    """``draw_ruler_screen(seed)`` on the same scanner set ``deeper`` times as deep, within what scanners show."""
    with mock.patch.object(np.random, "default_rng", lambda given: _AtDepth(given, deeper, frame)):
        return draw_ruler_screen(seed)


@functools.lru_cache(maxsize=256)
def moving_screen(index: int, tick_px: int) -> NDArray[np.uint8]:
    """A fan of moving speckle, words, and a ruler of this spacing, with a longer tick every fifth.

    Read-only, and kept: one recording after the other shows the same.
    """
    fan = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.ellipse(fan, (WIDTH // 2, 30), (420, 420), 90, -35, 35, 1, -1)
    rng = np.random.default_rng(index)
    pixels = fan * cv2.GaussianBlur(rng.integers(0, 256, fan.shape, np.uint8), (0, 0), 2)
    for row, word in enumerate(("Pwr 98", "Gn 3", "C6 / M7", "P2 / E1")):
        cv2.putText(pixels, word, (8, 80 + 22 * row), cv2.FONT_HERSHEY_SIMPLEX, 0.45, 220)
    for at, y in enumerate(range(30, 460, tick_px)):
        cv2.line(pixels, (612, y), (622 if at % 5 else 630, y), 230, 1)
    pixels.setflags(write=False)
    return pixels
