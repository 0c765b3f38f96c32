"""Errors of measures in mm, in per cent and against how far sonographers differ from themselves."""

from __future__ import annotations

from dataclasses import dataclass

from fetalnet.core.measurement import Length
from fetalnet.core.planes import Kind

FAILURE_MM = 10.0
"""A larger error of the head circumference counts as a failure (docs/definitions.md)."""


@dataclass(frozen=True, slots=True)
class ObserverLimit:
    """Half the width of the 95 % limits of agreement of one observer with himself, and where it was read."""

    percent: float
    source: str


OBSERVER_LIMITS = {Kind.HC: ObserverLimit(3.0, "Sarris et al. 2012, intra-observer, one source read")}
"""Only what was read. The limits of AC and FL are known from memory alone, those of BPD and OFD not at all."""


@dataclass(frozen=True, slots=True)
class MeasureError:
    """A measure against its label; ``found`` is None where nothing was measured."""

    kind: Kind
    truth: Length
    found: Length | None

    @property
    def difference_mm(self) -> float | None:
        """Found minus labelled; None without a measure or a scale."""
        if self.found is None or self.found.mm is None or self.truth.mm is None:
            return None
        return self.found.mm - self.truth.mm

    @property
    def difference_percent(self) -> float | None:
        """Found minus labelled in per cent of the label; None without a measure. Needs no scale."""
        if self.found is None:
            return None
        difference_mm = self.difference_mm
        if difference_mm is not None and self.truth.mm is not None:
            return 100.0 * difference_mm / self.truth.mm
        return 100.0 * (self.found.px / self.truth.px - 1.0)

    @property
    def failed(self) -> bool:
        """Not measured, or a head circumference that is off by more than ``FAILURE_MM``."""
        if self.found is None:
            return True
        difference_mm = self.difference_mm
        return self.kind is Kind.HC and difference_mm is not None and abs(difference_mm) > FAILURE_MM

    @property
    def of_limit(self) -> float | None:
        """The absolute error in units of the observers' limit; None where no limit was read."""
        limit, percent = OBSERVER_LIMITS.get(self.kind), self.difference_percent
        return None if limit is None or percent is None else abs(percent) / limit.percent
