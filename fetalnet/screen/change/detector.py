"""Watches a recording for a change of depth, zoom or screen layout: from there on the old scale is no longer true.

Two things tell it. What stands still on the screen while the tissue moves (ruler ticks, letters) is learned; a new
depth moves ticks all along a ruler, while a counter, a caliper or a list of results changes a few lines only. And
the fan itself grows or shrinks on both sides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from fetalnet.core.frame import Frame
from fetalnet.core.letterbox import Letterbox
from fetalnet.screen.fan.sector import Sector

if TYPE_CHECKING:
    from fetalnet.core.scale.ruler_change import RulerChange

_WIDTH = 640
_CONFIRMED = 3
"""Frames in a row that must show a change: one alone may be damaged."""
_STILL_FOR = 20
"""Moving frames for which a pixel must stand still to be furniture."""
_STILL_IN_FAN_FOR = 40
"""The same where tissue may be: a codec can hold tissue still for a while."""
_FORGOTTEN = 5
"""Frames after which furniture that went away alone is forgotten."""
_MOVING = 0.15
"""Mean grey difference to the frame before; below it the picture is frozen and teaches nothing."""
_SAME, _GONE, _THIN = 8, 20, 25
"""Grey levels: a pixel stands still, is gone, stands out from what surrounds it."""
_BANDS, _STRIP_PX = 16, 8
_RULER_BANDS, _RULER_SPREAD, _RULER_GONE = 5, 6, 0.55
"""Of the bands of a strip: as many hold furniture, from first to last, and this part of them lost it."""
_BESIDE_SPREAD, _BESIDE_GONE = 8, 0.3
"""The same beside the fan, where text stands among the ticks: bands that lost theirs, and none a few strips away."""
_APART = range(3, 9)
"""Strips from a ruler on that its ticks and numbers do not reach, but lines of text do."""
_MOST_APART = 2
_LAYOUT_GONE, _LAYOUT_LEAST = 0.6, 60
_LINE_PX = 9
"""A longer upright line is a ruler's axis or a frame: it stays where it is when the ticks move."""
_LIT, _BLACK = 12, 2
_GROWN, _SHRUNK = 0.025, 0.5


class Reason(StrEnum):
    """What changed, as the timeline says it."""

    RULER = "the ruler moved"
    FAN = "the fan changed its size"
    LAYOUT = "the screen layout changed"


@dataclass(frozen=True, slots=True)
class Change:
    """The first frame that is no longer as those before, and why; with what became of the ruler where one is known."""

    index: int
    reason: Reason
    ruler: RulerChange | None = None

    @property
    def sentence(self) -> str:
        """Why a scale from before is withdrawn here."""
        return f"{self.reason.capitalize()}: the scale from before need not hold any more."


class DriftWatch:
    """Fed frame after frame; says when the scale can no longer be the old one. Begin anew after a seek."""

    _before: NDArray[np.uint8]
    _level: NDArray[np.uint8]
    _furniture: NDArray[np.bool_]
    _upright: NDArray[np.bool_]
    _gone_before: NDArray[np.bool_]

    def __init__(self, sector: Sector | None = None) -> None:
        self._sector = sector
        self._frames = self._suspects = self._since = 0
        self._why = Reason.LAYOUT
        self._begin(np.zeros((0, 0), np.uint8), (0, 0))

    def look(
        self, frame: Frame, ruler_moved: Callable[[NDArray[np.uint8]], bool] = lambda pixels: False
    ) -> Change | None:
        """The change that this frame confirms, if any; a few ms for a picture of 1920 x 1080.

        ``ruler_moved``, where a ruler is followed, says of a picture that its period is another; it counts like the
        watch's own signs.
        """
        small = _small_grey(frame.pixels)
        if small.shape != self._before.shape:
            changed_size = self._before.size > 0
            self._begin(small, frame.pixels.shape)
            return Change(frame.index, Reason.LAYOUT) if changed_size else None
        moving = cv2.norm(small, self._before, cv2.NORM_L1) > _MOVING * small.size
        self._before = small
        gone = self._furniture & (cv2.absdiff(small, self._level) > _GONE)
        # A new depth takes all ticks at once; tissue that stood still leaves bit by bit.
        fresh = gone if self._suspects else gone & ~self._gone_before
        self._gone_before = gone
        reason = Reason.RULER if ruler_moved(frame.pixels) else self._reason(small, fresh)
        if reason is None:
            self._suspects = 0
        else:
            self._suspects += 1
            if self._suspects == 1:
                self._since, self._why = frame.index, reason
            if self._suspects >= _CONFIRMED:
                change = Change(self._since, self._why)
                # The fan is not the old one either: from here on only the furniture tells.
                self._sector = None
                self._begin(small, frame.pixels.shape)
                return change
        if moving and reason is None:
            self._learn(small, gone)
        return None

    def _begin(self, small: NDArray[np.uint8], native: tuple[int, ...]) -> None:
        """Forget what was learned; this picture is the first."""
        self._before, self._level = small, small.copy()
        self._frames = self._suspects = 0
        self._still = np.zeros(small.shape, np.uint8)
        self._still_for = np.full(small.shape, _STILL_IN_FAN_FOR, np.uint8)
        self._missing = np.zeros(small.shape, np.uint8)
        self._furniture = np.zeros(small.shape, bool)
        self._upright = np.zeros(small.shape, bool)
        self._gone_before = np.zeros(small.shape, bool)
        self._core = self._middle = self._outside = self._left = self._right = np.zeros(small.shape, bool)
        self._seen: dict[str, float] = {}
        if self._sector is not None and small.size:
            self._lay_out_fan(self._sector, small.shape, native)

    def _lay_out_fan(self, sector: Sector, shape: tuple[int, ...], native: tuple[int, ...]) -> None:
        height, width = shape
        fan = sector.on_grid(Letterbox.of(native, (height, width))).astype(np.uint8)
        reach = max(round(0.025 * width), 3)
        core = _eroded(fan, reach)
        if not core.any():
            return
        self._core, self._middle = core, _eroded(fan, round(0.1 * width))
        self._outside = cv2.dilate(fan, np.ones((5, 5), np.uint8)) == 0
        self._still_for[self._outside] = _STILL_FOR
        rim = (fan > 0) & ~core
        rim[~np.any(core, axis=1)] = False
        # What the picture's own edge cuts off is no rim: the fan may go on behind it.
        rim[:, :2] = rim[:, -2:] = False
        left = np.arange(width) < np.flatnonzero(np.any(core, axis=0)).mean()
        self._left, self._right = rim & left, rim & ~left

    def _learn(self, small: NDArray[np.uint8], gone: NDArray[np.bool_]) -> None:
        self._frames += 1
        moved = cv2.absdiff(small, self._level) > _SAME
        self._missing = (self._missing + 1) * gone
        lost = self._missing > _FORGOTTEN
        self._furniture &= ~lost
        anew = (moved & ~self._furniture) | lost
        np.copyto(self._level, small, where=anew)
        np.copyto(self._still, 0, where=anew)
        cv2.add(self._still, 1, dst=self._still)
        if self._frames % 5 == 0:
            thin = cv2.morphologyEx(self._level, cv2.MORPH_TOPHAT, np.ones((9, 9), np.uint8)) > _THIN
            self._furniture |= (self._still >= self._still_for) & thin
            lines = cv2.morphologyEx(self._furniture.astype(np.uint8), cv2.MORPH_OPEN, np.ones((_LINE_PX, 1), np.uint8))
            self._upright = lines > 0

    def _reason(self, small: NDArray[np.uint8], gone: NDArray[np.bool_]) -> Reason | None:
        held = np.count_nonzero(self._furniture)
        if held >= _LAYOUT_LEAST and np.count_nonzero(gone) > _LAYOUT_GONE * held:
            return Reason.LAYOUT
        if self._ticks_gone(gone):
            return Reason.RULER
        return Reason.FAN if self._fan_changed(small) else None

    def _ticks_gone(self, gone: NDArray[np.bool_]) -> bool:
        """Whether in some narrow strip most furniture went away, all along the height."""
        if not gone.any():
            return False
        before, lost = _by_cell(self._furniture & ~self._upright), _by_cell(gone & ~self._upright)
        held = before > 0
        place = np.arange(_BANDS)[:, None]
        spread = np.where(held, place, -1).max(axis=0) - np.where(held, place, _BANDS).min(axis=0)
        away = (held & (lost >= 0.5 * before)).sum(axis=0)
        enough = (held.sum(axis=0) >= _RULER_BANDS) & (spread >= _RULER_SPREAD)
        return bool((enough & (away >= _RULER_GONE * held.sum(axis=0))).any()) or self._ticks_beside_gone(gone)

    def _ticks_beside_gone(self, gone: NDArray[np.bool_]) -> bool:
        """Whether beside the fan a narrow column of furniture went away all along the height, and no wide lines."""
        beside = self._outside & ~self._upright
        before, lost = _by_cell(self._furniture & beside), _by_cell(gone & beside)
        away = (before > 0) & (lost >= 0.5 * before)
        place = np.arange(_BANDS)[:, None]
        spread = np.where(away, place, -1).max(axis=0) - np.where(away, place, _BANDS).min(axis=0)
        enough = (away.sum(axis=0) >= _RULER_BANDS) & (spread >= _BESIDE_SPREAD)
        for strip in np.flatnonzero(enough & (away.sum(axis=0) >= _BESIDE_GONE * (before > 0).sum(axis=0))):
            apart = [strip + side * step for step in _APART for side in (-1, 1)]
            near = [away[:, each] for each in apart if 0 <= each < away.shape[1]]
            if np.any(near, axis=0).sum() <= _MOST_APART:
                return True
        return False

    def _fan_changed(self, small: NDArray[np.uint8]) -> bool:
        """Whether tissue appears beyond the fan on both sides, or both its rims go black and its middle does not."""
        if not self._core.any():
            return False
        tissue = cv2.morphologyEx((small > _LIT).astype(np.uint8), cv2.MORPH_OPEN, np.ones((7, 7), np.uint8)) > 0
        lit = small > _BLACK
        half, core = small.shape[1] // 2, int(np.count_nonzero(self._core))
        beyond = tissue & self._outside
        now = {
            "left": _share(lit, self._left),
            "right": _share(lit, self._right),
            "middle": _share(lit, self._middle),
            "beyond left": int(np.count_nonzero(beyond[:, :half])) / core,
            "beyond right": int(np.count_nonzero(beyond[:, half:])) / core,
        }
        usual = self._seen or now
        grown = all(now[side] - usual[side] > _GROWN for side in ("beyond left", "beyond right"))
        shrunk = now["middle"] > 0.85 * usual["middle"] and all(
            usual[side] > 0.5 and now[side] < _SHRUNK * usual[side] for side in ("left", "right")
        )
        if not (grown or shrunk):
            self._seen = {name: 0.9 * usual[name] + 0.1 * value for name, value in now.items()}
        return self._frames > _STILL_FOR // 2 and (grown or shrunk)


def _share(pixels: NDArray[np.bool_], part: NDArray[np.bool_]) -> float:
    """How much of a part is set; nothing of an empty one."""
    return int(np.count_nonzero(pixels & part)) / max(int(np.count_nonzero(part)), 1)


def _eroded(mask: NDArray[np.uint8], reach: int) -> NDArray[np.bool_]:
    kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    return np.asarray(cv2.erode(mask, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0) > 0, np.bool_)


def _by_cell(pixels: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(bands, strips): how many pixels are set in each cell."""
    height, width = pixels.shape
    y, x = np.nonzero(pixels)
    strips = width // _STRIP_PX + 1
    cells = (y * _BANDS // height) * strips + x // _STRIP_PX
    return np.bincount(cells, minlength=_BANDS * strips).astype(np.float64).reshape(_BANDS, strips)


def _small_grey(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    grey = pixels if pixels.ndim == 2 else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)
    if width > _WIDTH:
        size = _WIDTH, round(height * _WIDTH / width)
        grey = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
    return grey
