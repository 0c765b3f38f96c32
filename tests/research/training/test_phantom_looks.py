"""Simulated pictures in looks of real ones: what is drawn changes, what is true of it does not."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from fetalnet.core.geometry import Ellipse
from fetalnet.core.planes import Plane
from fetalnet.research.training.augment.phantom_looks import SPANS, PhantomLook, drawn_look, filled
from fetalnet.research.training.augment.warp import Warp
from fetalnet.research.training.data.example import Example, Outline
from fetalnet.research.training.data.targets import warped

SKULL = Ellipse(240.0, 160.0, 90.0, 70.0, 20.0)
PLAIN = PhantomLook(
    calm=0.0,
    grain=0.01,
    thickness=0.0,
    sides=0.0,
    gaps=0.0,
    facing=0.0,
    arcs=0.0,
    blotches=0.0,
    blotch=0.2,
    inside=1.0,
    haze=0.0,
    folds=0,
    seed=3,
)
UPRIGHT = np.eye(2, 3)


def example(plane: Plane = Plane.HEAD) -> Example:
    """Grey tissue with a thin bright ring, whose outer edge is the outline, and a little less inside."""
    pixels = np.full((320, 480), 90, np.uint8)
    axes = (round(SKULL.a) - 1, round(SKULL.b) - 1)
    cv2.ellipse(pixels, (240, 160), axes, SKULL.theta_deg, 0, 360, 60, -1)
    cv2.ellipse(pixels, (240, 160), axes, SKULL.theta_deg, 0, 360, 220, 2, cv2.LINE_AA)
    return Example(pixels, {plane: Outline(SKULL, 0.9)}, rated=True, real=False)


def radius() -> np.ndarray:
    y, x = np.mgrid[:320, :480]
    u, v = np.linalg.inv(SKULL.matrix) @ np.stack([(x - SKULL.cx).ravel(), (y - SKULL.cy).ravel()])
    return np.hypot(u, v).reshape(320, 480)


def test_a_look_without_changes_leaves_the_picture() -> None:
    picture = example()
    np.testing.assert_array_equal(PLAIN.apply(picture.pixels, picture, UPRIGHT), picture.pixels)


def test_a_thick_skull_grows_inwards_and_its_outer_edge_stays() -> None:
    picture = example()
    thick = replace(PLAIN, thickness=0.08).apply(picture.pixels, picture, UPRIGHT)
    within, outside = (radius() > 0.93) & (radius() < 0.955), radius() > 1.06
    assert picture.pixels[within].mean() < 70
    assert thick[within].mean() > 170
    np.testing.assert_array_equal(thick[outside], picture.pixels[outside])


def test_an_abdomen_gets_no_bone() -> None:
    picture = example(Plane.ABDOMEN)
    bright = replace(PLAIN, thickness=0.08, folds=30).apply(picture.pixels, picture, UPRIGHT)
    np.testing.assert_array_equal(bright, picture.pixels)


@pytest.mark.parametrize("turned", [False, True])
def test_the_rim_is_lost_where_it_lies_along_the_sound(turned: bool) -> None:
    """However the picture is turned: the sound came from above before."""
    picture = example()
    warp = Warp(angle_deg=90.0) if turned else Warp()
    matrix = warp.matrix((320, 480), (320, 480))
    pixels = np.asarray(cv2.warpAffine(picture.pixels, matrix, (480, 320)), np.uint8)
    lost = replace(PLAIN, sides=1.0).apply(pixels, picture, matrix).astype(int)
    skull = warped(SKULL, matrix)
    assert isinstance(skull, Ellipse)
    points = Ellipse(skull.cx, skull.cy, skull.a * 0.975, skull.b * 0.975, skull.theta_deg).points(360)
    x, y = points.round().astype(int).T
    kept = lost[y, x] / np.maximum(pixels[y, x], 1)
    sound = matrix[:, 1] / np.linalg.norm(matrix[:, 1])
    along = np.abs((points - (skull.cx, skull.cy)) @ sound)
    sides, caps = along < np.quantile(along, 0.1), along > np.quantile(along, 0.9)
    assert kept[caps].mean() > 0.9
    assert kept[sides].mean() < 0.4


@pytest.mark.parametrize("plane", [Plane.HEAD, Plane.ABDOMEN])
def test_bright_arcs_lie_where_the_sound_meets_the_rim_squarely(plane: Plane) -> None:
    picture = example(plane)
    dim = np.minimum(picture.pixels, 100)
    brighter = replace(PLAIN, arcs=1.0).apply(dim, picture, UPRIGHT).astype(int) - dim
    at = (radius() > 0.94) & (radius() < 0.99)
    y, x = np.mgrid[:320, :480]
    caps, sides = at & (np.abs(x - SKULL.cx) < 20), at & (np.abs(y - SKULL.cy) < 20)
    assert brighter[caps].mean() > 50
    assert brighter[sides].mean() < 5
    assert brighter[(radius() < 0.7) | (radius() > 1.08)].max() <= 1


def test_a_real_picture_keeps_its_look() -> None:
    rng = np.random.default_rng(0)
    real = replace(example(), real=True)
    assert all(drawn_look(rng, real, 1.0) is None for _ in range(20))
    assert drawn_look(rng, example(), 1.0) is not None


@pytest.mark.parametrize("seed", range(8))
def test_an_organ_brought_nearer_fills_the_picture_and_lies_in_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    matrix = filled(Warp.draw(rng), example(), (192, 288), rng).matrix((320, 480), (192, 288))
    organ = warped(SKULL, matrix)
    assert isinstance(organ, Ellipse)
    assert 0.9 * SPANS[0] < 2 * organ.a / 288 < 1.1 * SPANS[1]  # a warp stretches by 12 %
    assert 0.3 < organ.cx / 288 < 0.7
    assert 0.3 < organ.cy / 192 < 0.7


def test_random_looks_stay_grey_pictures_black_beside_the_fan() -> None:
    picture = example()
    pixels = picture.pixels.copy()
    pixels[:, :40] = 0
    for seed in range(30):
        shown = PhantomLook.draw(np.random.default_rng(seed)).apply(pixels, picture, UPRIGHT)
        assert shown.dtype == np.uint8
        assert not shown[:, :34].any()
