import math

import numpy as np
import pytest

from fetalnet.core.geometry import Ellipse, MmPerPixel
from fetalnet.core.measurement import Length
from fetalnet.core.planes import Kind, Plane
from fetalnet.research.metrics.biometry import OBSERVER_LIMITS, MeasureError
from fetalnet.research.metrics.calibration import reliability
from fetalnet.research.metrics.classification import Confusion
from fetalnet.research.metrics.overlap import dice, ellipse_dice, filled, hausdorff
from fetalnet.research.metrics.selection import Selection, judge, weighted_frame_selection
from fetalnet.research.metrics.statistic import share, statistic

torchmetrics = pytest.importorskip("torchmetrics.functional.classification", reason="the train extra is not installed")
torch = pytest.importorskip("torch")


def test_that_overlap_and_distance_are_those_of_known_circles():
    one, other = Ellipse(100, 100, 40, 40, 0), Ellipse(100, 100, 30, 30, 0)
    assert ellipse_dice(one, one, (200, 200)) == 1.0
    assert ellipse_dice(one, other, (200, 200)) == pytest.approx(2 * 900 / (1600 + 900), abs=0.003)
    assert hausdorff(one, other) == pytest.approx(10.0, abs=1e-6)
    moved = Ellipse(107, 100, 40, 40, 0)
    assert hausdorff(one, moved) == hausdorff(moved, one) == pytest.approx(7.0, abs=1e-3)
    scale = MmPerPixel(0.2, 0.2)
    assert hausdorff(one.scaled(scale), moved.scaled(scale)) == pytest.approx(1.4, abs=1e-3)
    nothing = np.zeros((200, 200), bool)
    assert dice(filled(one, nothing.shape), nothing) == dice(nothing, nothing) == 0.0


def test_that_a_mean_has_the_spread_of_its_groups():
    values = [1.0] * 50 + [3.0] * 50
    of_pictures = statistic(values)
    of_women = statistic(values, ["a"] * 50 + ["b"] * 50)
    assert of_pictures.mean == of_women.mean == 2.0
    assert of_pictures.sd == pytest.approx(np.std(values, ddof=1))
    assert 1.7 < of_pictures.low < 2.0 < of_pictures.high < 2.3
    # Two women tell no more than two values.
    assert (of_women.low, of_women.high) == (1.0, 3.0)
    assert of_pictures.text() == f"2.00 ± 1.01 ({of_pictures.low:.2f} to {of_pictures.high:.2f})"
    assert statistic([]).text() == "–"
    assert statistic([2.5]).sd == 0.0


def test_that_a_share_of_all_is_not_certain():
    whole = share(20, 20)
    assert whole.mean == whole.high == 1.0
    assert whole.low == pytest.approx(0.839, abs=0.001)
    assert math.isnan(share(0, 0).mean)


def test_that_planes_are_scored_as_the_reference_library_does():
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 4, 200)
    found = np.where(rng.random(200) < 0.7, truth, rng.integers(0, 4, 200))
    confusion = Confusion()
    planes = list(Plane)
    for one, other in zip(truth, found, strict=True):
        confusion.add(planes[one], planes[other])
    tensors = torch.tensor(found), torch.tensor(truth)
    for name, own in (("precision", confusion.precision), ("recall", confusion.recall), ("f1_score", confusion.f1)):
        theirs = getattr(torchmetrics, f"multiclass_{name}")(*tensors, num_classes=4, average="none")
        assert [own(plane) for plane in planes] == pytest.approx(theirs.tolist())
    assert confusion.accuracy == pytest.approx((truth == found).mean())
    assert math.isnan(Confusion().f1(Plane.HEAD))


def test_that_calibration_is_that_of_the_reference_library():
    rng = np.random.default_rng(5)
    confidence = rng.uniform(0.5, 1.0, 300)
    right = rng.random(300) < confidence**2
    table = reliability(confidence.tolist(), right.tolist())
    # With the answer given and its opposite as classes, an answer's confidence is its own.
    probabilities = torch.tensor(np.stack([confidence, 1 - confidence], axis=1))
    theirs = torchmetrics.multiclass_calibration_error(
        probabilities, torch.tensor(np.where(right, 0, 1)), num_classes=2, n_bins=10
    )
    assert table.ece == pytest.approx(float(theirs), abs=1e-6)
    assert sum(each.n for each in table.bins) == table.n == 300
    assert table.bins[-1].accuracy < table.bins[-1].confidence
    assert reliability([1.0, 1.0], [True, True]).ece == 0.0
    assert math.isnan(reliability([], []).ece)


def test_that_an_error_is_told_in_mm_in_per_cent_and_by_the_observers_limit():
    error = MeasureError(Kind.HC, Length(400.0, 200.0), Length(412.0, 206.0))
    assert error.difference_mm == 6.0
    assert error.difference_percent == pytest.approx(3.0)
    assert error.of_limit == pytest.approx(1.0)
    assert not error.failed
    assert MeasureError(Kind.HC, Length(400.0, 200.0), Length(424.0, 212.0)).failed
    assert not MeasureError(Kind.AC, Length(400.0, 200.0), Length(424.0, 212.0)).failed
    assert MeasureError(Kind.FL, Length(40.0, None), None).failed
    without_scale = MeasureError(Kind.FL, Length(40.0), Length(42.0))
    assert without_scale.difference_mm is None
    assert without_scale.difference_percent == pytest.approx(5.0)
    assert without_scale.of_limit is None
    assert set(OBSERVER_LIMITS) == {Kind.HC}


@pytest.mark.parametrize(
    ("chosen", "standard", "near", "outcome"),
    [
        (10, {10, 11}, 0, Selection.RIGHT),
        (13, {10, 11}, 3, Selection.RIGHT),
        (15, {10, 11}, 3, Selection.WRONG),
        (None, {10}, 3, Selection.NONE_WRONG),
        (None, set(), 3, Selection.NONE_RIGHT),
        (4, set(), 3, Selection.FALSE),
    ],
)
def test_that_a_chosen_frame_or_none_is_judged(chosen, standard, near, outcome):
    assert judge(chosen, standard, near) is outcome


@pytest.mark.parametrize(
    ("chosen", "optimal", "score"),
    [(5, {5}, 1.0), (7, {5}, 0.6), (7, set(), 1.0), (9, {5}, 0.0), (None, {5}, 0.0)],
)
def test_that_frames_weigh_as_in_the_challenge(chosen, optimal, score):
    assert weighted_frame_selection(chosen, optimal, {7}) == score
