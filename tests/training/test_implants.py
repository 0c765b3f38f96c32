"""Simulated organs set into real pictures: nothing of the head is left, and the truth lies where the organ was put."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from fetalnet.geometry import Ellipse
from fetalnet.planes import Plane, Structure
from fetalnet.training.batches import Collection, draw_clip
from fetalnet.training.config import Mixture, Stage
from fetalnet.training.example import Example, Outline
from fetalnet.training.implants import implanted, textured, tissue_of

HEAD = Ellipse(240.0, 160.0, 70.0, 55.0, 20.0)
TRUNK = Ellipse(150.0, 170.0, 60.0, 56.0, 80.0)


def in_tissue(organ: Ellipse, inside: int, rim: int, plane: Plane, *, real: bool) -> Example:
    """An even organ with a bright rim in speckled tissue, black beside the fan."""
    rng = np.random.default_rng(3)
    tissue = cv2.GaussianBlur(rng.normal(0.0, 60.0, (320, 480)), (0, 0), 1.5) + 70.0
    for grey, times in ((rim, 1.1), (inside, 1.0)):
        grown = Ellipse(organ.cx, organ.cy, organ.a * times, organ.b * times, organ.theta_deg)
        cv2.fillPoly(tissue, [np.round(grown.points(90)).astype(np.int32)], float(grey))
    tissue[:, :40] = tissue[:, 440:] = 0.0
    pixels = np.clip(tissue, 0, 255).astype(np.uint8)
    pixels[:, 40:440] = np.maximum(pixels[:, 40:440], 1)
    return Example(pixels, {plane: Outline(organ)}, not real, real, frozenset({Structure.STOMACH}))


REAL = in_tissue(HEAD, 30, 250, Plane.HEAD, real=True)
GUEST = in_tissue(TRUNK, 90, 200, Plane.ABDOMEN, real=False)


def mean_within(pixels: np.ndarray, ellipse: Ellipse, times: tuple[float, float]) -> float:
    y, x = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
    at = np.stack([x - ellipse.cx, y - ellipse.cy], axis=-1) @ np.linalg.inv(ellipse.matrix).T
    radius = np.linalg.norm(at, axis=-1)
    return float(pixels[(radius >= times[0]) & (radius < times[1])].mean())


@pytest.mark.parametrize("seed", range(6))
def test_that_an_organ_takes_the_place_of_the_head_and_its_skull_is_gone(seed):
    rng = np.random.default_rng(seed)
    picture = implanted(REAL, GUEST, rng, [REAL], [])
    organ = picture.outlines[Plane.ABDOMEN].geometry
    assert isinstance(organ, Ellipse)
    assert list(picture.outlines) == [Plane.ABDOMEN]
    assert np.hypot(organ.cx - HEAD.cx, organ.cy - HEAD.cy) < HEAD.b / 2
    assert 0.6 < organ.a * organ.b / (HEAD.a * HEAD.b) < 2.0
    assert organ.a / organ.b == pytest.approx(TRUNK.a / TRUNK.b)
    # Rated as the phantom rated it, and no other look is drawn over what looks real.
    assert (picture.rated, picture.real, picture.structures) == (True, True, GUEST.structures)
    skull = mean_within(REAL.pixels, HEAD, (1.02, 1.08))
    assert mean_within(picture.pixels, HEAD, (1.02, 1.08)) < skull - 60
    assert not picture.pixels[:, :36].any()
    far = np.hypot(*np.indices((320, 480)) - np.array([160, 240])[:, None, None]) > 130
    np.testing.assert_array_equal(picture.pixels[far], REAL.pixels[far])


def test_that_tissue_is_taken_from_beside_the_skull_and_never_from_the_dark():
    rng = np.random.default_rng(5)
    patches = [patch for _ in range(40) if (patch := tissue_of([REAL], rng)) is not None]
    assert len(patches) > 20
    assert max(int(patch.max()) for patch in patches) < 250
    assert min(float((patch > 8).mean()) for patch in patches) >= 0.95
    dark = Example(np.zeros((320, 480), np.uint8), {Plane.HEAD: Outline(HEAD)})
    assert tissue_of([dark], rng) is None


def test_that_texture_has_the_grain_and_the_contrast_of_the_tissue_it_was_taken_from():
    rng = np.random.default_rng(6)
    coarse, fine = (
        np.clip(60 + 12 * cv2.GaussianBlur(rng.normal(0, each, (80, 80)), (0, 0), each), 1, 255).astype(np.uint8)
        for each in (3.0, 1.0)
    )

    def alike(patch: np.ndarray) -> tuple[float, float]:
        noise = textured(patch, (200, 300), np.random.default_rng(7))
        assert noise.shape == (200, 300)
        assert float(noise.mean()) == pytest.approx(1.0, abs=0.1)
        beside = float(np.corrcoef(noise[:, :-2].ravel(), noise[:, 2:].ravel())[0, 1])
        return beside, float(noise.std())

    assert alike(coarse)[0] > alike(fine)[0] + 0.3
    assert alike(fine)[1] == pytest.approx(float(fine.std() / fine.mean()), rel=0.3)


def test_that_a_mixture_draws_implants_where_there_are_guests():
    collection = Collection([REAL], [], [GUEST], [], guests={Plane.HEAD: [REAL], Plane.ABDOMEN: [GUEST]})
    of_implants = Mixture(**dict.fromkeys(Mixture.model_fields, 0.0) | {"real_implant": 1.0})
    stage = Stage(height=64, width=96, batch=1, steps=1)
    planes = [draw_clip(np.random.default_rng(seed), collection, of_implants, stage)[1][0] for seed in range(24)]
    named = np.argmax(planes, axis=1)
    assert set(named) == {0, 1}
    assert (named == 1).sum() > (named == 0).sum()
