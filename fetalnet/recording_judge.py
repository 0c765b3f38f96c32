"""A recording seen whole: each frame is named again, knowing all the others.

How the network rates a frame depends on the fetus and the scanner as well: in a dim recording ideal planes are rated
low, in a clear one poor cuts are rated high. So the rating of a frame and its neighbours is held against what is
usual in its recording. What each of these counts for was fitted on phantom recordings by logistic
regression (``fetalnet.training.judge``) and stands in ``resources/recording_judge.json``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fetalnet.judgement import MIN_PROBABILITY, StreamJudge, unmeasured
from fetalnet.planes import STANDARD_PLANES, Plane
from fetalnet.prediction import Prediction
from fetalnet.resources import resource
from fetalnet.segments import rate_of

Floats = NDArray[np.float64]

EVIDENCE = ("log odds nearby", "rating around", "usual rating")
"""What is asked of each frame for each plane; the columns of ``evidence``. More was tried and told nothing more."""

_NEARBY_S, _AROUND_S = 0.36, 1.24
"""Widths of the windows: a flicker, and the time a probe rests on a plane."""
_SHOWN = 0.3
"""Probability from which a frame's rating counts among those of its plane in this recording."""
_LEAST_SHOWN = 5
_LEAST_S = 2.0
"""Shorter recordings have no best to hold a frame against."""


@dataclass(frozen=True, slots=True, eq=False)
class RecordingJudge:
    """``weights`` (3, k) in the order of ``STANDARD_PLANES`` and ``EVIDENCE``, ``offsets`` (3,); both in log odds."""

    weights: Floats
    offsets: Floats

    def judged(self, predictions: Sequence[Prediction]) -> list[Prediction]:
        """All predictions of a recording as the network gave them, in order, with planes and probabilities anew."""
        if not predictions:
            return []
        names = list(Plane)
        return [
            _renamed(prediction, {plane: float(share) for plane, share in zip(names, shares, strict=True)})
            for prediction, shares in zip(predictions, self.probabilities(predictions), strict=True)
        ]

    def probabilities(self, predictions: Sequence[Prediction]) -> Floats:
        """(n, 4) in the order of ``Plane``; each row sums to one."""
        seen = [evidence(predictions, plane) for plane in STANDARD_PLANES]
        odds = [part @ weights + offset for part, weights, offset in zip(seen, self.weights, self.offsets, strict=True)]
        planes = 1.0 / (1.0 + np.exp(-np.clip(np.stack(odds, axis=1), -30.0, 30.0)))
        total = planes.sum(axis=1, keepdims=True)
        # Each plane was asked about alone: together they may not claim more than there is.
        planes = np.where(total > 1.0, planes / np.maximum(total, 1e-9), planes)
        return np.column_stack([planes, 1.0 - planes.sum(axis=1)])

    def to_json(self) -> dict[str, Any]:
        return {
            plane.value: {
                "offset": round(float(offset), 5),
                **{name: round(float(each), 5) for name, each in zip(EVIDENCE, weights, strict=True)},
            }
            for plane, weights, offset in zip(STANDARD_PLANES, self.weights, self.offsets, strict=True)
        }

    @staticmethod
    def from_json(value: dict[str, Any]) -> RecordingJudge:
        """Inverse of ``to_json``; raises ``KeyError`` where a plane or a number is missing."""
        rows = [value[plane.value] for plane in STANDARD_PLANES]
        return RecordingJudge(
            np.array([[float(row[name]) for name in EVIDENCE] for row in rows]),
            np.array([float(row["offset"]) for row in rows]),
        )


class Judgement:
    """Names the frames of one recording as they come, and at the end all of them again.

    ``alone``: a single picture, which was judged when it was predicted. ``outlines`` are kept where that is asked for:
    of every frame they take much memory.
    """

    def __init__(self, *, alone: bool = False, outlines: bool = False) -> None:
        self._outlines = outlines
        self._stream = None if alone else StreamJudge()
        self._seen: list[Prediction] = []

    def judged(self, prediction: Prediction) -> Prediction:
        """The next frame, knowing those before it; behind a broken stretch a stream begins anew."""
        if self._stream is not None and self._seen and prediction.index != self._seen[-1].index + 1:
            self._stream = StreamJudge()
        self._seen.append(prediction if self._outlines else replace(prediction, outline=None))
        return prediction if self._stream is None else self._stream.judged(prediction)

    @property
    def seen(self) -> tuple[Prediction, ...]:
        """All frames so far as the network gave them."""
        return tuple(self._seen)

    def again(self) -> list[Prediction] | None:
        """All frames so far, each knowing all others; None where there is too little to know."""
        if self._stream is None or len(self._seen) < _LEAST_S * rate_of([each.time_s for each in self._seen]):
            return None
        return recording_judge().judged(self._seen)


@cache
def recording_judge() -> RecordingJudge:
    """The judge that comes with the program."""
    text = resource("recording_judge.json").read_text(encoding="utf-8")
    return RecordingJudge.from_json(json.loads(text)["planes"])


def evidence(predictions: Sequence[Prediction], plane: Plane) -> Floats:
    """(n, k): what speaks for ``plane`` in each of a recording's frames, in the order of ``EVIDENCE``."""
    probability = np.array([each.probabilities[plane] for each in predictions])
    # The rating speaks of the plane that the network named.
    rating = np.array([each.standardness if each.plane is plane else 0.0 for each in predictions])
    odds = np.log(np.clip(probability, 1e-3, 1.0 - 1e-3) / np.clip(1.0 - probability, 1e-3, 1.0))
    rate_hz = rate_of([each.time_s for each in predictions])
    shown = rating[probability > _SHOWN]
    usual = float(np.median(shown)) if len(shown) > _LEAST_SHOWN else 0.0
    return np.column_stack(
        [
            _averaged(odds, _NEARBY_S * rate_hz),
            _averaged(rating, _AROUND_S * rate_hz),
            np.full(len(predictions), usual),
        ]
    )


def _averaged(values: Floats, width: float) -> Floats:
    """Means over a centred raised-cosine window of about ``width`` frames; the edges repeat the first and last."""
    half = max(round((width - 1) / 2), 1)
    window = np.hanning(2 * half + 3)[1:-1]
    return np.convolve(np.pad(values, half, mode="edge"), window / window.sum(), "valid")


def _renamed(prediction: Prediction, shares: dict[Plane, float]) -> Prediction:
    plane = max(shares, key=shares.__getitem__)
    judged = replace(prediction, plane=plane, probabilities=shares)
    if prediction.geometry is None or (plane is prediction.plane and judged.probability >= MIN_PROBABILITY):
        return judged
    return unmeasured(judged, f"{prediction.plane} is cut too far from its standard plane")
