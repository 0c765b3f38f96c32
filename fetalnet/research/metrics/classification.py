"""Which plane was seen against which plane it is: confusion, accuracy, precision, recall, F1."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

from fetalnet.core.planes import Plane


@dataclass(frozen=True, slots=True)
class Confusion:
    """Pictures by (truth, found). Shares are NaN where nothing is counted."""

    counts: Counter[tuple[Plane, Plane]] = field(default_factory=Counter)

    def add(self, truth: Plane, found: Plane) -> None:
        self.counts[truth, found] += 1

    @property
    def n(self) -> int:
        return self.counts.total()

    @property
    def hits(self) -> int:
        return sum(self.counts[plane, plane] for plane in Plane)

    @property
    def accuracy(self) -> float:
        return _share(self.hits, self.n)

    def true(self, plane: Plane) -> int:
        """How many show the plane."""
        return sum(self.counts[plane, found] for found in Plane)

    def found(self, plane: Plane) -> int:
        """How many were taken for the plane."""
        return sum(self.counts[truth, plane] for truth in Plane)

    def precision(self, plane: Plane) -> float:
        return _share(self.counts[plane, plane], self.found(plane))

    def recall(self, plane: Plane) -> float:
        return _share(self.counts[plane, plane], self.true(plane))

    def f1(self, plane: Plane) -> float:
        """Harmonic mean of precision and recall."""
        return _share(2 * self.counts[plane, plane], self.true(plane) + self.found(plane))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan
