"""How many millimetres a ruler's spacing stands for: the choices a person confirms one of, the likeliest first."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fetalnet.core.errors import InputError
from fetalnet.core.geometry import MmPerPixel
from fetalnet.core.scale.scale import PLAUSIBLE_MM_PER_PIXEL, Scale, ScaleOrigin
from fetalnet.screen.ruler.detect import Axis, Ruler

_DRAWN: dict[tuple[int, ...], dict[float, float]] = {
    (): {10.0: 0.62, 5.0: 0.33, 1.0: 0.05},
    (2,): {5.0: 0.97, 10.0: 0.025, 1.0: 0.005},
    (5,): {10.0: 0.90, 1.0: 0.06, 5.0: 0.04},
    (10,): {5.0: 0.60, 1.0: 0.25, 10.0: 0.15},
    (2, 10): {5.0: 0.99, 10.0: 0.008, 1.0: 0.002},
    (5, 10): {1.0: 0.98, 10.0: 0.01, 5.0: 0.01},
}
"""How often the ticks of such a pattern stand for 1, 5 and 10 mm; judged from how scanners draw, not counted."""
_USUAL_DEPTH_MM = 120.0
_SHOWN_MM = (25.0, 320.0)
"""A fetal examination shows 40 to 300 mm; a zoomed picture less of it."""
_CERTAIN = 0.93
LIKELY = 0.05
"""Plausibility from which on a choice may be taken where something else says that it is the right one."""
CLEAR = 0.75
"""Confidence from which on a ruler is believed without a person."""
_MIN_TICKS = 7


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What one choice of spacing would mean.

    ``spacing_mm``: from tick to tick. ``fan_depth_mm``: of the fan (or of the ruler, where the fan is not known).
    ``plausibility``: share among all choices. ``certain``: this one is clearly right; a person confirms all the same.
    """

    spacing_mm: float
    mm_per_pixel: float
    fan_depth_mm: float
    plausibility: float
    certain: bool

    @property
    def scale(self) -> Scale:
        """The scale that a person takes by confirming."""
        note = f"Ticks every {self.spacing_mm:g} mm, confirmed by a person."
        return Scale(MmPerPixel(self.mm_per_pixel, self.mm_per_pixel), ScaleOrigin.RULER, note)


def hypotheses(ruler: Ruler, fan_depth_px: float | None = None) -> tuple[Hypothesis, ...]:
    """The choices for a ruler, best first; ``fan_depth_px`` is the height of the fan in native pixels.

    Raises ``InputError`` for a depth that is no length.
    """
    depth_px = ruler.span_px if fan_depth_px is None else fan_depth_px
    if not math.isfinite(depth_px) or depth_px <= 0:
        raise InputError("The fan's depth must be more than 0 pixels.")
    weights = {}
    for spacing_mm, drawn in _DRAWN[ruler.major_every].items():
        mm_per_pixel = spacing_mm / ruler.period_px
        shown_mm = depth_px * mm_per_pixel
        if PLAUSIBLE_MM_PER_PIXEL[0] <= mm_per_pixel <= PLAUSIBLE_MM_PER_PIXEL[1] and _shown(shown_mm):
            weights[spacing_mm] = drawn * _usual(shown_mm)
    total = sum(weights.values())
    ordered = sorted(weights, key=lambda spacing_mm: -weights[spacing_mm])
    return tuple(
        Hypothesis(
            spacing_mm,
            spacing_mm / ruler.period_px,
            depth_px * spacing_mm / ruler.period_px,
            weights[spacing_mm] / total,
            rank == 0 and weights[spacing_mm] / total >= _CERTAIN and is_clear(ruler),
        )
        for rank, spacing_mm in enumerate(ordered)
    )


def alike(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether two patterns may be one ruler: the longest ticks may lie beyond the end of what is shown."""
    shorter, longer = sorted((one, other), key=len)
    return one == other or (bool(shorter) and longer[: len(shorter)] == shorter)


def is_clear(ruler: Ruler) -> bool:
    """Whether the ticks themselves say what they are: without longer ones, or with few ticks, they do not."""
    return (
        ruler.axis is Axis.DEPTH and bool(ruler.major_every) and len(ruler.ticks) >= _MIN_TICKS
        and ruler.confidence >= CLEAR
    )  # fmt: skip


def _shown(depth_mm: float) -> bool:
    return _SHOWN_MM[0] <= depth_mm <= _SHOWN_MM[1]


def _usual(depth_mm: float) -> float:
    """How usual such a depth is; falls slowly, for zoomed pictures show little of it."""
    return 1.0 / (1.0 + (math.log(depth_mm / _USUAL_DEPTH_MM) / 0.45) ** 2)
