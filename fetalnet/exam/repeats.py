"""Several accepted measurements of one kind: their mean, how far apart they lie, and whether that is too far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fetalnet.core.planes import Kind
from fetalnet.exam.lengths import decided_length
from fetalnet.exam.records import Status

if TYPE_CHECKING:
    from fetalnet.exam.records import Exam, Measurement

INTRA_OBSERVER_PERCENT = {Kind.HC: 3.0, Kind.AC: 5.3, Kind.FL: 6.6}
"""95 % limits of agreement of one observer with themselves (Sarris 2012), for a flag alone: HC's was read there, those
of AC and FL are quoted from memory, and none is known for BPD and OFD.
"""


@dataclass(frozen=True, slots=True)
class Repeats:
    """Accepted measurements of ``kind`` in mm, in the order they were taken."""

    kind: Kind
    measurements: tuple[Measurement, ...]
    values_mm: tuple[float, ...]

    @property
    def mean_mm(self) -> float:
        return sum(self.values_mm) / len(self.values_mm)

    @property
    def range_percent(self) -> float:
        """From the least to the greatest, as a part of the mean."""
        return 100.0 * (max(self.values_mm) - min(self.values_mm)) / self.mean_mm

    @property
    def limit_percent(self) -> float | None:
        return INTRA_OBSERVER_PERCENT.get(self.kind)

    @property
    def too_far_apart(self) -> bool:
        """Whether they differ by more than one observer's measurements usually do."""
        return self.limit_percent is not None and self.range_percent > self.limit_percent


def repeats_of(exam: Exam, kind: Kind) -> Repeats | None:
    """What a person accepted or corrected of a kind, over all recordings of the exam; None where nothing."""
    taken = [
        (measurement, length.mm)
        for measurement in exam.measurements
        if measurement.kind is kind
        and measurement.status in (Status.ACCEPTED, Status.CORRECTED)
        and (length := decided_length(measurement)) is not None
        and length.mm is not None
    ]
    if not taken:
        return None
    measurements, values_mm = zip(*taken, strict=True)
    return Repeats(kind, measurements, values_mm)
