"""The fan's shape is found on every kind of screen, drawn by hand, kept, and handed to the network."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from support.real_data import real_data

from fetalnet.core.errors import InputError
from fetalnet.research.phantom import Layout, PhantomRecording
from fetalnet.screen.fan.search import find_fan
from fetalnet.screen.fan.sector import Sector, find_sector
from fetalnet.screen.fan.shape import ConvexFan, FanShape, FlatFan, check_fan, fan_from_json, fan_through
from fetalnet.sources import read_image

PICTURE = (640, 480)
CONVEX = ConvexFan(320.0, -100.0, 150.0, 540.0, -30.0, 30.0, (0, 0, *PICTURE))
FLAT = FlatFan(((200.0, 40.0), (440.0, 40.0), (520.0, 440.0), (120.0, 440.0)), (0, 0, *PICTURE))


def overlap(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    return float((one & other).sum() / (one | other).sum())


def speckle(fan: FanShape, seed: int = 0) -> NDArray[np.uint8]:
    grey = np.random.default_rng(seed).rayleigh(40, PICTURE[::-1]).clip(8, 255)
    picture = np.where(fan.mask(PICTURE[::-1]), grey, 0).astype(np.uint8)
    picture[60:420:20, 8:12] = 200
    return picture


@pytest.mark.parametrize("layout", [Layout.CONSOLE, Layout.SIDE_TEXT, Layout.PORTABLE])
def test_that_the_phantoms_own_fan_is_found(layout: Layout) -> None:
    recording = PhantomRecording(6, duration_s=1.0, frame_rate_hz=4, size=(640, 480), layout=layout)
    fan = find_fan(*(recording[k][0].pixels for k in range(4)))
    x, y = np.meshgrid(np.arange(640), np.arange(480))
    assert fan is not None
    assert overlap(fan.mask((480, 640)), recording.view.inside(x, y)) > 0.97


def test_that_apex_and_depth_of_a_sector_are_found() -> None:
    fan = find_fan(speckle(CONVEX))
    assert isinstance(fan, ConvexFan)
    assert (fan.apex_x, fan.apex_y) == pytest.approx((320, -100), abs=12)
    assert fan.outer_px - fan.inner_px == pytest.approx(390, abs=8)
    assert fan.right_deg == pytest.approx(30, abs=1.5)


def test_that_a_rectangle_is_found() -> None:
    rectangle = FlatFan(((150.0, 50.0), (480.0, 50.0), (480.0, 430.0), (150.0, 430.0)), (0, 0, *PICTURE))
    fan = find_fan(speckle(rectangle))
    assert fan is not None
    assert overlap(fan.mask((480, 640)), rectangle.mask((480, 640))) > 0.97


def test_that_a_side_in_the_dark_is_completed() -> None:
    y, x = np.mgrid[: PICTURE[1], : PICTURE[0]]
    angle_deg = np.degrees(np.arctan2(x - CONVEX.apex_x, y - CONVEX.apex_y))
    picture = (speckle(CONVEX) * np.clip((26 - angle_deg) / 6, 0, 1)).astype(np.uint8)
    fan = find_fan(picture)
    assert fan is not None
    found, known, lit = (each.mask((480, 640)) for each in (fan, CONVEX, find_sector(picture)))
    assert overlap(found, known) > 0.93
    assert overlap(found, known) > overlap(lit, known) + 0.01


def test_that_a_black_screen_has_no_fan() -> None:
    assert find_fan(np.zeros((480, 640, 3), np.uint8)) is None


@pytest.mark.parametrize("fan", [CONVEX, FLAT])
def test_that_a_fan_is_read_as_it_was_written(fan: FanShape) -> None:
    assert fan_from_json(fan.to_json()) == fan


def test_that_three_points_of_the_arc_give_its_circle() -> None:
    fan = fan_through([(590.0, 367.0), (50.0, 367.0), (320.0, 440.0)], PICTURE)
    assert isinstance(fan, ConvexFan)
    assert (fan.apex_x, fan.apex_y + fan.outer_px) == pytest.approx((320, 440), abs=1)


def test_that_four_corners_come_in_any_order() -> None:
    fan = fan_through([(120.0, 440.0), (440.0, 40.0), (520.0, 440.0), (200.0, 40.0)], PICTURE)
    assert fan == FLAT


@pytest.mark.parametrize("points", [[(50.0, 400.0), (320.0, 300.0), (590.0, 400.0)], [(5.0, 5.0)] * 4])
def test_that_points_without_a_fan_are_refused(points: list[tuple[float, float]]) -> None:
    with pytest.raises(InputError):
        fan_through(points, PICTURE)


def test_that_a_fan_beside_the_picture_is_refused() -> None:
    with pytest.raises(InputError, match="next to nothing"):
        check_fan(FlatFan(((900.0, 0.0), (950.0, 0.0), (950.0, 90.0), (900.0, 90.0)), (0, 0, *PICTURE)), PICTURE)


def test_that_the_network_looks_at_all_of_a_drawn_fan() -> None:
    sector = Sector.of_fan(CONVEX, PICTURE[::-1])
    inside = CONVEX.mask(PICTURE[::-1])
    assert (sector.mask(PICTURE[::-1]) & inside).sum() > 0.998 * inside.sum()
    x0, y0, x1, y1 = sector.box
    assert not inside[:, :x0].any()
    assert not inside[:y0].any()
    assert not inside[y1:].any()
    assert not inside[:, x1:].any()


def test_that_real_screens_have_a_fan_below_their_menus() -> None:
    for path in sorted(real_data("scanner_screens").glob("*.png"))[::4]:
        fan = find_fan(read_image(path).pixels)
        assert fan is not None
        assert 60 <= fan.box[1] <= 110, path.name
        assert fan.box[3] >= 725, path.name
