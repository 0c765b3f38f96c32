"""What the network sees is the hull of the tissue, without the furniture that stands apart from the fan."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from fetalnet.core.letterbox import Letterbox
from fetalnet.screen.burned_in import FanOnly
from fetalnet.screen.fan import sector_search
from fetalnet.screen.fan.sector import Sector, find_sector
from fetalnet.screen.fan.sector_search import search_sector
from fetalnet.screen.fan.shape import ConvexFan, FlatFan

SHAPE = (480, 640)
FAN = ConvexFan(320.0, -60.0, 120.0, 500.0, -33.0, 33.0, (0, 0, 640, 480))
LOGO = (slice(440, 470), slice(8, 60))


def screen() -> NDArray[np.uint8]:
    """A fan of speckle, a logo as large as an organ in the corner beside it."""
    grey = np.random.default_rng(0).rayleigh(40, SHAPE).clip(8, 255)
    picture = np.where(FAN.mask(SHAPE), grey, 0).astype(np.uint8)
    picture[LOGO] = 220
    return picture


def test_that_a_logo_in_the_hull_but_beside_the_fan_is_hidden() -> None:
    assert find_sector(screen()).mask(SHAPE)[LOGO].mean() > 0.9
    sector = search_sector(screen())
    mask = sector.mask(SHAPE)
    assert not mask[LOGO].any()
    assert (mask & FAN.mask(SHAPE)).sum() > 0.995 * FAN.mask(SHAPE).sum()
    assert not FanOnly.on(screen()).shown(screen())[LOGO].any()


def test_that_the_network_s_crop_is_that_of_the_tissue() -> None:
    quick, sector = find_sector(screen()), search_sector(screen())
    assert sector.box == quick.box
    letterbox = Letterbox.of(SHAPE, (256, 384), sector.box)
    on_grid = sector.on_grid(letterbox)
    assert not (on_grid & ~quick.on_grid(letterbox)).any()
    assert np.mean(on_grid != (letterbox.apply(sector.mask(SHAPE).astype(np.uint8) * 255) > 127)) < 0.005


@pytest.mark.parametrize("name", ["half of it", "a corner of it"])
def test_that_a_fan_that_would_cut_tissue_hides_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    corners = {
        "half of it": ((0.0, 0.0), (320.0, 0.0), (320.0, 480.0), (0.0, 480.0)),
        "a corner of it": ((0.0, 0.0), (640.0, 0.0), (560.0, 480.0), (0.0, 480.0)),
    }
    wrong = FlatFan(corners[name], (0, 0, 640, 480))
    monkeypatch.setattr(sector_search, "find_fan", lambda *_, **__: wrong)
    picture = screen()
    picture[LOGO] = 0
    if name == "a corner of it":
        picture[380:440, 500:640] = 120
    sector = search_sector(picture)
    assert sector.fan == wrong
    assert np.array_equal(sector.mask(SHAPE), find_sector(picture).mask(SHAPE))


def test_that_a_full_picture_is_shown_whole() -> None:
    grey = np.random.default_rng(0).rayleigh(60, SHAPE).clip(10, 255).astype(np.uint8)
    assert search_sector(grey).mask(SHAPE).all()


def test_that_a_drawn_fan_hides_what_lies_above_the_probe_s_face() -> None:
    mask = Sector.of_fan(FAN, SHAPE).mask(SHAPE)
    assert not mask[45, 310:330].any()
    assert mask[FAN.mask(SHAPE)].all()


def test_that_a_widened_fan_holds_all_of_it_and_little_more() -> None:
    flat = FlatFan(((200.0, 40.0), (440.0, 40.0), (520.0, 440.0), (120.0, 440.0)), (130, 0, 640, 430))
    for fan in (FAN, flat):
        wide, own = fan.widened(3.0).mask(SHAPE), fan.mask(SHAPE)
        assert wide[own].all()
        assert own.sum() > 0.95 * wide.sum()
