"""The sector holds all tissue and leaves the scanner's furniture out; where unsure it is the whole picture."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from support.real_data import real_data

from fetalnet.core.letterbox import Letterbox
from fetalnet.screen.fan.sector import Sector, find_sector
from fetalnet.screen.fan.sector_search import sector_of
from fetalnet.sources import open_source, read_image


def fan(shape: tuple[int, int] = (540, 800)) -> NDArray[np.bool_]:
    mask = np.zeros(shape, np.uint8)
    corners = [[300, 60], [500, 60], [760, 430], [600, 500], [200, 500], [40, 430]]
    cv2.fillConvexPoly(mask, np.array(corners), 1)
    return mask.astype(bool)


def screen(seed: int = 0, dark: tuple[slice, slice] | None = None) -> NDArray[np.uint8]:
    """A fan of speckle with a menu, text, a ruler and a grey bar around it."""
    speckle = np.random.default_rng(seed).rayleigh(40, (540, 800)).clip(8, 255)
    picture = np.where(fan(), speckle, 0).astype(np.uint8)
    if dark is not None:
        picture[dark] = 0
    picture[0:40] = 45
    for line in range(6):
        cv2.putText(picture, "Gn -1 P3/E3", (660, 70 + 18 * line), cv2.FONT_HERSHEY_SIMPLEX, 0.45, 220, 1)
    cv2.putText(picture, "12.0cm / 36Hz", (300, 28), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 255, 1)
    picture[80:440:20, 10:14] = 200
    picture[80:260, 2:8] = np.linspace(255, 0, 180)[:, None]
    return picture


def test_the_fan_is_found_without_the_furniture() -> None:
    sector = find_sector(screen())
    mask = sector.mask((540, 800))
    assert (mask & fan()).sum() > 0.999 * fan().sum()
    assert (mask & ~fan()).sum() < 0.05 * fan().sum()
    x0, y0, x1, y1 = sector.box
    assert (x0, y0, x1, y1) == pytest.approx((40, 60, 761, 501), abs=8)


def test_more_frames_fill_what_is_dark_in_one() -> None:
    left, right = (slice(0, 540), slice(0, 400)), (slice(0, 540), slice(400, 800))
    mask = find_sector(screen(1, dark=left), screen(2, dark=right)).mask((540, 800))
    assert (mask & fan()).sum() > 0.999 * fan().sum()


def test_tissue_around_a_black_shadow_stays_inside() -> None:
    mask = find_sector(screen(dark=(slice(60, 540), slice(250, 560)))).mask((540, 800))
    lit = fan()
    lit[:, 250:560] = False
    assert (mask & lit).sum() > 0.995 * lit.sum()


@pytest.mark.parametrize("bright", [0, 30])
def test_where_unsure_the_whole_picture_is_taken(bright: int) -> None:
    pixels = np.zeros((100, 150, 3), np.uint8)
    pixels[40 : 40 + bright, 60 : 60 + bright] = 200
    sector = find_sector(pixels)
    assert sector.box == (0, 0, 150, 100)
    assert sector.mask((100, 150)).all()


def test_a_picture_full_of_tissue_is_kept_whole() -> None:
    pixels = np.random.default_rng(0).rayleigh(60, (300, 400)).clip(10, 255).astype(np.uint8)
    assert find_sector(pixels).mask((300, 400)).all()


def test_the_grid_shows_the_same_sector() -> None:
    sector = find_sector(screen())
    letterbox = Letterbox.of((540, 800), (256, 384), sector.box)
    expected = letterbox.apply(sector.mask((540, 800)).astype(np.uint8) * 255) > 127
    assert np.mean(expected != sector.on_grid(letterbox)) < 0.005
    whole = Letterbox.of((540, 800), (256, 384))
    assert Sector.whole((540, 800)).on_grid(whole).sum() == 256 * 379


def test_a_recording_has_one_sector(tmp_path: Path) -> None:
    for index in range(7):
        cv2.imwrite(str(tmp_path / f"{index}.png"), screen(index))
    source = open_source(tmp_path)
    assert (sector_of(source).mask((540, 800)) & fan()).sum() > 0.999 * fan().sum()


def test_no_head_of_real_pictures_is_cut() -> None:
    folder = real_data("hc18")
    names = sorted(path.name for path in (folder / "images").glob("*.png"))[::40]
    for name in names:
        pixels = read_image(folder / "images" / name).pixels
        head = read_image(folder / "masks" / name).pixels > 0
        inside = find_sector(pixels).mask(pixels.shape)
        assert (head & inside).sum() > 0.99 * head.sum(), name


def test_real_screens_lose_their_menus() -> None:
    for path in sorted(real_data("scanner_screens").glob("*.png")):
        pixels = read_image(path).pixels
        x0, y0, x1, y1 = find_sector(pixels).box
        assert 60 <= y0 <= 100, path.name  # below the menu, which ends at row 72
        assert (x1 - x0) * (y1 - y0) > 0.4 * pixels.shape[0] * pixels.shape[1], path.name
