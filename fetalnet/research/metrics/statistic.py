"""Means over pictures with their spread and a bootstrap interval, and shares with theirs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

RESAMPLES = 2000
_CONFIDENCE = 0.95
_PERCENTILES = (2.5, 97.5)


@dataclass(frozen=True, slots=True)
class Statistic:
    """Mean and standard deviation of ``n`` values, and the 95 % interval of the mean; NaN where there are none."""

    n: int
    mean: float
    sd: float
    low: float
    high: float

    def text(self, digits: int = 2, sign: str = "") -> str:
        """As a table prints it: mean ± SD (low to high)."""
        if not self.n:
            return "–"
        mean, low, high = (f"{value:{sign}.{digits}f}" for value in (self.mean, self.low, self.high))
        return f"{mean} ± {self.sd:.{digits}f} ({low} to {high})"


def statistic(values: Sequence[float], groups: Sequence[str] | None = None, seed: int = 0) -> Statistic:
    """Of one value a picture. With ``groups`` whole groups are drawn, for the pictures of one woman are alike."""
    array = np.asarray(values, np.float64)
    if not len(array):
        return Statistic(0, math.nan, math.nan, math.nan, math.nan)
    rng = np.random.default_rng(seed)
    low, high = bootstrap_interval(array, rng) if groups is None else _grouped_interval(array, groups, rng)
    sd = float(array.std(ddof=1)) if len(array) > 1 else 0.0
    return Statistic(len(array), float(array.mean()), sd, low, high)


def share(hits: int, n: int) -> Statistic:
    """``hits`` of ``n`` with Wilson's interval, which says something even where all or none hit."""
    if not n:
        return Statistic(0, math.nan, math.nan, math.nan, math.nan)
    interval = binomtest(hits, n).proportion_ci(_CONFIDENCE, method="wilson")
    mean = hits / n
    return Statistic(n, mean, math.sqrt(mean * (1 - mean)), float(interval.low), float(interval.high))


def bootstrap_interval(values: NDArray[np.float64], rng: np.random.Generator) -> tuple[float, float]:
    """95 % interval of the mean by the percentiles of resampled means; NaN without values."""
    if not len(values):
        return math.nan, math.nan
    return _percentiles(rng.choice(values, (RESAMPLES, len(values))).mean(axis=1))


def _grouped_interval(
    values: NDArray[np.float64], groups: Sequence[str], rng: np.random.Generator
) -> tuple[float, float]:
    _, member = np.unique(np.asarray(groups), return_inverse=True)
    sums, counts = np.bincount(member, values), np.bincount(member)
    drawn = rng.integers(0, len(counts), (RESAMPLES, len(counts)))
    return _percentiles(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1))


def _percentiles(means: NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.percentile(means, _PERCENTILES)
    return float(low), float(high)
