"""A recording seen whole: each frame is named again, knowing all the others.

How the network rates a frame depends on the fetus and the scanner as well: in a dim recording ideal planes are rated
low, in a clear one poor cuts are rated high. And a hand comes to a plane, rests on it and leaves. So a small network
(``network/judge.py``) reads what the frame network said of all frames, forwards and backwards. It was trained on
phantom recordings (``fetalnet.research.training.judges.train``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from fetalnet.core.prediction import Prediction
from fetalnet.core.system.resources import resource
from fetalnet.core.timing import rate_of
from fetalnet.inference.judges.features import Floats, at_frames, at_steps, evidence
from fetalnet.inference.judges.stream import StreamJudge, renamed

if TYPE_CHECKING:
    from fetalnet.network.frame_judge import JudgeNetwork

JUDGE = resource("recording_judge.safetensors")

_LEAST_S = 2.0
"""Shorter recordings have no best to hold a frame against."""


@dataclass(frozen=True, slots=True, eq=False)
class RecordingJudge:
    """Asks a network that reads both ways, in evaluation mode."""

    network: JudgeNetwork

    def judged(self, predictions: Sequence[Prediction]) -> list[Prediction]:
        """All predictions of a recording as the network gave them, in order, with planes and probabilities anew.

        Ratings stay the picture's own: in one that looks poor nothing is measured, however long it is shown.
        """
        if not predictions:
            return []
        shown = self.shown(predictions).tolist()
        return [renamed(prediction, each) for prediction, each in zip(predictions, shown, strict=True)]

    def shown(self, predictions: Sequence[Prediction]) -> Floats:
        """(n,): the probability that each frame shows a plane near its ideal."""
        rate_hz = rate_of([each.time_s for each in predictions])
        steps, _ = self.network.probabilities(at_steps(evidence(predictions), rate_hz))
        return at_frames(steps[:, None], len(predictions), rate_hz)[:, 0]


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
    # The window stands before this is needed, and PyTorch takes long to load.
    from fetalnet.network.frame_judge import load_judge

    return RecordingJudge(load_judge(JUDGE, both_ways=True))
