"""A drawn ellipse or line comes back with its lengths; what cannot be measured is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from fetalnet.core.geometry import Ellipse, Line, MmPerPixel
from fetalnet.core.letterbox import Letterbox
from fetalnet.core.measurement import measure
from fetalnet.core.planes import Kind, Plane
from fetalnet.inference.fitting import FemurFit, Fit, fit_plane

Mask = NDArray[np.float32]
GRID = (256, 384)


def grid_points(letterbox: Letterbox) -> NDArray[np.float64]:
    y, x = np.mgrid[: letterbox.height, : letterbox.width]
    return np.stack([x.ravel(), y.ravel()], axis=1).astype(float)


def drawn(distance: NDArray[np.float64]) -> Mask:
    """A soft mask from the distance to its boundary in grid pixels, outside positive: one half at 0, 1.5 px wide."""
    return np.clip(0.5 - distance / 1.5, 0.0, 1.0).reshape(GRID).astype(np.float32)


def drawn_ellipse(letterbox: Letterbox, ellipse: Ellipse) -> Mask:
    points = grid_points(letterbox)
    rim = letterbox.to_grid(ellipse.points(2000))
    inside = np.hypot(*_unit(letterbox.to_native(points), ellipse).T) < 1.0
    distance, _ = cKDTree(rim).query(points)
    return drawn(np.where(inside, -distance, distance))


def _unit(points: NDArray[np.float64], ellipse: Ellipse) -> NDArray[np.float64]:
    angle = math.radians(ellipse.theta_deg)
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    return (points - (ellipse.cx, ellipse.cy)) @ turn.T / (ellipse.a, ellipse.b)


def drawn_femur(line: Line, radius: float) -> Mask:
    """A capsule of the line's whole length, on a grid that is the native frame."""
    ends = line.points()
    along = (ends[1] - ends[0]) / line.length_px
    start, reach = ends[0] + radius * along, line.length_px - 2 * radius
    offset = grid_points(Letterbox.of(GRID, GRID)) - start
    nearest = np.clip(offset @ along, 0.0, reach)
    return drawn(np.linalg.norm(offset - nearest[:, None] * along, axis=1) - radius)


def the_ellipse(fit: Fit) -> Ellipse:
    assert isinstance(fit.geometry, Ellipse), fit.refused
    return fit.geometry


def the_line(fit: Fit) -> Line:
    assert isinstance(fit.geometry, Line), fit.refused
    return fit.geometry


@pytest.mark.parametrize("shape", [(540, 800), (1080, 1920), (200, 300)])
@pytest.mark.parametrize("theta_deg", [0.0, 37.0, 90.0, 151.0])
def test_a_drawn_head_has_its_circumference(shape: tuple[int, int], theta_deg: float) -> None:
    letterbox = Letterbox.of(shape, GRID)
    truth = Ellipse(0.52 * shape[1], 0.48 * shape[0], 0.32 * shape[0], 0.25 * shape[0], theta_deg)
    fit = fit_plane(Plane.HEAD, drawn_ellipse(letterbox, truth), letterbox)
    found = measure(the_ellipse(fit), Plane.HEAD)
    assert found[Kind.HC].px == pytest.approx(truth.perimeter_px, rel=0.002)
    assert found[Kind.BPD].px == pytest.approx(2 * truth.b, rel=0.003)
    assert found[Kind.OFD].px == pytest.approx(2 * truth.a, rel=0.003)
    assert found[Kind.HC].mm is None
    assert fit.outline is not None
    assert fit.outline.dtype == np.float32
    assert np.hypot(*_unit(fit.outline.astype(float), truth).T) == pytest.approx(1.0, abs=0.02)


def test_pixels_that_are_not_square_are_scaled_before_the_axes_are_taken() -> None:
    # 60 x 40 pixels of 0.1 x 0.2 mm: the long axis in mm is the short one in pixels.
    found = measure(Ellipse(100, 100, 60, 40, 0), Plane.HEAD, MmPerPixel(0.1, 0.2))
    assert found[Kind.OFD].mm == pytest.approx(16.0)
    assert found[Kind.BPD].mm == pytest.approx(12.0)
    turned = measure(Ellipse(100, 100, 50, 50, 30), Plane.ABDOMEN, MmPerPixel(0.1, 0.3))
    t = np.linspace(0, 2 * np.pi, 20001)
    rim = np.stack([5.0 * np.cos(t), 15.0 * np.sin(t)], axis=1)
    assert turned[Kind.AC].mm == pytest.approx(np.linalg.norm(np.diff(rim, axis=0), axis=1).sum(), rel=1e-4)
    assert measure(Line(0, 0, 30, 40), Plane.FEMUR, MmPerPixel(0.1, 0.2))[Kind.FL].mm == pytest.approx(math.hypot(3, 8))


def test_other_planes_have_no_measures() -> None:
    assert measure(Ellipse(1, 1, 2, 1, 0), Plane.OTHER) == {}
    assert fit_plane(Plane.OTHER, np.ones(GRID, np.float32), Letterbox.of(GRID, GRID)).geometry is None


def test_a_head_cut_by_the_pictures_edge_keeps_its_size() -> None:
    letterbox = Letterbox.of((540, 800), GRID)
    truth = Ellipse(150, 270, 190, 150, 10)
    found = the_ellipse(fit_plane(Plane.HEAD, drawn_ellipse(letterbox, truth), letterbox))
    assert found.perimeter_px == pytest.approx(truth.perimeter_px, rel=0.005)


def test_a_head_cut_by_the_fan_keeps_its_size() -> None:
    letterbox = Letterbox.of((540, 800), GRID)
    truth = Ellipse(400, 270, 190, 150, 10)
    mask = drawn_ellipse(letterbox, truth)
    seen = np.ones(GRID, bool)
    seen[:, 250:] = False
    mask[~seen] = 0
    found = the_ellipse(fit_plane(Plane.HEAD, mask, letterbox, seen))
    assert found.perimeter_px == pytest.approx(truth.perimeter_px, rel=0.005)


def test_a_notch_in_the_outline_is_trimmed() -> None:
    letterbox = Letterbox.of((540, 800), GRID)
    truth = Ellipse(400, 270, 190, 150, 10)
    mask = drawn_ellipse(letterbox, truth)
    mask[:95, 180:200] = 0  # a shadow eats into the rim
    found = the_ellipse(fit_plane(Plane.HEAD, mask, letterbox))
    assert found.perimeter_px == pytest.approx(truth.perimeter_px, rel=0.005)


@pytest.mark.parametrize("angle_deg", [0, 20, 45, 90, 110, 160])
def test_a_drawn_femur_has_its_length_at_any_angle(angle_deg: float) -> None:
    half = 45.3 * np.array([math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))])
    truth = Line.of(*(np.array([190.3, 130.6]) - half), *(np.array([190.3, 130.6]) + half))
    letterbox = Letterbox.of(GRID, GRID)
    found = the_line(fit_plane(Plane.FEMUR, drawn_femur(truth, 2.6), letterbox))
    assert found.length_px == pytest.approx(truth.length_px, abs=0.4)
    apart = np.linalg.norm(found.points()[:, None] - truth.points()[None], axis=2)
    assert apart.min(axis=1).max() < 0.5


@pytest.mark.parametrize("angle_deg", [0, 20, 45, 90, 160])
def test_the_rectangle_around_a_femur_is_as_long_as_the_bone(angle_deg: float) -> None:
    half = 45.3 * np.array([math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))])
    truth = Line.of(*(np.array([190.3, 130.6]) - half), *(np.array([190.3, 130.6]) + half))
    letterbox = Letterbox.of(GRID, GRID)
    fit = fit_plane(Plane.FEMUR, drawn_femur(truth, 2.6), letterbox, femur=FemurFit.RECTANGLE)
    found = the_line(fit)
    assert found.length_px == pytest.approx(truth.length_px, abs=0.6)
    apart = np.linalg.norm(found.points()[:, None] - truth.points()[None], axis=2)
    assert apart.min(axis=1).max() < 1.0


def test_the_rectangle_refuses_what_is_no_femur() -> None:
    letterbox = Letterbox.of(GRID, GRID)
    for line, radius, why in [
        (Line(180, 130, 190, 130), 5.0, "too short"),
        (Line(150, 130, 200, 130), 15.0, "too wide"),
        (Line(0, 130, 60, 130), 3.0, "edge of the picture"),
    ]:
        fit = fit_plane(Plane.FEMUR, drawn_femur(line, radius), letterbox, femur=FemurFit.RECTANGLE)
        assert fit.geometry is None
        assert fit.refused is not None
        assert why in fit.refused


def test_a_bowed_femur_is_measured_from_end_to_end() -> None:
    points = grid_points(Letterbox.of(GRID, GRID))
    x = np.clip(points[:, 0], 130, 250)
    bow = 130 + 6 * (1 - ((x - 190) / 60) ** 2)
    mask = drawn(np.hypot(points[:, 0] - x, points[:, 1] - bow) - 3.0)
    found = the_line(fit_plane(Plane.FEMUR, mask, Letterbox.of(GRID, GRID)))
    assert found.length_px == pytest.approx(126, abs=1.0)
    assert (found.y1, found.y2) == pytest.approx((130, 130), abs=1.5)


def square(y: slice, x: slice) -> Mask:
    mask = np.zeros(GRID, np.float32)
    mask[y, x] = 1.0
    return mask


def refused(plane: Plane, mask: Mask) -> str:
    fit = fit_plane(plane, mask, Letterbox.of(GRID, GRID))
    assert fit.geometry is None
    assert fit.refused is not None
    return fit.refused


def test_what_cannot_be_measured_is_refused_with_its_reason() -> None:
    letterbox = Letterbox.of(GRID, GRID)
    assert "no outline" in refused(Plane.HEAD, np.full(GRID, 0.3, np.float32))
    assert "too small" in refused(Plane.HEAD, square(slice(100, 105), slice(100, 105)))
    twins = drawn_ellipse(letterbox, Ellipse(90, 128, 50, 40, 0)) + drawn_ellipse(
        letterbox, Ellipse(280, 128, 50, 40, 0)
    )
    assert "several" in refused(Plane.HEAD, twins)
    assert "narrow" in refused(Plane.HEAD, drawn_ellipse(letterbox, Ellipse(190, 128, 120, 50, 0)))
    assert "outside" in refused(Plane.ABDOMEN, drawn_ellipse(letterbox, Ellipse(5, 128, 100, 90, 90)))
    cross = np.maximum(square(slice(110, 146), slice(90, 290)), square(slice(28, 228), slice(172, 208)))
    assert "no ellipse" in refused(Plane.HEAD, cross)
    assert "short" in refused(Plane.FEMUR, square(slice(100, 109), slice(100, 109)))
    assert "wide" in refused(Plane.FEMUR, square(slice(100, 140), slice(100, 160)))
    assert "edge" in refused(Plane.FEMUR, square(slice(100, 106), slice(0, 80)))
    x = np.linspace(0, np.pi, 400)
    bent = np.zeros(GRID, np.float32)
    for dx in range(-2, 3):
        for dy in range(-2, 3):
            bent[np.rint(150 - 45 * np.sin(x)).astype(int) + dy, np.rint(190 + 45 * np.cos(x)).astype(int) + dx] = 1
    assert refused(Plane.FEMUR, bent).endswith(("wide for a femur", "curved for a femur"))


def leaking(body: Mask, leak: Mask, certainty: float) -> Mask:
    """A body of which the network is sure, and beside it what it took along with less certainty."""
    return np.maximum(0.99 * body, certainty * leak)


def test_a_head_whose_mask_leaks_into_the_body_beside_it_is_measured_alone() -> None:
    letterbox = Letterbox.of(GRID, GRID)
    head = Ellipse(140, 120, 52, 40, 20)
    body = drawn_ellipse(letterbox, Ellipse(225, 140, 48, 34, 10))
    found = the_ellipse(fit_plane(Plane.HEAD, leaking(drawn_ellipse(letterbox, head), body, 0.9), letterbox))
    assert found.perimeter_px == pytest.approx(head.perimeter_px, rel=0.02)


def test_a_head_whose_mask_leaks_into_the_fluid_is_measured_alone() -> None:
    letterbox = Letterbox.of(GRID, GRID)
    head = Ellipse(180, 150, 60, 48, 160)
    fluid = np.maximum(square(slice(40, 130), slice(120, 150)), square(slice(40, 60), slice(120, 240)))
    found = the_ellipse(fit_plane(Plane.HEAD, leaking(drawn_ellipse(letterbox, head), fluid, 0.7), letterbox))
    assert found.perimeter_px == pytest.approx(head.perimeter_px, rel=0.03)


def test_two_bodies_that_are_equally_certain_are_not_guessed_between() -> None:
    letterbox = Letterbox.of(GRID, GRID)
    joined = drawn_ellipse(letterbox, Ellipse(130, 120, 50, 40, 0)) + drawn_ellipse(
        letterbox, Ellipse(226, 120, 50, 40, 0)
    )
    refused(Plane.HEAD, np.clip(joined, 0, 1).astype(np.float32))


def test_that_a_leak_is_not_looked_for_where_the_frame_is_badly_cut() -> None:
    letterbox = Letterbox.of(GRID, GRID)
    head, body = Ellipse(140, 120, 52, 40, 20), drawn_ellipse(letterbox, Ellipse(225, 140, 48, 34, 10))
    mask = leaking(drawn_ellipse(letterbox, head), body, 0.9)
    fit = fit_plane(Plane.HEAD, mask, letterbox, may_leak=False)
    assert fit.geometry is None
    assert fit.refused is not None
