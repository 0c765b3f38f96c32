"""What the analysis of a source gives, frame by frame and of the whole, and its JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from fetalnet.analysis.estimate import Estimate
from fetalnet.analysis.examination import BestFrame
from fetalnet.analysis.quality import DEFAULT_LIMITS, QualityLimits, quality_of
from fetalnet.analysis.schema import SCHEMA_VERSION, AnalysisJson, FrameJson
from fetalnet.analysis.segments import Broken, Frozen, Segment
from fetalnet.core.measurement import Length, measure, why_impossible
from fetalnet.core.planes import Kind, Plane
from fetalnet.core.scale.scale import NO_SCALE, Scale

if TYPE_CHECKING:
    from fetalnet.core.geometry import MmPerPixel
    from fetalnet.core.prediction import ModelRef, Prediction


@dataclass(frozen=True, slots=True)
class FrameResult:
    """What one frame gave; ``prediction`` is None where it could not be read, with the reason in ``error``."""

    index: int
    time_s: float | None
    file: str | None
    prediction: Prediction | None
    scale: Scale = NO_SCALE
    error: str | None = None

    @property
    def measurements(self) -> dict[Kind, Length]:
        if self.prediction is None or self.prediction.geometry is None:
            return {}
        lengths = measure(self.prediction.geometry, self.prediction.plane, self.scale.mm_per_pixel)
        # With millimetres that no fetus has the scale is wrong: pixels are left.
        return lengths if self.impossible is None else {kind: Length(each.px) for kind, each in lengths.items()}

    @property
    def impossible(self) -> str | None:
        """For a person: why what was found has no millimetres although the frame has a scale."""
        if self.prediction is None or self.prediction.geometry is None:
            return None
        return why_impossible(measure(self.prediction.geometry, self.prediction.plane, self.scale.mm_per_pixel))

    @property
    def refused(self) -> str | None:
        """For a person: why nothing is measured in the frame, or why what was found has no millimetres."""
        if self.prediction is None or self.prediction.geometry is not None:
            return self.impossible
        return self.prediction.refused

    def to_json(self, limits: QualityLimits = DEFAULT_LIMITS) -> FrameJson:
        """The entry of one frame in the JSON; ``limits`` of its quality."""
        plane = Plane.OTHER if self.prediction is None else self.prediction.plane
        # Softmax in 32 bits may end a hair outside [0, 1].
        probabilities = {
            str(each): 0.0 if self.prediction is None else min(max(self.prediction.probabilities[each], 0.0), 1.0)
            for each in Plane
        }
        geometry = None if self.prediction is None else self.prediction.geometry
        return cast(
            "FrameJson",
            {
                "index": self.index,
                "time_s": self.time_s,
                "file": self.file,
                "plane": plane.value,
                "probabilities": probabilities,
                "probability": probabilities[plane],
                "geometry": None if geometry is None else geometry.to_json(),
                "mm_per_pixel": _mm_json(self.scale.mm_per_pixel),
                "measurements": {
                    kind.value: {"px": length.px, "mm": length.mm} for kind, length in self.measurements.items()
                },
                "quality": _quality_json(self.prediction, self.scale, limits),
                "refused": self.refused,
                "error": self.error,
            },
        )


@dataclass(frozen=True, slots=True)
class Analysis:
    """All that was found in one source; ``failures`` names what could not be read, in sentences."""

    source: str
    model: ModelRef
    scale: Scale
    frames: tuple[FrameResult, ...]
    best: dict[Kind, BestFrame]
    estimates: dict[Kind, Estimate]
    failures: tuple[str, ...] = ()
    segments: tuple[Segment, ...] = ()
    frozen: tuple[Frozen, ...] = ()
    broken: tuple[Broken, ...] = ()
    limits: QualityLimits = DEFAULT_LIMITS
    remark: str | None = None
    """What to know of a source that is whole."""

    @property
    def scale_warnings(self) -> tuple[str, ...]:
        """A sentence for each scale that may be right but hardly ever is, and for one that cannot be."""
        warnings = [frame.scale.warning for frame in self.frames]
        impossible: dict[Plane, str | None] = {}
        for frame in self.frames:
            if frame.prediction is not None and frame.impossible is not None:
                impossible.setdefault(frame.prediction.plane, frame.impossible)
        return tuple(dict.fromkeys(each for each in (*warnings, *impossible.values()) if each is not None))

    @property
    def scale_note(self) -> str | None:
        """All that is to be said of the scale."""
        return " ".join(each for each in (self.scale.note, *self.scale_warnings) if each is not None) or None

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be said of the source, and what is wrong with it."""
        return (*(() if self.remark is None else (self.remark,)), *self.failures)

    def to_json(self) -> AnalysisJson:
        """The JSON of ``docs/analysis.schema.json``."""
        return cast(
            "AnalysisJson",
            {
                "schema_version": SCHEMA_VERSION,
                "source": self.source,
                "model": {"name": self.model.name, "sha256": self.model.sha256, "engine": self.model.engine},
                "mm_per_pixel": _mm_json(self.scale.mm_per_pixel),
                "scale_origin": self.scale.origin.value,
                "scale_note": self.scale_note,
                "notes": list(self.notes),
                "frames": [frame.to_json(self.limits) for frame in self.frames],
                "best": {
                    kind.value: {"frame": best.index, "value_px": best.value.px, "value_mm": best.value.mm}
                    for kind, best in self.best.items()
                },
                "estimate": {kind.value: _estimate_json(estimate) for kind, estimate in self.estimates.items()},
                "segments": [
                    {
                        "plane": each.plane.value,
                        "start": each.start,
                        "end": each.stop - 1,
                        "start_s": each.start_s,
                        "end_s": each.end_s,
                    }
                    for each in self.segments
                ],
                "frozen": [_stretch_json(each) for each in self.frozen],
                "broken": [_stretch_json(each) for each in self.broken],
                "min_plane_size": self.limits.min_size,
            },
        )


def _mm_json(value: MmPerPixel | None) -> dict[str, float] | None:
    return None if value is None else {"x": value.x, "y": value.y}


def _stretch_json(stretch: Frozen | Broken) -> dict[str, float | None]:
    return {"start": stretch.start, "end": stretch.stop - 1, "start_s": stretch.start_s, "end_s": stretch.end_s}


def _quality_json(prediction: Prediction | None, scale: Scale, limits: QualityLimits) -> dict[str, object] | None:
    quality = None if prediction is None else quality_of(prediction, scale.mm_per_pixel, limits)
    if quality is None:
        return None
    states = {criterion.value: state.value for criterion, state in quality.states.items()}
    return {"score": quality.score, "of": quality.of, "criteria": states}


def _estimate_json(estimate: Estimate) -> dict[str, float | str | None]:
    in_mm = estimate.value.mm is not None
    return {
        "value_px": estimate.value.px,
        "value_mm": estimate.value.mm,
        "low": estimate.low.mm if in_mm else estimate.low.px,
        "high": estimate.high.mm if in_mm else estimate.high.px,
        "unit": "mm" if in_mm else "px",
        "n": estimate.n,
    }
