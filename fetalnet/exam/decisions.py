"""What a person decides about a measurement, and what they draw themselves.

Each verb takes an exam and returns a new one. The machine's geometry and the person's are both kept, and every decision
is appended.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fetalnet.analysis.quality import Criterion, State
from fetalnet.core.errors import InputError
from fetalnet.core.geometry import Ellipse, Geometry, is_drawable
from fetalnet.core.measurement import measure, why_impossible
from fetalnet.core.planes import KINDS_OF, Kind, Plane
from fetalnet.core.scale.scale import Scale
from fetalnet.exam.records import (
    BpdConvention,
    CriterionDecision,
    Decision,
    Exam,
    Measurement,
    Status,
    WholeExam,
    calibration_of,
    new_id,
    now,
)

if TYPE_CHECKING:
    from fetalnet.core.scale.calibration import Calibration
    from fetalnet.sources import Frame


def placed_by_hand(
    recording_id: str, plane: Plane, frame: Frame, geometry: Geometry, *, moved: bool = True
) -> tuple[Measurement, ...]:
    """An open measurement for each measure of ``plane``, as a person drew it in ``frame``, without any proposal.

    Not ``moved`` is what was only set out there for a person to place.
    """
    return tuple(
        Measurement(
            id=new_id(),
            recording_id=recording_id,
            kind=kind,
            frame_index=frame.index,
            time_s=frame.time_s,
            file=frame.file,
            proposed=None,
            model=None,
            bpd_convention=BpdConvention.OUTER_OUTER if kind is Kind.BPD else None,
            placed=geometry,
            moved=moved,
        )
        for kind in KINDS_OF[plane]
    )


def move_placed(exam: Exam, measurement_id: str, geometry: Geometry) -> Exam:
    """Place again what was placed by hand and is still open: no decision yet, so no scale is needed.

    Raises ``InputError`` where it would leave the calibrated region it lies in.
    """
    measurement = exam.measurement(measurement_id)
    if measurement.status is not Status.PLACED:
        raise ValueError("only an open measurement placed by hand is moved; all others are corrected")
    _check_shape(measurement, geometry)
    calibration = calibration_of(exam, measurement)
    if calibration.why_no_mm(measurement.first_geometry) is None and (reason := calibration.why_no_mm(geometry)):
        raise InputError(reason)
    return _replaced(exam, measurement, replace(measurement, placed=geometry, moved=True))


def why_not_acceptable(exam: Exam, measurement: Measurement) -> str | None:
    """Why what stood at the beginning cannot be accepted, in a sentence; None where it can."""
    if measurement.is_unplaced:
        return "Nobody has placed this caliper yet; drag it to where it belongs, then accept."
    return why_no_mm(calibration_of(exam, measurement), measurement.plane, measurement.first_geometry)


def accept(exam: Exam, measurement_id: str, whole_exam: WholeExam | None = None) -> Exam:
    """Take the machine's geometry, or the one placed by hand, as it is; its value, or that of the whole exam.

    Raises ``InputError`` without a scale, and where nobody has moved the caliper that was set out to be placed.
    """
    measurement = exam.measurement(measurement_id)
    if measurement.is_unplaced and (reason := why_not_acceptable(exam, measurement)):
        raise InputError(f"{measurement.kind} is not measured. {reason}")
    geometry = measurement.first_geometry
    scale = _scale_for_decision(exam, measurement, geometry)
    return _decided(exam, measurement, Decision(Status.ACCEPTED, geometry, scale, now(), whole_exam=whole_exam))


def correct(exam: Exam, measurement_id: str, geometry: Geometry) -> Exam:
    """Put the person's geometry beside the first. Raises ``InputError`` without a scale or for another shape."""
    measurement = exam.measurement(measurement_id)
    _check_shape(measurement, geometry)
    scale = _scale_for_decision(exam, measurement, geometry)
    first_scale = calibration_of(exam, measurement).scale_for(measurement.first_geometry)
    decision = Decision(Status.CORRECTED, geometry, scale, now(), None if first_scale == scale else first_scale)
    return _decided(exam, measurement, decision)


def reject(exam: Exam, measurement_id: str) -> Exam:
    """Say that the measurement is not to be used; needs no scale."""
    measurement = exam.measurement(measurement_id)
    scale = calibration_of(exam, measurement).scale_for(measurement.first_geometry)
    return _decided(exam, measurement, Decision(Status.REJECTED, None, scale, now()))


def set_criterion(exam: Exam, recording_id: str, frame_index: int, criterion: Criterion, state: State | None) -> Exam:
    """Say what one criterion is in one frame; appended, and the last word counts."""
    said = CriterionDecision(recording_id, frame_index, criterion, state, now())
    return replace(exam, criteria=(*exam.criteria, said))


def _decided(exam: Exam, measurement: Measurement, decision: Decision) -> Exam:
    return _replaced(exam, measurement, replace(measurement, decisions=(*measurement.decisions, decision)))


def _replaced(exam: Exam, before: Measurement, after: Measurement) -> Exam:
    return replace(exam, measurements=tuple(after if each is before else each for each in exam.measurements))


def _check_shape(measurement: Measurement, geometry: Geometry) -> None:
    if type(geometry) is not type(measurement.first_geometry) or not is_drawable(geometry):
        shape = "an ellipse" if isinstance(measurement.first_geometry, Ellipse) else "a line"
        raise InputError(f"{measurement.kind} is measured with {shape} of some size; draw it again.")


def why_no_mm(calibration: Calibration, plane: Plane, geometry: Geometry) -> str | None:
    """For a person: why a caliper has no millimetres, or such as no fetus has; None where they can be decided with."""
    if reason := calibration.why_no_mm(geometry):
        return reason
    return why_impossible(measure(geometry, plane, calibration.scale_for(geometry).mm_per_pixel))


def _scale_for_decision(exam: Exam, measurement: Measurement, geometry: Geometry) -> Scale:
    calibration = calibration_of(exam, measurement)
    if reason := why_no_mm(calibration, measurement.plane, geometry):
        raise InputError(f"{measurement.kind} has no millimetres to decide with. {reason}")
    return calibration.scale_for(geometry)
