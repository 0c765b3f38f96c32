"""Live, the scale is the sender's, a person's or a known device's, follows a trusted ruler, and else ends in time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.depth_screens import moving_screen
from support.senders import wait_for

from fetalnet.core.geometry import Ellipse, MmPerPixel
from fetalnet.core.planes import Plane
from fetalnet.core.prediction import Prediction
from fetalnet.core.scale.scale import ScaleOrigin, given_scale
from fetalnet.live import LiveAnalysis, LiveFrame, Segment
from fetalnet.screen.change import watch as screen_watch
from fetalnet.screen.device.layout import Layout
from fetalnet.screen.device.preset import Preset, Ticks, new_preset
from fetalnet.screen.fan.sector import find_sector
from fetalnet.sources import Frame

TEN_HZ = 0.1
SENT = MmPerPixel(0.25, 0.25)


class SeesNothing:
    """A predictor; the scale does not depend on it."""

    def look_at(self, crop: object, fan: object) -> None:
        pass

    def predict(self, frame: Frame) -> Prediction:
        return Prediction(
            frame.index, frame.time_s, Plane.OTHER, dict.fromkeys(Plane, 0.25), 0.0, None, Ellipse.of(9, 9, 5, 4, 0)
        )

    predict_still = predict

    def submit(self, frame: Frame) -> Callable[[], Prediction]:
        return lambda: self.predict(frame)


class Scan:
    """A live picture whose knob can be turned."""

    def __init__(self, presets: tuple[Preset, ...] = ()) -> None:
        self.analysis = LiveAnalysis(SeesNothing(), presets=presets)
        self.frames = 0

    def scan(self, frames: int, *, tick_px: int = 23, told: MmPerPixel | None = None, link: int = 0) -> None:
        for _ in range(frames):
            frame = Frame(self.frames, self.frames * TEN_HZ, moving_screen(self.frames, tick_px))
            self.last = self.analysis.look(LiveFrame(frame, 100 + self.frames * TEN_HZ, link, told))()
            self.frames += 1

    @property
    def size(self) -> MmPerPixel | None:
        return self.analysis.scales.at(self.last.prediction.index).scale.mm_per_pixel


@pytest.fixture(autouse=True)
def fans_not_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fan has its say in other tests: it takes seconds."""
    monkeypatch.setattr(screen_watch, "find_fan", lambda *_: None)


@pytest.fixture(scope="module")
def preset() -> Preset:
    picture = moving_screen(500, 23)
    fan = find_sector(picture)
    layout = Layout.of(picture, fan)
    assert layout is not None
    return new_preset("Room 1", layout, ticks=Ticks(10.0, (5,)))


def test_that_a_known_device_has_its_scale_and_its_ruler_is_followed(preset: Preset) -> None:
    scan = Scan((preset,))
    scan.scan(25)
    assert scan.last.preset is preset
    assert wait_for(lambda: scan.size is not None)
    assert scan.size.x == pytest.approx(10 / 23, rel=0.003)
    assert "Room 1" in scan.analysis.scales.at(0).note
    scan.scan(50)
    scan.scan(3, tick_px=31)
    # At once no scale from before; a moment later what the ruler tells.
    assert scan.size is None or scan.size.x == pytest.approx(10 / 31, rel=0.003)
    assert wait_for(lambda: scan.size is not None)
    assert scan.size.x == pytest.approx(10 / 31, rel=0.003)
    # The file of the recording begins at frame 50 of the link: its scale says from which of its own frames on.
    track = scan.analysis.scales_of(Segment(Path("a.mkv"), 105.0, 108.0, 28, 0, 50))
    assert track.at(24).whole.x == pytest.approx(10 / 23, rel=0.003)
    assert track.at(25).followed_from == 25
    assert "from frame 25" in track.at(25).note


def test_that_the_sender_s_word_is_used_and_followed() -> None:
    scan = Scan()
    scan.scan(3, told=SENT)
    assert scan.last.calibration.origin is ScaleOrigin.PIXEL_SPACING
    assert scan.size == SENT
    scan.scan(2, told=MmPerPixel(0.3, 0.3))
    assert scan.size == MmPerPixel(0.3, 0.3)
    assert scan.analysis.scales.at(2).whole == SENT
    scan.scan(1)
    assert scan.size is None
    scan.scan(1, told=SENT, link=1)
    assert scan.size == SENT


def test_that_a_sender_who_goes_on_with_another_depth_s_size_is_not_believed() -> None:
    scan = Scan()
    scan.scan(60, told=SENT)
    scan.scan(5, tick_px=31, told=SENT)
    assert scan.size is None
    assert "The sender goes on" in scan.last.calibration.refused
    assert scan.analysis.scales.at(59).whole == SENT


def test_that_a_sender_who_follows_the_depth_is_believed() -> None:
    scan = Scan()
    scan.scan(60, told=SENT)
    scan.scan(1, tick_px=31, told=SENT)
    scan.scan(5, tick_px=31, told=MmPerPixel(0.2, 0.2))
    assert scan.size == MmPerPixel(0.2, 0.2)


def test_that_a_person_s_word_wins_over_the_sender_s_until_that_changes() -> None:
    scan = Scan()
    scan.analysis.set_scale(given_scale(0.4))
    scan.scan(3, told=SENT)
    assert scan.size == MmPerPixel(0.4, 0.4)
    scan.scan(1, told=MmPerPixel(0.3, 0.3))
    assert scan.size == MmPerPixel(0.3, 0.3)
    scan.analysis.set_scale(given_scale(0.5))
    scan.scan(2, told=MmPerPixel(0.3, 0.3))
    assert scan.size == MmPerPixel(0.5, 0.5)


def test_that_the_scale_ends_where_the_link_is_another() -> None:
    scan = Scan()
    scan.scan(1)
    scan.analysis.set_scale(given_scale(0.4))
    scan.scan(1, link=1)
    assert "need not hold" in scan.last.calibration.refused
    assert np.isclose(scan.analysis.scales.at(0).whole.x, 0.4)
