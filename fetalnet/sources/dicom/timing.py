"""When each frame of a DICOM file was recorded, from whichever of its elements tells it."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.tag import Tag

from fetalnet.sources.dicom.header import number, numbers

NOMINAL_RATE_HZ = 25.0
_FRAME_TIME, _FRAME_TIME_VECTOR = "FrameTime", "FrameTimeVector"
_RATES_HZ = (0.01, 10_000.0)


@dataclass(frozen=True, slots=True)
class Timing:
    """Frames at one interval, or each with a time of its own. ``nominal``: the file does not say how fast it was."""

    interval_s: float
    times_s: tuple[float, ...] | None = None
    nominal: bool = False

    @property
    def frame_rate_hz(self) -> float:
        return 1.0 / self.interval_s

    def time_s(self, index: int) -> float:
        """Seconds since the first frame."""
        return self.times_s[index] if self.times_s is not None else index * self.interval_s


def timing_of(dataset: Dataset, count: int, own_rate_hz: float | None = None) -> Timing:
    """The times of ``count`` frames.

    What Frame Increment Pointer names goes first, then Frame Time, Frame Time Vector, the rates, the frame's duration
    and at last ``own_rate_hz``, that of a video stream inside.
    """
    readers = {_FRAME_TIME: _of_frame_time, _FRAME_TIME_VECTOR: _of_vector}
    for keyword in sorted(readers, key=lambda each: not _is_pointed_at(dataset, each)):
        timing = readers[keyword](dataset, count)
        if timing is not None:
            return timing
    for rate_hz in (number(dataset, "CineRate"), number(dataset, "RecommendedDisplayFrameRate"), own_rate_hz):
        if rate_hz is not None and _RATES_HZ[0] <= rate_hz <= _RATES_HZ[1]:
            return Timing(1.0 / rate_hz)
    interval_s = _interval(number(dataset, "ActualFrameDuration"))
    return Timing(interval_s) if interval_s is not None else Timing(1.0 / NOMINAL_RATE_HZ, nominal=True)


def _is_pointed_at(dataset: Dataset, keyword: str) -> bool:
    return float(Tag(keyword)) in numbers(dataset, "FrameIncrementPointer")


def _of_frame_time(dataset: Dataset, count: int) -> Timing | None:
    interval_s = _interval(number(dataset, _FRAME_TIME))
    return None if interval_s is None else Timing(interval_s)


def _of_vector(dataset: Dataset, count: int) -> Timing | None:
    """The increments, the first of which belongs to the first frame and counts for nothing."""
    increments = numbers(dataset, _FRAME_TIME_VECTOR)[1:count]
    if len(increments) < count - 1 or count < 2 or not all(math.isfinite(each) and each >= 0 for each in increments):
        return None
    times_s = tuple(each / 1000 for each in itertools.accumulate(increments, initial=0.0))
    interval_s = _interval(1000 * times_s[-1] / (count - 1))
    return None if interval_s is None else Timing(interval_s, times_s)


def _interval(milliseconds: float | None) -> float | None:
    if milliseconds is None or milliseconds <= 0 or not _RATES_HZ[0] <= 1000 / milliseconds <= _RATES_HZ[1]:
        return None
    return milliseconds / 1000
