"""A picture alone is seen mirrored and from nearer; what comes of it lies where the picture shows it."""

import numpy as np
import pytest

from fetalnet.core.geometry import Ellipse, Line
from fetalnet.core.letterbox import Letterbox
from fetalnet.core.planes import STANDARD_PLANES, Plane
from fetalnet.inference.engines.base import Raw
from fetalnet.inference.stills.views import joined, nearer_box, same_organ, seen_both_ways

GRID = (256, 384)


def disc(cx, cy, radius, shape=GRID):
    y, x = np.indices(shape)
    return np.clip(radius - np.hypot(x - cx, y - cy) + 0.5, 0, 1).astype(np.float32)


def answer(mask, plane=Plane.HEAD):
    planes = np.array([float(each is plane) for each in Plane], np.float32)
    masks = np.zeros((3, *mask.shape), np.float32)
    if plane in STANDARD_PLANES:
        masks[STANDARD_PLANES.index(plane)] = mask
    return Raw(planes, np.full(3, 0.9, np.float32), masks)


def test_that_the_mirror_image_is_turned_back():
    grid = disc(100, 120, 40)
    raw = seen_both_ways(grid, lambda seen: answer(seen))
    assert raw.masks[0] == pytest.approx(grid)


def test_that_one_side_alone_gets_half_of_the_say():
    left = disc(100, 120, 40)
    raw = seen_both_ways(np.zeros(GRID, np.float32), lambda _: answer(left))
    assert raw.masks[0] == pytest.approx((left + left[:, ::-1]) / 2)


def test_that_a_small_organ_is_looked_at_from_nearer_and_a_large_one_is_not():
    letterbox = Letterbox.of((800, 1200), GRID)
    box = nearer_box(answer(disc(150, 100, 30)), letterbox)
    assert box is not None
    centre = letterbox.to_native(np.array([[150.0, 100.0]]))[0]
    assert ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2) == pytest.approx(tuple(centre), abs=3)
    assert box[2] - box[0] < 600
    assert nearer_box(answer(disc(190, 128, 110)), letterbox) is None
    assert nearer_box(answer(disc(150, 100, 30), Plane.OTHER), letterbox) is None
    assert nearer_box(answer(np.zeros(GRID, np.float32)), letterbox) is None


def test_that_both_looks_at_an_organ_agree_on_where_it_lies():
    organ = Ellipse(500, 320, 90, 90, 0)
    far = Letterbox.of((800, 1200), GRID)
    box = (350, 220, 650, 420)
    near = Letterbox.of((800, 1200), GRID, box)

    def seen_through(letterbox):
        cx, cy = letterbox.to_grid(np.array([[organ.cx, organ.cy]]))[0]
        return answer(disc(cx, cy, organ.a * letterbox.scale[0]))

    both = joined(seen_through(far), far, seen_through(near), near).masks[0]
    cx, cy = near.to_grid(np.array([[organ.cx, organ.cy]]))[0]
    assert both == pytest.approx(disc(cx, cy, organ.a * near.scale[0]), abs=0.51)
    assert np.mean((both > 0.5) != (seen_through(near).masks[0] > 0.5)) < 0.004


def test_that_a_nearer_look_that_sees_another_size_is_not_believed():
    organ = Ellipse(50, 50, 30, 20, 0)
    assert same_organ(organ, Ellipse(50, 50, 31, 20, 5))
    assert not same_organ(organ, Ellipse(50, 50, 24, 16, 5))
    assert not same_organ(organ, None)
    assert same_organ(None, organ)
    assert not same_organ(Line.of(0, 0, 50, 0), Line.of(0, 0, 40, 0))
