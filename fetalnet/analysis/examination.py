"""From many predictions to the frames worth measuring, when each plane is shown, and an estimate of each measure.

A plane is *found* only where several frames in a row agree that it is there, near its ideal and measurable: one
confident frame between others that deny it is a mistake of the network, and "none" is an answer.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fetalnet.analysis.estimate import Estimate, LeftOut, estimate_of
from fetalnet.analysis.packed_geometries import PackedGeometries
from fetalnet.analysis.quality import calipers_fit
from fetalnet.analysis.segments import Broken, Frozen, Segment, find_broken, find_frozen, find_segments
from fetalnet.analysis.smoothing import consistent, runs_of, smoothed
from fetalnet.core.geometry import Geometry, MmPerPixel
from fetalnet.core.measurement import POSSIBLE_MM, Length, measure, why_impossible
from fetalnet.core.planes import KINDS_OF, STANDARD_PLANES, Kind, Plane
from fetalnet.core.timing import known_time, rate_of

if TYPE_CHECKING:
    from fetalnet.core.prediction import Prediction

BEST_COUNT = 5
BEST_APART_S = 1.0
"""Best frames of one plane, and how far apart they are: neighbours show the same."""

_PLANES = list(Plane)

MmPerPixelOf = Callable[[int, Geometry], MmPerPixel | None]
"""The size of a pixel for a frame, by its index, and what is measured in it."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When a plane counts as found. Probabilities and standardness are the smoothed ones, 0 to 1."""

    smoothing_frames: int = 5
    """Width of the centred moving average; odd. Five frames at 30 Hz outlive a flicker, not a sweep."""
    min_probability: float = 0.5
    min_standardness: float = 0.35
    min_peak_standardness: float = 0.5
    """What the best frame of a run must reach, so that a sweep past a plane's edge is no measure.

    Checked on clips of real stills of the validation split (docs/results.md): of 126 planes 124 have a best frame, of
    27 thoraxes and cervices none.
    """
    estimate_share: float = 0.7
    """Frames whose score is at least this share of the best frame's enter the estimate."""
    min_run_frames: int = 3
    min_run_s: float = 0.15
    max_deviation: float = 0.1
    """How far, as a share, a frame's size may lie from the median of its neighbours: beyond it the fit slipped."""


STILL = Thresholds(smoothing_frames=1, min_standardness=0.0, min_peak_standardness=0.0, min_run_frames=1, min_run_s=0.0)
"""For one picture alone: a person froze it, there are no neighbours to ask, and no better frame to wait for. What is
measured in it is proposed.
"""


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


class Examination:
    """Collects predictions in the order of their frames and says at any time what was found so far.

    Keeps a few numbers per frame, never outlines: 10 minutes at 30 Hz take two megabytes.
    """

    def __init__(self, thresholds: Thresholds | None = None) -> None:
        self.thresholds = thresholds or Thresholds()
        # Arrays, NaN where a number is not known: half an hour at the scanner has 54,000 frames.
        self._index = array("q")
        self._time_s = array("d")
        self._file: list[str | None] = []
        self._geometry = PackedGeometries()
        self._plane = array("b")
        self._probability = {plane: array("d") for plane in Plane}
        self._standardness = array("d")
        self._size_px = array("d")
        self._fits = array("b")
        self._change = array("d")
        self._found_at: int = -1
        self._found: dict[Plane, _Found] = {}

    @staticmethod
    def of(predictions: Iterable[Prediction]) -> Examination:
        """That of a recording's predictions, in order."""
        examination = Examination()
        for prediction in predictions:
            examination.add(prediction)
        return examination

    def __len__(self) -> int:
        return len(self._index)

    def add(self, prediction: Prediction) -> None:
        """Take the next prediction. Frames may be missing between two, but must come in order."""
        if self._index and prediction.index <= self._index[-1]:
            raise ValueError(f"frame {prediction.index} came after frame {self._index[-1]}")
        geometry = prediction.geometry
        self._index.append(prediction.index)
        self._time_s.append(math.nan if prediction.time_s is None else prediction.time_s)
        self._file.append(prediction.file)
        self._geometry.append(geometry)
        self._plane.append(_PLANES.index(prediction.plane))
        self._fits.append(prediction.shape is None or calipers_fit(prediction.shape))
        self._change.append(math.nan if prediction.change is None else prediction.change)
        for plane in Plane:
            self._probability[plane].append(prediction.probabilities[plane])
        self._standardness.append(prediction.standardness)
        sizes = measure(geometry, prediction.plane, None) if geometry is not None else {}
        self._size_px.append(max((length.px for length in sizes.values()), default=np.nan))

    def best(self, mm_per_pixel: MmPerPixel | MmPerPixelOf | None = None) -> dict[Kind, BestFrame]:
        """The best frame of each measure that was found; the measures of one plane share one frame.

        What is impossible for a fetus is not among them: ``impossible`` says why.
        """
        mm_per_pixel_of = _per_frame(mm_per_pixel)
        result: dict[Kind, BestFrame] = {}
        for plane, found in self._everything_found().items():
            at = self._best_possible(plane, found, mm_per_pixel_of)
            if at is None:
                continue
            geometry, values = self._geometry[at], self._lengths(plane, at, mm_per_pixel_of)
            assert geometry is not None
            for kind in KINDS_OF[plane]:
                result[kind] = BestFrame(
                    kind, self._index[at], known_time(self._time_s[at]), self._file[at], geometry, values[kind],
                    float(found.score[at]),
                )  # fmt: skip
        return result

    def impossible(self, mm_per_pixel: MmPerPixel | MmPerPixelOf | None = None) -> str | None:
        """For a person: why a plane that was found is not proposed; None where all are."""
        mm_per_pixel_of = _per_frame(mm_per_pixel)
        for plane, found in self._everything_found().items():
            if self._best_possible(plane, found, mm_per_pixel_of) is None:
                return why_impossible(self._lengths(plane, found.best, mm_per_pixel_of))
        return None

    def _best_possible(self, plane: Plane, found: _Found, mm_per_pixel_of: MmPerPixelOf) -> int | None:
        """Where the best frame stands that is possible for a fetus; None where none is."""
        if why_impossible(self._lengths(plane, found.best, mm_per_pixel_of)) is None:
            return found.best
        ideal = np.flatnonzero(found.ideal)
        ranked = ideal[np.argsort(-found.score[ideal], kind="stable")].tolist()
        return next((at for at in ranked if why_impossible(self._lengths(plane, at, mm_per_pixel_of)) is None), None)

    def _lengths(self, plane: Plane, at: int, mm_per_pixel_of: MmPerPixelOf) -> dict[Kind, Length]:
        geometry = self._geometry[at]
        assert geometry is not None
        return measure(geometry, plane, mm_per_pixel_of(self._index[at], geometry))

    def bests(self, plane: Plane, count: int = BEST_COUNT) -> tuple[tuple[int, float], ...]:
        """The best frames of a plane with their scores, best first, apart in time; empty where none is good enough."""
        found = self._everything_found().get(plane)
        if found is None:
            return ()
        apart = max(round(BEST_APART_S * rate_of(self._time_s)), 1)
        chosen: list[tuple[int, float]] = []
        ideal = np.flatnonzero(found.ideal)
        for at in ideal[np.argsort(-found.score[ideal], kind="stable")]:
            index = self._index[at]
            if len(chosen) == count:
                break
            if all(abs(index - other) >= apart for other, _ in chosen):
                chosen.append((index, float(found.score[at])))
        return tuple(chosen)

    def estimates(self, mm_per_pixel: MmPerPixel | MmPerPixelOf | None = None) -> dict[Kind, Estimate]:
        """A robust estimate of each measure that was found: from the frames with millimetres, where any has them."""
        mm_per_pixel_of = _per_frame(mm_per_pixel)
        result: dict[Kind, Estimate] = {}
        period_s = 1.0 / rate_of(self._time_s)
        index = np.array(self._index, np.int64)
        repeated = np.zeros(len(self), bool)
        for frozen in self.frozen():
            repeated |= (index > frozen.start) & (index < frozen.stop)
        for plane, found in self._everything_found().items():
            best = self._best_possible(plane, found, mm_per_pixel_of)
            if best is None:
                continue
            places, left_out = self._gated(plane, found, repeated)
            px, mm = self._measured(plane, places, mm_per_pixel_of)
            limits = np.array([POSSIBLE_MM[kind] for kind in KINDS_OF[plane]])
            beyond = ((mm < limits[:, 0]) | (mm > limits[:, 1])).any(axis=1)
            if beyond.any():
                left_out[LeftOut.IMPOSSIBLE] = places[beyond]
                places = np.array([best]) if beyond.all() else places[~beyond]
                px, mm = self._measured(plane, places, mm_per_pixel_of)
            bare = np.isnan(mm[:, 0])
            if not bare.all():
                left_out[LeftOut.NO_SCALE] = places[bare]
                places, px, mm = places[~bare], px[~bare], mm[~bare]
            used, by_reason = index[places], {reason: index[each] for reason, each in left_out.items() if each.size}
            for column, kind in enumerate(KINDS_OF[plane]):
                in_mm = None if bare.all() else mm[:, column]
                result[kind] = estimate_of(kind, used, px[:, column], in_mm, len(used) * period_s, by_reason)
        return result

    def segments(self) -> tuple[Segment, ...]:
        """When each plane is shown, from the first frame to the last."""
        if not self._index:
            return ()
        probabilities = np.array([self._probability[plane] for plane in Plane]).T
        return find_segments(self._index, self._time_s, probabilities)

    def frozen(self) -> tuple[Frozen, ...]:
        """Stretches in which the scanner's picture stands still."""
        return find_frozen(self._index, self._time_s, self._change)

    def broken(self, total: int) -> tuple[Broken, ...]:
        """Stretches of the first ``total`` frames that could not be read."""
        return find_broken(self._index, self._time_s, total)

    def _gated(
        self, plane: Plane, found: _Found, repeated: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], dict[LeftOut, NDArray[np.int64]]]:
        """Of the frames that show the plane those that enter the estimate, and why the others do not, by position."""
        low = found.score < self.thresholds.estimate_share * found.peak
        fits = np.array(self._fits, bool)
        # Where the outline takes something along in every frame, the body within it is all there is.
        if not np.any(found.usable & ~low & fits):
            fits[:] = True
        left = self._shows(plane) | found.usable
        result = {}
        for reason, applies in (
            (LeftOut.NOT_MEASURED, np.isnan(np.array(self._size_px))),
            (LeftOut.UNCERTAIN, ~found.confident),
            (LeftOut.SLIPPED, ~found.usable),
            (LeftOut.FAR, low),
            (LeftOut.CALIPERS, ~fits),
        ):
            result[reason] = np.flatnonzero(left & applies)
            left &= ~applies
        again = left & repeated
        again[int(np.argmax(left))] = False
        result[LeftOut.FROZEN] = np.flatnonzero(again)
        return np.flatnonzero(left & ~again), result

    def _measured(
        self, plane: Plane, places: NDArray[np.int64], mm_per_pixel_of: MmPerPixelOf
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The plane's lengths at these positions, (n, measures) in px and in mm, NaN where there is no scale."""
        px, mm = np.full((2, len(places), len(KINDS_OF[plane])), np.nan)
        for row, at in enumerate(places.tolist()):
            for column, length in enumerate(self._lengths(plane, at, mm_per_pixel_of).values()):
                px[row, column], mm[row, column] = length.px, np.nan if length.mm is None else length.mm
        return px, mm

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
        of_plane = self._shows(plane)
        if not of_plane.any():
            return None
        index = np.array(self._index)
        size = np.where(of_plane, np.array(self._size_px), np.nan)
        # Standardness speaks of the plane the network named, so it is nothing for another plane.
        standardness = smoothed(np.where(of_plane, np.array(self._standardness), 0.0), index, limits.smoothing_frames)
        probability = smoothed(np.array(self._probability[plane]), index, limits.smoothing_frames)
        confident = of_plane & (probability >= limits.min_probability) & (standardness >= limits.min_standardness)
        usable = confident & consistent(size, index, limits.smoothing_frames, limits.max_deviation)
        score = probability * standardness

        runs = []
        in_runs = np.zeros(len(self), bool)
        for start, stop in runs_of(confident, index):
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
        ideal = usable & (standardness >= limits.min_peak_standardness)
        best = int(np.argmax(np.where(ideal, score, -1.0)))
        return _Found(tuple(runs), confident & in_runs, usable, ideal, score, best, float(score[best]))

    def _shows(self, plane: Plane) -> NDArray[np.bool_]:
        """Which predictions name the plane."""
        shows: NDArray[np.bool_] = np.array(self._plane) == _PLANES.index(plane)
        return shows

    def _long_enough(self, start: int, stop: int) -> bool:
        first, last = known_time(self._time_s[start]), known_time(self._time_s[stop - 1])
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
    confident: NDArray[np.bool_]
    usable: NDArray[np.bool_]
    ideal: NDArray[np.bool_]
    """Usable, and near enough to the plane's ideal to be a best frame."""
    score: NDArray[np.float64]
    best: int
    peak: float


def _per_frame(mm_per_pixel: MmPerPixel | MmPerPixelOf | None) -> MmPerPixelOf:
    return mm_per_pixel if callable(mm_per_pixel) else lambda index, geometry: mm_per_pixel
