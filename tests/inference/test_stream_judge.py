"""A frame bears the name of a plane only where it is cut near its ideal; a still is asked for more certainty."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fetalnet.core.geometry import Ellipse
from fetalnet.core.planes import Plane
from fetalnet.core.prediction import Prediction
from fetalnet.inference.judges.stream import StreamJudge, judged_still, renamed

HEAD = Ellipse.of(100, 80, 60, 45, 10)


def seen(index: int, probability: float, standardness: float, plane: Plane = Plane.HEAD) -> Prediction:
    rest = 1.0 - probability
    probabilities = dict.fromkeys(Plane, 0.0) | {Plane.OTHER: rest} | {plane: probability}
    if plane is Plane.OTHER:
        probabilities[Plane.HEAD] = rest
    geometry = HEAD if plane is not Plane.OTHER else None
    return Prediction(index, index / 30, plane, probabilities, standardness, None, geometry)


def named(*predictions: Prediction) -> list[Prediction]:
    judge = StreamJudge()
    return [judge.judged(each) for each in predictions]


def test_that_a_well_cut_head_keeps_its_name_and_measure() -> None:
    for each in named(*(seen(index, 0.97, 0.9) for index in range(60)))[10:]:
        assert each.plane is Plane.HEAD
        assert each.geometry == HEAD
        assert each.probability > 0.9


def test_that_a_badly_cut_head_is_no_plane_and_not_measured_and_says_why() -> None:
    last = named(*(seen(index, 0.55, 0.12) for index in range(60)))[-1]
    assert last.plane is Plane.OTHER
    assert last.geometry is None
    assert last.refused is not None
    assert "cut too far" in last.refused
    assert sum(last.probabilities.values()) == pytest.approx(1.0, abs=1e-5)


def test_that_one_wavering_frame_does_not_break_a_run() -> None:
    frames = [seen(index, 0.95, 0.9) for index in range(30)]
    frames[20] = seen(20, 0.8, 0.36)
    assert all(each.plane is Plane.HEAD for each in named(*frames)[10:])
    assert named(seen(20, 0.4, 0.3))[0].plane is Plane.OTHER


def test_that_a_plane_is_named_soon_after_the_hand_comes_to_it_and_let_go_after_it_leaves() -> None:
    away = [seen(index, 0.9, 0.05, Plane.OTHER) for index in range(60)]
    there = [seen(60 + index, 0.97, 0.9) for index in range(60)]
    gone = [seen(120 + index, 0.9, 0.05, Plane.OTHER) for index in range(60)]
    planes = [each.plane for each in named(*away, *there, *gone)]
    assert Plane.HEAD not in planes[:60]
    assert set(planes[75:120]) == {Plane.HEAD}
    assert set(planes[135:]) == {Plane.OTHER}


@pytest.mark.parametrize("rate_hz", [9.0, 25.0, 60.0])
def test_that_the_rate_of_the_frames_changes_no_name(rate_hz: float) -> None:
    frames = []
    for index in range(round(6 * rate_hz)):
        time_s = index / rate_hz
        on_it = 2.0 <= time_s < 4.0
        frame = seen(index, 0.97, 0.9) if on_it else seen(index, 0.9, 0.05, Plane.OTHER)
        frames.append(replace(frame, time_s=time_s))
    named_head = [each.time_s for each in named(*frames) if each.plane is Plane.HEAD]
    assert 2.0 <= min(named_head) <= 2.5
    assert 3.7 <= max(named_head) <= 4.5


def test_that_a_still_is_measured_however_it_is_cut_but_only_where_its_plane_is_sure() -> None:
    assert judged_still(seen(0, 0.97, 0.15)).geometry == HEAD
    unsure = judged_still(seen(0, 0.64, 0.9))
    assert unsure.geometry is None
    assert unsure.refused == "head is uncertain (probability 0.64)"


@pytest.mark.parametrize(
    ("alone", "shown", "measured"),
    [(0.9, 0.65, True), (0.9, 0.55, False), (0.45, 0.85, True), (0.45, 0.75, False)],
)
def test_that_a_doubtful_frame_is_measured_only_where_the_judge_is_surer(
    alone: float, shown: float, measured: bool
) -> None:
    judged = renamed(seen(0, alone, 0.9), shown)
    assert (judged.geometry is not None) is measured
    assert (judged.refused is None) is measured
