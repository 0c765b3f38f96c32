"""What a ruler tells before and after a change of the screen, and the scale that follows where that is beyond doubt."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fetalnet.core.geometry import MmPerPixel
from fetalnet.core.scale.scale import SPACINGS_MM

_SPACING_OFF = 0.015
"""A scale belongs to a ruler where its ticks are that near to one of the spacings that scanners draw."""
_FACE_OFF = 0.12
"""How far the probe's face may be off: it tells one spacing from the next, which is at least twice as wide."""


@dataclass(frozen=True, slots=True)
class RulerChange:
    """What a ruler tells before and after a change of the screen.

    ``before_px``, ``after_px``: from tick to tick. ``same_pattern``: longer ticks come as often as before.
    ``likely_mm`` and ``certain_mm``: what the ticks stand for after it, by their pattern. ``face``: how many times
    larger a pixel is after it, as the probe's face tells, which stays one size in mm; None where it is not seen.
    """

    before_px: float
    after_px: float
    same_pattern: bool
    likely_mm: tuple[float, ...] = ()
    certain_mm: float | None = None
    face: float | None = None

    def __post_init__(self) -> None:
        numbers = (self.before_px, self.after_px, *self.likely_mm, self.certain_mm, self.face)
        if not all(math.isfinite(each) and each > 0 for each in numbers if each is not None):
            raise ValueError("a ruler has ticks some pixels and millimetres apart")

    def spacing_after_mm(self, before: MmPerPixel) -> float | None:
        """What the ticks stand for after the change, where ``before`` is the scale before it; None in any doubt.

        Never a guess: either the fan says the same, or the pattern allows nothing else and the fan does not contradict.
        """
        spacing_mm = min(SPACINGS_MM, key=lambda each: abs(math.log(each / (before.x * self.before_px))))
        if before.x != before.y or abs(before.x * self.before_px / spacing_mm - 1) > _SPACING_OFF:
            return None
        if self.face is None:
            return spacing_mm if self.same_pattern and self.certain_mm == spacing_mm else None
        likely_mm = {*self.likely_mm, *((spacing_mm,) if self.same_pattern else ())}
        told_mm = before.x * self.face * self.after_px
        return next((each for each in sorted(likely_mm) if abs(math.log(each / told_mm)) < _FACE_OFF), None)
