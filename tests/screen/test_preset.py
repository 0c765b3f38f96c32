"""A device is known by its screen, whoever the patient is; its scale is offered only where it still holds."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.real_data import real_data

from fetalnet.core.errors import InputError
from fetalnet.core.geometry import MmPerPixel
from fetalnet.core.scale.scale import Scale, ScaleOrigin, given_scale
from fetalnet.screen.device.layout import Layout
from fetalnet.screen.device.preset import Preset, Ticks, best_match, new_preset
from fetalnet.screen.device.preset_folder import SUFFIX, PresetFolder
from fetalnet.screen.fan.sector import Sector, find_sector
from fetalnet.screen.fan.shape import FlatFan
from fetalnet.screen.ruler.detect import Axis, Ruler, Tick

WIDTH, HEIGHT = 800, 600
FAN = FlatFan(((300.0, 60.0), (500.0, 60.0), (700.0, 560.0), (100.0, 560.0)), (0, 0, WIDTH, HEIGHT))


def screen(name: str = "DOE JANE", *, maker: str = "left", depth: int = 440, seed: int = 0) -> np.ndarray:
    """A screen of one of two makers: the name above, settings at one side, a bar of grey levels at the other."""
    pixels = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.ellipse(pixels, (WIDTH // 2, 60), (depth, depth), 90, -36, 36, 1, -1)
    pixels *= np.random.default_rng(seed).integers(60, 220, pixels.shape, np.uint8)
    settings, bar = (10, 780) if maker == "left" else (700, 6)
    pixels[40:44, 200:620] = 120
    cv2.putText(pixels, name, (210, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 220)
    for row, word in enumerate(("Pwr 98", "Gn 3", "C6 / M7", "P2 / E1", "SR 4", "25 Hz")):
        cv2.putText(pixels, word, (settings, 100 + 24 * row), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 220)
    pixels[100:300, bar : bar + 10] = np.linspace(255, 0, 200).astype(np.uint8)[:, None]
    for y in range(60, 560, 40):
        pixels[y, 770:776] = 230
    return pixels


def layout_of(pixels: np.ndarray) -> Layout:
    layout = Layout.of(pixels, find_sector(pixels))
    assert layout is not None
    return layout


def test_that_a_device_is_known_whoever_the_patient_is_and_whatever_the_depth() -> None:
    preset = new_preset("Room 1", layout_of(screen("DOE JANE")))
    for other in (screen("MILLER-SMITH ANNA", seed=1), screen("LEE", depth=510, seed=2)):
        assert best_match([preset], layout_of(other), find_sector(other)) is preset
    for other in (screen(maker="right"), cv2.resize(screen(), (640, 480))):
        assert best_match([preset], layout_of(other), find_sector(other)) is None


def test_that_thirteen_real_examinations_on_one_scanner_know_each_other() -> None:
    from fetalnet.sources import read_image

    screens = sorted(real_data("scanner_screens").glob("*.png"))
    layouts = [layout_of(read_image(path).pixels) for path in screens]
    assert len(layouts) == 13
    assert all(layouts[0].matches(other) for other in layouts)
    assert not any(layout.matches(layout_of(screen())) for layout in layouts)


def test_that_a_screen_without_furniture_is_nobody_s() -> None:
    bare = screen()
    bare[~find_sector(bare).mask(bare.shape)] = 0
    assert Layout.of(bare, find_sector(bare)) is None
    assert best_match([new_preset("Room 1", layout_of(screen()))], None, find_sector(bare)) is None


def test_that_no_name_can_be_read_from_a_preset() -> None:
    text = new_preset("Room 1", layout_of(screen("DOE JANE"))).to_text()
    assert "DOE" not in text.upper()
    assert set("".join(json.loads(text)["layout"]["furniture"])) <= set("#.~")


def test_that_a_scale_is_offered_at_the_depth_it_was_confirmed_at_and_at_no_other() -> None:
    sector = find_sector(screen())
    preset = new_preset("Room 1", layout_of(screen()), scale=given_scale(0.21), sector=sector)
    again = preset.scale_on(find_sector(screen("LEE", seed=3)))
    assert again.origin is ScaleOrigin.PRESET
    assert again.mm_per_pixel is not None
    assert again.mm_per_pixel.x == 0.21
    deeper = preset.scale_on(find_sector(screen(depth=510)))
    assert deeper.mm_per_pixel is None
    assert "depth or zoom" in (deeper.note or "")
    there = find_sector(screen(depth=510))
    other = new_preset("Room 1, 9 cm", layout_of(screen()), scale=given_scale(0.3), sector=there)
    found = best_match([other, preset], layout_of(screen("LEE")), sector)
    assert found is preset


def test_that_presets_are_kept_renamed_exported_imported_and_deleted(tmp_path: Path) -> None:
    presets = PresetFolder(tmp_path / "presets")
    assert presets.presets() == []
    preset = new_preset("Voluson, room 1", layout_of(screen()), fan=FAN, ticks=Ticks(5.0, (2,)))
    presets.add(preset)
    assert PresetFolder(tmp_path / "presets").presets() == [preset]
    with pytest.raises(InputError, match="already"):
        presets.add(preset)
    presets.rename("Voluson, room 1", " Voluson, room 2 ")
    assert [each.name for each in presets.presets()] == ["Voluson, room 2"]
    presets.export("Voluson, room 2", tmp_path / "for a colleague.json")
    presets.delete("Voluson, room 2")
    assert presets.presets() == []
    colleague = PresetFolder(tmp_path / "elsewhere")
    assert colleague.import_file(tmp_path / "for a colleague.json") == preset.renamed("Voluson, room 2")
    (sector,) = [each.sector for each in colleague.presets()]
    assert sector is not None
    assert sector.box == FAN.box
    for name in ("rename", "delete"):
        with pytest.raises(InputError, match="no preset"):
            getattr(presets, name)("gone", *(["x"] if name == "rename" else []))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name": "  "}, "name"),
        ({"format": "other"}, "format"),
        ({"schema_version": 2}, "schema_version"),
        ({"tick_spacing_mm": 0}, "tick_spacing_mm"),
        ({"scale": {"x": 50, "y": 0.2, "outline": [[0, 0], [9, 0], [9, 9]]}}, "scale"),
        ({"fan": {"type": "heart"}}, "fan"),
        ({"fan": FAN.to_json() | {"clip": [0, 0, 8, 6]}}, "next to nothing"),
        ({"masks": [[0, 0, 900, 10]]}, "mask"),
        ({"layout": {"width": 800, "height": 600, "furniture": ["###"]}}, "furniture"),
        ({"surprise": 1}, "surprise"),
    ],
)  # fmt: skip
def test_that_a_file_that_is_no_preset_is_one_sentence(tmp_path: Path, change: dict, sentence: str) -> None:
    presets = PresetFolder(tmp_path / "presets")
    values = json.loads(new_preset("Room 1", layout_of(screen())).to_text()) | change
    path = tmp_path / "theirs.json"
    path.write_text(json.dumps(values))
    with pytest.raises(InputError, match=r"theirs\.json is no preset") as error:
        presets.import_file(path)
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)
    assert presets.presets() == []


def test_that_a_damaged_file_costs_that_preset_alone(tmp_path: Path) -> None:
    presets = PresetFolder(tmp_path)
    presets.add(new_preset("Room 1", layout_of(screen())))
    (tmp_path / f"broken{SUFFIX}").write_text("{")
    assert [each.name for each in presets.presets()] == ["Room 1"]
    assert len(presets.damaged) == 1
    assert "broken" in presets.damaged[0]


def test_that_a_scale_without_a_fan_is_not_kept() -> None:
    layout, nothing = layout_of(screen()), Scale(None, ScaleOrigin.NONE)
    assert new_preset("Room 1", layout, scale=given_scale(0.2)).scale is None
    assert new_preset("Room 1", layout, scale=nothing, sector=Sector.whole((600, 800))).scale is None


def test_that_masks_are_hidden_too() -> None:
    from fetalnet.screen.burned_in import FanOnly

    pixels = screen()
    hidden = FanOnly.of(find_sector(pixels), pixels.shape, ((380, 300, 420, 320),)).shown(pixels)
    assert not hidden[300:320, 380:420].any()
    assert hidden[330:350, 380:420].any()


def test_that_a_preset_is_the_same_after_a_round_trip() -> None:
    preset = new_preset("Room 1", layout_of(screen()), fan=FAN, scale=given_scale(0.2), sector=find_sector(screen()))
    assert Preset.from_text(preset.to_text(), "it") == preset


def ruler_of(period_px: float, pattern: tuple[int, ...] = (2,), *, confidence: float = 0.95) -> Ruler:
    ticks = tuple(Tick(60 + k * period_px, 0) for k in range(round(440 / period_px)))
    return Ruler(Axis.DEPTH, 30.0, 60.0, period_px, pattern, ticks, confidence)


def test_that_remembered_ticks_give_the_scale_of_any_depth_and_say_where_it_is_from() -> None:
    preset = new_preset("Room 1", layout_of(screen()), ticks=Ticks(5.0, (2,)))
    for period_px in (14.0, 22.0, 37.5):
        scale = preset.ruler_scale(ruler_of(period_px), 440.0)
        assert scale.mm_per_pixel == MmPerPixel(5 / period_px, 5 / period_px)
        assert scale.origin is ScaleOrigin.RULER
        assert scale.note == "Ticks every 5 mm, as remembered of Room 1."
    again = Preset.from_text(preset.to_text(), "Room 1")
    assert again == preset
    assert again.ruler_scale(ruler_of(22.0, (2, 10)), 440.0).mm_per_pixel is not None


@pytest.mark.parametrize(
    ("ruler", "why"),
    [
        (None, "not found clearly"),
        (ruler_of(22.0, confidence=0.7), "not found clearly"),
        (ruler_of(22.0, (5,)), "another pattern"),
        (ruler_of(22.0, ()), "another pattern"),
        (ruler_of(4.6), "the depth could not be"),
    ],
)
def test_that_in_doubt_remembered_ticks_give_no_scale(ruler: Ruler | None, why: str) -> None:
    scale = new_preset("Room 1", layout_of(screen()), ticks=Ticks(5.0, (2,))).ruler_scale(ruler, 440.0)
    assert scale.mm_per_pixel is None
    assert why in (scale.note or "")


def test_that_ticks_of_a_spacing_no_scanner_draws_give_no_scale() -> None:
    preset = new_preset("Room 1", layout_of(screen())).with_ticks(7.0)
    assert preset.ruler_scale(ruler_of(30.0), 440.0).mm_per_pixel is None


@pytest.mark.parametrize(
    "ticks",
    [
        {"tick_spacing_mm": 0}, {"tick_spacing_mm": -5}, {"tick_spacing_mm": 1e9}, {"tick_spacing_mm": "five"},
        {"tick_pattern": [1]}, {"tick_pattern": [2, 4, 8]}, {"tick_pattern": 2}, {"tick_pattern": ["many"]},
    ],
)  # fmt: skip
def test_that_ticks_that_cannot_be_are_refused_with_their_place(ticks: dict[str, object]) -> None:
    text = json.dumps(json.loads(new_preset("Room 1", layout_of(screen())).to_text()) | ticks)
    with pytest.raises(InputError, match=rf"a.json is no preset of this program: {next(iter(ticks))}"):
        Preset.from_text(text, "a.json")


def test_that_a_colleague_gets_the_ticks_too_and_may_change_them(tmp_path: Path) -> None:
    mine, theirs = PresetFolder(tmp_path / "mine"), PresetFolder(tmp_path / "theirs")
    mine.add(new_preset("Room 1", layout_of(screen()), ticks=Ticks(5.0, (2,))))
    mine.export("Room 1", tmp_path / "room.json")
    theirs.import_file(tmp_path / "room.json")
    assert theirs.named("Room 1").tick_spacing_mm == 5.0
    theirs.set_ticks("Room 1", 10.0)
    assert theirs.named("Room 1").tick_spacing_mm == 10.0
    assert theirs.named("Room 1").tick_pattern == (2,)
    theirs.set_ticks("Room 1", None)
    assert theirs.named("Room 1").tick_pattern is None
    with pytest.raises(InputError, match="no preset Room 2"):
        theirs.set_ticks("Room 2", 5.0)
