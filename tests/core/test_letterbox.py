import cv2
import numpy as np
import pytest

from fetalnet.core.letterbox import Letterbox


@pytest.mark.parametrize(
    ("shape", "crop"),
    [((540, 800), None), ((1080, 1920), (300, 100, 1500, 1000)), ((100, 90), None), ((64, 2000), (10, 3, 1990, 60))],
)
def test_that_points_come_back_where_they_were(shape, crop):
    letterbox = Letterbox.of(shape, (256, 384), crop)
    points = np.random.default_rng(0).uniform(0, 60, (20, 2))
    np.testing.assert_allclose(letterbox.to_native(letterbox.to_grid(points)), points, atol=1e-9)
    mapped = points @ letterbox.matrix[:, :2].T + letterbox.matrix[:, 2]
    np.testing.assert_allclose(mapped, letterbox.to_grid(points), atol=1e-9)


@pytest.mark.parametrize(
    ("shape", "crop"), [((540, 800), None), ((1080, 1920), (301, 99, 1500, 1000)), ((90, 120), None)]
)
def test_that_a_blob_lies_on_the_grid_where_its_centre_maps_to(shape, crop):
    pixels = np.zeros(shape, np.uint8)
    centre, radius = (shape[1] * 0.45, shape[0] * 0.52), shape[0] * 0.1
    y, x = np.ogrid[: shape[0], : shape[1]]
    pixels[(x - centre[0]) ** 2 + (y - centre[1]) ** 2 < radius**2] = 200
    native = np.array([[np.nonzero(pixels)[1].mean(), np.nonzero(pixels)[0].mean()]])
    letterbox = Letterbox.of(shape, (256, 384), crop)
    moments = cv2.moments(letterbox.apply(pixels))
    found = moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]
    assert found == pytest.approx(letterbox.to_grid(native)[0], abs=0.02)


def test_that_the_shape_is_kept_and_the_rest_is_black():
    letterbox = Letterbox.of((500, 500), (256, 384))
    grid = letterbox.apply(np.full((500, 500), 90, np.uint8))
    assert grid.shape == (256, 384)
    assert letterbox.inner == (64, 0, 320, 256)
    assert (grid[:, 64:320] == 90).all()
    assert grid[:, :64].max() == grid[:, 320:].max() == 0


def test_that_colour_becomes_luma():
    grid = Letterbox.of((50, 75, 3), (256, 384)).apply(np.full((50, 75, 3), (0, 255, 0), np.uint8))
    assert grid[128, 192] == pytest.approx(150, abs=1)


def test_that_a_crop_beyond_the_frame_is_cut_and_an_empty_one_ignored():
    assert Letterbox.of((100, 200), (64, 96), (-5, 10, 500, 90)).box == (0, 10, 200, 90)
    assert Letterbox.of((100, 200), (64, 96), (300, 0, 400, 50)).box == (0, 0, 200, 100)


def test_that_a_mask_follows_the_picture():
    mask = np.zeros((540, 800), bool)
    mask[100:300, 200:600] = True
    letterbox = Letterbox.of(mask.shape, (256, 384))
    found = letterbox.apply_mask(mask)
    (x0, y0), (x1, y1) = letterbox.to_grid(np.array([[199.5, 99.5], [599.5, 299.5]]))
    assert found.sum() == pytest.approx((x1 - x0) * (y1 - y0), rel=0.01)
