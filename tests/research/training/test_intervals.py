"""The interval of an estimate holds what a next recording measures as often as it says."""

import numpy as np
import pytest

from fetalnet.analysis.estimate import shared_error
from fetalnet.core.geometry import Line, MmPerPixel
from fetalnet.core.planes import Kind, Plane
from fetalnet.core.prediction import Prediction
from fetalnet.inference.judges.recording import recording_judge
from fetalnet.research.training.judges.intervals import HOLDS, Miss, coverage, fit_shared_error, misses, widest


def drawn(recordings, shared, own, rng):
    errors = rng.normal(0, shared / 1.96, recordings) + rng.normal(0, own / 1.96, recordings)
    return [Miss(Kind.HC, number, float(error), own) for number, error in enumerate(errors)]


def test_that_the_width_is_what_recordings_share_beyond_what_their_frames_tell():
    known = drawn(4000, 0.04, 0.02, np.random.default_rng(1))
    assert fit_shared_error(known)[Kind.HC] == pytest.approx(0.04, rel=0.08)


def test_that_intervals_hold_on_recordings_they_were_not_fitted_on():
    hold, total, width, failures = coverage(drawn(4000, 0.04, 0.02, np.random.default_rng(2)))
    assert (total, failures) == (4000, 0)
    assert hold / total == pytest.approx(HOLDS, abs=0.015)
    assert width == pytest.approx(np.hypot(0.04, 0.02), rel=0.08)


def test_that_an_estimate_of_something_else_widens_nothing_and_is_counted():
    known = [*drawn(400, 0.04, 0.0, np.random.default_rng(4)), *(Miss(Kind.HC, each, -0.33, 0.0) for each in range(9))]
    assert fit_shared_error(known)[Kind.HC] == pytest.approx(0.04, rel=0.15)
    assert coverage(known).failures == 9
    assert coverage(known).hold <= 400


def test_that_the_wider_of_two_kinds_of_recordings_counts():
    narrow, wide = {Kind.HC: 0.01, Kind.AC: 0.03}, {Kind.HC: 0.02}
    assert widest(narrow, wide) == {Kind.HC: 0.02, Kind.AC: 0.03}
    few = drawn(400, 0.01, 0.0, np.random.default_rng(5))
    hold, total, *_ = coverage(few, drawn(400, 0.04, 0.0, np.random.default_rng(6)))
    assert hold == total


def test_that_clips_of_a_recording_are_held_against_its_truth():
    rng = np.random.default_rng(3)
    shares = dict.fromkeys(Plane, 0.02) | {Plane.FEMUR: 0.94}
    seen = [
        Prediction(index, index / 30, Plane.FEMUR, shares, 0.9, None, Line(50, 80, 150 + rng.normal(), 80))
        for index in range(300)
    ]
    known = list(misses(7, seen, recording_judge(), MmPerPixel(0.5, 0.5), {Kind.FL: 50.0}))
    assert len(known) == 3  # the whole of ten seconds, and two clips of four
    for each in known:
        assert each.recording == 7
        assert abs(each.error) < 0.01
        assert 0 < each.own < 0.02


def test_that_every_measure_has_a_width():
    assert set(shared_error()) == set(Kind)
    assert all(0.005 < width < 0.1 for width in shared_error().values())
