"""The verbs of a review: accept, correct, reject, choose a frame, set the scale. Each is one step to undo."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtGui import QUndoCommand

from app.commands import AcceptMeasurement, CorrectMeasurement, MeasureInFrame, RejectMeasurement, SetScale
from fetalnet import records
from fetalnet.errors import InputError
from fetalnet.geometry import Geometry
from fetalnet.picture.scale import Scale
from fetalnet.planes import KINDS_OF, Kind, Plane
from fetalnet.records import BpdConvention, Measurement, Status

if TYPE_CHECKING:
    from app.session import Session

NEEDS_SCALE = "There is no scale yet: set it under Measure first, by mm per pixel or by two points on the ruler."


class Review:
    """What a person does to the exam. A verb that cannot be done gives a notice and changes nothing."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def accept(self, *kinds: Kind) -> None:
        """Accept what is shown. A measurement in another frame is shown first: nobody accepts unseen."""
        ids = self._ids(kinds)
        if not ids or self._shown_first(ids):
            return
        self._do(lambda: AcceptMeasurement(self.session, ids))

    def reject(self, *kinds: Kind) -> None:
        ids = self._ids(kinds)
        if not ids or self._shown_first(ids):
            return
        self._do(lambda: RejectMeasurement(self.session, ids))

    def correct(self, plane: Plane, geometry: Geometry) -> None:
        """Take the caliper as the person drew it in the shown frame, for every measure of the plane."""
        if self.session.frame is None:
            return
        if self.session.scale.mm_per_pixel is None:
            self.session.notice.emit(NEEDS_SCALE)
            return
        measurement = self.session.shown_measurement(plane)
        chosen = self._chosen_in_shown_frame(plane) if measurement is None else ()
        if measurement is None and not chosen:
            return
        self.session.undo_stack.beginMacro(f"Correct {plane}")
        if chosen:
            self._do(lambda: MeasureInFrame(self.session, chosen))
        together = chosen if measurement is None else records.siblings(self.session.exam, measurement.id)
        ids = tuple(each.id for each in together if each.status is not Status.REJECTED)
        self._do(lambda: CorrectMeasurement(self.session, ids, geometry))
        self.session.undo_stack.endMacro()

    def measure_in_shown_frame(self, plane: Plane) -> None:
        """Propose the shown frame's geometry instead of the best frame's."""
        if chosen := self._chosen_in_shown_frame(plane):
            self._do(lambda: MeasureInFrame(self.session, chosen))

    def _chosen_in_shown_frame(self, plane: Plane) -> tuple[Measurement, ...]:
        """New proposals from the shown frame; none, and a notice, where there is nothing to measure or no need."""
        prediction = self.session.shown_prediction
        if (
            prediction is None
            or prediction.geometry is None
            or prediction.plane is not plane
            or not self.session.predictor
        ):
            self.session.notice.emit(f"No {plane} was measured in this frame; choose a frame with an outline.")
            return ()
        decided = [
            each
            for kind in KINDS_OF[plane]
            if (each := self.session.measurement_of(kind)) and each.status in (Status.ACCEPTED, Status.CORRECTED)
        ]
        if decided:
            frame = decided[0].frame_index
            self.session.notice.emit(f"The {plane} is already decided in frame {frame}; reject it there or undo first.")
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
                model=self.session.predictor.model,
                bpd_convention=BpdConvention.OUTER_OUTER if kind is Kind.BPD else None,
            )
            for kind in KINDS_OF[plane]
        )

    def set_scale(self, scale: Scale) -> None:
        self._do(lambda: SetScale(self.session, scale))

    def _do(self, make: Callable[[], QUndoCommand]) -> None:
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
