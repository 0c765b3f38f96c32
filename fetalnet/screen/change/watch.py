"""Watches a recording for a change of the screen, and finds its ruler on both sides of one."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fetalnet.core.frame import Frame
from fetalnet.core.scale.ruler_change import RulerChange
from fetalnet.screen.change.detector import Change, DriftWatch
from fetalnet.screen.change.ruler_watch import RulerWatch
from fetalnet.screen.fan.search import find_fan
from fetalnet.screen.fan.sector import Sector
from fetalnet.screen.fan.shape import ConvexFan, FanShape, FlatFan
from fetalnet.screen.ruler.detect import Axis, Ruler, find_ruler, follow
from fetalnet.screen.ruler.spacing import CLEAR, LIKELY, alike, hypotheses, is_clear

_SAME_PERIOD = 0.006
"""Two looks at one ruler agree to this part of its period."""
_KEPT_EVERY, _KEPT, _RECENT = 8, 4, 4
"""Frames before a change are kept from about a second; those after it are as many as confirm it."""
_A_LITTLE, _LIKELIEST = 0.17, 0.8
"""Change of the period (logarithm) up to which clear ticks are the same ones where this much speaks for it."""
_START = (8, 60)
"""Frames after which a ruler is looked for; what stands on it may hide it at first."""


class ScreenWatch:
    """A drift watch that keeps what the ruler looked like, and says with each change what became of it.

    Frames are held by reference, a few at a time. At a change it looks for ruler and fan: some seconds. Where
    ``on_ruler`` is given nobody waits for that: the change is told at once without a ruler, and once more to
    ``on_ruler``, by a thread of its own, where a ruler was found on both sides.
    """

    def __init__(self, sector: Sector | None = None, on_ruler: Callable[[Change], None] | None = None) -> None:
        self._on_ruler = on_ruler
        self._looking = threading.Lock()
        self._changes = 0
        self._drift = DriftWatch(sector)
        self._before: deque[Frame] = deque(maxlen=_KEPT)
        self._recent: deque[Frame] = deque(maxlen=_RECENT)
        self._ruler: RulerWatch | None = None
        self._count = 0

    def look(self, frame: Frame) -> Change | None:
        """The change that this frame confirms, if any, with its ``ruler`` where there is one on both sides."""
        self._recent.append(frame)
        ruler = self._ruler
        change = self._drift.look(frame, lambda pixels: ruler is not None and ruler.moved(frame.index, pixels))
        if change is not None:
            return self._on(change if ruler is None else replace(change, index=ruler.since(change.index)))
        if self._count % _KEPT_EVERY == 0:
            self._before.append(frame)
        if self._count in _START and ruler is None:
            pictures = [frame.pixels for frame in self._before]
            number = self._changes
            if self._on_ruler is None:
                self._start(pictures, number)
            else:
                beside(lambda: self._start(pictures, number))
        self._count += 1
        return None

    def _start(self, pictures: list[NDArray[np.uint8]], number: int) -> None:
        """Look at the ruler from now on, where one is clear."""
        ruler = find_ruler(*pictures)
        if ruler is not None and ruler.axis is Axis.DEPTH and ruler.confidence >= CLEAR:
            self._watch_from_now(RulerWatch(ruler, followed=False), number)

    def _on(self, change: Change) -> Change:
        before = [frame.pixels for frame in self._before if frame.index < change.index]
        after = [frame.pixels for frame in self._recent if frame.index >= change.index]
        self._before.clear()
        self._count, self._ruler = 0, None
        self._changes += 1
        number = self._changes
        if self._on_ruler is None:
            return self._with_ruler(change, before, after, number)
        tell = self._on_ruler

        def look() -> None:
            # One at a time, in their order: the knob is often turned step by step.
            with self._looking:
                found = self._with_ruler(change, before, after, number)
            if found.ruler is not None:
                tell(found)

        beside(look)
        return change

    def _with_ruler(
        self, change: Change, before: list[NDArray[np.uint8]], after: list[NDArray[np.uint8]], number: int
    ) -> Change:
        """The change with what became of the ruler, where there is one on both sides."""
        one_size = len({pixels.shape for pixels in (*before, *after)}) == 1
        old = find_ruler(*before) if before and after and one_size else None
        new = _again(old, after) if old is not None else None
        if old is None or new is None:
            return change
        self._watch_from_now(RulerWatch(new, followed=True), number)
        face, curved = _face_ratio(before, after)
        return replace(change, ruler=ruler_change(old, new, face, curved=curved))

    def _watch_from_now(self, ruler: RulerWatch, number: int) -> None:
        """Look whether this ruler moves, unless the screen has changed again since it was found."""
        if number == self._changes:
            self._ruler = ruler


def beside(work: Callable[[], None]) -> None:
    """Do work of a few seconds on a thread of its own; nobody waits for it, and nothing is lost where it is cut off."""
    threading.Thread(target=work, name="ruler", daemon=True).start()


def ruler_change(old: Ruler, new: Ruler, face: float | None = None, *, curved: bool = True) -> RulerChange:
    """What two rulers of one device say of each other.

    The width of a picture that is not ``curved`` may be that of a cut-off: it confirms a spacing, but shows no other.
    """
    choices = hypotheses(new)
    # Other ticks of nearly the same spacing would mean a depth half or twice as large, at one turn of the knob.
    turned_a_little = old.major_every == new.major_every and abs(math.log(new.period_px / old.period_px)) < _A_LITTLE
    certain = (each for each in choices if each.certain)
    clear = (each for each in choices[:1] if turned_a_little and is_clear(new) and each.plausibility >= _LIKELIEST)
    return RulerChange(
        old.period_px,
        new.period_px,
        # Patterns that are only alike count where the fan has a say.
        old.major_every == new.major_every or (face is not None and alike(old.major_every, new.major_every)),
        tuple(each.spacing_mm for each in choices if curved and each.plausibility >= LIKELY),
        next((each.spacing_mm for each in (*certain, *clear)), None),
        face,
    )


def _again(old: Ruler, pictures: list[NDArray[np.uint8]]) -> Ruler | None:
    """The same ruler in later pictures: found anew without knowing of it, and in its old column in the last one."""
    new = find_ruler(*pictures)
    last = follow(old, pictures[-1])
    if new is None or last is None or old.axis is not Axis.DEPTH or new.axis is not Axis.DEPTH:
        return None
    beside = abs(new.across_px - old.across_px)
    return new if old.confidence >= CLEAR and beside <= 3.0 and _same_period(new, last) else None


def _same_period(one: Ruler, other: Ruler) -> bool:
    return abs(one.period_px / other.period_px - 1) <= _SAME_PERIOD


def _face_ratio(before: list[NDArray[np.uint8]], after: list[NDArray[np.uint8]]) -> tuple[float | None, bool]:
    """How many times larger the probe's face was before, and whether it is a curved one."""
    old, new = (_face_px(find_fan(*pictures), pictures[0].shape) for pictures in (before, after))
    if old is None or new is None or old[0] != new[0]:
        return None, False
    return old[1] / new[1], old[0] is ConvexFan


def _face_px(fan: FanShape | None, shape: tuple[int, ...]) -> tuple[type, float] | None:
    """Radius of a curved probe's face or width of a flat one's, where the picture shows it whole."""
    height, width = shape[:2]
    if isinstance(fan, ConvexFan):
        seen = fan.inner_px >= 0.06 * height and fan.apex_y + fan.inner_px > fan.clip[1] + 2
        return (ConvexFan, fan.inner_px) if seen else None
    if fan is None:
        return None
    x, y = fan.polygon.T
    middle = (y.min() + y.max()) / 2
    wide = [float(np.ptp(x[half])) for half in (y < middle, y >= middle)]
    # Where the sides part it is a sector whose arcs are not seen, or a virtual convex: its face is not known.
    seen = x.min() > 3 and x.max() < width - 4 and abs(wide[0] / max(wide[1], 1.0) - 1) < 0.03
    return (FlatFan, wide[0]) if seen else None
