"""Agreement of machine and person (Bland and Altman, Lancet 1986)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fetalnet.core.planes import Kind
from fetalnet.exam.lengths import decided_length, proposed_length

if TYPE_CHECKING:
    from fetalnet.exam.records import Exam

_LIMITS = 1.96


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """``mean_mm`` and ``difference_mm`` (n,): mean of both values and person minus machine, of each measurement."""

    mean_mm: NDArray[np.float64]
    difference_mm: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.mean_mm)

    @property
    def bias_mm(self) -> float:
        """Mean difference; NaN without measurements."""
        return float(self.difference_mm.mean()) if len(self) else float("nan")

    @property
    def limits_mm(self) -> tuple[float, float]:
        """95 % limits of agreement; NaN with fewer than two measurements."""
        if len(self) < 2:
            return float("nan"), float("nan")
        half = _LIMITS * float(self.difference_mm.std(ddof=1))
        return self.bias_mm - half, self.bias_mm + half


def agreement_of(exams: Iterable[Exam], kind: Kind) -> Agreement:
    """Over all measurements of a kind that the machine proposed and a person accepted or corrected, in mm."""
    pairs = [
        (machine.mm, person.mm)
        for exam in exams
        for each in exam.measurements
        if each.kind is kind
        and (machine := proposed_length(exam, each)) is not None
        and (person := decided_length(each)) is not None
        and machine.mm is not None
        and person.mm is not None
    ]
    machine_mm, person_mm = np.array(pairs, np.float64).reshape(-1, 2).T
    return Agreement((machine_mm + person_mm) / 2, person_mm - machine_mm)
