import math

import cv2
import numpy as np
import pytest
from skimage.measure import find_contours

from fetalnet.core.geometry import Ellipse, Line, MmPerPixel
from fetalnet.research.training.data.targets import MIN_FEMUR_PX, soft_mask, warped


def contour_of(mask):
    (contour,) = find_contours(mask, 0.5)
    return contour[:, ::-1]


@pytest.mark.parametrize(
    "ellipse",
    [
        Ellipse(190.3, 120.7, 95, 70, 20),
        Ellipse(80, 60, 24, 18, 75),
        Ellipse(150, 128, 60, 35, 140),
        Ellipse(60, 60, 20, 20, 0),
    ],
)
def test_that_a_mask_is_as_long_around_as_its_ellipse(ellipse):
    mask = soft_mask(ellipse, (256, 384))
    (cx, cy), (first, second), angle = cv2.fitEllipseDirect(contour_of(mask).astype(np.float32))
    fit = Ellipse.of(cx, cy, first / 2, second / 2, angle)
    assert fit.perimeter_px == pytest.approx(ellipse.perimeter_px, rel=0.003)
    assert (fit.cx, fit.cy) == pytest.approx((ellipse.cx, ellipse.cy), abs=0.1)


def test_that_the_area_of_a_mask_is_that_of_its_ellipse():
    mask = soft_mask(Ellipse(190.3, 120.7, 95, 70, 20), (256, 384))
    assert mask.sum() == pytest.approx(math.pi * 95 * 70, rel=0.003)
    assert mask.min() == 0.0
    assert mask.max() == 1.0


@pytest.mark.parametrize("angle_deg", [0, 30, 77, 135])
def test_that_a_femur_is_as_long_as_its_line(angle_deg):
    direction = np.array([math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))])
    start, end = np.array([190.2, 130.6]) - 45 * direction, np.array([190.2, 130.6]) + 45 * direction
    along = contour_of(soft_mask(Line.of(*start, *end), (256, 384), 1.0)) @ direction
    assert along.max() - along.min() == pytest.approx(90.0, abs=0.6)


def test_that_a_thin_femur_is_drawn_thick_enough_to_be_seen():
    mask = soft_mask(Line(50, 100, 150, 100), (256, 384), 0.5)
    assert mask[:, 100].sum() == pytest.approx(MIN_FEMUR_PX, abs=0.3)


def test_that_what_lies_outside_the_picture_is_cut():
    mask = soft_mask(Ellipse(0, 0, 50, 40, 0), (64, 96))
    assert mask[0, 0] == 1.0
    assert mask.sum() < math.pi * 50 * 40 / 3
    assert soft_mask(Ellipse(-500, 0, 50, 40, 0), (64, 96)).max() == 0.0


def test_that_warping_an_ellipse_warps_its_points():
    ellipse = Ellipse(100, 80, 40, 25, 33)
    matrix = np.array([[0.9, -0.3, 12.0], [0.25, 1.1, -7.0]])
    found = warped(ellipse, matrix)
    moved = ellipse.points(400) @ matrix[:, :2].T + matrix[:, 2]
    distance = np.linalg.norm(moved[:, None] - found.points(2000)[None], axis=2).min(axis=1)
    assert distance.max() < 0.2
    scaled = warped(ellipse, np.array([[0.5, 0, 0], [0, 0.7, 0]]))
    assert scaled.perimeter_px == pytest.approx(ellipse.scaled(MmPerPixel(0.5, 0.7)).perimeter_px)
