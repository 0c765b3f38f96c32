"""Whether probabilities mean what they say: reliability table and expected calibration error (Guo et al. 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers whose probability lies in [low, high): how many, how sure they were and how often right."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """Bins that hold something, from unsure to sure, and ``ece``, their mean gap weighted by how much they hold."""

    n: int
    bins: tuple[Bin, ...]
    ece: float


def reliability(confidences: Sequence[float], right: Sequence[bool], bins: int = BINS) -> Reliability:
    """From the probability of each answer given and whether it was right; ``ece`` is NaN without answers."""
    sure, hit = np.asarray(confidences, np.float64), np.asarray(right, np.float64)
    edges = np.linspace(0.0, 1.0, bins + 1)
    # A probability of one belongs to the last bin.
    place = np.clip(np.searchsorted(edges, sure, side="right") - 1, 0, bins - 1)
    table = []
    for number in np.unique(place):
        of_bin = place == number
        table.append(
            Bin(
                float(edges[number]),
                float(edges[number + 1]),
                int(of_bin.sum()),
                float(sure[of_bin].mean()),
                float(hit[of_bin].mean()),
            )
        )
    gaps = sum(each.n * abs(each.accuracy - each.confidence) for each in table)
    return Reliability(len(sure), tuple(table), gaps / len(sure) if len(sure) else float("nan"))
