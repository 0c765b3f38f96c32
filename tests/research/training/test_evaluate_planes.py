"""Scores of real planes, of clips made of them and of worse pictures of them, on drawn stills."""

import cv2
import numpy as np
import pytest

from fetalnet.core.geometry import Ellipse, Line
from fetalnet.core.planes import Kind, Plane, Structure
from fetalnet.core.prediction import ModelRef, Prediction
from fetalnet.research.datasets.plane_annotations import Caliper, Placer, Quality, Seen
from fetalnet.research.datasets.readers.fetal_planes import PlaneStill
from fetalnet.research.evaluation.clip_scores import clip_table, score_predictions
from fetalnet.research.evaluation.criteria_scores import criteria_table, score_structures
from fetalnet.research.evaluation.plane_scores import PlaneScore, plane_table, score_planes
from fetalnet.research.training.augment.degraded import WAYS
from fetalnet.research.training.data.still_clips import StillClip

ABDOMEN = Ellipse(90, 60, 40, 30, 0)
SMALLER = Ellipse(90, 60, 36, 27, 0)


class Scripted:
    """Says of every picture that it shows the plane and geometry it was told, and with a plane fixed the same."""

    model = ModelRef("scripted", "0" * 64, "script")

    def __init__(self, plane, geometry, refused=None):
        self.plane, self.geometry, self.refused = plane, geometry, refused

    def look_at(self, crop=None, fan=None):
        pass

    def reset(self):
        pass

    def predict_still(self, frame, plane=None):
        return said(frame.index, plane or self.plane, self.geometry if plane is None else SMALLER, refused=self.refused)


def said(index, plane, geometry, time_s=None, refused=None):
    probabilities = {each: 0.94 if each is plane else 0.02 for each in Plane}
    return Prediction(index, time_s, plane, probabilities, 0.9, None, geometry, refused)


@pytest.fixture
def abdomen(tmp_path):
    path = tmp_path / "Patient00001_Plane2_1_of_1.png"
    pixels = np.zeros((120, 180), np.uint8)
    cv2.ellipse(pixels, (90, 60), (40, 30), 0, 0, 360, 140, -1)
    assert cv2.imwrite(str(path), pixels)
    caliper = Caliper(Kind.AC, ABDOMEN, Quality.GOOD, Placer.PERSON, "Line 2")
    return PlaneStill(path, "1", Plane.ABDOMEN, "Fetal abdomen", "Aloka"), caliper


def test_that_an_abdomen_measured_as_one_is_scored_against_its_calipers(abdomen):
    (score,) = score_planes(Scripted(Plane.ABDOMEN, SMALLER), [abdomen])
    assert score.right
    assert score.error == pytest.approx(-0.1)
    assert score.error_fixed == pytest.approx(-0.1)
    assert "| abdomen | 1 | 1 | 1 (100 to 100 %) | 0 | 10.00" in plane_table([score])


def test_that_an_abdomen_taken_for_a_head_is_wrong_and_named(abdomen):
    (score,) = score_planes(Scripted(Plane.HEAD, ABDOMEN), [abdomen])
    assert (score.right, score.wrong, score.error) == (False, True, None)
    assert "Patient00001_Plane2_1_of_1 (Fetal abdomen): measured as head, 0.94" in plane_table([score])


def test_that_refusing_a_picture_buys_nothing(abdomen):
    (score,) = score_planes(Scripted(Plane.ABDOMEN, None, refused="the abdomen outline is uncertain"), [abdomen])
    assert not score.measured
    assert score.error_fixed == pytest.approx(-0.1)
    assert "the abdomen outline is uncertain" in plane_table([score])


def test_that_a_clip_is_scored_by_its_best_frame_and_by_the_value_of_all(abdomen):
    predictions = [said(index, Plane.ABDOMEN, ABDOMEN, index / 30) for index in range(90)]
    score = score_predictions(abdomen, predictions)
    assert score.found == (Plane.ABDOMEN,)
    assert score.best_error == pytest.approx(0, abs=1e-9)
    assert score.holds
    assert "| abdomen | 1 | 1 | 0 | 0.00, 0.00 | 0.00, 0.00 | 1 of 1 |" in clip_table([score])


def test_that_a_femur_found_where_an_abdomen_is_counts_against_the_clip(abdomen):
    predictions = [said(index, Plane.FEMUR, Line.of(50, 60, 130, 60), index / 30) for index in range(90)]
    score = score_predictions(abdomen, predictions)
    assert score.found == (Plane.FEMUR,)
    assert "| abdomen | 1 | 0 | 1 |" in clip_table([score])


def test_that_a_clip_of_a_still_moves_a_little_and_repeats_itself(abdomen):
    pixels = abdomen[0].pixels()
    clip = StillClip(pixels, seed=3)
    frames, again = list(clip), list(clip)
    assert len(frames) == len(clip) == 180
    assert all(np.array_equal(one.pixels, other.pixels) for one, other in zip(frames, again, strict=True))
    assert not np.array_equal(frames[0].pixels, frames[90].pixels)
    areas = [np.count_nonzero(frame.pixels > 60) for frame in frames[::30]]
    assert np.ptp(areas) / np.mean(areas) < 0.02


@pytest.mark.parametrize("name", WAYS)
def test_that_a_degraded_picture_still_shows_its_organ(name, abdomen):
    pixels = cv2.resize(abdomen[0].pixels(), (720, 480))
    worse = WAYS[name](pixels, np.random.default_rng(0))
    assert worse.dtype == np.uint8
    assert not np.array_equal(worse, pixels)
    middle = worse[worse.shape[0] // 2 - 20 :, :][:40, worse.shape[1] // 2 - 20 :][:, :40]
    assert middle.mean() > worse[:, :20].mean() + 40


def test_that_a_criterion_counts_only_where_enough_pictures_of_both_kinds_bear_it_out():
    thalami = list(Structure).index(Structure.THALAMI)

    def score(number, probability):
        structures = tuple(probability if each == thalami else 0.5 for each in range(len(Structure)))
        return PlaneScore(str(number), Plane.HEAD, "Fetal brain", "Aloka", False, Plane.HEAD, 0.9, True, None,
                          structures=structures)  # fmt: skip

    shown, asked = frozenset({Structure.THALAMI}), frozenset({Structure.THALAMI})
    scores = [score(number, 0.9 if number < 10 else 0.1) for number in range(20)]
    criteria = {str(number): Seen(shown if number < 10 else frozenset(), asked) for number in range(20)}
    (result,) = score_structures(scores, criteria)
    assert (result.balanced_accuracy, result.counts) == (1.0, True)
    assert "| thalami | 10 of 10 | 10 of 10 | 1.00 | yes |" in criteria_table([result])
    (fewer,) = score_structures(scores[1:], criteria)
    assert (fewer.balanced_accuracy, fewer.counts) == (1.0, False)
    (one_kind,) = score_structures(scores[:10], criteria)
    assert one_kind.balanced_accuracy is None
