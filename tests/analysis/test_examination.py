from dataclasses import replace

import numpy as np
import pytest

from fetalnet.analysis.estimate import LeftOut, shared_error
from fetalnet.analysis.examination import STILL, Examination, Thresholds
from fetalnet.core.geometry import Ellipse, Line, MmPerPixel
from fetalnet.core.planes import Kind, Plane
from fetalnet.core.prediction import Prediction

HEAD = Ellipse(400, 300, 150, 120, 20)
FEMUR = Line(100, 200, 300, 210)


def shown(index, plane=Plane.HEAD, probability=0.95, standardness=0.9, geometry=HEAD, rate_hz=30.0):
    rest = (1 - probability) / 3
    probabilities = {each: probability if each is plane else rest for each in Plane}
    time_s = None if rate_hz is None else index / rate_hz
    return Prediction(index, time_s, plane, probabilities, standardness, None, geometry)


def other(index, rate_hz=30.0):
    return shown(index, Plane.OTHER, 0.97, 0.0, None, rate_hz)


def examined(predictions, thresholds=None):
    examination = Examination(thresholds)
    for prediction in predictions:
        examination.add(prediction)
    return examination


def test_that_a_recording_without_a_plane_measures_nothing():
    examination = examined(other(i) for i in range(60))
    assert examination.best() == {}
    assert examination.estimates() == {}
    assert examination.runs(Plane.HEAD) == []


def test_that_an_empty_examination_answers_none():
    assert Examination().best() == {}
    assert Examination().estimates() == {}


def test_that_one_confident_frame_among_others_is_no_plane():
    frames = [shown(i) if i == 20 else other(i) for i in range(40)]
    assert examined(frames).best() == {}


def test_that_confident_frames_far_from_the_ideal_plane_are_no_measure():
    far = Thresholds().min_standardness - 0.05
    assert examined(shown(i, standardness=far) for i in range(40)).best() == {}


def test_that_a_sweep_which_only_grazes_the_plane_is_no_measure():
    grazing = Thresholds().min_peak_standardness - 0.05
    assert examined(shown(i, standardness=grazing) for i in range(40)).best() == {}


def test_that_a_plane_which_cannot_be_measured_has_no_best_frame():
    assert examined(shown(i, geometry=None) for i in range(40)).best() == {}


def test_that_the_best_frame_lies_where_standardness_peaks_and_serves_all_measures_of_the_head():
    standardness = np.exp(-(((np.arange(60) - 33) / 8.0) ** 2))
    frames = [shown(i, standardness=float(s)) if s > 0.2 else other(i) for i, s in enumerate(standardness)]
    best = examined(frames).best(MmPerPixel(0.2, 0.2))
    assert set(best) == {Kind.HC, Kind.BPD, Kind.OFD}
    assert {each.index for each in best.values()} == {33}
    assert best[Kind.BPD].value.px == pytest.approx(240)
    assert best[Kind.BPD].value.mm == pytest.approx(48)


def test_that_without_a_scale_there_are_no_millimetres():
    examination = examined(shown(i) for i in range(30))
    assert {each.value.mm for each in examination.best().values()} == {None}
    assert {each.low.mm for each in examination.estimates().values()} == {None}


def test_that_a_slipped_fit_is_not_the_best_frame():
    slipped = Ellipse(400, 300, 260, 200, 20)
    frames = [shown(i, standardness=1.0 if i == 15 else 0.85, geometry=slipped if i == 15 else HEAD) for i in range(30)]
    assert examined(frames).best()[Kind.HC].index != 15


def test_that_the_estimate_is_the_median_within_its_interval():
    rng = np.random.default_rng(4)
    lengths = 200 + rng.normal(0, 2, 100)
    frames = [shown(i, Plane.FEMUR, geometry=Line(0, 0, float(x), 0)) for i, x in enumerate(lengths)]
    estimate = examined(frames).estimates(MmPerPixel(0.25, 0.25))[Kind.FL]
    assert estimate.n == 100
    assert estimate.value.mm == pytest.approx(np.median(lengths) * 0.25)
    assert estimate.high.px - estimate.value.px == pytest.approx(estimate.value.px - estimate.low.px)
    assert estimate.low.px < np.median(lengths) < estimate.high.px


def test_that_two_planes_in_one_recording_are_both_found():
    frames = [shown(i) for i in range(20)] + [other(i) for i in range(20, 40)]
    frames += [shown(i, Plane.FEMUR, geometry=FEMUR) for i in range(40, 60)]
    examination = examined(frames)
    best = examination.best()
    assert best[Kind.HC].index < 20
    assert best[Kind.FL].index >= 40
    assert Kind.AC not in best
    [run] = examination.runs(Plane.FEMUR)
    assert 40 <= run.start < run.stop <= 60


def test_that_frames_on_both_sides_of_a_gap_are_not_in_a_row():
    pairs = [10, 11, 30, 31, 50, 51]
    assert examined(shown(i, rate_hz=None) for i in pairs).best() == {}


def test_that_three_frames_at_a_high_rate_are_too_short():
    frames = [shown(i, rate_hz=100.0) if 20 <= i < 23 else other(i, 100.0) for i in range(40)]
    assert examined(frames).best() == {}


def test_that_a_single_picture_is_its_own_best_frame():
    examination = examined([shown(0, rate_hz=None)], STILL)
    assert examination.best()[Kind.HC].index == 0
    assert examination.estimates()[Kind.HC].n == 1


def test_that_what_is_measured_in_a_single_picture_is_proposed_however_it_is_rated():
    frame = shown(0, rate_hz=None, standardness=0.3)
    assert examined([frame], STILL).best()[Kind.HC].score == pytest.approx(0.3 * frame.probability)
    assert examined([frame]).best() == {}


def test_that_frames_must_come_in_order():
    examination = examined([shown(3)])
    with pytest.raises(ValueError, match="came after"):
        examination.add(shown(3))


def test_that_the_answer_grows_with_the_recording():
    examination = examined(shown(i, standardness=0.7) for i in range(10))
    early = examination.best()[Kind.HC].index
    for i in range(10, 20):
        examination.add(shown(i, standardness=0.95))
    assert examination.best()[Kind.HC].index >= 10 > early


def test_that_best_frames_of_a_plane_are_apart_in_time():
    frames = [shown(i, standardness=0.9 - abs(i - 60) / 1000) for i in range(120)]
    best = examined(frames).bests(Plane.HEAD)
    indices = sorted(index for index, _ in best)
    assert best[0][0] == pytest.approx(60, abs=2)
    assert len(best) >= 3
    assert min(np.diff(indices)) >= 30
    assert examined(frames).bests(Plane.FEMUR) == ()


def test_that_frames_left_out_of_the_estimate_say_why():
    slipped = Ellipse(400, 300, 260, 200, 20)
    frames = [shown(i) for i in range(40)]
    frames[10] = shown(10, geometry=None)
    frames[20] = shown(20, geometry=slipped)
    frames[30:] = [shown(i, standardness=0.2) for i in range(30, 40)]
    estimate = examined(frames).estimates()[Kind.HC]
    assert list(estimate.left_out[LeftOut.NOT_MEASURED]) == [10]
    assert list(estimate.left_out[LeftOut.SLIPPED]) == [20]
    assert 39 in estimate.left_out[LeftOut.UNCERTAIN]
    assert sorted(np.concatenate([estimate.used, *estimate.left_out.values()])) == list(range(40))


def test_that_frames_without_a_scale_do_not_enter_where_others_have_one():
    known = MmPerPixel(0.25, 0.25)
    examination = examined(shown(i) for i in range(40))
    estimate = examination.estimates(lambda index, _: known if index >= 30 else None)[Kind.BPD]
    assert list(estimate.used) == list(range(30, 40))
    assert list(estimate.left_out[LeftOut.NO_SCALE]) == list(range(30))
    assert estimate.value.mm == pytest.approx(60)
    assert list(estimate.values) == pytest.approx([60] * 10)


def test_that_a_frozen_picture_counts_once():
    frames = [replace(shown(i), change=None if i == 0 else 0.0) for i in range(40)]
    examination = examined(frames)
    assert [(each.start, each.stop) for each in examination.frozen()] == [(0, 40)]
    estimate = examination.estimates()[Kind.HC]
    assert list(estimate.used) == [0]
    assert set(estimate.left_out) == {LeftOut.FROZEN}


def test_that_many_frames_make_the_interval_narrower_but_never_nothing():
    rng = np.random.default_rng(3)
    lengths = 200 + rng.normal(0, 8, 400)
    frames = [shown(i, Plane.FEMUR, geometry=Line(0, 0, float(x), 0)) for i, x in enumerate(lengths)]
    few, many = (examined(part).estimates()[Kind.FL] for part in (frames[:20], frames))
    assert many.high.px - many.low.px < few.high.px - few.low.px
    assert many.high.px - many.low.px > 2 * shared_error()[Kind.FL] * many.value.px
    assert many.high.px - many.low.px > 0.05 * many.value.px


@pytest.mark.parametrize("size", [2.0, 0.55, 0.005])
def test_that_what_no_fetus_has_is_not_proposed_and_the_reason_is_told(size):
    examination = examined(shown(i) for i in range(40))
    assert examination.best(MmPerPixel(size, size)) == {}
    assert examination.estimates(MmPerPixel(size, size)) == {}
    assert "HC would be" in examination.impossible(MmPerPixel(size, size))
    assert examination.impossible(MmPerPixel(0.2, 0.2)) is None
    assert examination.impossible() is None
    assert set(examination.best(MmPerPixel(0.2, 0.2))) == {Kind.HC, Kind.BPD, Kind.OFD}


def test_that_frames_with_a_possible_scale_are_proposed_from_alone():
    def size_of(index, geometry):
        return MmPerPixel(2.0, 2.0) if index < 30 else MmPerPixel(0.2, 0.2)

    examination = examined(shown(i, standardness=0.95 if i < 30 else 0.9) for i in range(60))
    best, estimates = examination.best(size_of), examination.estimates(size_of)
    assert best[Kind.HC].index >= 30
    assert best[Kind.HC].value.mm == pytest.approx(0.2 * HEAD.perimeter_px)
    assert estimates[Kind.HC].value.mm == pytest.approx(0.2 * HEAD.perimeter_px)
    assert estimates[Kind.HC].left_out[LeftOut.IMPOSSIBLE].tolist()[-1] == 29
    assert examination.impossible(size_of) is None


def test_that_a_femur_and_an_abdomen_have_limits_of_their_own():
    femur = examined(shown(i, Plane.FEMUR, geometry=FEMUR) for i in range(40))
    assert "FL would be 100" in femur.impossible(MmPerPixel(0.501, 0.501))
    assert femur.impossible(MmPerPixel(0.49, 0.49)) is None
    abdomen = examined(shown(i, Plane.ABDOMEN) for i in range(40))
    wide = MmPerPixel(449 / HEAD.perimeter_px, 449 / HEAD.perimeter_px)
    assert abdomen.impossible(wide) is None
    assert set(abdomen.best(wide)) == {Kind.AC}
    assert "HC" in examined(shown(i) for i in range(40)).impossible(wide)
