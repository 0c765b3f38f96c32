"""Widths of the intervals of ``fetalnet.analysis.estimate``, fitted to phantom recordings and clips of real stills."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from fetalnet.analysis.estimate import own_error
from fetalnet.analysis.examination import Examination
from fetalnet.core.geometry import MmPerPixel
from fetalnet.core.planes import Kind
from fetalnet.core.prediction import Prediction
from fetalnet.core.timing import rate_of
from fetalnet.inference.judges.recording import RecordingJudge

CLIP_S = 4.0
"""Clips of a recording tell what a shorter look at the same fetus would have given."""
HOLDS = 0.95
FAILURE = 0.15
"""An estimate that is off by a larger part measured something else: no interval of use would hold it."""
_FOLDS = 5


class Miss(NamedTuple):
    """How far one estimate is off, and how far its own frames say that it may be; both as parts of the true value."""

    kind: Kind
    recording: int
    error: float
    own: float

    @property
    def is_failure(self) -> bool:
        """Whether something else was measured: counted, and not fitted to."""
        return abs(self.error) > FAILURE


def misses(
    recording: int,
    predictions: Sequence[Prediction],
    judge: RecordingJudge,
    mm_per_pixel: MmPerPixel,
    sizes_mm: dict[Kind, float],
) -> Iterator[Miss]:
    """Of one recording, as the network alone named its frames, and of clips of it."""
    rate_hz = rate_of([each.time_s for each in predictions])
    step = round(CLIP_S * rate_hz)
    starts = range(0, len(predictions) - step + 1, step)
    for part in (predictions, *(predictions[start : start + step] for start in starts)):
        for kind, estimate in Examination.of(judge.judged(part)).estimates(mm_per_pixel).items():
            assert estimate.value.mm is not None
            own = own_error(estimate.values, estimate.n / rate_hz)
            yield Miss(kind, recording, estimate.value.mm / sizes_mm[kind] - 1.0, own)


def fit_shared_error(known: Iterable[Miss]) -> dict[Kind, float]:
    """What all frames of a recording may be off together, by measure, so that ``HOLDS`` of the intervals hold.

    Where each recording gives one estimate of a measure, the quantile is that of the next recording, not of these
    (split conformal; Lei et al. 2018, JASA 113, 1094 to 1111). Where it gives several, which err together, it is the
    empirical one: else the farthest of fifty recordings would set the width alone.
    """
    lacking: dict[Kind, list[float]] = {}
    recordings: dict[Kind, set[int]] = {}
    for each in known:
        if not each.is_failure:
            lacking.setdefault(each.kind, []).append(math.sqrt(max(each.error**2 - each.own**2, 0.0)))
            recordings.setdefault(each.kind, set()).add(each.recording)
    result = {}
    for kind in Kind:
        if kind in lacking:
            ordered = sorted(lacking[kind])
            one_each = len(recordings[kind]) == len(ordered)
            at = math.ceil((len(ordered) + one_each) * HOLDS) - 1
            result[kind] = ordered[min(at, len(ordered) - 1)]
    return result


def widest(*fitted: dict[Kind, float]) -> dict[Kind, float]:
    """The widest of what was fitted to several kinds of recordings, so that an interval holds for each of them."""
    return {kind: max(each.get(kind, 0.0) for each in fitted) for kind in Kind if any(kind in each for each in fitted)}


def still_misses(
    number: int, predictions: Sequence[Prediction], judge: RecordingJudge, truth: dict[Kind, float]
) -> Iterator[Miss]:
    """Of the clip of a real still whose annotated sizes are ``truth`` in px; what annotations err is part of it."""
    rate_hz = rate_of([each.time_s for each in predictions])
    for kind, estimate in Examination.of(judge.judged(predictions)).estimates().items():
        if kind in truth:
            own = own_error(estimate.values, estimate.n / rate_hz)
            yield Miss(kind, number, estimate.value.px / truth[kind] - 1.0, own)


class Coverage(NamedTuple):
    """Of ``total`` intervals so many ``hold`` the truth; ``half_width`` is their mean, as a part of the value.

    ``failures`` are among those that do not hold it.
    """

    hold: int
    total: int
    half_width: float
    failures: int


def coverage(known: Sequence[Miss], others: Sequence[Miss] = ()) -> Coverage:
    """Return how often intervals hold that were fitted to four fifths of the recordings, on the last fifth, in turn.

    ``others`` are of other recordings, to which they are fitted as well.
    """
    beside = fit_shared_error(others)
    hold, widths = 0, []
    for fold in range(_FOLDS):
        shared = widest(fit_shared_error(each for each in known if each.recording % _FOLDS != fold), beside)
        for each in known:
            if each.recording % _FOLDS == fold and each.kind in shared:
                widths.append(math.hypot(shared[each.kind], each.own))
                hold += abs(each.error) <= widths[-1] * (1.0 + each.error)
    failures = sum(each.is_failure for each in known)
    return Coverage(hold, len(widths), float(np.mean(widths)) if widths else math.nan, failures)
