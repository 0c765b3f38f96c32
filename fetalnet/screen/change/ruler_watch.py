"""Looks at one ruler from frame to frame, and says where its ticks have moved."""

from __future__ import annotations

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

from fetalnet.screen.ruler.detect import Ruler, follow_in, strip_of
from fetalnet.screen.ruler.spacing import CLEAR

MOVED = 0.02
"""What a turn of the knob does to a ruler's period is more than this part of it."""
_CLOSELY = 60
"""Frames in which it is looked at each time: so long the drift watch still learns what stands on the screen."""
_EVERY = 15
"""Later it is looked at as rarely as this; where it has moved the frames between are looked at again."""
_KEPT = _EVERY + 4
_FEW = 0.55
"""How much a knob changes the period in one turn that the drift watch may miss (logarithm): two and a half times at
once, or half of it, is another reading of the same ticks.
"""


class RulerWatch:
    """Fed frame after frame by one thread. A ruler that was ``followed`` over a change must stay in sight at first."""

    def __init__(self, ruler: Ruler, *, followed: bool) -> None:
        self._ruler, self._followed = ruler, followed
        self._left_px: int | None = None
        self._looked = 0
        self._doubted = False
        self._strips: deque[tuple[int, NDArray[np.uint8]]] = deque(maxlen=_KEPT)

    def moved(self, index: int, pixels: NDArray[np.uint8]) -> bool:
        """Whether the ticks of frame ``index`` are further apart, or nearer; some ms where it looks, else none."""
        strip, self._left_px = strip_of(self._ruler, pixels)
        self._strips.append((index, strip.copy()))
        self._looked += 1
        if self._looked <= _CLOSELY:
            seen = follow_in(self._ruler, strip, self._left_px)
            # At the start it may be no ruler after all.
            return self._followed if seen is None else abs(seen.period_px / self._ruler.period_px - 1) > MOVED
        if self._doubted or self._looked % _EVERY == 0:
            self._doubted = self._has_turned(strip)
        return self._doubted

    def since(self, index: int) -> int:
        """The first frame that shows what frame ``index`` shows, among those that were not looked at."""
        for earlier, strip in reversed(self._strips):
            if earlier < index:
                if not self._doubted or not self._has_turned(strip):
                    break
                index = earlier
        return index

    def _has_turned(self, strip: NDArray[np.uint8]) -> bool:
        """Whether the ruler is clearly seen at another depth; hidden, or taken for another, it says nothing."""
        seen = follow_in(self._ruler, strip, self._left_px or 0)
        if seen is None or seen.confidence < CLEAR:
            return False
        return MOVED < abs(math.log(seen.period_px / self._ruler.period_px)) < _FEW
