"""The shape of the analysis JSON; ``docs/analysis.schema.json`` is generated from it."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, NotRequired

from pydantic import ConfigDict, Field, TypeAdapter, with_config

# Pydantic cannot read typing's own TypedDict before Python 3.12.
from typing_extensions import TypedDict

from fetalnet.analysis.quality import State
from fetalnet.core.planes import Plane
from fetalnet.core.scale.scale import ScaleOrigin

SCHEMA_VERSION = 1

Probability = Annotated[float, Field(ge=0.0, le=1.0)]
NonNegative = Annotated[float, Field(ge=0.0)]
FrameIndex = Annotated[int, Field(ge=0)]
_CLOSED = ConfigDict(extra="forbid")


@with_config(_CLOSED)
class ModelJson(TypedDict):
    """The network that made the predictions."""

    name: str
    sha256: Annotated[str, Field(description="SHA-256 of the weights file")]
    engine: Annotated[str, Field(description="what ran the network")]


@with_config(_CLOSED)
class MmPerPixelJson(TypedDict):
    """Size of a pixel of the native frame in mm."""

    x: Annotated[float, Field(gt=0.0)]
    y: Annotated[float, Field(gt=0.0)]


@with_config(_CLOSED)
class ProbabilitiesJson(TypedDict):
    """One probability per plane; they sum to one, or are all zero where the frame could not be read."""

    head: Probability
    abdomen: Probability
    femur: Probability
    other: Probability


@with_config(_CLOSED)
class EllipseJson(TypedDict):
    """Native pixels, integers are pixel centres; a >= b; theta from +x towards +y (down)."""

    type: Literal["ellipse"]
    cx: float
    cy: float
    a: NonNegative
    b: NonNegative
    theta_deg: Annotated[float, Field(ge=0.0, lt=180.0)]


@with_config(_CLOSED)
class LineJson(TypedDict):
    """Native pixels, integers are pixel centres; x1 <= x2."""

    type: Literal["line"]
    x1: float
    y1: float
    x2: float
    y2: float


GeometryJson = Annotated[EllipseJson | LineJson, Field(discriminator="type")]


@with_config(_CLOSED)
class LengthJson(TypedDict):
    """A length in pixels, and in mm where a scale is known."""

    px: NonNegative
    mm: NonNegative | None


@with_config(_CLOSED)
class MeasurementsJson(TypedDict):
    """The measures of the frame's plane; empty where nothing is measured."""

    HC: NotRequired[LengthJson]
    BPD: NotRequired[Annotated[LengthJson, Field(description="outer-outer: the minor axis")]]
    OFD: NotRequired[LengthJson]
    AC: NotRequired[LengthJson]
    FL: NotRequired[LengthJson]


@with_config(_CLOSED)
class CriteriaJson(TypedDict):
    """The state of each criterion of the plane. Those of anatomy are suggested: learned from simulation alone."""

    symmetrical: NotRequired[State]
    thalami: NotRequired[Annotated[State, Field(description="suggested")]]
    cavum: NotRequired[Annotated[State, Field(description="suggested")]]
    no_cerebellum: NotRequired[Annotated[State, Field(description="suggested; green where it is not visible")]]
    stomach: NotRequired[Annotated[State, Field(description="suggested")]]
    portal_sinus: NotRequired[Annotated[State, Field(description="suggested")]]
    no_kidneys: NotRequired[Annotated[State, Field(description="suggested; green where they are not visible")]]
    size: NotRequired[State]
    calipers: NotRequired[State]
    ends: NotRequired[State]
    angle: NotRequired[State]


@with_config(_CLOSED)
class QualityJson(TypedDict):
    """Criteria met, `score` of `of`: those of the plane (head and abdomen 6, femur 4) that are assessed."""

    score: Annotated[int, Field(ge=0, le=6)]
    of: Annotated[int, Field(ge=3, le=6)]
    criteria: CriteriaJson


@with_config(_CLOSED)
class FrameJson(TypedDict):
    """What was found in one frame."""

    index: FrameIndex
    time_s: Annotated[NonNegative | None, Field(description="seconds since the first frame; null for stills")]
    file: Annotated[str | None, Field(description="base name of the image file; null in a video")]
    plane: Plane
    probabilities: ProbabilitiesJson
    probability: Annotated[Probability, Field(description="that of `plane`")]
    geometry: GeometryJson | None
    mm_per_pixel: MmPerPixelJson | None
    measurements: MeasurementsJson
    quality: Annotated[QualityJson | None, Field(description="null where the frame shows none of the planes")]
    refused: Annotated[str | None, Field(description="why nothing is measured in the frame, or has no millimetres")]
    error: Annotated[str | None, Field(description="why the frame could not be read")]


@with_config(_CLOSED)
class BestJson(TypedDict):
    """The frame a measure is proposed from."""

    frame: FrameIndex
    value_px: NonNegative
    value_mm: NonNegative | None


@with_config(_CLOSED)
class BestsJson(TypedDict):
    """A plane that never appears has no entry."""

    HC: NotRequired[BestJson]
    BPD: NotRequired[BestJson]
    OFD: NotRequired[BestJson]
    AC: NotRequired[BestJson]
    FL: NotRequired[BestJson]


@with_config(_CLOSED)
class EstimateJson(TypedDict):
    """Median over n frames; low to high holds the true value in about 95 % of simulated recordings.

    low and high are in ``unit``: mm where value_mm is given, else pixels.
    """

    value_px: NonNegative
    value_mm: NonNegative | None
    low: float
    high: float
    unit: Literal["mm", "px"]
    n: Annotated[int, Field(ge=1)]


@with_config(_CLOSED)
class EstimatesJson(TypedDict):
    """A plane that never appears has no entry."""

    HC: NotRequired[EstimateJson]
    BPD: NotRequired[EstimateJson]
    OFD: NotRequired[EstimateJson]
    AC: NotRequired[EstimateJson]
    FL: NotRequired[EstimateJson]


@with_config(_CLOSED)
class StretchJson(TypedDict):
    """Frames from `start` to `end`, both included, and from when to when; times are null where frames have none."""

    start: FrameIndex
    end: FrameIndex
    start_s: NonNegative | None
    end_s: NonNegative | None


@with_config(_CLOSED)
class SegmentJson(StretchJson):
    """What is shown how long; one after the other, without overlap."""

    plane: Plane


@with_config(_CLOSED)
class AnalysisJson(TypedDict):
    """Output of `fetalnet analyze`: proposals of a network, not reviewed by a person."""

    schema_version: Literal[1]
    source: str
    model: ModelJson
    mm_per_pixel: Annotated[MmPerPixelJson | None, Field(description="the one scale of the whole source")]
    scale_origin: ScaleOrigin
    scale_note: Annotated[
        str | None, Field(description="why a scale was refused or withdrawn, and why to doubt one that is used")
    ]
    notes: Annotated[
        list[str], Field(description="what to know of the source: pixels made square, frames left out, times nominal")
    ]
    frames: list[FrameJson]
    best: BestsJson
    estimate: EstimatesJson
    segments: Annotated[list[SegmentJson], Field(description="which plane is shown when; empty for stills")]
    frozen: Annotated[list[StretchJson], Field(description="where the scanner's picture stands still")]
    broken: Annotated[list[StretchJson], Field(description="where it is damaged; these frames have an `error`")]
    min_plane_size: Annotated[
        float, Field(gt=0.0, le=1.0, description="part of the fan's smaller side a plane fills where `size` is green")
    ]


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the analysis."""
    schema = TypeAdapter(AnalysisJson).json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema


if __name__ == "__main__":
    # Makes the schema in docs anew: python -m fetalnet.analysis.schema > docs/analysis.schema.json
    print(json.dumps(json_schema(), indent=2))
