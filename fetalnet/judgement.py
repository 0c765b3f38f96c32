"""What a frame is called: a plane is named only where it is cut near its ideal; a still is asked for more certainty.

The network rates how near a frame is to the ideal of its plane. By the definition of the truth a frame less than half
as good as the ideal is none of our planes, however clearly it shows the organ.
"""

from __future__ import annotations

import math
from dataclasses import replace

from fetalnet.planes import STANDARD_PLANES, Plane
from fetalnet.prediction import Prediction

MIN_PROBABILITY = 0.6
"""A plane that is less likely than this is not measured: frames without a plane stay without a measure."""

MIN_STILL_PROBABILITY = 0.8
"""A still has no neighbours that agree. All 602 heads that were trained on reach 0.9."""

_HALF_RATING, _RATING_WIDTH = 0.4, 0.05
"""The rating at which a frame is as likely as not half as good as the ideal, and the width of that step."""
_NEWEST = 0.5
"""Share of the newest frame in the running mean of the probabilities; all three checked on phantom seeds 20 to 31."""


def judged_still(prediction: Prediction) -> Prediction:
    """One picture alone: nothing is measured where its plane is not quite sure."""
    if prediction.geometry is None or prediction.probability >= MIN_STILL_PROBABILITY:
        return prediction
    return unmeasured(prediction, f"{prediction.plane} is uncertain (probability {prediction.probability:.2f})")


class StreamJudge:
    """Names the frames of one recording in their order. Begin anew after a seek."""

    def __init__(self) -> None:
        self._mean: dict[Plane, float] | None = None

    def judged(self, prediction: Prediction) -> Prediction:
        """The same with the probabilities that the frame shows a plane near its ideal, averaged with those before."""
        near = 1.0 / (1.0 + math.exp((_HALF_RATING - prediction.standardness) / _RATING_WIDTH))
        newest = {plane: near * prediction.probabilities[plane] for plane in STANDARD_PLANES}
        newest[Plane.OTHER] = 1.0 - sum(newest.values())
        mean = self._mean or newest
        self._mean = {plane: _NEWEST * newest[plane] + (1.0 - _NEWEST) * mean[plane] for plane in Plane}
        plane = max(self._mean, key=self._mean.__getitem__)
        judged = replace(prediction, plane=plane, probabilities=self._mean)
        if prediction.geometry is None or (plane is prediction.plane and judged.probability >= MIN_PROBABILITY):
            return judged
        return unmeasured(judged, f"{prediction.plane} is cut too far from its standard plane")


def unmeasured(prediction: Prediction, why: str) -> Prediction:
    """The same without what was fitted, and why."""
    return replace(prediction, outline=None, geometry=None, refused=why)
