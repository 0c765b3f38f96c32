import math

import numpy as np
import pytest

from fetalnet.core.planes import Plane
from fetalnet.research.evaluation.hc18_scores import HeadScore, head_table, summarise
from fetalnet.research.evaluation.phantom_scores import PhantomScores


def score(difference_mm, overlap=0.97, circumference_mm=180.0):
    return HeadScore("a.png", circumference_mm, overlap, difference_mm, 1.2, Plane.HEAD, None)


def nothing():
    return HeadScore("b.png", 80.0, 0.0, None, None, Plane.OTHER, "no standard plane")


def test_that_a_missing_ellipse_counts_as_no_overlap_and_a_failure_but_not_in_the_errors():
    summary = summarise([score(2.0), score(-4.0), score(12.0), nothing()])
    assert summary.overlap == pytest.approx(3 * 0.97 / 4)
    assert summary.absolute_mm == pytest.approx(6.0)
    assert summary.bias_mm == pytest.approx(10 / 3)
    assert summary.failures == 2
    low, high = summary.absolute_interval_mm
    assert low <= summary.absolute_mm <= high


def test_that_a_table_stands_even_where_nothing_was_measured():
    table = head_table([nothing()])
    assert "| all | 1 | 0.00" in table
    assert math.isnan(summarise([nothing()]).absolute_mm)
    assert "nan" not in summarise([nothing()]).row("none")


def test_that_the_f1_of_a_plane_weighs_misses_and_false_alarms():
    scores = PhantomScores()
    scores.frames.update({(Plane.HEAD, Plane.HEAD): 8, (Plane.HEAD, Plane.OTHER): 2, (Plane.FEMUR, Plane.HEAD): 2})
    assert scores.f1(Plane.HEAD) == pytest.approx(0.8)
    assert scores.f1(Plane.FEMUR) == 0.0
    assert np.isnan(scores.f1(Plane.ABDOMEN))
