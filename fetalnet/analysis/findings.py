"""What the analysis tells: values that travel from its thread to the window."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from fetalnet.analysis.estimate import Estimate
from fetalnet.analysis.examination import BestFrame
from fetalnet.analysis.segments import Broken, Frozen, Segment
from fetalnet.core.planes import Kind, Plane
from fetalnet.core.prediction import ModelRef, Prediction
from fetalnet.core.scale.track import NO_SCALE_TRACK, ScaleTrack
from fetalnet.inference.stream import FramePredictor


class DescribedPredictor(FramePredictor, Protocol):
    """What the thread asks of ``fetalnet.inference.predictor.Predictor``."""

    @property
    def model(self) -> ModelRef: ...

    def describe(self) -> str: ...


@dataclass(frozen=True, slots=True)
class PredictorInfo:
    """The loaded predictor: a line for the status bar, and what every proposal is signed with."""

    text: str
    model: ModelRef


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Predictions in the order of their frames. ``generation`` names the analysis that was asked for, ``reached`` the
    frame that it has come to: predictions beyond are of a place that was looked at first.
    """

    generation: int
    predictions: tuple[Prediction, ...]
    frames_per_s: float
    reached: int


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """The best frame and the estimate of each measure found so far, the best frames of each plane with their scores,
    when each plane is shown, where the picture stands still and where the recording is broken. ``model`` made them;
    mm are by ``scales``.
    """

    generation: int
    best: dict[Kind, BestFrame] = field(default_factory=dict)
    estimates: dict[Kind, Estimate] = field(default_factory=dict)
    complete: bool = False
    bests: dict[Plane, tuple[tuple[int, float], ...]] = field(default_factory=dict)
    segments: tuple[Segment, ...] = ()
    frozen: tuple[Frozen, ...] = ()
    broken: tuple[Broken, ...] = ()
    model: ModelRef | None = None
    scales: ScaleTrack = NO_SCALE_TRACK
    impossible: str | None = None
    """Why a plane that was found is not proposed: its scale must be wrong."""
