"""Looks of early heads and of abdomens: what is drawn lies on the outline that is learned."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from fetalnet.core.geometry import Ellipse
from fetalnet.core.planes import Plane, Structure
from fetalnet.research.training.augment.abdomen_looks import AbdomenLook
from fetalnet.research.training.augment.early_looks import EarlyHeadLook
from fetalnet.research.training.augment.looks import about
from fetalnet.research.training.augment.phantom_looks import PhantomLook, drawn_look
from fetalnet.research.training.data.example import Example, Outline

ORGAN = Ellipse(240.0, 160.0, 80.0, 65.0, 25.0)
UPRIGHT = np.eye(2, 3)
DOWN = np.array([0.0, 1.0], np.float32)

EARLY = EarlyHeadLook(
    thickness=0.12,
    bone=0.8,
    lost=0.0,
    grazing=0.0,
    brain=0.2,
    kept=0.0,
    pockets=0.0,
    reach=1.5,
    sac=0.0,
    tissue=0.3,
    wall=0.0,
    limbs=0,
    blur=0.0,
    grain=1.0,
    seed=4,
)
TRUNK = AbdomenLook(
    liver=0.3,
    kept=0.0,
    arcs=1.0,
    thickness=0.06,
    depth=0.0,
    broken=0.0,
    narrow=0.5,
    spine=0.0,
    tissue=0.1,
    patchy=0.1,
    melt=0.05,
    blur=0.0,
    grain=1.0,
    seed=4,
)


def example(plane: Plane, structures: frozenset[Structure] = frozenset()) -> Example:
    """A dark organ in darker tissue, with a black stomach, and nothing beside the fan."""
    pixels = np.zeros((320, 480), np.uint8)
    pixels[20:300, 40:440] = 20
    cv2.ellipse(pixels, (240, 160), (80, 65), 25.0, 0, 360, 50, -1)
    cv2.circle(pixels, (215, 160), 14, 1, -1)
    return Example(pixels, {plane: Outline(ORGAN, 0.9)}, rated=True, real=False, structures=structures)


def mean(pixels: np.ndarray, where: np.ndarray) -> float:
    return float(pixels[where].mean())


@pytest.mark.parametrize("thickness", [0.06, 0.18])
def test_an_early_skull_has_its_outer_half_height_on_the_outline(thickness: float) -> None:
    picture = example(Plane.HEAD)
    shown = replace(EARLY, thickness=thickness, tissue=0.0).apply(picture.pixels, picture, UPRIGHT)
    radius, _, _ = about(ORGAN, shown.shape, DOWN)
    crest = mean(shown, np.abs(radius - (1.0 - thickness / 2)) < 0.01)
    on_outline = mean(shown, np.abs(radius - 1.0) < 0.01)
    assert 0.35 * crest < on_outline < 0.65 * crest


def test_an_early_head_lies_in_dark_fluid_and_its_brain_does_not() -> None:
    picture = example(Plane.HEAD)
    shown = EARLY.apply(picture.pixels, picture, UPRIGHT)
    radius, _, _ = about(ORGAN, shown.shape, DOWN)
    around = (radius > 1.05) & (radius < 1.25)
    assert mean(shown, radius < 0.8) == pytest.approx(0.2 * 255, rel=0.2)
    assert np.percentile(shown[around], 30) < 10


def test_an_abdomen_is_even_inside_and_its_stomach_stays_dark() -> None:
    picture = example(Plane.ABDOMEN)
    shown = TRUNK.apply(picture.pixels, picture, UPRIGHT)
    y, x = np.mgrid[:320, :480]
    stomach = np.hypot(x - 215, y - 160) < 10
    radius, _, _ = about(ORGAN, shown.shape, DOWN)
    liver = (radius < 0.8) & (np.hypot(x - 215, y - 160) > 20)
    assert mean(shown, liver) == pytest.approx(0.3 * 255, rel=0.15)
    assert mean(shown, stomach) < 0.3 * mean(shown, liver)


def test_an_abdomens_arcs_are_bright_near_and_far_and_not_at_its_sides() -> None:
    picture = example(Plane.ABDOMEN)
    shown = TRUNK.apply(picture.pixels, picture, UPRIGHT)
    radius, across, _ = about(ORGAN, shown.shape, DOWN)
    rim = np.abs(radius - 0.97) < 0.015
    assert mean(shown, rim & (across > 0.95)) > 140
    assert mean(shown, rim & (across < 0.3)) < 90


@pytest.mark.parametrize("seed", range(15))
def test_beside_its_fan_a_picture_stays_black(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for look, plane in ((EarlyHeadLook.draw(rng), Plane.HEAD), (AbdomenLook.draw(rng), Plane.ABDOMEN)):
        picture = example(plane)
        shown = look.apply(picture.pixels, picture, UPRIGHT)
        assert shown.dtype == np.uint8
        assert not shown[:, :39].any()
        assert not shown[302:].any()
        assert shown[30:290, 50:430].any()


def test_each_organ_gets_looks_of_its_own_kind_and_others_besides() -> None:
    rng = np.random.default_rng(2)

    def drawn(picture: Example) -> list[type]:
        return [type(drawn_look(rng, picture, 1.0)) for _ in range(400)]

    early = drawn(example(Plane.HEAD))
    grown = drawn(example(Plane.HEAD, frozenset({Structure.THALAMI})))
    trunks = drawn(example(Plane.ABDOMEN))
    assert {*early, *grown} == {EarlyHeadLook, PhantomLook}
    assert early.count(EarlyHeadLook) > 2 * grown.count(EarlyHeadLook)
    assert set(trunks) == {AbdomenLook, PhantomLook}
