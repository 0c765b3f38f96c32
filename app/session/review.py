"""The verbs of a review: accept, correct, reject, measure by hand, choose a frame, set the scale. Each is undone."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from PySide6.QtGui import QUndoCommand

from app.session.edits import (
    AcceptMeasurement,
    AddMeasurements,
    CorrectMeasurement,
    MeasureInFrame,
    MovePlaced,
    RejectMeasurement,
    SetCriterion,
    SetFan,
    SetScale,
)
from app.session.reviewed import Reviewed
from fetalnet.analysis.quality import Criterion, State
from fetalnet.core.errors import InputError
from fetalnet.core.geometry import Geometry
from fetalnet.core.planes import KINDS_OF, Kind, Plane
from fetalnet.core.scale.calibration import Calibration
from fetalnet.core.scale.scale import Scale
from fetalnet.exam import decisions, records
from fetalnet.exam.records import BpdConvention, Exam, Measurement, Origin, Status, WholeExam
from fetalnet.exam.repeats import repeats_of
from fetalnet.screen.fan.shape import FanShape, check_fan


class Review:
    """What a person does to the exam. A verb that cannot be done gives a notice and changes nothing."""

    def __init__(self, session: Reviewed) -> None:
        self.session = session

    def accept(self, *kinds: Kind) -> None:
        """Accept what is shown. A measurement in another frame is shown first: nobody accepts unseen."""
        ids = self._ids(kinds)
        if not ids or self._shown_first(ids):
            return
        self._do(lambda: AcceptMeasurement(self.session, ids))

    def accept_whole_exam(self, kind: Kind) -> None:
        """Accept the value from many frames; its best frame is shown first."""
        estimate, ids = self.session.estimate_of(kind), self._ids((kind,))
        if estimate is None or estimate.value.mm is None or not ids or self._shown_first(ids):
            return
        assert estimate.low.mm is not None
        assert estimate.high.mm is not None
        whole = WholeExam(estimate.value.mm, estimate.low.mm, estimate.high.mm, estimate.n)
        self._do(lambda: AcceptMeasurement(self.session, ids, whole))

    def repeat(self, plane: Plane) -> None:
        """Measure the plane once more in the shown frame and accept that beside what is decided."""
        again = self._proposed_in_shown_frame(plane)
        decided = {each.frame_index for kind in KINDS_OF[plane] for each in self._decided_of(kind)}
        if not again or not decided or self._is_read_only():
            return
        if again[0].frame_index in decided:
            self.session.notice.emit(f"The {plane} is already measured in this frame; go to another for a repeat.")
            return
        if reason := decisions.why_no_mm(self.session.calibration, plane, again[0].first_geometry):
            self.session.notice.emit(reason)
            return
        self.session.undo_stack.beginMacro(f"Measure the {plane} again in frame {again[0].frame_index}")
        self._do(lambda: AddMeasurements(self.session, again))
        self._do(lambda: AcceptMeasurement(self.session, tuple(each.id for each in again)))
        self.session.undo_stack.endMacro()

    def delete_repeat(self, measurement: Measurement) -> None:
        """Leave a repeat out: it is rejected, which stays in the exam."""
        self._do(lambda: RejectMeasurement(self.session, (measurement.id,)))

    def set_criterion(self, criterion: Criterion, state: State | None) -> None:
        """Say what a criterion is in the shown frame; None takes the person's word back."""
        if self.session.frame is not None:
            index = self.session.frame.index
            self._do(lambda: SetCriterion(self.session, index, criterion, state))

    def reject(self, *kinds: Kind) -> None:
        ids = self._ids(kinds)
        if not ids or self._shown_first(ids):
            return
        self._do(lambda: RejectMeasurement(self.session, ids))

    def correct(self, plane: Plane, geometry: Geometry) -> None:
        """Take the caliper as the person drew it in the shown frame, for every measure of the plane."""
        if self.session.frame is None or self._is_read_only():
            return
        measurement = self.session.shown_measurement(plane)
        together = self._together(measurement) if measurement is not None else ()
        if together and all(each.status is Status.PLACED for each in together):
            self._do(lambda: MovePlaced(self.session, tuple(each.id for each in together), geometry))
            return
        if reason := decisions.why_no_mm(self.session.calibration, plane, geometry):
            self.session.notice.emit(reason)
            return
        rejected = [each for each in self.session.shown_measurements if each.plane is plane and measurement is None]
        if rejected and rejected[0].origin is Origin.PERSON:
            self._do(lambda: CorrectMeasurement(self.session, tuple(each.id for each in rejected), geometry))
            return
        chosen = self._chosen_in_shown_frame(plane) if measurement is None else ()
        if measurement is None and not chosen:
            return
        self.session.undo_stack.beginMacro(f"Correct {plane}")
        if chosen:
            self._do(lambda: MeasureInFrame(self.session, chosen))
        ids = tuple(each.id for each in together or chosen)
        self._do(lambda: CorrectMeasurement(self.session, ids, geometry))
        self.session.undo_stack.endMacro()

    def measure_in_shown_frame(self, plane: Plane) -> None:
        """Propose the shown frame's geometry instead of the best frame's."""
        if chosen := self._chosen_in_shown_frame(plane):
            self._do(lambda: MeasureInFrame(self.session, chosen))

    def measure_by_hand(self, plane: Plane, geometry: Geometry) -> None:
        """Place a caliper in the shown frame where the machine found none, or in place of what it proposed.

        A proposal that was still open is rejected by that, so that it stays in the exam beside the person's own.
        """
        frame = self.session.frame
        if frame is None or self._is_read_only() or self._is_decided(plane):
            return
        shown = self.session.shown_measurement(plane)
        if shown is not None and shown.status is Status.PLACED:
            return
        calibration = self.session.calibration
        if calibration.is_known and (reason := calibration.why_no_mm(geometry)):
            self.session.notice.emit(reason)
            return
        proposed = [each for each in self.session.open_measurements(plane) if each.status is Status.PROPOSED]
        placed = decisions.placed_by_hand(self.session.recording_id, plane, frame, geometry, moved=False)
        self.session.undo_stack.beginMacro(f"Measure the {plane} by hand in frame {frame.index}")
        if proposed:
            self._do(lambda: RejectMeasurement(self.session, tuple(each.id for each in proposed)))
            self.session.notice.emit(
                f"The {plane} proposed in frame {proposed[0].frame_index} is rejected in favour of yours; "
                "undo brings it back."
            )
        self._do(lambda: MeasureInFrame(self.session, placed))
        self.session.undo_stack.endMacro()

    def _together(self, measurement: Measurement) -> tuple[Measurement, ...]:
        """All that are corrected with the measurement: they share its caliper and are not rejected."""
        siblings = records.siblings(self.session.exam, measurement.id)
        return tuple(each for each in siblings if each.status is not Status.REJECTED)

    def _is_decided(self, plane: Plane) -> bool:
        """Whether a measure of the plane is accepted or corrected; with a notice where it is."""
        decided = [
            each
            for kind in KINDS_OF[plane]
            if (each := self.session.measurement_of(kind)) and each.status in (Status.ACCEPTED, Status.CORRECTED)
        ]
        if decided:
            frame = decided[0].frame_index
            self.session.notice.emit(f"The {plane} is already decided in frame {frame}; reject it there or undo first.")
        return bool(decided)

    def _chosen_in_shown_frame(self, plane: Plane) -> tuple[Measurement, ...]:
        """New proposals from the shown frame; none, and a notice, where there is nothing to measure or no need."""
        chosen = self._proposed_in_shown_frame(plane)
        return () if chosen and self._is_decided(plane) else chosen

    def _decided_of(self, kind: Kind) -> tuple[Measurement, ...]:
        repeats = repeats_of(self.session.exam, kind)
        return () if repeats is None else repeats.measurements

    def _proposed_in_shown_frame(self, plane: Plane) -> tuple[Measurement, ...]:
        """New proposals from the shown frame; none, and a notice, where there is nothing to measure."""
        prediction, model = self.session.shown_prediction, self.session.analysis.model
        if prediction is None or prediction.geometry is None or prediction.plane is not plane or model is None:
            self.session.notice.emit(f"No {plane} was measured in this frame; choose a frame with an outline.")
            return ()
        return tuple(
            Measurement(
                id=uuid.uuid4().hex,
                recording_id=self.session.recording_id,
                kind=kind,
                frame_index=prediction.index,
                time_s=prediction.time_s,
                file=prediction.file,
                proposed=prediction.geometry,
                model=model,
                bpd_convention=BpdConvention.OUTER_OUTER if kind is Kind.BPD else None,
            )
            for kind in KINDS_OF[plane]
        )

    def set_scale(self, scale: Scale, index: int | None = None) -> None:
        """A scale from outside the recording: typed, by two points, from its ruler or a preset.

        It was seen in frame ``index``, or in the shown one.
        """
        at = self._shown_index if index is None else index
        self._do(lambda: SetScale(self.session, at, Calibration.of_whole(scale), "Set scale"))

    def use_refused_scale(self) -> None:
        """Say that the scale of the shown frame is right, although it was refused or withdrawn."""
        if self.session.calibration.refused is not None:
            accepted = self.session.calibration.accepted()
            self._do(lambda: SetScale(self.session, self._shown_index, accepted, "Use the refused scale"))

    def set_fan(self, fan: FanShape) -> None:
        """Take the fan as a person drew it."""
        if self.session.recording is not None and fan != self.session.drawn_fan:
            size = self.session.recording.width, self.session.recording.height
            self._do(lambda: SetFan(self.session, check_fan(fan, size)))

    @property
    def _shown_index(self) -> int:
        return self.session.frame.index if self.session.frame is not None else 0

    def _is_read_only(self) -> bool:
        """Whether the exam may only be looked at; with a notice where it may."""
        if self.session.read_only is not None:
            self.session.notice.emit(self.session.read_only)
        return self.session.read_only is not None

    def _do(self, make: Callable[[], QUndoCommand]) -> None:
        if self._is_read_only():
            return
        try:
            self.session.undo_stack.push(make())
        except InputError as error:
            self.session.notice.emit(str(error))

    def _ids(self, kinds: tuple[Kind, ...]) -> tuple[str, ...]:
        return tuple(each.id for kind in kinds if (each := self.session.measurement_of(kind)) is not None)

    def _shown_first(self, ids: tuple[str, ...]) -> bool:
        index = self.session.exam.measurement(ids[0]).frame_index
        if self.session.frame is not None and self.session.frame.index == index:
            return False
        self.session.show(index)
        self.session.notice.emit(f"This is frame {index}, where it was measured: look at it, then decide.")
        return True


def why_not_accepted(exam: Exam, measurement: Measurement | None) -> str | None:
    """Why the measurement cannot be accepted now, for the person; None where it can."""
    if measurement is None:
        return "Nothing is proposed yet; you can measure by hand (Measure menu)."
    if measurement.status is Status.ACCEPTED:
        return "Accepted. Undo, reject, or drag the caliper to change it."
    if measurement.status is Status.CORRECTED:
        return "Corrected. Undo, reject, or drag the caliper again to change it."
    return decisions.why_not_acceptable(exam, measurement)
