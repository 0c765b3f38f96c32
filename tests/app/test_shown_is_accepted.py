"""What is accepted is what is shown: picture, table, buttons, cards and reports give one status and one value."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from support.window import BEST, HEAD, FakePredictor, Person

from app.actions.table import Do
from app.canvas.hit import Handle
from app.canvas.overlay import calipers_of, overlay_of
from app.workers.exporter import _caption
from fetalnet.analysis.quality import Criterion, State
from fetalnet.core.geometry import Ellipse, Line
from fetalnet.core.planes import KINDS_OF, Kind, Plane
from fetalnet.core.prediction import ModelRef, Shape
from fetalnet.core.scale.calibration import Calibration
from fetalnet.core.scale.scale import given_scale
from fetalnet.exam.lengths import decided_length
from fetalnet.exam.records import Decision, Measurement, Status, WholeExam
from fetalnet.sources import Frame

NOTHING_HERE = 40
SCALE = given_scale(0.5)


class Shaped(FakePredictor):
    """Says of each outline that its caliper lies well on it."""

    def predict(self, frame: Frame):
        found = super().predict(frame)
        symmetry = None if found.plane is Plane.FEMUR else 0.01
        return replace(found, shape=Shape(1.0, 0.005, 0.98, symmetry, 0.6)) if found.geometry else found

    predict_still = predict


def labels(person: Person) -> tuple[str, ...]:
    return tuple(line for caliper in person.canvas.overlay.calipers for line in caliper.labels)


def state(person: Person) -> str:
    return person.canvas.overlay.state_badge


# A caliper that nobody has placed.


@pytest.mark.parametrize(
    ("by_hand", "kind"), [(Do.HAND_HEAD, Kind.HC), (Do.HAND_ABDOMEN, Kind.AC), (Do.HAND_FEMUR, Kind.FL)]
)
def test_that_a_caliper_nobody_has_placed_measures_nothing_and_cannot_be_accepted(
    reviewer: Person, by_hand: Do, kind: Kind
) -> None:
    reviewer.go_to(NOTHING_HERE)
    reviewer.do(by_hand)
    assert not any(reviewer.can(do) for do in (Do.ACCEPT, Do.ACCEPT_PLANE, Do.ACCEPT_WHOLE))
    assert f"{kind} –" in labels(reviewer)
    assert "to be placed by hand" in state(reviewer)
    pane = reviewer.window.measurements
    assert pane.two_values.texts()["Best frame value"] == "–"
    assert "Nobody has placed this caliper yet" in pane.reason.text()
    assert "Now" not in pane.detail.text()
    reviewer.do(Do.REJECT)
    assert not reviewer.can(Do.ACCEPT)


def test_that_moved_by_a_key_it_can_be_accepted_and_undone_it_cannot(reviewer: Person) -> None:
    reviewer.go_to(NOTHING_HERE)
    reviewer.do(Do.HAND_FEMUR)
    reviewer.press(Qt.Key.Key_Right)
    value = reviewer.window.measurements.two_values.texts()["Best frame value"]
    assert labels(reviewer) == (f"FL {value}",)
    reviewer.do(Do.ACCEPT)
    assert f"{decided_length(reviewer.measurement(Kind.FL)).mm:.1f} mm" == value
    reviewer.do(Do.UNDO)
    reviewer.do(Do.UNDO)
    assert reviewer.measurement(Kind.FL).status is Status.PLACED
    assert not reviewer.can(Do.ACCEPT)


def test_that_the_value_above_the_button_is_the_one_it_accepts(reviewer: Person) -> None:
    two_values = reviewer.window.measurements.two_values
    reviewer.go_to_measure(Kind.HC)
    assert two_values.texts()["Best frame title"] == "Best frame"
    reviewer.go_to(NOTHING_HERE)
    reviewer.do(Do.HAND_HEAD)
    reviewer.drag(Handle.MAJOR_END, 6, 0)
    reviewer.select(Kind.HC)
    texts = two_values.texts()
    assert texts["Best frame title"] == "By hand"
    reviewer.do(Do.ACCEPT)
    assert texts["Best frame value"] == f"{decided_length(reviewer.measurement(Kind.HC)).mm:.1f} mm"


def test_that_a_frame_chosen_instead_of_the_best_is_named_beside_its_value(reviewer: Person) -> None:
    reviewer.go_to(BEST[Plane.FEMUR] + 3)
    reviewer.do(Do.MEASURE_HERE)
    reviewer.select(Kind.FL)
    texts = reviewer.window.measurements.two_values.texts()
    assert texts["Best frame title"] == "Chosen frame"
    assert f"frame {BEST[Plane.FEMUR] + 3}" in texts["Best frame about"]


def test_that_a_whole_exams_value_in_another_scale_cannot_be_accepted(reviewer: Person) -> None:
    reviewer.go_to_measure(Kind.FL)
    before = reviewer.session.estimate_of(Kind.FL)
    reviewer.session.review.set_scale(given_scale(0.25))
    assert reviewer.session.estimate_of(Kind.FL) is None
    assert not reviewer.can(Do.ACCEPT_WHOLE)
    assert reviewer.window.measurements.two_values.texts()["Whole exam value"] == "–"
    reviewer.wait(lambda: reviewer.can(Do.ACCEPT_WHOLE))
    assert reviewer.session.estimate_of(Kind.FL).value.mm == pytest.approx(before.value.mm / 2)


# Status and value.


def test_that_a_rejected_femur_is_rejected_everywhere_until_undone(reviewer: Person) -> None:
    reviewer.go_to_measure(Kind.FL)
    assert state(reviewer) == "◌ proposal"
    (proposed,) = labels(reviewer)
    reviewer.do(Do.REJECT)
    assert state(reviewer) == "✕ rejected"
    assert labels(reviewer) == (f"{proposed} ✕",)
    assert [caliper.decided for caliper in reviewer.canvas.overlay.calipers] == [False]
    assert reviewer.window.measurements.texts(Kind.FL)[2:5:2] == ["–", "✕"]
    assert reviewer.window.gallery.cards[Plane.FEMUR]._score == "✕"
    reviewer.do(Do.UNDO)
    assert (state(reviewer), labels(reviewer)) == ("◌ proposal", (proposed,))


def test_that_each_measure_of_a_head_says_how_it_stands(reviewer: Person) -> None:
    reviewer.go_to_measure(Kind.HC)
    reviewer.do(Do.ACCEPT_PLANE)
    assert state(reviewer) == "✓ accepted"
    reviewer.do(Do.REJECT)
    assert state(reviewer) == "✕ HC rejected · ✓ BPD, OFD accepted"
    signs = {line.split()[0]: line.split()[-1] for line in labels(reviewer)}
    assert signs == {"HC": "✕", "BPD": "✓", "OFD": "✓"}
    for kind in KINDS_OF[Plane.HEAD]:
        assert reviewer.window.measurements.texts(kind)[4] == signs[kind]
    reviewer.do(Do.UNDO)
    assert state(reviewer) == "✓ accepted"


def test_that_a_rejected_measure_keeps_its_own_value_beside_a_corrected_one(reviewer: Person) -> None:
    reviewer.reject(Kind.HC)
    rejected = next(line for line in labels(reviewer) if line.startswith("HC"))
    reviewer.canvas.select_plane(Plane.HEAD)
    reviewer.drag(Handle.MAJOR_END, 8, 0)
    assert rejected in labels(reviewer)
    assert len(reviewer.canvas.overlay.calipers) == 1
    assert reviewer.measurement(Kind.BPD).status is Status.CORRECTED
    assert reviewer.measurement(Kind.HC).status is Status.REJECTED


def test_that_a_repeat_s_first_frame_still_says_accepted(reviewer: Person) -> None:
    reviewer.accept(Kind.FL)
    reviewer.go_to(BEST[Plane.FEMUR] + 3)
    reviewer.do(Do.REPEAT)
    assert state(reviewer) == "✓ accepted"
    reviewer.go_to(BEST[Plane.FEMUR])
    assert state(reviewer) == "✓ accepted"
    assert [caliper.decided for caliper in reviewer.canvas.overlay.calipers] == [True]


def test_that_a_rejected_one_placed_by_hand_is_shown_and_dragged_to_correct_it(reviewer: Person) -> None:
    reviewer.go_to(NOTHING_HERE)
    reviewer.do(Do.HAND_FEMUR)
    reviewer.drag(Handle.LINE_END, 6, 4)
    reviewer.do(Do.REJECT)
    assert state(reviewer) == "✕ rejected, placed by hand"
    reviewer.canvas.select_plane(Plane.FEMUR)
    reviewer.drag(Handle.LINE_END, 5, 0)
    assert reviewer.measurement(Kind.FL).status is Status.CORRECTED
    assert reviewer.measurement(Kind.FL).frame_index == NOTHING_HERE


def test_that_the_picture_and_the_report_s_picture_give_the_accepted_value_of_the_whole_exam() -> None:
    whole = WholeExam(175.9, 171.0, 180.8, 12)
    decision = Decision(Status.ACCEPTED, HEAD, SCALE, datetime.now(UTC), whole_exam=whole)
    model = ModelRef("fake", "0" * 64, "none")
    head = Measurement("m", "r", Kind.HC, 6, 0.24, None, HEAD, model, (decision,))
    shown = overlay_of(None, (head,), Calibration.of_whole(SCALE), analysed="")
    assert shown.calipers[0].labels == ("HC 175.9 mm",)
    assert "from 12 frames" in shown.state_badge
    assert calipers_of([head])[0].labels == ("HC 175.9 mm",)
    assert "HC 175.9 mm" in _caption(6, [head])
    # Dragged, the caliper is measured itself.
    assert shown.calipers[0].moved(HEAD).labels[0] == f"HC {HEAD.perimeter_px / 2:.1f} mm"


def test_that_a_report_s_picture_names_only_what_was_accepted(reviewer: Person) -> None:
    reviewer.accept(Kind.BPD)
    accepted = [each for each in reviewer.session.exam.measurements if each.status is Status.ACCEPTED]
    assert [line.split()[0] for line in calipers_of(accepted)[0].labels] == ["BPD"]


# Calipers on the outline.


@pytest.fixture
def judging(start_program, clip: Path) -> Person:
    person = start_program(load_predictor=Shaped, scale=SCALE)
    person.open_clip(clip)
    return person


@pytest.mark.parametrize(("kind", "handle"), [(Kind.HC, Handle.MAJOR_END), (Kind.FL, Handle.LINE_END)])
def test_that_calipers_on_the_outline_is_asked_of_the_caliper_as_it_stands(
    judging: Person, kind: Kind, handle: Handle
) -> None:
    judging.go_to_measure(kind)
    panel = judging.window.quality
    assert panel.texts()[Criterion.CALIPERS][0] == "●"
    title = panel.title.text()
    judging.canvas.select_plane(kind.plane)
    judging.drag(handle, 0, 14)
    assert panel.texts()[Criterion.CALIPERS][0] == "✕"
    assert panel.title.text() != title
    judging.do(Do.UNDO)
    assert panel.texts()[Criterion.CALIPERS][0] == "●"


def test_that_a_caliper_placed_by_hand_is_asked_where_it_lies(judging: Person) -> None:
    judging.go_to_measure(Kind.HC)
    judging.do(Do.HAND_HEAD)
    assert judging.measurement(Kind.HC).geometry != HEAD
    assert judging.window.quality.texts()[Criterion.CALIPERS][0] == "✕"
    judging.session.review.correct(Plane.HEAD, HEAD)
    assert judging.window.quality.texts()[Criterion.CALIPERS][0] == "●"


def test_that_the_size_follows_a_longer_caliper(judging: Person) -> None:
    judging.session.set_quality_limits(replace(judging.session.quality_limits, min_size=0.7))
    judging.go_to_measure(Kind.HC)
    assert judging.window.quality.texts()[Criterion.SIZE][0] == "✕"
    judging.session.review.correct(Plane.HEAD, Ellipse.of(80, 60, 45, 28, 20))
    assert judging.window.quality.texts()[Criterion.SIZE][0] == "●"


def test_that_the_angle_is_that_of_the_line_as_it_was_drawn(judging: Person) -> None:
    judging.go_to_measure(Kind.FL)
    assert judging.window.quality.texts()[Criterion.ANGLE][0] == "●"
    judging.session.review.correct(Plane.FEMUR, Line.of(70, 35, 85, 85))
    assert judging.window.quality.texts()[Criterion.ANGLE][0] == "✕"


def test_that_criteria_met_are_counted_alike_in_panel_and_chart(judging: Person) -> None:
    judging.go_to_measure(Kind.FL)
    judging.session.review.set_criterion(Criterion.ENDS, State.FAILED)
    judging.do(Do.EXAMINATION)
    chart = judging.window.verbs.showing.examination.over_time
    chart.show_session(judging.session)
    points = np.concatenate([np.column_stack(item.getData()) for item in chart._quality.listDataItems()])
    shown = dict(points.astype(int).tolist())
    assert f"{shown[BEST[Plane.FEMUR]]}/4" in judging.window.quality.title.text()
    assert shown[BEST[Plane.FEMUR]] == shown[BEST[Plane.FEMUR] + 1] - 1
