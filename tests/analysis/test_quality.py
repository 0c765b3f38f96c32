import numpy as np
import pytest

from fetalnet.analysis.quality import (
    CRITERIA,
    Criterion,
    QualityLimits,
    State,
    StructureRule,
    calipers_fit,
    overridden,
    quality_of,
    structure_rules,
)
from fetalnet.core.geometry import Ellipse, Line, MmPerPixel
from fetalnet.core.letterbox import Letterbox
from fetalnet.core.planes import Plane, Structure
from fetalnet.core.prediction import Prediction, Shape
from fetalnet.inference.fitting.shape import shape_of

HEAD = Ellipse(200, 150, 90, 70, 20)
GOOD = Shape(1.0, 0.005, 0.98, 0.01, 0.6)


def shown(plane, geometry, shape, **structures):
    known = None
    if structures:
        known = np.array([structures.get(each.value, 0.0) for each in Structure], np.float32)
    probabilities = dict.fromkeys(Plane, 0.0) | {plane: 1.0}
    return Prediction(0, 0.0, plane, probabilities, 0.9, None, geometry, None, None, shape, known)


@pytest.fixture
def all_assessed(monkeypatch):
    """Every structure is seen well enough to be suggested, from one half on."""
    rules = dict.fromkeys(Structure, StructureRule(0.5, is_assessed=True))
    monkeypatch.setattr("fetalnet.analysis.quality.structure_rules", lambda: rules)


def test_that_every_structure_that_a_criterion_asks_for_has_a_rule():
    assert {
        Structure.THALAMI, Structure.CAVUM, Structure.CEREBELLUM, Structure.STOMACH, Structure.PORTAL_SINUS,
        Structure.KIDNEYS,
    } <= set(structure_rules())  # fmt: skip
    assert all(0 < rule.threshold < 1 for rule in structure_rules().values())


def test_that_what_is_not_seen_well_enough_is_not_assessed_and_does_not_count(monkeypatch):
    rules = dict.fromkeys(Structure, StructureRule(0.5, is_assessed=False))
    monkeypatch.setattr("fetalnet.analysis.quality.structure_rules", lambda: rules)
    quality = quality_of(shown(Plane.HEAD, HEAD, GOOD, thalami=0.1, cavum=0.1, cerebellum=0.9))
    assert quality.states[Criterion.THALAMI] is State.NOT_ASSESSED
    assert State.FAILED not in quality.states.values()
    assert (quality.score, quality.of) == (3, 3)
    said = overridden(quality, {Criterion.THALAMI: State.FAILED, Criterion.CAVUM: State.GREEN})
    assert (said.score, said.of) == (4, 5)


@pytest.mark.usefixtures("all_assessed")
def test_that_a_good_head_has_all_six_criteria():
    quality = quality_of(shown(Plane.HEAD, HEAD, GOOD, thalami=0.9, cavum=0.8))
    assert (quality.score, quality.of) == (6, 6)


@pytest.mark.usefixtures("all_assessed")
def test_that_what_must_not_be_visible_fails_when_it_is():
    quality = quality_of(shown(Plane.HEAD, HEAD, GOOD, thalami=0.9, cavum=0.1, cerebellum=0.9))
    assert quality.states[Criterion.NO_CEREBELLUM] is State.FAILED
    assert quality.states[Criterion.CAVUM] is State.FAILED
    assert quality.score == 4


@pytest.mark.usefixtures("all_assessed")
def test_that_a_network_without_anatomy_leaves_it_open():
    quality = quality_of(shown(Plane.ABDOMEN, HEAD, GOOD))
    suggested = [each for each in CRITERIA[Plane.ABDOMEN] if each.suggested]
    assert len(suggested) == 3
    assert all(quality.states[each] is State.OPEN for each in suggested)
    assert quality.score == 3


@pytest.mark.parametrize(
    ("shape", "failed"),
    [
        (Shape(0.9, 0.005, 0.98, 0.01, 0.6), Criterion.CALIPERS),
        (Shape(1.0, 0.04, 0.98, 0.01, 0.6), Criterion.CALIPERS),
        (Shape(1.0, 0.005, 0.98, 0.2, 0.6), Criterion.SYMMETRICAL),
        (Shape(1.0, 0.005, 0.98, 0.01, 0.2), Criterion.SIZE),
    ],
)
def test_that_geometry_fails_its_own_criterion(shape, failed):
    states = quality_of(shown(Plane.HEAD, HEAD, shape)).states
    assert [each for each, state in states.items() if state is State.FAILED] == [failed]


def test_that_the_size_wanted_is_a_setting():
    strict = QualityLimits(min_size=0.7)
    assert quality_of(shown(Plane.HEAD, HEAD, GOOD), None, strict).states[Criterion.SIZE] is State.FAILED


def test_that_a_steep_femur_fails_the_angle_in_millimetres():
    femur = shown(Plane.FEMUR, Line.of(0, 0, 100, 80), Shape(1.0, 0.0, 1.0, None, 0.5))
    assert quality_of(femur).states[Criterion.ANGLE] is State.GREEN
    assert quality_of(femur, MmPerPixel(0.1, 0.2)).states[Criterion.ANGLE] is State.FAILED
    assert quality_of(femur).of == 4


def test_that_a_plane_without_a_measure_has_failed_calipers_and_other_has_no_quality():
    quality = quality_of(shown(Plane.HEAD, None, None))
    assert quality.states[Criterion.CALIPERS] is State.FAILED
    assert quality.states[Criterion.SIZE] is State.OPEN
    assert quality_of(shown(Plane.OTHER, None, None)) is None


@pytest.mark.usefixtures("all_assessed")
def test_that_a_persons_word_counts_and_the_machines_stays():
    quality = quality_of(shown(Plane.HEAD, HEAD, GOOD, thalami=0.9, cavum=0.1))
    counts = overridden(quality, {Criterion.CAVUM: State.GREEN})
    assert (quality.score, counts.score) == (5, 6)


def test_that_a_shape_is_read_off_outline_and_fan():
    letterbox = Letterbox.of((300, 400), (256, 384))
    outline = HEAD.points(120).astype(np.float32)
    shape = shape_of(HEAD, outline, letterbox)
    assert shape.inside == 1.0
    assert shape.residual == pytest.approx(0, abs=1e-3)
    assert shape.asymmetry == pytest.approx(0, abs=1e-2)
    assert shape.size == pytest.approx(180 / 300)
    fan = np.zeros((256, 384), bool)
    fan[:, :192] = True
    assert shape_of(HEAD, outline, letterbox, fan).inside == pytest.approx(0.5, abs=0.02)
    dented = outline.copy()
    dented[20:35] = HEAD.scaled(MmPerPixel(1, 1)).points(120)[20:35] * 0.9 + np.array([20, 15])
    assert shape_of(HEAD, dented.astype(np.float32), letterbox).asymmetry > 0.01


def test_that_calipers_moved_from_a_coarse_outline_to_the_border_are_not_held_against_it():
    """What was fitted to the outline is asked whether it is whole; where the calipers lie, whether the fan shows it."""
    letterbox = Letterbox.of((300, 400), (256, 384))
    outline = HEAD.points(120).astype(np.float32)
    border = Ellipse(HEAD.cx, HEAD.cy, HEAD.a * 1.08, HEAD.b * 1.08, HEAD.theta_deg)
    assert not calipers_fit(shape_of(border, outline, letterbox))
    moved = shape_of(border, outline, letterbox, fitted=HEAD)
    assert calipers_fit(moved)
    assert moved.size == pytest.approx(1.08 * 180 / 300)
    bone, shaft = Line.of(50, 100, 150, 100), Line.of(30, 100, 170, 100)
    thin = np.array([[50, 98], [150, 98], [150, 102], [50, 102]], np.float32)
    assert shape_of(shaft, thin, letterbox, fitted=bone).followed == pytest.approx(1.0)
    assert shape_of(shaft, thin, letterbox, fitted=bone).size == pytest.approx(140 / 300)


def test_that_a_femur_at_the_edge_of_the_fan_has_an_end_unseen():
    letterbox = Letterbox.of((256, 384), (256, 384))
    outline = np.array([[50, 98], [150, 98], [150, 102], [50, 102]], np.float32)
    inner, edge = Line.of(50, 100, 150, 100), Line.of(283, 100, 383, 100)
    assert shape_of(inner, outline, letterbox).inside == 1.0
    assert shape_of(edge, outline + np.float32([233, 0]), letterbox).inside < 1.0
