"""A geometry that is a little off is moved to where it belongs, in the picture's own resolution."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from fetalnet.core.geometry import Ellipse, Line
from fetalnet.core.planes import Plane
from fetalnet.inference.engines.openvino import OpenVinoPart
from fetalnet.inference.fitting import shaft
from fetalnet.inference.fitting.rim import ANSWERS, border_of, moved, movement, strip_of
from fetalnet.inference.fitting.strip import MIRRORS
from fetalnet.inference.refinement import Refinement, TorchPart, at_border, at_ends
from fetalnet.network.heads.rim_reader import RIM_PLANES, RimReader, one_of
from fetalnet.network.heads.shaft_reader import ShaftReader
from fetalnet.network.strip_form import RIM_COLUMNS, RIM_ROWS, SHAFT_ALONG, SHAFT_ANSWERS, SHAFT_COLUMNS, SHAFT_ROWS

ORGAN = Ellipse.of(310.4, 222.7, 160.3, 118.9, 31.0)
OFF = moved(ORGAN, np.array([0.04, -0.03, 0.02, 0.03, -0.02]))
FEMUR = Line.of(210.0, 130.0, 420.0, 262.0)


class Knowing:
    """Reads the border that is there, from the last strip that was cut out."""

    def __init__(self, organ: Ellipse, monkeypatch: pytest.MonkeyPatch) -> None:
        self.organ = organ
        monkeypatch.setattr("fetalnet.inference.refinement.rim.strip_of", self.look)

    def look(
        self, pixels: np.ndarray, ellipse: Ellipse, seen: object = None, mirror: tuple[int, int] = (1, 1)
    ) -> np.ndarray:
        self.border = border_of(self.organ, ellipse, mirror)
        return strip_of(pixels, ellipse, seen, mirror)

    def __call__(self, strip: np.ndarray, plane: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        assert strip.shape == (RIM_ROWS, RIM_COLUMNS)
        return self.border, np.full(ANSWERS, 1 / ANSWERS, np.float32)


@pytest.mark.parametrize("closely", [False, True])
def test_that_a_known_border_is_reached(closely: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.zeros((480, 640), np.uint8)
    found = at_border(Knowing(ORGAN, monkeypatch), Plane.HEAD, OFF, pixels, closely=closely)
    assert abs(OFF.a - ORGAN.a) > 5
    assert (found.cx, found.cy) == pytest.approx((ORGAN.cx, ORGAN.cy), abs=1.0)
    assert (found.a, found.b, found.theta_deg) == pytest.approx((ORGAN.a, ORGAN.b, ORGAN.theta_deg), abs=1.0)


class Shy(Knowing):
    """Reads half of how far the border is off, and counts."""

    reads = 0

    def __call__(self, strip: np.ndarray, plane: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.reads += 1
        border, trust = super().__call__(strip, plane)
        return 0.5 * border, trust


def test_that_an_ellipse_that_moved_is_read_again_and_comes_nearer(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.zeros((480, 640), np.uint8)
    for off, reads, left in ((0.06, 2, 0.25), (0.02, 1, 0.5)):
        shy, size = Shy(ORGAN, monkeypatch), np.array([off, 0, 0, 0, 0])
        found = at_border(shy, Plane.ABDOMEN, moved(ORGAN, size), pixels)
        assert shy.reads == reads
        assert found.a / ORGAN.a - 1 == pytest.approx(left * off, rel=0.1)


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
    assert strip[: RIM_ROWS // 2 - 1].min() > 0.75
    assert strip[RIM_ROWS // 2 + 1 :].max() < 0.05
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
    strips = np.random.default_rng(4).random((3, RIM_ROWS, RIM_COLUMNS), np.float32)
    one, other = TorchPart(reader), OpenVinoPart(reader, [(RIM_ROWS, RIM_COLUMNS), (len(RIM_PLANES),)], 1)
    head, abdomen = one_of(Plane.HEAD), one_of(Plane.ABDOMEN)
    for strip in strips:
        for plane in (head, abdomen):
            for mine, its in zip(one(strip, plane), other(strip, plane), strict=True):
                np.testing.assert_allclose(mine, its, atol=1e-5)
    assert not np.allclose(one(strips[0], head)[0], one(strips[0], abdomen)[0])


def test_that_the_reader_sees_a_strip_as_a_ring() -> None:
    torch.manual_seed(3)
    rim, head = TorchPart(RimReader().eval()), one_of(Plane.HEAD)
    strip = np.random.default_rng(4).random((RIM_ROWS, RIM_COLUMNS), np.float32)
    border, trust = rim(strip, head)
    turned, its_trust = rim(np.roll(strip, RIM_COLUMNS // 2, axis=1).copy(), head)
    np.testing.assert_allclose(np.roll(turned, ANSWERS // 2), border, atol=1e-5)
    assert trust.sum() == pytest.approx(its_trust.sum()) == pytest.approx(1.0)


class KnowingShaft:
    """Reads the ends that are there, from the last strip that was cut out."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lines: list[Line] = []
        self._strip_of = shaft.strip_of
        monkeypatch.setattr("fetalnet.inference.refinement.shaft.strip_of", self.look)

    def look(self, pixels: np.ndarray, line: Line, seen: object = None, mirror: tuple[int, int] = (1, 1)) -> np.ndarray:
        self.lines.append(line)
        self.ends = shaft.ends_in(line, FEMUR, mirror)
        return self._strip_of(pixels, line, seen, mirror)

    def __call__(self, strip: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        assert strip.shape == (SHAFT_ROWS, SHAFT_COLUMNS)
        return self.ends, np.zeros((2, SHAFT_ANSWERS), np.float32)


@pytest.mark.parametrize("closely", [False, True])
def test_that_a_line_over_half_a_shaft_reaches_its_ends(closely: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    half = shaft.moved(FEMUR, np.array([[-0.48, 0.01], [0.05, -0.02]]))
    reader = KnowingShaft(monkeypatch)
    found = at_ends(reader, half, np.zeros((480, 640), np.uint8), closely=closely)
    assert half.length_px < 0.6 * FEMUR.length_px
    np.testing.assert_allclose(found.points(), FEMUR.points(), atol=0.01)
    assert len(reader.lines) == (5 if closely else 2)


def test_that_a_line_that_is_nearly_right_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    nearly = shaft.moved(FEMUR, np.array([[-0.49, 0.01], [0.49, 0.0]]))
    reader = KnowingShaft(monkeypatch)
    found = at_ends(reader, nearly, np.zeros((480, 640), np.uint8))
    np.testing.assert_allclose(found.points(), FEMUR.points(), atol=0.01)
    assert len(reader.lines) == 1


@pytest.mark.parametrize("mirror", MIRRORS)
def test_that_a_shaft_lies_along_the_middle_of_its_strip(mirror: tuple[int, int]) -> None:
    pixels = np.zeros((480, 640), np.uint8)
    (x1, y1), (x2, y2) = FEMUR.points().round().astype(int).tolist()
    cv2.line(pixels, (x1, y1), (x2, y2), 255, 5)
    strip = shaft.strip_of(pixels, FEMUR, mirror=mirror)
    middle = strip[SHAFT_ROWS // 2 - 1 : SHAFT_ROWS // 2 + 1].mean(axis=0)
    left, right = (int((place + SHAFT_ALONG) / (2 * SHAFT_ALONG) * SHAFT_COLUMNS) for place in (-0.5, 0.5))
    assert middle[left + 2 : right - 2].min() > 0.4
    assert strip[:, : left - 4].max() == strip[:, right + 4 :].max() == 0
    assert strip[:6].max() == strip[-6:].max() == 0
    other = Line.of(250.0, 140.0, 400.0, 260.0)
    found = shaft.moved(FEMUR, shaft.ends_in(FEMUR, other, mirror), mirror)
    np.testing.assert_allclose(found.points(), other.points(), atol=1e-3)


def test_that_the_engines_read_the_same_ends() -> None:
    torch.manual_seed(3)
    reader = ShaftReader().eval()
    one, other = TorchPart(reader), OpenVinoPart(reader, [(SHAFT_ROWS, SHAFT_COLUMNS)], 1)
    for strip in np.random.default_rng(4).random((3, SHAFT_ROWS, SHAFT_COLUMNS), np.float32):
        for mine, its in zip(one(strip), other(strip), strict=True):
            np.testing.assert_allclose(mine, its, atol=1e-5)


def test_that_without_readers_a_geometry_stays_as_it_is() -> None:
    pixels = np.zeros((480, 640), np.uint8)
    assert Refinement().of_geometry(ORGAN, Plane.HEAD, pixels) is ORGAN
    assert Refinement().of_geometry(FEMUR, Plane.FEMUR, pixels) is FEMUR
