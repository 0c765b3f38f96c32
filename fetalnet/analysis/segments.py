"""When each plane is shown: per-frame probabilities become segments with a start, an end and a class.

The state model is a hidden semi-Markov model with explicit least durations, decoded whole by Viterbi's algorithm (after
Yu, Artificial Intelligence 174, 2010):

- a recording is a chain of segments; each shows a plane or none ("other") and lasts its least duration or longer;
- a change of the state costs the logarithm of its chance, one in ``mean_duration_s``, spread over the other states;
- a frame's evidence for a state is the logarithm of its probability. Frames nearer than ``witness_s`` tell the same:
  their evidence is shared, so that 60 frames a second say no more than 25.

Unlike a moving average it keeps the edges where they are and a short plane that is sure, and drops a flicker. Missing
frames end a segment. Frozen stretches are found apart, from pictures that do not change, and broken ones where frames
are missing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from fetalnet.core.planes import Plane
from fetalnet.core.timing import Times, known_time, rate_of


@dataclass(frozen=True, slots=True)
class StateModel:
    """Durations in seconds; on phantom seeds 100 to 144 no segment was without its plane."""

    mean_duration_s: float = 1.0
    witness_s: float = 0.05
    least_plane_s: float = 0.2
    least_other_s: float = 0.12
    least_probability: float = 0.02
    """No frame alone rules a state out."""


@dataclass(frozen=True, slots=True)
class Freeze:
    """What counts as the scanner's freeze: differences to the frame before, in grey levels."""

    least_s: float = 0.4
    still: float = 0.12
    """Speckle of a probe held still changes by more than a level; a codec's noise on a frozen picture by less."""
    pulse: float = 1.0
    """A single frame may differ by this much within: codecs renew the whole picture now and then."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Frames ``start`` to ``stop``, the last one not included, and their times; ``file`` pictures have none."""

    plane: Plane
    start: int
    stop: int
    start_s: float | None
    end_s: float | None


@dataclass(frozen=True, slots=True)
class Frozen:
    """A frozen stretch: frames ``start`` to ``stop``, the last one not included, all show the picture of ``start``."""

    start: int
    stop: int
    start_s: float | None
    end_s: float | None


@dataclass(frozen=True, slots=True)
class Broken:
    """A broken stretch: frames ``start`` to ``stop``, the last one not included, could not be read."""

    start: int
    stop: int
    start_s: float | None
    end_s: float | None


def find_segments(
    index: Sequence[int],
    time_s: Times,
    probabilities: NDArray[np.floating],
    model: StateModel | None = None,
) -> tuple[Segment, ...]:
    """Segments of all planes, "other" too, in order. ``probabilities`` (n, 4) in the order of ``Plane``."""
    model = model or StateModel()
    known = np.asarray(time_s, np.float64)
    result: list[Segment] = []
    for first, last in _blocks(index):
        times = known[first:last]
        rate_hz = rate_of(times)
        states = _decoded(np.asarray(probabilities[first:last], np.float64), rate_hz, model)
        edges = [0, *(np.flatnonzero(np.diff(states)) + 1).tolist(), len(states)]
        for start, stop in pairwise(edges):
            begin, end = known_time(times[start]), known_time(times[stop - 1])
            result.append(
                Segment(
                    list(Plane)[states[start]], index[first + start], index[first + stop - 1] + 1,
                    begin, None if end is None else end + 1 / rate_hz,
                )
            )  # fmt: skip
    return tuple(result)


def find_frozen(
    index: Sequence[int],
    time_s: Times,
    change: Times,
    freeze: Freeze | None = None,
) -> tuple[Frozen, ...]:
    """Stretches in which the picture stands still; ``change`` is each frame's difference to the one before, NaN or None
    where there is none before.
    """
    freeze = freeze or Freeze()
    times, difference = np.asarray(time_s, np.float64), np.asarray(change, np.float64)
    still = difference <= freeze.still
    # A pulse between still frames is the codec's.
    inner = ~still[1:-1] & (difference[1:-1] <= freeze.pulse) & still[:-2] & still[2:]
    still[1:-1] |= inner
    result = []
    for first, last in _blocks(index):
        rate_hz = rate_of(times[first:last])
        least = max(round(freeze.least_s * rate_hz), 2)
        flags = np.concatenate([[0], still[first:last].astype(np.int8), [0]])
        edges = np.flatnonzero(np.diff(flags))
        for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            # The picture that stands still is the one before the first that does not differ.
            start = max(start - 1, 0)
            if stop - start >= least:
                begin, end = known_time(times[first + start]), known_time(times[first + stop - 1])
                result.append(
                    Frozen(
                        index[first + start], index[first + stop - 1] + 1,
                        begin, None if end is None else end + 1 / rate_hz,
                    )
                )  # fmt: skip
    return tuple(result)


def find_broken(index: Sequence[int], time_s: Times, total: int) -> tuple[Broken, ...]:
    """Stretches of the first ``total`` frames that are missing; their times are those of the frames around them."""
    period_s = 1.0 / rate_of(time_s)
    result = []
    numbers = np.array([-1, *index, total])
    times = np.array([-period_s if len(index) else None, *time_s, None], np.float64)
    for at in np.flatnonzero(np.diff(numbers) > 1).tolist():
        (before, after), (before_s, after_s) = numbers[at : at + 2].tolist(), map(known_time, times[at : at + 2])
        start_s = None if before_s is None else max(before_s + period_s, 0.0)
        lasting_s = (after - before - 1) * period_s
        end_s = after_s if after < total or start_s is None else start_s + lasting_s
        result.append(Broken(before + 1, after, start_s, end_s))
    return tuple(result)


def _blocks(index: Sequence[int]) -> list[tuple[int, int]]:
    """Half-open positions of stretches without a missing frame."""
    if not len(index):
        return []
    breaks = [0, *(np.flatnonzero(np.diff(np.asarray(index)) != 1) + 1).tolist(), len(index)]
    return list(pairwise(breaks))


def _decoded(probabilities: NDArray[np.float64], rate_hz: float, model: StateModel) -> NDArray[np.int64]:
    """The likeliest chain of states (n,).

    ``best[t][k]`` is the best score of the frames before t with a segment of state k ending there, at least as long as
    it must be: the segment before goes on by a frame, or a new one of the least duration follows another state's best.
    At the edges of the recording a segment may be cut short.
    """
    n, states = probabilities.shape
    share = min(1.0, 1.0 / (rate_hz * model.witness_s))
    evidence = share * np.log(np.maximum(probabilities, model.least_probability))
    until = np.vstack([np.zeros(states), np.cumsum(evidence, axis=0)]).tolist()
    change = math.log(1.0 / (model.mean_duration_s * rate_hz) / (states - 1))
    least = [
        max(round((model.least_other_s if plane is Plane.OTHER else model.least_plane_s) * rate_hz), 1)
        for plane in Plane
    ]
    best = [[0.0] * states]
    began: list[list[int]] = [[0] * states]
    """Where the segment that ends before t with state k began."""
    for t in range(1, n + 1):
        row, starts = [], []
        for k in range(states):
            # From the recording's start without a change, or longer by one frame.
            score, start = best[t - 1][k] + until[t][k] - until[t - 1][k], began[t - 1][k]
            ends = range(max(t - least[k] + 1, 1), t) if t == n else ()
            for at in (t - least[k], *ends):
                if at < 1:
                    continue
                before = max(best[at][j] for j in range(states) if j != k)
                entered = before + change + until[t][k] - until[at][k]
                if entered > score:
                    score, start = entered, at
            row.append(score)
            starts.append(start)
        best.append(row)
        began.append(starts)
    result = np.empty(n, np.int64)
    t = n
    k = max(range(states), key=best[n].__getitem__)
    while t > 0:
        start = began[t][k]
        result[start:t] = k
        t = start
        if t > 0:
            k = max((j for j in range(states) if j != k), key=best[t].__getitem__)
    return result
