"""An ellipse that is a little off is moved to the organ's border, in the picture's own resolution."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from fetalnet.fitting.rim import ANSWERS, COLUMNS, MIRRORS, ROWS, border_of, moved, movement, strip_of
from fetalnet.geometry import Ellipse
from fetalnet.network.rim import RimReader
from fetalnet.openvino_engine import OpenVinoRim
from fetalnet.planes import Plane
from fetalnet.rim_fit import TorchRim, at_border

ORGAN = Ellipse.of(310.4, 222.7, 160.3, 118.9, 31.0)
OFF = moved(ORGAN, np.array([0.04, -0.03, 0.02, 0.03, -0.02]))


class Knowing:
    """Reads the border that is there, from the last strip that was cut out."""

    def __init__(self, organ: Ellipse, monkeypatch: pytest.MonkeyPatch) -> None:
        self.organ = organ
        monkeypatch.setattr("fetalnet.rim_fit.strip_of", self.look)

    def look(
        self, pixels: np.ndarray, ellipse: Ellipse, seen: object = None, mirror: tuple[int, int] = (1, 1)
    ) -> np.ndarray:
        self.border = border_of(self.organ, ellipse, mirror)
        return strip_of(pixels, ellipse, seen, mirror)

    def read(self, strip: np.ndarray, plane: Plane) -> tuple[np.ndarray, np.ndarray]:
        assert strip.shape == (ROWS, COLUMNS)
        return self.border, np.full(ANSWERS, 1 / ANSWERS, np.float32)


@pytest.mark.parametrize("closely", [False, True])
def test_that_a_known_border_is_reached(closely: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.zeros((480, 640), np.uint8)
    found = at_border(Knowing(ORGAN, monkeypatch), Plane.HEAD, OFF, pixels, closely=closely)
    assert abs(OFF.a - ORGAN.a) > 5
    assert (found.cx, found.cy) == pytest.approx((ORGAN.cx, ORGAN.cy), abs=1.0)
    assert (found.a, found.b, found.theta_deg) == pytest.approx((ORGAN.a, ORGAN.b, ORGAN.theta_deg), abs=1.0)


def test_that_a_border_far_away_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    other = Ellipse.of(ORGAN.cx, ORGAN.cy, 1.3 * ORGAN.a, 1.3 * ORGAN.b, ORGAN.theta_deg)
    assert at_border(Knowing(other, monkeypatch), Plane.HEAD, ORGAN, np.zeros((480, 640), np.uint8)) is ORGAN


def test_that_trust_in_one_angle_alone_still_gives_an_ellipse() -> None:
    border, trust = np.full(ANSWERS, 0.02, np.float32), np.zeros(ANSWERS, np.float32)
    trust[5] = 1.0
    found = moved(ORGAN, movement(border[None], trust[None]))
    assert found.perimeter_px == pytest.approx(1.02 * ORGAN.perimeter_px, rel=1e-3)


@pytest.mark.parametrize("mirror", MIRRORS)
def test_that_the_border_runs_along_the_middle_of_the_strip(mirror: tuple[int, int]) -> None:
    y, x = np.mgrid[:480, :640]
    u, v = np.linalg.inv(ORGAN.matrix) @ np.stack([x.ravel() - ORGAN.cx, y.ravel() - ORGAN.cy])
    pixels = np.where(u**2 + v**2 < 1, 200, 0).astype(np.uint8).reshape(480, 640)
    strip = strip_of(pixels, ORGAN, mirror=mirror)
    assert strip[: ROWS // 2 - 1].min() > 0.75
    assert strip[ROWS // 2 + 1 :].max() < 0.05
    coloured = cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB)
    np.testing.assert_allclose(strip_of(coloured, ORGAN, mirror=mirror), strip, atol=0.01)


def test_that_what_lies_outside_the_fan_is_black() -> None:
    pixels, seen = np.full((480, 640), 255, np.uint8), np.zeros((480, 640), bool)
    seen[:, :310] = True
    strip = strip_of(pixels, ORGAN, seen)
    assert 0.4 < strip.mean() < 0.6
    assert strip.min() == 0
    assert strip.max() == 1


def test_that_the_engines_read_the_same() -> None:
    torch.manual_seed(3)
    reader = RimReader().eval()
    strips = np.random.default_rng(4).random((3, ROWS, COLUMNS), np.float32)
    one, other = TorchRim(reader), OpenVinoRim(reader, 1)
    for strip in strips:
        for plane in (Plane.HEAD, Plane.ABDOMEN):
            for mine, its in zip(one.read(strip, plane), other.read(strip, plane), strict=True):
                np.testing.assert_allclose(mine, its, atol=1e-5)
    assert not np.allclose(one.read(strips[0], Plane.HEAD)[0], one.read(strips[0], Plane.ABDOMEN)[0])


def test_that_the_reader_sees_a_strip_as_a_ring() -> None:
    torch.manual_seed(3)
    rim = TorchRim(RimReader().eval())
    strip = np.random.default_rng(4).random((ROWS, COLUMNS), np.float32)
    border, trust = rim.read(strip, Plane.HEAD)
    turned, its_trust = rim.read(np.roll(strip, COLUMNS // 2, axis=1).copy(), Plane.HEAD)
    np.testing.assert_allclose(np.roll(turned, ANSWERS // 2), border, atol=1e-5)
    assert trust.sum() == pytest.approx(its_trust.sum()) == pytest.approx(1.0)
