"""What the measurements of an exam are in pixels and mm, and with which scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fetalnet.core.measurement import Length, measure
from fetalnet.exam.records import calibration_of

if TYPE_CHECKING:
    from fetalnet.core.scale.calibration import Calibration
    from fetalnet.core.scale.scale import Scale
    from fetalnet.exam.records import Exam, Measurement


def scale_of(exam: Exam, measurement: Measurement) -> Scale:
    """The scale of what is drawn: that of the decision, or of its frame and geometry while there is none."""
    decision = measurement.decision
    return calibration_of(exam, measurement).scale_for(measurement.geometry) if decision is None else decision.scale


def shown_length(measurement: Measurement, calibration: Calibration) -> Length | None:
    """The value beside what is drawn in a frame of this calibration: what was decided, else what stood at first.

    Nothing is measured while nobody has placed it. What was rejected keeps its value and is shown as rejected.
    """
    if measurement.is_unplaced:
        return None
    return decided_length(measurement) or _first_length(measurement, calibration)


def first_length(exam: Exam, measurement: Measurement) -> Length:
    """The value of what the machine proposed or a person placed.

    In mm with the scale it had when it was decided about, or with that of its frame and geometry while it is open.
    """
    return _first_length(measurement, calibration_of(exam, measurement))


def _first_length(measurement: Measurement, calibration: Calibration) -> Length:
    decision = measurement.decision
    if decision is None:
        scale = calibration.scale_for(measurement.first_geometry)
    else:
        scale = decision.first_scale or decision.scale
    return measure(measurement.first_geometry, measurement.plane, scale.mm_per_pixel)[measurement.kind]


def proposed_length(exam: Exam, measurement: Measurement) -> Length | None:
    """The machine's value, as ``first_length``; None where the machine proposed nothing: a person placed it by hand."""
    return None if measurement.proposed is None else first_length(exam, measurement)


def decided_length(measurement: Measurement) -> Length | None:
    """The person's value, with the scale it was decided with; None while open and where rejected."""
    decision = measurement.decision
    if decision is None or decision.geometry is None:
        return None
    of_frame = measure(decision.geometry, measurement.plane, decision.scale.mm_per_pixel)[measurement.kind]
    if decision.whole_exam is None or of_frame.mm is None:
        return of_frame
    # What the same scale makes of it: a length in pixels is needed where the other is in pixels.
    return Length(of_frame.px * decision.whole_exam.value_mm / of_frame.mm, decision.whole_exam.value_mm)
