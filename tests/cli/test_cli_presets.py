"""``fetalnet analyze`` knows a device by its screen and takes what its preset remembers; it says so."""

import json
import sys
from contextlib import closing

import cv2
import pytest
from support.depth_screens import screen_at_depth
from support.ruler_screens import draw_ruler_screen

from fetalnet.cli import main
from fetalnet.cli.devices import Devices
from fetalnet.core.geometry import Ellipse
from fetalnet.core.planes import Plane
from fetalnet.core.prediction import ModelRef, Prediction
from fetalnet.core.scale.scale import given_scale
from fetalnet.core.system.folders import Folders
from fetalnet.screen.device.layout import Layout
from fetalnet.screen.device.preset import Preset, Ticks, new_preset
from fetalnet.screen.device.preset_folder import PresetFolder
from fetalnet.screen.fan.sector import find_sector
from fetalnet.sources import open_source

SEED = 3
TICKS = Ticks(5.0, (2,))


class Headstrong:
    """Sees the same head everywhere; remembers where it was told to look."""

    model = ModelRef("headstrong", "0" * 64, "none")
    seen = None

    def look_at(self, crop, fan):
        type(self).seen = crop

    def predict(self, frame):
        probabilities = dict(zip(Plane, (0.97, 0.01, 0.01, 0.01), strict=True))
        return Prediction(
            frame.index, frame.time_s, Plane.HEAD, probabilities, 0.9, None, Ellipse(300, 250, 90, 70, 0)
        )  # fmt: skip

    predict_still = predict


@pytest.fixture(scope="module")
def screen():
    return draw_ruler_screen(SEED)


def preset(screen, **known):
    sector = find_sector(screen.picture)
    return new_preset("Room 1", Layout.of(screen.picture, sector), sector=sector, **known)


def write(path, screen):
    cv2.imwrite(str(path), cv2.cvtColor(screen.picture, cv2.COLOR_RGB2BGR))
    return path


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where the person's presets are."""
    monkeypatch.setattr(sys.modules["fetalnet.cli.analyze"], "_predictor", lambda *_, **__: Headstrong())
    monkeypatch.setattr("fetalnet.cli.devices.Folders", lambda: Folders(data=tmp_path))
    return PresetFolder(Folders(data=tmp_path).presets)


@pytest.fixture
def analyze(capsys):
    def run(*arguments, status=0):
        with pytest.raises(SystemExit) as left:
            main(["analyze", *map(str, arguments)])
        captured = capsys.readouterr()
        assert left.value.code == status, captured.err
        return json.loads(captured.out) if status == 0 else None, " ".join(captured.err.split())

    return run


def test_that_remembered_ticks_give_the_scale_at_any_depth(analyze, folder, screen, tmp_path):
    folder.save(preset(screen, ticks=TICKS))
    for deeper in (1.0, 1.4):
        shown = screen_at_depth(SEED, deeper, frame=7)
        value, errors = analyze(write(tmp_path / "a.png", shown))
        assert value["scale_origin"] == "ruler"
        assert value["mm_per_pixel"]["x"] == pytest.approx(shown.mm_per_pixel, rel=0.005)
        assert value["best"]["BPD"]["value_mm"] == pytest.approx(140 * shown.mm_per_pixel, rel=0.005)
        assert value["scale_note"] == "Ticks every 5 mm, as remembered of Room 1."
        assert "as remembered of Room 1" in errors


def test_that_a_remembered_scale_holds_at_its_depth_only_and_says_why_not(analyze, folder, screen, tmp_path):
    folder.save(preset(screen, scale=given_scale(screen.mm_per_pixel)))
    value, _ = analyze(write(tmp_path / "a.png", screen))
    assert (value["scale_origin"], value["scale_note"]) == ("preset", "From the preset Room 1.")
    value, errors = analyze(write(tmp_path / "b.png", screen_at_depth(SEED, 1.4)))
    assert (value["mm_per_pixel"], value["scale_origin"]) == (None, "none")
    assert "No scale from the preset Room 1. The fan is not where it was" in value["scale_note"]
    assert "No scale from the preset Room 1" in errors


def test_that_ruler_and_fan_must_agree(analyze, folder, screen, tmp_path):
    folder.save(preset(screen, ticks=TICKS, scale=given_scale(2 * screen.mm_per_pixel)))
    value, _ = analyze(write(tmp_path / "a.png", screen))
    assert value["mm_per_pixel"] is None
    assert "do not agree" in value["scale_note"]


def test_that_ticks_drawn_in_another_way_are_not_believed(analyze, folder, screen, tmp_path):
    folder.save(preset(screen, ticks=Ticks(10.0, (5,))))
    value, _ = analyze(write(tmp_path / "a.png", screen))
    assert value["mm_per_pixel"] is None
    assert "another pattern of ticks" in value["scale_note"]


def test_that_a_given_scale_wins_and_presets_can_be_ignored(analyze, folder, screen, tmp_path):
    folder.save(preset(screen, ticks=TICKS))
    path = write(tmp_path / "a.png", screen)
    assert analyze(path, "--mm-per-pixel", "0.3")[0]["scale_origin"] == "given"
    value, _ = analyze(path, "--no-preset")
    assert (value["mm_per_pixel"], value["scale_origin"], value["scale_note"]) == (None, "none", None)
    folder.delete("Room 1")
    (folder.folder / "b.fetalnet-preset.json").write_text("{")
    value, errors = analyze(path)
    assert value["mm_per_pixel"] is None
    assert "b.fetalnet-preset.json is no preset" in errors


def test_that_stills_have_each_their_own_device(analyze, folder, screen, tmp_path):
    folder.save(preset(screen, ticks=TICKS))
    stills = tmp_path / "stills"
    stills.mkdir()
    write(stills / "a.png", screen)
    write(stills / "b.png", draw_ruler_screen(SEED + 1))
    value, _ = analyze(stills, "--stills")
    sizes = [frame["mm_per_pixel"] for frame in value["frames"]]
    assert sizes[0]["x"] == pytest.approx(screen.mm_per_pixel, rel=0.005)
    assert sizes[1] is None


def test_that_a_preset_is_named_or_given_as_a_file(analyze, folder, screen, tmp_path):
    file = tmp_path / "colleague.json"
    file.write_text(preset(screen, ticks=TICKS).to_text())
    path = write(tmp_path / "a.png", screen)
    assert analyze(path, "--preset", file)[0]["scale_origin"] == "ruler"
    _, errors = analyze(path, "--preset", "Room 1", status=2)
    assert "There is no preset Room 1; give the name of one (none yet)" in errors
    folder.save(preset(screen, ticks=TICKS))
    assert analyze(path, "--preset", "Room 1")[0]["scale_origin"] == "ruler"
    other = write(tmp_path / "b.png", draw_ruler_screen(SEED + 1))
    assert "is of a screen of" in analyze(other, "--preset", "Room 1", status=2)[1]
    assert "not both" in analyze(path, "--preset", "Room 1", "--no-preset", status=2)[1]
    file.write_text("{}")
    assert "is no preset of this program" in analyze(path, "--preset", file, status=2)[1]


def test_that_a_fan_drawn_for_the_device_is_what_the_network_sees(analyze, folder, screen, tmp_path):
    from fetalnet.screen.fan.shape import FlatFan

    height, width = screen.picture.shape[:2]
    fan = FlatFan(((200.0, 100.0), (400.0, 100.0), (400.0, 300.0), (200.0, 300.0)), (0, 0, width, height))
    folder.save(preset(screen, fan=fan))
    path = write(tmp_path / "a.png", screen)
    for more in ((), ("--stills",)):
        Headstrong.seen = None
        value, errors = analyze(path, *more)
        assert Headstrong.seen == fan.box
        assert value["scale_note"] == "The fan is that of the preset Room 1."
        assert "that of the preset Room 1" in errors


def test_that_what_a_preset_masks_is_shown_in_no_picture(folder, screen, tmp_path):
    masked = preset(screen).model_dump() | {"masks": [(600, 300, 640, 320)]}
    folder.save(Preset.model_validate(masked))
    with closing(open_source(write(tmp_path / "a.png", screen))) as source:
        inside = Devices(None, ignored=False).fan_only(source).inside
        everything = Devices(None, ignored=True).fan_only(source).inside
    assert not inside[300:320, 600:640].any()
    assert everything[300:320, 600:640].all()
