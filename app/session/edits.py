"""One undoable verb a class: each remembers the exam's measurements before and after, and swaps them."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtGui import QUndoCommand

from app.session.reviewed import Reviewed
from fetalnet.analysis.quality import Criterion, State
from fetalnet.core.geometry import Geometry
from fetalnet.core.scale.calibration import Calibration
from fetalnet.exam import decisions
from fetalnet.exam.records import Exam, Measurement, Origin, WholeExam
from fetalnet.export.wording import STATES
from fetalnet.screen.fan.shape import FanShape


class _Swap(QUndoCommand):
    """Swaps some measurements for their next state; all others may change in between."""

    def __init__(self, session: Reviewed, text: str, after: Exam, ids: tuple[str, ...]) -> None:
        super().__init__(text)
        self._session = session
        self._before = {each: session.exam.measurement(each) for each in ids}
        self._after = {each: after.measurement(each) for each in ids}

    def redo(self) -> None:
        self._session.replace_measurements(self._after)

    def undo(self) -> None:
        self._session.replace_measurements(self._before)


class AcceptMeasurement(_Swap):
    """Take the machine's geometry for these measurements; their values, or that of the whole exam."""

    def __init__(self, session: Reviewed, ids: tuple[str, ...], whole_exam: WholeExam | None = None) -> None:
        after = session.exam
        for each in ids:
            after = decisions.accept(after, each, whole_exam)
        super().__init__(session, f"Accept {_kinds(after, ids)}", after, ids)


class CorrectMeasurement(_Swap):
    """Put a person's geometry beside the machine's; the measures of one plane share it."""

    def __init__(self, session: Reviewed, ids: tuple[str, ...], geometry: Geometry) -> None:
        after = session.exam
        for each in ids:
            after = decisions.correct(after, each, geometry)
        super().__init__(session, f"Correct {_kinds(after, ids)}", after, ids)


class RejectMeasurement(_Swap):
    """Say that these proposals are not to be used."""

    def __init__(self, session: Reviewed, ids: tuple[str, ...]) -> None:
        after = session.exam
        for each in ids:
            after = decisions.reject(after, each)
        super().__init__(session, f"Reject {_kinds(after, ids)}", after, ids)


class MovePlaced(_Swap):
    """Move a caliper that was placed by hand and is still open; the measures of one plane share it."""

    def __init__(self, session: Reviewed, ids: tuple[str, ...], geometry: Geometry) -> None:
        after = session.exam
        for each in ids:
            after = decisions.move_placed(after, each, geometry)
        super().__init__(session, f"Move {_kinds(after, ids)}", after, ids)


class AddMeasurements(QUndoCommand):
    """Measure once more in another frame, beside what is decided."""

    def __init__(self, session: Reviewed, added: tuple[Measurement, ...]) -> None:
        super().__init__(f"Measure the {added[0].plane} again in frame {added[0].frame_index}")
        self._session, self._added = session, added

    def redo(self) -> None:
        self._session.set_measurements((*self._session.exam.measurements, *self._added))

    def undo(self) -> None:
        ids = {each.id for each in self._added}
        self._session.set_measurements(tuple(each for each in self._session.exam.measurements if each.id not in ids))


class SetCriterion(QUndoCommand):
    """A person's word about one criterion of a frame, beside the machine's."""

    def __init__(self, session: Reviewed, frame_index: int, criterion: Criterion, state: State | None) -> None:
        what = "take back" if state is None else STATES[state]
        super().__init__(f"{criterion.text.capitalize()}: {what}")
        self._session = session
        after = decisions.set_criterion(session.exam, session.recording_id, frame_index, criterion, state)
        self._said = after.criteria[-1]

    def redo(self) -> None:
        self._session.set_criteria((*self._session.exam.criteria, self._said))

    def undo(self) -> None:
        self._session.set_criteria(tuple(each for each in self._session.exam.criteria if each is not self._said))


class MeasureInFrame(QUndoCommand):
    """Put other open measurements, proposed or placed by hand, in the place of a plane's."""

    def __init__(self, session: Reviewed, chosen: tuple[Measurement, ...]) -> None:
        how = " by hand" if chosen[0].origin is Origin.PERSON else ""
        super().__init__(f"Measure the {chosen[0].plane}{how} in frame {chosen[0].frame_index}")
        self._session = session
        self._plane = chosen[0].plane
        self._chosen = chosen
        self._before = session.open_measurements(self._plane)
        self._was_chosen = self._plane in session.chosen_planes

    def redo(self) -> None:
        self._swap(self._chosen, chosen=True)

    def undo(self) -> None:
        self._swap(self._before, chosen=self._was_chosen)

    def _swap(self, measurements: tuple[Measurement, ...], chosen: bool) -> None:
        self._session.set_open_measurements(self._plane, measurements, chosen=chosen)


class SetScale(QUndoCommand):
    """Another scale for frame ``index`` and all that share its own, and for those that a ruler is followed to.

    Decisions keep the scale they were taken with.
    """

    def __init__(self, session: Reviewed, index: int, calibration: Calibration, text: str) -> None:
        super().__init__(text)
        self._session, self._index, self._calibration = session, index, calibration
        self._before = session.scales.step_at(index)

    def redo(self) -> None:
        # Changes of the screen that have become known since stay.
        scales = self._session.scales
        self._before = scales.step_at(self._index)
        self._session.set_scales(scales.changed(self._before.from_index, self._calibration, self._index))

    def undo(self) -> None:
        self._session.set_scales(self._session.scales.taken_back(self._index, self._before))


class SetFan(QUndoCommand):
    """Draw the recording's fan by hand; the analysis begins anew with it."""

    def __init__(self, session: Reviewed, fan: FanShape | None) -> None:
        super().__init__("Edit the fan")
        self._session = session
        self._before, self._after = session.drawn_fan, fan

    def redo(self) -> None:
        self._session.draw_fan(self._after)

    def undo(self) -> None:
        self._session.draw_fan(self._before)


def swapped(exam: Exam, by_id: dict[str, Measurement]) -> Exam:
    """The exam with the measurements of these ids replaced."""
    return replace(exam, measurements=tuple(by_id.get(each.id, each) for each in exam.measurements))


def _kinds(exam: Exam, ids: tuple[str, ...]) -> str:
    return ", ".join(exam.measurement(each).kind for each in ids)
