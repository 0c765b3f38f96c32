"""Scores of labelled stills, each looked at as the program does it: its sector alone, without a past."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fetalnet.core.frame import Frame
from fetalnet.core.geometry import Ellipse
from fetalnet.core.letterbox import Box
from fetalnet.core.measurement import Length, measure
from fetalnet.core.planes import STANDARD_PLANES, Kind, Plane
from fetalnet.core.prediction import ModelRef, Prediction
from fetalnet.research.datasets.still import Still, Truth
from fetalnet.research.metrics.biometry import MeasureError
from fetalnet.research.metrics.overlap import ellipse_dice, hausdorff
from fetalnet.screen.fan.sector_search import search_sector


class Predicts(Protocol):
    """What is evaluated; ``fetalnet.inference.predictor.Predictor`` is one."""

    model: ModelRef

    def look_at(self, crop: Box | None = None, fan: NDArray[np.bool_] | None = None) -> None: ...

    def reset(self) -> None: ...

    def predict(self, frame: Frame) -> Prediction: ...

    def predict_still(self, frame: Frame, plane: Plane | None = None) -> Prediction: ...


@dataclass(frozen=True, slots=True)
class Answer:
    """Which plane a picture shows and was said to show; planes the labels do not tell count as other."""

    truth: Plane
    found: Plane
    confidence: float


@dataclass(frozen=True, slots=True)
class OutlineScore:
    """Overlap 0 to 1, 0 where no outline was found; the distance in mm needs an outline and a scale."""

    overlap: float
    hausdorff_mm: float | None
    found: bool


@dataclass(frozen=True, slots=True)
class StillScore:
    """One still. ``answer`` is None where its plane is not known; ``outline`` where none was drawn."""

    name: str
    group: str
    source: str
    plane: Plane | None
    answer: Answer | None
    measured: bool
    outline: OutlineScore | None
    measures: tuple[MeasureError, ...]


def predict_still(predictor: Predicts, pixels: NDArray[np.uint8], plane: Plane | None = None) -> Prediction:
    """One picture as the program looks at it: its sector, without a past; with its ``plane`` fixed where given."""
    sector = search_sector(pixels)
    predictor.look_at(sector.box, sector.mask(pixels.shape))
    return predictor.predict_still(Frame(0, None, pixels), plane)


def score_still(predictor: Predicts, still: Still, told: frozenset[Plane]) -> StillScore:
    """Scores of one still; ``told`` are the planes its data set tells from all else. Raises ``InputError``."""
    pixels = still.pixels()
    truth = still.truth() if still.plane in STANDARD_PLANES else Truth()
    prediction = predict_still(predictor, pixels)
    # Another plane's ellipse is none of this one.
    right = prediction.plane is still.plane and prediction.geometry is not None
    return StillScore(
        still.path.name,
        still.group,
        still.source,
        still.plane,
        None if still.plane is None else answer(still.plane, prediction, told),
        prediction.geometry is not None,
        _outline(truth, prediction if right else None, still, pixels.shape),
        _measures(truth, prediction if right else None, still),
    )


def answer(plane: Plane, prediction: Prediction, told: frozenset[Plane]) -> Answer:
    """The prediction against the label, with all planes that are not ``told`` as one."""
    if prediction.plane in told:
        found, confidence = prediction.plane, prediction.probability
    else:
        found = Plane.OTHER
        confidence = sum(each for other, each in prediction.probabilities.items() if other not in told)
    return Answer(plane if plane in told else Plane.OTHER, found, min(max(confidence, 0.0), 1.0))


def _outline(truth: Truth, prediction: Prediction | None, still: Still, shape: tuple[int, ...]) -> OutlineScore | None:
    if not truth.traced or not isinstance(truth.geometry, Ellipse):
        return None
    if prediction is None or not isinstance(prediction.geometry, Ellipse):
        return OutlineScore(0.0, None, False)
    scale = still.mm_per_pixel
    distance = None if scale is None else hausdorff(prediction.geometry.scaled(scale), truth.geometry.scaled(scale))
    return OutlineScore(ellipse_dice(prediction.geometry, truth.geometry, shape), distance, True)


def _measures(truth: Truth, prediction: Prediction | None, still: Still) -> tuple[MeasureError, ...]:
    found: dict[Kind, Length] = {}
    if prediction is not None and prediction.geometry is not None:
        found = measure(prediction.geometry, prediction.plane, still.mm_per_pixel)
    return tuple(MeasureError(kind, length, found.get(kind)) for kind, length in truth.lengths.items())
