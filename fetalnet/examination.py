"""From many predictions to the frames worth measuring and a first estimate of each measure.

A plane is *found* only where several frames in a row agree that it is there, near its ideal and measurable: one
confident frame between others that deny it is a mistake of the network, and "none" is an answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fetalnet.geometry import Geometry, MmPerPixel
from fetalnet.measurement import Length, measure
from fetalnet.planes import KINDS_OF, STANDARD_PLANES, Kind, Plane

if TYPE_CHECKING:
    from fetalnet.prediction import Prediction

NORMAL_SIGMA_PER_MAD = 1.4826
"""Standard deviation of a normal distribution in units of its median absolute deviation."""

NORMAL_95 = 1.96
"""Half-width in standard deviations that holds 95 % of a normal distribution."""

MmPerPixelOf = Callable[[int, Geometry], MmPerPixel | None]
"""The size of a pixel for a frame, by its index, and what is measured in it."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When a plane counts as found. Probabilities and standardness are the smoothed ones, 0 to 1."""

    smoothing_frames: int = 5
    """Width of the centred moving average; odd. Five frames at 30 Hz outlive a flicker, not a sweep."""
    min_probability: float = 0.5
    """Together with the standardness checked on phantom seeds 20 to 28, none trained on."""
    min_standardness: float = 0.5
    min_peak_standardness: float = 0.65
    """What the best frame of a run must reach, so that a sweep past a plane's edge is no measure."""
    estimate_share: float = 0.9
    """Frames whose score is at least this share of the best frame's enter the estimate."""
    min_run_frames: int = 3
    min_run_s: float = 0.15
    max_deviation: float = 0.1
    """How far, as a share, a frame's size may lie from the median of its neighbours: beyond it the fit slipped."""


STILL = Thresholds(smoothing_frames=1, min_run_frames=1, min_run_s=0.0)
"""For one picture alone: a person froze it, and there are no neighbours to ask."""


@dataclass(frozen=True, slots=True)
class BestFrame:
    """The frame a measure is proposed from. ``score`` is smoothed probability times smoothed standardness."""

    kind: Kind
    index: int
    time_s: float | None
    file: str | None
    geometry: Geometry
    value: Length
    score: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """Median over ``n`` gated frames.

    ``low_px`` to ``high_px`` holds 95 % of single-frame values were they normal, with the spread taken from the median
    absolute deviation. It is the spread of frames, not a confidence interval of the median: neighbouring frames are
    not independent. With a scale the same in mm.
    """

    kind: Kind
    value: Length
    low: Length
    high: Length
    n: int


class Examination:
    """Collects predictions in the order of their frames and says at any time what was found so far.

    Keeps a few numbers per frame and its geometry, never outlines: 10 minutes at 30 Hz take some megabytes.
    """

    def __init__(self, thresholds: Thresholds | None = None) -> None:
        self.thresholds = thresholds or Thresholds()
        self._index: list[int] = []
        self._time_s: list[float | None] = []
        self._file: list[str | None] = []
        self._geometry: list[Geometry | None] = []
        self._plane: list[Plane] = []
        self._probability: dict[Plane, list[float]] = {plane: [] for plane in STANDARD_PLANES}
        self._standardness: list[float] = []
        self._size_px: list[float] = []
        self._found_at: int = -1
        self._found: dict[Plane, _Found] = {}

    def __len__(self) -> int:
        return len(self._index)

    def add(self, prediction: Prediction) -> None:
        """Take the next prediction. Frames may be missing between two, but must come in order."""
        if self._index and prediction.index <= self._index[-1]:
            raise ValueError(f"frame {prediction.index} came after frame {self._index[-1]}")
        geometry = prediction.geometry
        self._index.append(prediction.index)
        self._time_s.append(prediction.time_s)
        self._file.append(prediction.file)
        self._geometry.append(geometry)
        self._plane.append(prediction.plane)
        for plane in STANDARD_PLANES:
            self._probability[plane].append(prediction.probabilities[plane])
        self._standardness.append(prediction.standardness)
        sizes = measure(geometry, prediction.plane, None) if geometry is not None else {}
        self._size_px.append(max((length.px for length in sizes.values()), default=np.nan))

    def best(self, mm_per_pixel: MmPerPixel | MmPerPixelOf | None = None) -> dict[Kind, BestFrame]:
        """The best frame of each measure that was found; the measures of one plane share one frame."""
        mm_per_pixel_of = _per_frame(mm_per_pixel)
        result: dict[Kind, BestFrame] = {}
        for plane, found in self._everything_found().items():
            at = found.best
            geometry = self._geometry[at]
            assert geometry is not None
            values = measure(geometry, plane, mm_per_pixel_of(self._index[at], geometry))
            for kind in KINDS_OF[plane]:
                result[kind] = BestFrame(
                    kind, self._index[at], self._time_s[at], self._file[at], geometry, values[kind],
                    float(found.score[at]),
                )  # fmt: skip
        return result

    def estimates(self, mm_per_pixel: MmPerPixel | MmPerPixelOf | None = None) -> dict[Kind, Estimate]:
        """A robust estimate of each measure that was found: from the frames with millimetres, where any has them."""
        mm_per_pixel_of = _per_frame(mm_per_pixel)
        result: dict[Kind, Estimate] = {}
        for plane, found in self._everything_found().items():
            gated = np.flatnonzero(found.usable & (found.score >= self.thresholds.estimate_share * found.peak))
            values = [
                measure(geometry, plane, mm_per_pixel_of(self._index[at], geometry))
                for at in gated
                if (geometry := self._geometry[at]) is not None
            ]
            values = [each for each in values if each[KINDS_OF[plane][0]].mm is not None] or values
            for kind in KINDS_OF[plane]:
                px = _median_and_spread([value[kind].px for value in values])
                mm = [value.mm for each in values if (value := each[kind]).mm is not None]
                in_mm = _median_and_spread(mm) if mm else (None, None, None)
                value, low, high = (Length(p, m) for p, m in zip(px, in_mm, strict=True))
                result[kind] = Estimate(kind, value, low, high, len(values))
        return result

    def runs(self, plane: Plane) -> list[range]:
        """Frame indices where the plane was found, as ranges from the first to behind the last frame."""
        found = self._everything_found().get(plane)
        if found is None:
            return []
        return [range(self._index[start], self._index[stop - 1] + 1) for start, stop in found.runs]

    def _everything_found(self) -> dict[Plane, _Found]:
        if self._found_at != len(self):
            self._found = {plane: found for plane in STANDARD_PLANES if (found := self._find(plane)) is not None}
            self._found_at = len(self)
        return self._found

    def _find(self, plane: Plane) -> _Found | None:
        limits = self.thresholds
        if plane not in self._plane:
            return None
        index = np.asarray(self._index)
        of_plane = np.fromiter((p is plane for p in self._plane), bool, len(self))
        size = np.where(of_plane, np.asarray(self._size_px), np.nan)
        # Standardness speaks of the plane the network named, so it is nothing for another plane.
        standardness = _smoothed(np.where(of_plane, np.asarray(self._standardness), 0.0), index, limits)
        probability = _smoothed(np.asarray(self._probability[plane]), index, limits)
        confident = of_plane & (probability >= limits.min_probability) & (standardness >= limits.min_standardness)
        usable = confident & _consistent(size, index, limits)
        score = probability * standardness

        runs = []
        in_runs = np.zeros(len(self), bool)
        for start, stop in _runs_of(confident, index):
            measurable = usable[start:stop]
            peak = standardness[start:stop][measurable].max(initial=0.0)
            if (
                self._long_enough(start, stop)
                and np.count_nonzero(measurable) >= limits.min_run_frames
                and peak >= limits.min_peak_standardness
            ):
                runs.append((start, stop))
                in_runs[start:stop] = True
        if not runs:
            return None
        usable &= in_runs
        ranked = np.where(usable & (standardness >= limits.min_peak_standardness), score, -1.0)
        best = int(np.argmax(ranked))
        return _Found(tuple(runs), usable, score, best, float(score[best]))

    def _long_enough(self, start: int, stop: int) -> bool:
        first, last = self._time_s[start], self._time_s[stop - 1]
        n = stop - start
        if n < self.thresholds.min_run_frames:
            return False
        if first is None or last is None or n == 1:
            return True
        # n frames last one frame period longer than from the first to the last.
        return (last - first) * n / (n - 1) >= self.thresholds.min_run_s - 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """Where a plane was found. Positions count predictions, not frames; arrays are ``(n predictions,)``."""

    runs: tuple[tuple[int, int], ...]
    usable: NDArray[np.bool_]
    score: NDArray[np.float64]
    best: int
    peak: float


def _per_frame(mm_per_pixel: MmPerPixel | MmPerPixelOf | None) -> MmPerPixelOf:
    return mm_per_pixel if callable(mm_per_pixel) else lambda index, geometry: mm_per_pixel


def _windows(values: NDArray[np.float64], index: NDArray[np.int64], width: int) -> NDArray[np.float64]:
    """``(n, width)``: each value's neighbours by frame index, NaN beyond the ends and across missing frames."""
    half = width // 2
    padded = np.pad(values.astype(np.float64), half, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1).copy()
    indices = np.lib.stride_tricks.sliding_window_view(
        np.pad(index, half, constant_values=np.iinfo(np.int64).min // 2), 2 * half + 1
    )
    windows[np.abs(indices - index[:, None]) > half] = np.nan
    return windows


def _smoothed(values: NDArray[np.float64], index: NDArray[np.int64], limits: Thresholds) -> NDArray[np.float64]:
    mean: NDArray[np.float64] = np.nanmean(_windows(values, index, limits.smoothing_frames), axis=1)
    return mean


def _consistent(size: NDArray[np.float64], index: NDArray[np.int64], limits: Thresholds) -> NDArray[np.bool_]:
    """Frames with a size near the median of the sizes around them; ``size`` is NaN where nothing was measured."""
    windows = _windows(size, index, limits.smoothing_frames)
    measured = ~np.isnan(size)
    result = np.zeros(size.shape, bool)
    medians = np.nanmedian(windows[measured], axis=1) if measured.any() else np.empty(0)
    result[measured] = np.abs(size[measured] - medians) <= limits.max_deviation * medians
    return result


def _runs_of(flags: NDArray[np.bool_], index: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Half-open positions of each stretch of true flags on frames without a gap."""
    positions = np.flatnonzero(flags)
    if positions.size == 0:
        return []
    breaks = np.flatnonzero((np.diff(positions) != 1) | (np.diff(index[positions]) != 1)) + 1
    return [(int(part[0]), int(part[-1]) + 1) for part in np.split(positions, breaks)]


def _median_and_spread(values: list[float]) -> tuple[float, float, float]:
    array = np.asarray(values)
    median = float(np.median(array))
    half = NORMAL_95 * NORMAL_SIGMA_PER_MAD * float(np.median(np.abs(array - median)))
    return median, median - half, median + half
