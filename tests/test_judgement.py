"""A frame bears the name of a plane only where it is cut near its ideal; a still is asked for more certainty."""

from __future__ import annotations

import pytest

from fetalnet.geometry import Ellipse
from fetalnet.judgement import StreamJudge, judged_still
from fetalnet.planes import Plane
from fetalnet.prediction import Prediction

HEAD = Ellipse.of(100, 80, 60, 45, 10)


def seen(index: int, probability: float, standardness: float, plane: Plane = Plane.HEAD) -> Prediction:
    probabilities = dict.fromkeys(Plane, (1.0 - probability) / 3) | {plane: probability}
    geometry = HEAD if plane is not Plane.OTHER else None
    return Prediction(index, index / 30, plane, probabilities, standardness, None, geometry)


def named(*predictions: Prediction) -> list[Prediction]:
    judge = StreamJudge()
    return [judge.judged(each) for each in predictions]


def test_that_a_well_cut_head_keeps_its_name_and_measure() -> None:
    for each in named(*(seen(index, 0.97, 0.9) for index in range(5))):
        assert each.plane is Plane.HEAD
        assert each.geometry == HEAD
        assert each.probability == pytest.approx(0.97, abs=0.01)


def test_that_a_badly_cut_head_is_no_plane_and_not_measured_and_says_why() -> None:
    last = named(*(seen(index, 0.97, 0.15) for index in range(5)))[-1]
    assert last.plane is Plane.OTHER
    assert last.geometry is None
    assert last.refused is not None
    assert "cut too far" in last.refused
    assert sum(last.probabilities.values()) == pytest.approx(1.0)


def test_that_one_wavering_frame_does_not_break_a_run() -> None:
    frames = [seen(0, 0.95, 0.9), seen(1, 0.95, 0.9), seen(2, 0.9, 0.36), seen(3, 0.95, 0.9)]
    assert [each.plane for each in named(*frames)] == [Plane.HEAD] * 4
    assert named(frames[2])[0].plane is Plane.OTHER


def test_that_a_still_is_measured_however_it_is_cut_but_only_where_its_plane_is_sure() -> None:
    assert judged_still(seen(0, 0.97, 0.15)).geometry == HEAD
    unsure = judged_still(seen(0, 0.74, 0.9))
    assert unsure.geometry is None
    assert unsure.refused == "head is uncertain (probability 0.74)"
