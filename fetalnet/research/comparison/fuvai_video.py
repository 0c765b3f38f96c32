"""One value a video as FUVAI gives it: standard frames chosen by confidence, measured, and their median.

Plotka et al. 2022 (arXiv 2205.13835). ``Examination`` asks for more: neighbours that agree and a rating of the plane.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fetalnet.core.measurement import Length, measure
from fetalnet.core.planes import KINDS_OF, STANDARD_PLANES, Kind, Plane

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fetalnet.core.frame import Frame
    from fetalnet.core.geometry import MmPerPixel
    from fetalnet.core.letterbox import Box
    from fetalnet.core.prediction import Prediction
    from fetalnet.inference.predictor import Predictor


@dataclass(frozen=True, slots=True)
class VideoMeasurement:
    """The median over the frames ``indices``, the most confident first; ``probability`` is that of the first."""

    kind: Kind
    value: Length
    indices: tuple[int, ...]
    probability: float


def measure_video(
    predictions: Iterable[Prediction], mm_per_pixel: MmPerPixel | None = None, standard_frames: int = 1
) -> dict[Kind, VideoMeasurement]:
    """One value of each measure from the ``standard_frames`` most confident frames in which it could be measured.

    A plane that was never measured has no value; the earlier of two equally confident frames comes first.
    """
    if standard_frames < 1:
        raise ValueError(f"a value needs at least one standard frame, got {standard_frames}")
    measured: dict[Plane, list[Prediction]] = {plane: [] for plane in STANDARD_PLANES}
    for prediction in predictions:
        if prediction.geometry is not None:
            measured[prediction.plane].append(prediction)
    result: dict[Kind, VideoMeasurement] = {}
    for plane, frames in measured.items():
        chosen = sorted(frames, key=lambda frame: -frame.probability)[:standard_frames]
        lengths = [measure(frame.geometry, plane, mm_per_pixel) for frame in chosen if frame.geometry is not None]
        for kind in KINDS_OF[plane] if chosen else ():
            result[kind] = VideoMeasurement(
                kind,
                _median([each[kind] for each in lengths]),
                tuple(frame.index for frame in chosen),
                chosen[0].probability,
            )
    return result


class ClipPredictor:
    """A predictor that forgets the past every ``frames`` frames, as FetalNet starts each clip anew.

    With one frame a clip, each frame stands alone: how the public weights are used.
    """

    def __init__(self, predictor: Predictor, frames: int = 1) -> None:
        if frames < 1:
            raise ValueError(f"a clip has at least one frame, got {frames}")
        self._predictor, self._frames, self._seen = predictor, frames, 0

    def look_at(self, crop: Box, fan: NDArray[np.bool_]) -> None:
        """Look only at this part of the frames, and start a clip."""
        self._predictor.look_at(crop, fan)
        self._seen = 0

    def predict(self, frame: Frame) -> Prediction:
        """The answer for the next frame, from the frames of its clip so far."""
        if self._seen % self._frames == 0:
            self._predictor.reset()
        self._seen += 1
        return self._predictor.predict(frame)

    def predict_still(self, frame: Frame) -> Prediction:
        """The answer for a picture alone."""
        return self._predictor.predict_still(frame)


def _median(lengths: list[Length]) -> Length:
    in_mm = [length.mm for length in lengths if length.mm is not None]
    return Length(float(np.median([length.px for length in lengths])), float(np.median(in_mm)) if in_mm else None)
