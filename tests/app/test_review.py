"""The main job: look, accept, correct, reject, undo."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtCore import Qt
from support.window import BEST, FEMUR, HEAD, HEIGHT, WIDTH, FakePredictor, Person

from app.actions.table import Do
from app.canvas.hit import Handle
from fetalnet.core.geometry import Ellipse
from fetalnet.core.planes import Kind, Plane
from fetalnet.core.prediction import ModelRef, Prediction
from fetalnet.core.scale.scale import given_scale
from fetalnet.exam.lengths import decided_length
from fetalnet.exam.records import Status
from fetalnet.sources import Frame


def test_that_the_analysis_proposes_every_measure(reviewer: Person) -> None:
    for kind in Kind:
        measurement = reviewer.measurement(kind)
        assert measurement.status is Status.PROPOSED
        assert abs(measurement.frame_index - BEST[kind.plane]) <= 1
    proposed = float(reviewer.window.measurements.texts(Kind.HC)[1])
    assert proposed == pytest.approx(HEAD.perimeter_px * 0.5, abs=0.06)


@pytest.mark.parametrize("kind", list(Kind))
def test_that_an_accepted_measure_keeps_the_machines_value(reviewer: Person, kind: Kind) -> None:
    reviewer.accept(kind)
    assert reviewer.measurement(kind).status is Status.ACCEPTED
    texts = reviewer.window.measurements.texts(kind)
    assert texts[1] == texts[2]
    assert texts[3] == "0.0"


def test_that_undo_and_redo_swap_a_decision(reviewer: Person) -> None:
    reviewer.accept(Kind.AC)
    reviewer.do(Do.UNDO)
    assert reviewer.measurement(Kind.AC).status is Status.PROPOSED
    reviewer.do(Do.REDO)
    assert reviewer.measurement(Kind.AC).status is Status.ACCEPTED
    assert not reviewer.can(Do.REDO)


def test_that_rejecting_is_undone(reviewer: Person) -> None:
    reviewer.reject(Kind.FL)
    assert reviewer.measurement(Kind.FL).status is Status.REJECTED
    assert reviewer.window.measurements.texts(Kind.FL)[2] == "–"
    reviewer.do(Do.UNDO)
    assert reviewer.measurement(Kind.FL).status is Status.PROPOSED


def test_that_dragging_an_end_of_the_ellipse_corrects_the_whole_head(reviewer: Person) -> None:
    reviewer.go_to_measure(Kind.HC)
    reviewer.drag(Handle.MAJOR_END, 6, 3)
    for kind in (Kind.HC, Kind.BPD, Kind.OFD):
        measurement = reviewer.measurement(kind)
        assert measurement.status is Status.CORRECTED
        assert measurement.proposed == HEAD
    longer = decided_length(reviewer.measurement(Kind.OFD))
    assert longer is not None
    assert longer.px > 2 * HEAD.a + 5
    reviewer.do(Do.UNDO)
    assert all(reviewer.measurement(kind).status is Status.PROPOSED for kind in (Kind.HC, Kind.BPD, Kind.OFD))
    assert reviewer.canvas.overlay.calipers[0].geometry == HEAD


def test_that_dragging_turns_the_ellipse(reviewer: Person) -> None:
    reviewer.go_to_measure(Kind.HC)
    reviewer.drag(Handle.MAJOR_END, -8, 12)
    geometry = reviewer.measurement(Kind.HC).geometry
    assert isinstance(geometry, Ellipse)
    assert geometry.theta_deg > HEAD.theta_deg + 10
    assert geometry.b == pytest.approx(HEAD.b)


def test_that_dragging_the_end_of_a_line_corrects_the_femur(reviewer: Person) -> None:
    reviewer.go_to_measure(Kind.FL)
    reviewer.drag(Handle.LINE_END, 8, 0)
    decided = decided_length(reviewer.measurement(Kind.FL))
    assert decided is not None
    assert decided.px > FEMUR.length_px + 5
    assert reviewer.window.measurements.texts(Kind.FL)[3].startswith("+")


def test_that_arrow_keys_move_the_selected_caliper(reviewer: Person) -> None:
    reviewer.go_to_measure(Kind.FL)
    reviewer.do(Do.CORRECT)
    reviewer.wait(lambda: reviewer.canvas.grip.handle is Handle.LINE_START)
    reviewer.press(Qt.Key.Key_Left)
    assert reviewer.measurement(Kind.FL).geometry.x1 == pytest.approx(FEMUR.x1 - 1)
    reviewer.press(Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    assert reviewer.measurement(Kind.FL).geometry.y1 == pytest.approx(FEMUR.y1 - 10)
    reviewer.press(Qt.Key.Key_Tab)
    assert reviewer.canvas.grip.handle is Handle.LINE_END
    reviewer.press(Qt.Key.Key_Escape)
    reviewer.press(Qt.Key.Key_Escape)
    assert reviewer.canvas.grip.selected is None


def test_that_nobody_accepts_unseen(reviewer: Person) -> None:
    reviewer.go_to(40)
    reviewer.select(Kind.HC)
    reviewer.do(Do.ACCEPT)
    assert reviewer.measurement(Kind.HC).status is Status.PROPOSED
    assert "look at it" in reviewer.message
    reviewer.wait_frame(reviewer.measurement(Kind.HC).frame_index)
    reviewer.do(Do.ACCEPT)
    assert reviewer.measurement(Kind.HC).status is Status.ACCEPTED


def test_that_the_whole_plane_is_accepted_at_once(reviewer: Person) -> None:
    reviewer.go_to_measure(Kind.HC)
    reviewer.do(Do.ACCEPT_PLANE)
    assert {reviewer.measurement(kind).status for kind in (Kind.HC, Kind.BPD, Kind.OFD)} == {Status.ACCEPTED}
    reviewer.do(Do.UNDO)
    assert {reviewer.measurement(kind).status for kind in (Kind.HC, Kind.BPD, Kind.OFD)} == {Status.PROPOSED}


def test_that_a_person_may_choose_another_frame(reviewer: Person) -> None:
    reviewer.go_to(3)
    reviewer.do(Do.MEASURE_HERE)
    assert reviewer.measurement(Kind.HC).frame_index == 3
    reviewer.do(Do.UNDO)
    assert reviewer.measurement(Kind.HC).frame_index != 3


def test_that_correcting_in_another_frame_moves_the_measure_there(reviewer: Person) -> None:
    reviewer.go_to(14)
    reviewer.drag(Handle.BODY, 4, 4)
    assert reviewer.measurement(Kind.AC).frame_index == 14
    assert reviewer.measurement(Kind.AC).status is Status.CORRECTED
    reviewer.do(Do.UNDO)
    assert reviewer.measurement(Kind.AC).status is Status.PROPOSED
    assert reviewer.measurement(Kind.AC).frame_index != 14


def test_that_a_decided_plane_stays_in_its_frame(reviewer: Person) -> None:
    reviewer.accept(Kind.AC)
    decided_in = reviewer.measurement(Kind.AC).frame_index
    reviewer.go_to(14)
    reviewer.do(Do.MEASURE_HERE)
    assert reviewer.measurement(Kind.AC).frame_index == decided_in
    assert "already decided" in reviewer.message


def test_that_a_rejected_measure_can_be_taken_in_another_frame(reviewer: Person) -> None:
    reviewer.reject(Kind.FL)
    reviewer.go_to(28)
    reviewer.do(Do.MEASURE_HERE)
    reviewer.accept(Kind.FL)
    statuses = [each.status for each in reviewer.session.exam.measurements if each.kind is Kind.FL]
    assert statuses == [Status.REJECTED, Status.ACCEPTED]


def test_that_decisions_are_there_when_the_recording_is_opened_again(
    start_program,
    clip: Path,
    reviewer: Person,
) -> None:
    reviewer.accept(Kind.AC)
    reviewer.go_to_measure(Kind.HC)
    reviewer.drag(Handle.MINOR_END, 3, 3)
    corrected = reviewer.measurement(Kind.HC).geometry
    reviewer.reject(Kind.FL)
    reviewer.wait_saved()
    reviewer.program.stop()
    again = start_program()
    again.open_clip(clip)
    assert again.measurement(Kind.AC).status is Status.ACCEPTED
    assert again.measurement(Kind.HC).geometry == corrected
    assert again.measurement(Kind.FL).status is Status.REJECTED
    assert again.session.scale == reviewer.session.scale
    assert not again.can(Do.UNDO)


def test_that_the_status_bar_counts_what_is_left(reviewer: Person) -> None:
    review = reviewer.window.statusBar().review
    assert review.text() == "5 to review"
    reviewer.accept(Kind.FL)
    assert review.text() == "4 to review"
    assert Plane.FEMUR in {plane for plane, _ in reviewer.session.best_frames()}


class OnlyFemur(FakePredictor):
    """Sees a femur in a picture alone, on an engine of its own."""

    def predict_still(self, frame: Frame) -> Prediction:
        self.model = ModelRef("fake", "0" * 64, "none for stills")
        return replace(self.predict(replace(frame, index=BEST[Plane.FEMUR])), index=frame.index)


def test_that_what_was_found_is_selected_where_the_selected_measure_is_not_there(start_program, tmp_path: Path) -> None:
    picture = tmp_path / "femur.png"
    cv2.imwrite(str(picture), np.full((HEIGHT, WIDTH), 90, np.uint8))
    person = start_program(load_predictor=OnlyFemur, scale=given_scale(0.5))
    person.open_clip(picture)
    assert person.session.selected is Kind.FL
    assert person.can(Do.ACCEPT)
    assert person.window.statusBar().model.text() == "fake, none for stills"
    person.select(Kind.HC)
    assert not person.can(Do.ACCEPT)
