"""What the whole examination shows beside its best frames, and what a person decides about it."""

import pytest
from PySide6.QtCore import Qt
from support.window import BEST

from app.actions.table import Do
from fetalnet.analysis.quality import Criterion, State
from fetalnet.core.planes import Kind, Plane
from fetalnet.core.scale.scale import given_scale
from fetalnet.exam.lengths import decided_length
from fetalnet.exam.records import Status
from fetalnet.exam.repeats import repeats_of


def test_that_the_timeline_tells_which_plane_a_frame_belongs_to(reviewer):
    timeline = reviewer.window.timeline
    assert "head" in timeline.told_at(timeline._x(BEST[Plane.HEAD]))
    assert "femur" in timeline.told_at(timeline._x(BEST[Plane.FEMUR]))
    # Every frame of the clip shows one grey: the codec repeats nothing, so nothing is frozen.
    assert not reviewer.session.analysis.findings.frozen


def test_that_the_value_of_the_whole_exam_is_accepted_with_its_interval_and_undone(reviewer):
    reviewer.go_to_measure(Kind.FL)
    estimate = reviewer.session.analysis.findings.estimates[Kind.FL]
    texts = reviewer.window.measurements.two_values.texts()
    assert f"{estimate.value.mm:.1f} mm" == texts["Whole exam value"]
    assert f"{estimate.n} frames" in texts["Whole exam about"]
    reviewer.do(Do.ACCEPT_WHOLE)
    decision = reviewer.measurement(Kind.FL).decision
    assert decision.status is Status.ACCEPTED
    assert decision.whole_exam.n == estimate.n
    assert decided_length(reviewer.measurement(Kind.FL)).mm == pytest.approx(estimate.value.mm)
    reviewer.do(Do.UNDO)
    assert reviewer.measurement(Kind.FL).decision is None


def test_that_a_persons_word_on_a_criterion_stands_beside_the_machines_and_is_undone(reviewer):
    reviewer.go_to(BEST[Plane.HEAD])
    panel = reviewer.window.quality
    assert panel.texts()[Criterion.THALAMI] == ("–", "unassessed")
    panel.menu_for(Criterion.THALAMI).actions()[0].trigger()
    assert panel.texts()[Criterion.THALAMI] == ("●", "you")
    quality, said = reviewer.session.quality_of_shown()
    assert quality.states[Criterion.THALAMI] is State.NOT_ASSESSED
    assert said == {Criterion.THALAMI: State.GREEN}
    reviewer.go_to(BEST[Plane.HEAD] + 1)
    assert panel.texts()[Criterion.THALAMI] == ("–", "unassessed")
    reviewer.do(Do.UNDO)
    reviewer.go_to(BEST[Plane.HEAD])
    assert panel.texts()[Criterion.THALAMI] == ("–", "unassessed")


def test_that_repeats_are_kept_averaged_and_left_out_as_an_event(reviewer):
    reviewer.accept(Kind.FL)
    reviewer.go_to(BEST[Plane.FEMUR] + 3)
    reviewer.do(Do.REPEAT)
    repeats = repeats_of(reviewer.session.exam, Kind.FL)
    assert [each.frame_index for each in repeats.measurements] == [BEST[Plane.FEMUR], BEST[Plane.FEMUR] + 3]
    assert repeats.range_percent == pytest.approx(0)
    assert not repeats.too_far_apart
    reviewer.select(Kind.FL)
    assert "Mean" in reviewer.window.measurements.detail.text()
    reviewer.window.measurements.detail.linkActivated.emit(repeats.measurements[1].id)
    assert len(repeats_of(reviewer.session.exam, Kind.FL).measurements) == 1
    left_out = reviewer.session.exam.measurement(repeats.measurements[1].id)
    assert [each.status for each in left_out.decisions] == [Status.ACCEPTED, Status.REJECTED]
    reviewer.do(Do.UNDO)
    assert len(repeats_of(reviewer.session.exam, Kind.FL).measurements) == 2


def test_that_all_of_it_is_there_when_the_recording_is_opened_again(reviewer, clip):
    reviewer.go_to_measure(Kind.FL)
    reviewer.do(Do.ACCEPT_WHOLE)
    reviewer.session.review.set_criterion(Criterion.ANGLE, State.FAILED)
    before = reviewer.session.exam
    reviewer.wait_saved()
    reviewer.press(Qt.Key.Key_Home)
    reviewer.session.open(clip)
    reviewer.wait(lambda: reviewer.session.exam is not before and reviewer.session.analysis.state.complete)
    assert reviewer.session.exam.criteria == before.criteria
    assert reviewer.measurement(Kind.FL).decision.whole_exam is not None


def test_that_an_analysis_is_reused_with_the_same_weights_and_made_again_when_asked(reviewer, clip, predictor):
    estimate = reviewer.session.analysis.findings.estimates[Kind.HC]
    reviewer.wait_saved()
    reviewer.wait(lambda: reviewer.session.journal.frames_path_of(reviewer.session.exam.recordings[0]).is_file())
    predictor.started.clear()
    before = reviewer.session.recording
    reviewer.session.open(clip)
    reviewer.wait(lambda: reviewer.session.recording is not before and reviewer.session.analysis.state.complete)
    assert not predictor.started.is_set()
    assert reviewer.session.analysis.findings.estimates[Kind.HC].value == estimate.value
    assert len(reviewer.session.analysis.predictions) == 48
    reviewer.do(Do.ANALYSE)
    reviewer.wait(predictor.started.is_set)
    reviewer.wait(lambda: reviewer.session.analysis.state.complete)


def test_that_the_second_window_on_an_exam_may_only_look(reviewer, start_program, clip):
    second = start_program(scale=given_scale(0.5))
    second.open_clip(clip)
    assert second.session.read_only
    assert "open in another window" in second.message
    second.go_to_measure(Kind.HC)
    second.do(Do.ACCEPT)
    assert second.measurement(Kind.HC).decision is None
    assert not reviewer.session.read_only
    reviewer.accept(Kind.HC)
    reviewer.wait_saved()
