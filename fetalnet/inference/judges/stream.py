"""What a frame is called: a plane is named only where it is cut near its ideal; a still is asked for more certainty.

The network rates how near a frame is to the ideal of its plane. By the definition of the truth a frame less than half
as good as the ideal is none of our planes, however clearly it shows the organ.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from fetalnet.core.planes import STANDARD_PLANES, Plane
from fetalnet.core.prediction import Prediction
from fetalnet.core.system.resources import resource
from fetalnet.core.timing import USUAL_RATE_HZ
from fetalnet.inference.judges.features import RATE_HZ, Floats, evidence

if TYPE_CHECKING:
    from torch import Tensor

    from fetalnet.network.frame_judge import JudgeNetwork

MIN_PROBABILITY = 0.6
"""A plane that is less likely than this is not measured: frames without a plane stay without a measure."""

MIN_AGAINST_DOUBT = 0.8
"""Least probability after the judge of a frame whose plane the network alone finds less likely than
``MIN_PROBABILITY``.
"""

MIN_STILL_PROBABILITY = 0.65
"""A still has no neighbours that agree. Of the 175 heads of HC18's validation split the least sure reaches 0.66."""

JUDGE = resource("stream_judge.safetensors")


def judged_still(prediction: Prediction) -> Prediction:
    """One picture alone: nothing is measured where its plane is not quite sure."""
    if prediction.geometry is None or prediction.probability >= MIN_STILL_PROBABILITY:
        return prediction
    return unmeasured(prediction, f"{prediction.plane} is uncertain (probability {prediction.probability:.2f})")


class StreamJudge:
    """Names the frames of one recording in their order, knowing those before. Begin anew after a seek.

    ``network`` reads forwards alone; the one that comes with the program when absent.
    """

    def __init__(self, network: JudgeNetwork | None = None) -> None:
        self._network = network
        self._before: Tensor | None = None
        self._after: Tensor | None = None
        self._step: int | None = None
        self._here: list[Floats] = []

    def judged(self, prediction: Prediction) -> Prediction:
        """The same with the probabilities that the frame shows a plane near its ideal."""
        time_s = prediction.index / USUAL_RATE_HZ if prediction.time_s is None else prediction.time_s
        step = math.floor(time_s * RATE_HZ + 1e-6)
        if step != self._step:
            self._before, self._here, self._step = self._after, [], step
        # What a step is made of comes frame by frame: each is answered with what there is.
        self._here.append(evidence([prediction])[0])
        network = self._network or _stream_network()
        shown, self._after = network.probabilities(np.mean(self._here, axis=0, keepdims=True), self._before)
        return renamed(prediction, float(shown[0]))


@cache
def _stream_network() -> JudgeNetwork:
    # The window stands before this is needed, and PyTorch takes long to load.
    from fetalnet.network.frame_judge import load_judge

    return load_judge(JUDGE, both_ways=False)


def renamed(prediction: Prediction, shown: float) -> Prediction:
    """The same where a plane is shown with probability ``shown``: which, is for the network to say.

    Unmeasured where that does not go with what was measured.
    """
    organs = {plane: max(prediction.probabilities[plane], 1e-6) for plane in STANDARD_PLANES}
    share = shown / sum(organs.values())
    shares = {plane: share * probability for plane, probability in organs.items()} | {Plane.OTHER: 1.0 - shown}
    plane = max(shares, key=shares.__getitem__)
    judged = replace(prediction, plane=plane, probabilities=shares)
    least = MIN_PROBABILITY if prediction.probability >= MIN_PROBABILITY else MIN_AGAINST_DOUBT
    if prediction.geometry is None or (plane is prediction.plane and judged.probability >= least):
        return judged
    return unmeasured(judged, f"{prediction.plane} is cut too far from its standard plane")


def unmeasured(prediction: Prediction, why: str) -> Prediction:
    """The same without what was fitted, and why."""
    return replace(prediction, outline=None, geometry=None, refused=why)
