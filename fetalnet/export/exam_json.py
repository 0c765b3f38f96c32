"""An exam as JSON: each measurement with the machine's geometry or the one placed by hand, every decision after it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fetalnet import __version__
from fetalnet.core.system.files import write_file
from fetalnet.exam.lengths import decided_length, first_length, scale_of
from fetalnet.export.wording import RESEARCH_USE

if TYPE_CHECKING:
    from fetalnet.core.geometry import Geometry
    from fetalnet.core.measurement import Length
    from fetalnet.core.scale.scale import Scale
    from fetalnet.core.scale.track import ScaleStep
    from fetalnet.exam.records import CriterionDecision, Decision, Exam, Measurement, RecordingRef, WholeExam

SCHEMA_VERSION = 2


def write_exam_json(path: Path, exam: Exam) -> None:
    """Write the exam. Raises ``InputError`` where the file cannot be written; nothing half is left."""
    text = json.dumps(exam_json(exam), indent=1, ensure_ascii=False, allow_nan=False)
    write_file(path, (text + "\n").encode("utf-8"))


def exam_json(exam: Exam) -> dict[str, Any]:
    """The exam as plain JSON values; lengths in px and, with a scale, mm; times in UTC."""
    return {
        "schema_version": SCHEMA_VERSION,
        "notice": RESEARCH_USE,
        "software_version": __version__,
        "exam": {"id": exam.id, "created_at": exam.created_at.isoformat(), "label": exam.label},
        "recordings": [_recording(each) for each in exam.recordings],
        "measurements": [_measurement(exam, each) for each in exam.measurements],
        "criteria": [_criterion(each) for each in exam.criteria],
    }


def _recording(recording: RecordingRef) -> dict[str, Any]:
    return {
        "id": recording.id,
        "name": recording.name,
        "size_bytes": recording.size_bytes,
        "content_sha256": recording.content_sha256,
        "frame_count": recording.frame_count,
        **_scale(recording.scale_track.scale),
        "scales": [_step(step) for step in recording.scale_track.steps],
    }


def _measurement(exam: Exam, measurement: Measurement) -> dict[str, Any]:
    return {
        "id": measurement.id,
        "recording": measurement.recording_id,
        "measure": measurement.kind.value,
        "plane": measurement.plane.value,
        "bpd_convention": None if measurement.bpd_convention is None else measurement.bpd_convention.value,
        "frame": measurement.frame_index,
        "time_s": measurement.time_s,
        "file": measurement.file,
        "origin": measurement.origin.value,
        "status": measurement.status.value,
        "proposed": _proposed(exam, measurement),
        "placed": _placed(exam, measurement),
        **_scale(scale_of(exam, measurement)),
        "decided": _length(decided_length(measurement)),
        "decisions": [_decision(each) for each in measurement.decisions],
    }


def _proposed(exam: Exam, measurement: Measurement) -> dict[str, Any] | None:
    """What the machine said; None where a person measured by hand."""
    model = measurement.model
    if measurement.proposed is None or model is None:
        return None
    return {
        "geometry": measurement.proposed.to_json(),
        "value": _length(first_length(exam, measurement)),
        "model": {"name": model.name, "sha256": model.sha256, "engine": model.engine},
    }


def _placed(exam: Exam, measurement: Measurement) -> dict[str, Any] | None:
    """What a person placed by hand; None where the machine proposed. It has no value while nobody has moved it."""
    if measurement.placed is None:
        return None
    value = None if measurement.is_unplaced else _length(first_length(exam, measurement))
    return {"geometry": measurement.placed.to_json(), "value": value}


def _criterion(said: CriterionDecision) -> dict[str, Any]:
    """What a person said of a criterion of a frame; None as its state takes an earlier word back."""
    return {
        "recording": said.recording_id,
        "frame": said.frame_index,
        "criterion": said.criterion.value,
        "text": said.criterion.text,
        "state": None if said.state is None else said.state.value,
        "decided_at": said.decided_at.isoformat(),
    }


def _decision(decision: Decision) -> dict[str, Any]:
    return {
        "status": decision.status.value,
        "geometry": _geometry(decision.geometry),
        "decided_at": decision.decided_at.isoformat(),
        **_scale(decision.scale),
        **_whole_exam(decision.whole_exam),
    }


def _whole_exam(whole: WholeExam | None) -> dict[str, Any]:
    """The value from many frames, where a person chose it over that of one frame."""
    if whole is None:
        return {}
    value = {"value_mm": whole.value_mm, "low_mm": whole.low_mm, "high_mm": whole.high_mm, "n": whole.n}
    return {"whole_exam": value}


def _scale(scale: Scale) -> dict[str, Any]:
    size = scale.mm_per_pixel
    return {
        "mm_per_pixel": None if size is None else {"x": size.x, "y": size.y},
        "scale_origin": scale.origin.value,
        "scale_note": scale.note,
    }


def _step(step: ScaleStep) -> dict[str, Any]:
    """What holds from a frame on; ``regions`` are native pixels, inclusive, where the picture has several scales."""
    calibration = step.calibration
    return {
        "from_frame": step.from_index,
        **_scale(calibration.scale),
        "regions": [
            {
                "x0": region.x0, "y0": region.y0, "x1": region.x1, "y1": region.y1,
                "mm_per_pixel": {"x": region.mm_per_pixel.x, "y": region.mm_per_pixel.y},
            }
            for region in (calibration.regions if calibration.is_known else ())
        ],
    }  # fmt: skip


def _geometry(geometry: Geometry | None) -> dict[str, float | str] | None:
    return None if geometry is None else geometry.to_json()


def _length(length: Length | None) -> dict[str, float | None] | None:
    return None if length is None else {"px": length.px, "mm": length.mm}
