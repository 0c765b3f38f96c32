"""The phantom's ruler screens at another depth: the same layout, the ruler and the fan drawn to the new scale."""

from __future__ import annotations

from typing import Any
from unittest import mock

import numpy as np

from fetalnet.phantom.ruler_screen import RulerScreen, draw_ruler_screen

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
