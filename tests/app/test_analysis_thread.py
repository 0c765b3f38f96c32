"""The analysis: progress, stop, again, and answers that come too late."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from support.window import FRAMES, HEIGHT, WIDTH, FakePredictor, Person, write_clip

from app.actions.table import Do
from fetalnet.core.planes import Kind
from fetalnet.core.prediction import Prediction, StreamState
from fetalnet.core.scale.scale import given_scale
from fetalnet.exam.records import Status
from fetalnet.inference.judges.recording import Judgement
from fetalnet.inference.stream import predicted
from fetalnet.screen.fan.sector import Sector
from fetalnet.sources import Frame, open_source


def test_that_the_window_works_while_the_network_is_busy(person: Person, clip: Path, predictor: FakePredictor) -> None:
    predictor.gate.clear()
    person.open_clip(clip, analysed=False)
    person.wait(predictor.started.is_set)
    person.go_to(20)
    assert person.canvas.overlay.plane_badge == "analysing…"
    assert person.session.analysis.state.running
    assert person.can(Do.CANCEL_ANALYSIS)
    predictor.gate.set()
    person.wait(lambda: person.session.analysis.state.complete)
    assert person.window.statusBar().progress.text() == f"analysed {FRAMES} frames"


def test_that_a_stopped_analysis_can_begin_again(person: Person, clip: Path, predictor: FakePredictor) -> None:
    predictor.gate.clear()
    person.open_clip(clip, analysed=False)
    person.wait(predictor.started.is_set)
    person.do(Do.CANCEL_ANALYSIS)
    assert not person.session.analysis.state.running
    predictor.gate.set()
    person.do(Do.ANALYSE)
    person.wait(lambda: person.session.analysis.state.complete)
    assert len(person.session.analysis.predictions) == FRAMES


class Carrying(FakePredictor):
    """How near its ideal a plane is depends on the frames seen before; notes the order in which it is asked."""

    def __init__(self, sha256: str = "0" * 64) -> None:
        super().__init__()
        self.model = replace(self.model, sha256=sha256)
        self.asked: list[int] = []
        self.stop_at: int | None = None
        self.look_at(None, None)

    def is_held(self) -> bool:
        """Whether it waits before ``stop_at``."""
        return not self.gate.is_set()

    def look_at(self, crop: object, fan: object) -> None:
        self.state = StreamState(np.zeros(1, np.float32), None)

    def predict(self, frame: Frame) -> Prediction:
        if frame.index == self.stop_at:
            self.gate.clear()
        prediction = super().predict(frame)
        self.asked.append(frame.index)
        carried = 0.8 * self.state.network + frame.index
        self.state = StreamState(carried, None)
        return replace(prediction, standardness=prediction.standardness * (0.9 + 0.1 * float(carried[0] % 1)))


def said(person: Person) -> list[tuple[float, float]]:
    predictions = person.session.analysis.predictions
    return [(predictions[index].standardness, predictions[index].probability) for index in sorted(predictions)]


def held_at(index: int, start_program: Callable[..., Person], clip: Path) -> tuple[Person, Carrying]:
    """A program whose analysis of the clip waits at a frame."""
    network = Carrying()
    network.stop_at = index
    person = start_program(load_predictor=lambda: network)
    person.open_clip(clip, analysed=False)
    person.wait(network.is_held)
    return person, network


@pytest.fixture(scope="module")
def in_one_pass(clip: Path) -> list[tuple[float, float]]:
    """What is said of each frame of the clip where nothing comes between."""
    with closing(open_source(clip)) as source:
        judged = Judgement(), [raw for _, raw in predicted(source, Carrying(), Sector.whole((HEIGHT, WIDTH)))]
    named = [judged[0].judged(raw) for raw in judged[1]]
    return [(each.standardness, each.probability) for each in named]


def test_that_a_place_somebody_goes_to_is_looked_at_first_and_changes_nothing(
    start_program: Callable[..., Person], clip: Path, in_one_pass: list[tuple[float, float]]
) -> None:
    person, network = held_at(3, start_program, clip)
    person.go_to(30)
    network.stop_at = 34
    network.gate.set()
    person.wait(lambda: 30 in person.session.analysis.predictions)
    assert network.asked[3:6] == [3, 22, 23]
    assert person.session.analysis.state.done == 4
    assert person.window.timeline._known[30]
    assert not person.window.timeline._known[20]
    assert 22 not in person.session.analysis.predictions
    person.wait(network.is_held)
    network.stop_at = None
    network.gate.set()
    person.wait(lambda: person.session.analysis.state.complete)
    assert said(person) == in_one_pass


def test_that_a_stopped_analysis_goes_on_where_it_was_stopped_even_after_a_new_start(
    start_program: Callable[..., Person], clip: Path, in_one_pass: list[tuple[float, float]]
) -> None:
    person, network = held_at(20, start_program, clip)
    person.do(Do.CANCEL_ANALYSIS)
    network.stop_at = 40
    network.gate.set()
    person.wait(lambda: person.session.analysis.state.done == 21)
    assert person.window.statusBar().progress.text() == "stopped at 21/48"
    assert person.window.actions_[Do.ANALYSE].text() == "&Go on with the analysis"
    person.do(Do.ANALYSE)
    person.wait(network.is_held)
    person.session.analysis.cancel()
    network.gate.set()
    person.program.stop()
    assert network.asked == list(range(41))

    network = Carrying()
    person = start_program(load_predictor=lambda: network)
    person.open_clip(clip)
    assert network.asked == list(range(41, 48))
    assert said(person) == in_one_pass


def test_that_an_analysis_begun_again_and_stopped_takes_nothing_away(
    start_program: Callable[..., Person], clip: Path
) -> None:
    network = Carrying()
    person = start_program(load_predictor=lambda: network)
    person.open_clip(clip)
    network.stop_at = 20
    person.do(Do.ANALYSE)
    person.wait(network.is_held)
    person.do(Do.CANCEL_ANALYSIS)
    network.stop_at = None
    network.gate.set()
    person.program.stop()

    network = Carrying()
    person = start_program(load_predictor=lambda: network)
    person.open_clip(clip)
    assert person.session.analysis.state.complete
    assert not network.asked


def test_that_another_analysis_is_offered_where_the_weights_are_other_ones(
    start_program: Callable[..., Person], clip: Path
) -> None:
    person = start_program(scale=given_scale(0.5))
    person.open_clip(clip)
    person.accept(Kind.HC)
    person.wait_saved()
    person.program.stop()

    network = FakePredictor()
    network.model = replace(network.model, sha256="1" * 64)
    person = start_program(load_predictor=lambda: network, scale=given_scale(0.5))
    person.open_clip(clip)
    assert not network.started.is_set()
    assert len(person.session.analysis.predictions) == FRAMES
    assert "other weights" in person.message
    assert person.measurement(Kind.FL).model.sha256 == "0" * 64
    assert person.window.notification.action.text() == "Analyse again"
    person.window.notification.action.click()
    person.wait(lambda: person.measurement(Kind.FL).model.sha256 == "1" * 64)
    assert person.message == ""
    assert person.measurement(Kind.HC).status is Status.ACCEPTED
    assert person.measurement(Kind.HC).model.sha256 == "0" * 64


def test_that_damage_in_the_middle_is_marked_and_played_over(person: Person, tmp_path: Path) -> None:
    path = write_clip(tmp_path / "scratched.mp4")
    with av.open(str(path)) as container:
        packets = [(each.pos, each.size) for each in container.demux(video=0) if each.pos is not None]
    content = bytearray(path.read_bytes())
    for start, size in packets[20:22]:
        content[start : start + size] = b"\xff" * size
    path.write_bytes(content)
    person.open_clip(path)
    [broken] = person.session.analysis.findings.broken
    assert broken.start == 20
    timeline = person.window.timeline
    assert "damaged" in timeline.told_at(timeline._x(21))
    assert "damaged" not in timeline.told_at(timeline._x(30))
    assert "damaged and left out" in person.message
    assert Kind.FL in person.session.analysis.findings.best
    person.session.show(21)
    person.wait(lambda: "Frame 21 of scratched.mp4 is damaged" in person.message)
    person.go_to(18)
    person.do(Do.PLAY)
    person.wait(lambda: person.shown > broken.stop)


def test_that_answers_about_another_recording_are_dropped(
    person: Person, clip: Path, tmp_path: Path, predictor: FakePredictor
) -> None:
    predictor.gate.clear()
    person.open_clip(clip, analysed=False)
    person.wait(predictor.started.is_set)
    other = write_clip(tmp_path / "other.mp4", frames=4)
    person.open_clip(other, analysed=False)
    predictor.gate.set()
    person.wait(lambda: person.session.analysis.state.complete)
    assert sorted(person.session.analysis.predictions) == [0, 1, 2, 3]
    assert person.session.measurement_of(Kind.FL) is None


def test_that_closing_in_the_middle_ends_every_thread(person: Person, clip: Path, predictor: FakePredictor) -> None:
    person.open_clip(clip, analysed=False)
    person.do(Do.PLAY)
    player, analyst, journal = person.session.player, person.session.analysis.analyst, person.session.journal
    person.window.close()
    assert player.isFinished()
    assert analyst.isFinished()
    assert journal.isFinished()


@pytest.mark.parametrize("kind", list(Kind))
def test_that_estimates_follow_the_scale(reviewer: Person, kind: Kind) -> None:
    reviewer.wait(lambda: kind in reviewer.session.analysis.findings.estimates)
    before = reviewer.session.analysis.findings.estimates[kind].value.mm
    reviewer.window.verbs.scaling.set_typed_scale(1.0)
    reviewer.wait(lambda: reviewer.session.analysis.findings.estimates[kind].value.mm == pytest.approx(2 * before))
