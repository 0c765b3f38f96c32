"""Which ticks of a ruler are longer than the rest, and every how many."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_PATTERNS: tuple[tuple[int, ...], ...] = ((), (2,), (5,), (10,), (2, 10), (5, 10))
"""Every how many ticks a longer one comes, and a longer one still; scanners draw no others."""
_LONGER = 0.22
"""Longer ticks have at least this much more ink (natural logarithm); less is noise."""
_LONE = 0.4
"""The only longer tick repeats nothing: it must stand out more."""
_NOISE = 0.12
"""Ticks of one level differ at least this much in ink, however clean the picture: rounding to pixels."""


def tick_levels(ink: NDArray[np.float64]) -> tuple[tuple[int, ...], NDArray[np.int64]]:
    """The pattern and each tick's level (0 the shortest) from the ticks' ink (n,), NaN where a tick was not seen.

    The pattern that codes the inks in the fewest bits wins (BIC), so that noise alone is no pattern.
    """
    seen = np.isfinite(ink) & (ink > 0)
    ends = np.flatnonzero(seen)[[0, -1]]
    amount = np.log(ink[seen])
    index = np.arange(len(ink))
    best_cost = float("inf")
    best: tuple[tuple[int, ...], NDArray[np.int64]] = (), np.zeros(len(ink), np.int64)
    for pattern in _PATTERNS:
        for offset in range(pattern[-1] if pattern else 1):
            level = np.zeros(len(ink), np.int64)
            for every in pattern:
                level += (index - offset) % every == 0
            longer = np.flatnonzero(seen & (level > 0))
            if pattern and (not len(longer) or (len(longer) == 1 and longer[0] in ends)):
                continue  # the axis itself, or a word, may end where the ruler does
            cost = _cost(amount, level[seen], 1 + len(pattern)) + float(np.log(pattern[-1] if pattern else 1))
            if cost < best_cost:
                best_cost, best = cost, (pattern, level)
    pattern, level = best
    if len(pattern) == 2 and not (level[seen] == 2).any():
        pattern = pattern[:1]
    return pattern, level


def _cost(amount: NDArray[np.float64], level: NDArray[np.int64], levels: int) -> float:
    present = np.unique(level)
    if levels > 1 and (len(present) < 2 or 0 not in present):
        return float("inf")
    middle = np.array([np.median(amount[level == each]) for each in present])
    off = np.abs(amount - middle[np.searchsorted(present, level)])
    # A tick over bright tissue or beside a letter has any ink: beyond three deviations it costs no more.
    spread = max(1.4826 * float(np.median(off)), _NOISE)
    if (np.diff(middle) < max(_LONGER if (level > 0).sum() > 1 else _LONE, 2 * spread)).any():
        return float("inf")
    n = len(amount)
    return float(n * np.log(spread) + 0.5 * np.minimum((off / spread) ** 2, 9).sum() + 0.5 * len(present) * np.log(n))
