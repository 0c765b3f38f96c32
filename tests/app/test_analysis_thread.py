"""The analysis: progress, stop, again, and answers that come too late."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import FRAMES, FakePredictor, Person, write_clip

from app.actions import Do
from fetalnet.planes import Kind


def test_that_the_window_works_while_the_network_is_busy(person: Person, clip: Path, predictor: FakePredictor) -> None:
    predictor.gate.clear()
    person.open_clip(clip, analysed=False)
    assert predictor.started.wait(10)
    person.go_to(20)
    assert person.canvas.overlay.plane_badge == "analysing…"
    assert person.session.analysis.running
    assert person.can(Do.CANCEL_ANALYSIS)
    predictor.gate.set()
    person.wait(lambda: person.session.analysis.complete)
    assert person.window.statusBar().progress.text() == f"analysed {FRAMES} frames"


def test_that_a_stopped_analysis_can_begin_again(person: Person, clip: Path, predictor: FakePredictor) -> None:
    predictor.gate.clear()
    person.open_clip(clip, analysed=False)
    assert predictor.started.wait(10)
    person.do(Do.CANCEL_ANALYSIS)
    assert not person.session.analysis.running
    predictor.gate.set()
    person.do(Do.ANALYSE)
    person.wait(lambda: person.session.analysis.complete)
    assert len(person.session.predictions) == FRAMES


def test_that_answers_about_another_recording_are_dropped(
    person: Person, clip: Path, tmp_path: Path, predictor: FakePredictor
) -> None:
    predictor.gate.clear()
    person.open_clip(clip, analysed=False)
    assert predictor.started.wait(10)
    other = write_clip(tmp_path / "other.mp4", frames=4)
    person.open_clip(other, analysed=False)
    predictor.gate.set()
    person.wait(lambda: person.session.analysis.complete)
    assert sorted(person.session.predictions) == [0, 1, 2, 3]
    assert person.session.measurement_of(Kind.FL) is None


def test_that_closing_in_the_middle_ends_every_thread(person: Person, clip: Path, predictor: FakePredictor) -> None:
    person.open_clip(clip, analysed=False)
    person.do(Do.PLAY)
    player, analyst, journal = person.session.player, person.session._analyst, person.session.journal
    person.window.close()
    assert player.isFinished()
    assert analyst.isFinished()
    assert journal.isFinished()


@pytest.mark.parametrize("kind", list(Kind))
def test_that_estimates_follow_the_scale(reviewer: Person, kind: Kind) -> None:
    reviewer.wait(lambda: kind in reviewer.session.findings.estimates)
    before = reviewer.session.findings.estimates[kind].value.mm
    reviewer.window.verbs.set_typed_scale(1.0)
    reviewer.wait(lambda: reviewer.session.findings.estimates[kind].value.mm == pytest.approx(2 * before))
