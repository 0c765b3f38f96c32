"""Simulated pictures with the grain and greys of real ones."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from fetalnet.geometry import Ellipse
from fetalnet.planes import Plane
from fetalnet.training.example import Example, Outline
from fetalnet.training.real_grain import Grain, grained

ABDOMEN = Outline(Ellipse(240.0, 160.0, 80.0, 75.0, 0.0), 0.9)


def speckle(blur_px: float, mean: float, seed: int) -> np.ndarray:
    """Noise of one width and mean in a lit part; black beside it."""
    noise = np.random.default_rng(seed).standard_normal((320, 480)).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), blur_px)
    pixels = np.clip(mean + 0.25 * mean * noise / noise.std(), 6, 255).astype(np.uint8)
    pixels[:, :60] = 0
    return pixels


def fineness(pixels: np.ndarray) -> float:
    """How much neighbours differ, against how much all do."""
    lit = pixels[:, 70:].astype(float)
    return float(np.abs(np.diff(lit, axis=1)).mean() / lit.std())


@pytest.fixture
def simulated() -> Example:
    return Example(speckle(0.7, 110.0, 1), {Plane.ABDOMEN: ABDOMEN}, rated=True, real=False)


def grain(blur_px: float, mean: float) -> Grain:
    found = Grain.of(speckle(blur_px, mean, 2))
    assert found is not None
    return found


def test_the_greys_become_those_of_the_real_picture(simulated: Example) -> None:
    shown = grain(0.7, 60.0).on(simulated, 0.0, 1.0).pixels
    assert float(np.median(shown[:, 70:])) == pytest.approx(60.0, abs=3.0)


def test_the_grain_moves_towards_that_of_the_real_picture(simulated: Example) -> None:
    coarse = grain(2.0, 110.0).on(simulated, 1.0, 0.0).pixels
    assert fineness(coarse) < 0.8 * fineness(simulated.pixels)


def test_what_is_true_of_the_picture_and_its_black_border_stay(simulated: Example) -> None:
    changed = grain(2.0, 60.0).on(simulated, 1.0, 1.0)
    assert changed.outlines == simulated.outlines
    assert not changed.real
    assert not changed.pixels[:, :60].any()


def test_nothing_of_where_things_lie_is_taken_over() -> None:
    """A real picture with a bright disc leaves no disc behind."""
    real = speckle(0.7, 90.0, 4)
    cv2.circle(real, (300, 160), 50, 250, -1)
    found = Grain.of(real)
    assert found is not None
    shown = found.on(Example(speckle(0.7, 90.0, 5), real=False), 1.0, 0.0).pixels.astype(float)
    inside = np.hypot(*(np.mgrid[:320, :480] - np.array([160, 300])[:, None, None])) < 45
    assert shown[inside].mean() == pytest.approx(shown[:, 100:].mean(), rel=0.05)


def test_a_share_of_the_clips_is_changed_and_each_clip_alike(simulated: Example) -> None:
    real = [Example(speckle(2.0, 60.0, 6)), Example(speckle(1.5, 200.0, 7))]
    clips = [[simulated, simulated] for _ in range(40)]
    changed = grained(clips, real, 0.5, seed=3)
    other = [clip for clip in changed if clip[0] is not simulated]
    assert 10 <= len(other) <= 30
    for first, second in other:
        np.testing.assert_array_equal(first.pixels, second.pixels)
    assert grained(clips, real, 0.0, seed=3) is clips
    assert grained(clips, [], 1.0, seed=3) is clips


def test_a_black_picture_has_no_grain() -> None:
    black = Example(np.zeros((320, 480), np.uint8))
    assert Grain.of(black.pixels) is None
    assert grain(2.0, 60.0).on(black, 1.0, 1.0) is black
