import math

import pytest
import torch

from fetalnet.core.geometry import Ellipse, Line
from fetalnet.core.planes import STANDARD_PLANES, Plane, Structure
from fetalnet.network.heads.organ_reader import MARGIN, Reader, crop_outlined, crop_size, structures_of
from fetalnet.research.training.data.targets import soft_mask

SHAPE = (128, 192)


def marked(geometry, along, across):
    """A dark picture with one bright spot, given in half-lengths along and across an ellipse."""
    angle = math.radians(geometry.theta_deg)
    x = geometry.cx + along * geometry.a * math.cos(angle) - across * geometry.b * math.sin(angle)
    y = geometry.cy + along * geometry.a * math.sin(angle) + across * geometry.b * math.cos(angle)
    spot = Ellipse(x, y, 2.5, 2.5, 0)
    return torch.from_numpy(soft_mask(spot, SHAPE))[None, None]


def middle_of_light(crop):
    rows, columns = torch.meshgrid(*map(torch.arange, crop.shape), indexing="ij")
    return float((crop * columns).sum() / crop.sum()), float((crop * rows).sum() / crop.sum())


@pytest.mark.parametrize("theta_deg", [0, 30, 80, 120, 170])
@pytest.mark.parametrize("size", [20, 45])
def test_that_an_organ_is_shown_upright_and_at_one_size_however_it_lies(theta_deg, size):
    organ = Ellipse(100, 60, size, 0.75 * size, theta_deg)
    mask = torch.from_numpy(soft_mask(organ, SHAPE))[None]
    crops, there = crop_outlined(marked(organ, 0.7, 0.3), mask, Plane.HEAD)
    assert there.tolist() == [True]
    column, row = middle_of_light(crops[0, 0])
    # Half a turn is the same outline: the spot lies at one end or the other.
    rows, columns = crop_size(Plane.HEAD)
    per_pixel = MARGIN * organ.b / (rows / 2)
    off = abs(column - (columns - 1) / 2) * per_pixel / organ.a, abs(row - (rows - 1) / 2) * per_pixel / organ.b
    assert off == (pytest.approx(0.7, abs=0.04), pytest.approx(0.3, abs=0.04))


def test_that_a_femur_fills_the_crop_from_end_to_end():
    shaft = Line.of(60, 80, 120, 50)
    mask = torch.from_numpy(soft_mask(shaft, SHAPE, 2.0))[None]
    crops, _ = crop_outlined(mask[:, None], mask, Plane.FEMUR)
    lit = torch.nonzero(crops[0, 0].amax(dim=0) > 0.5).flatten()
    assert (lit.max() - lit.min() + 1) / crop_size(Plane.FEMUR)[1] == pytest.approx(1 / MARGIN, abs=0.05)


def test_that_where_nothing_is_outlined_no_plane_is_present():
    reader = Reader().eval()
    masks = torch.full((2, 3, *SHAPE), -6.0)
    masks[1, 0] = torch.from_numpy(soft_mask(Ellipse(90, 60, 30, 20, 0), SHAPE)) * 12 - 6
    reading = reader(torch.rand(2, 1, *SHAPE), masks)
    assert (torch.sigmoid(reading.present[0]) < 0.05).all()
    assert (torch.sigmoid(reading.standardness[1, 1:]) < 0.05).all()
    assert torch.sigmoid(reading.present[1, 0]) > 0.05
    assert reading.structures.shape == (2, len(Structure))


def test_that_the_verdict_needs_branch_and_reader():
    reader = Reader()
    branch = torch.tensor([[4.0, 0.0, 0.0, 0.0]] * 2)
    agreed, denied = reader.verdict(branch, torch.tensor([[4.0, -4.0, -4.0], [-6.0, -4.0, -4.0]]))
    assert agreed.argmax() == list(Plane).index(Plane.HEAD)
    assert denied.argmax() == list(Plane).index(Plane.OTHER)


def test_that_each_structure_tells_one_plane():
    assert [structure for plane in STANDARD_PLANES for structure in structures_of(plane)] == list(Structure)
