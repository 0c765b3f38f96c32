"""Deciding on measurements and placing them."""

from __future__ import annotations

from app.actions.host import ActionHost
from app.actions.table import SELECTING, Do, acceptable_of_plane
from app.canvas.placing import common, first_caliper, in_one_region
from fetalnet.core.planes import Plane
from fetalnet.exam.records import Status
from fetalnet.screen.fan.sector import Sector


class Measuring:
    """Verbs that change the exam, and what is selected in it."""

    def __init__(self, window: ActionHost) -> None:
        self.window, self.session = window, window.session
        self.canvas = window.canvas

    def undo(self) -> None:
        self.session.undo_stack.undo()

    def redo(self) -> None:
        self.session.undo_stack.redo()

    def accept(self) -> None:
        self.session.review.accept(self.session.selected)

    def accept_plane(self) -> None:
        self.session.review.accept(*acceptable_of_plane(self.session))

    def reject(self) -> None:
        self.session.review.reject(self.session.selected)

    def accept_whole_exam(self) -> None:
        self.session.review.accept_whole_exam(self.session.selected)

    def repeat_here(self) -> None:
        shown = self.session.shown_prediction
        if shown is not None:
            self.session.review.repeat(shown.plane)

    def correct(self) -> None:
        """Show the selected measurement's caliper with its handles."""
        self.session.go_to(self.session.selected)
        self.canvas.setFocus()
        self.canvas.select_plane(self.session.selected.plane)

    def measure_here(self) -> None:
        shown = self.session.shown_prediction
        if shown is not None:
            self.session.review.measure_in_shown_frame(shown.plane)

    def measure_head_by_hand(self) -> None:
        self._measure_by_hand(Plane.HEAD)

    def measure_abdomen_by_hand(self) -> None:
        self._measure_by_hand(Plane.ABDOMEN)

    def measure_femur_by_hand(self) -> None:
        self._measure_by_hand(Plane.FEMUR)

    def _measure_by_hand(self, plane: Plane) -> None:
        """Stay on the shown frame and place a caliper in the part of the fan that is seen, its handles ready."""
        frame = self.session.frame
        if frame is None:
            return
        self.session.show(frame.index)
        fan = self.session.known_fan or self.session.fan or Sector.whole(frame.pixels.shape)
        seen = common(fan.box, self.canvas.viewport.seen())
        seen = in_one_region(seen, self.session.calibration)
        self.session.review.measure_by_hand(plane, first_caliper(plane, seen))
        shown = self.session.shown_measurement(plane)
        if shown is not None and shown.status is Status.PLACED:
            if self.session.selected.plane is not plane:
                self.session.select(shown.kind)
            self.canvas.setFocus()
            self.canvas.select_plane(plane)

    def next_caliper(self) -> None:
        self.canvas.next_handle()

    def _select(self, do: Do) -> None:
        self.session.go_to(SELECTING[do])

    def select_bpd(self) -> None:
        self._select(Do.SELECT_BPD)

    def select_ofd(self) -> None:
        self._select(Do.SELECT_OFD)

    def select_hc(self) -> None:
        self._select(Do.SELECT_HC)

    def select_ac(self) -> None:
        self._select(Do.SELECT_AC)

    def select_fl(self) -> None:
        self._select(Do.SELECT_FL)
