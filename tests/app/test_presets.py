"""A device is remembered once; its next recording is offered what is known of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PySide6.QtWidgets import QDialog, QFileDialog, QInputDialog, QMessageBox
from support.window import Person

from app.actions.table import Do
from app.dialogs.presets import PresetsDialog
from fetalnet.core.geometry import Ellipse
from fetalnet.core.planes import Kind
from fetalnet.core.scale.scale import ScaleOrigin, given_scale

WIDTH, HEIGHT = 640, 480


def write_scan(path: Path, name: str, *, depth_px: int = 400, seed: int = 0) -> Path:
    """A recording on one device: a patient's name above, settings beside the fan."""
    fan = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.ellipse(fan, (WIDTH // 2, 50), (depth_px, depth_px), 90, -36, 36, 1, -1)
    rng = np.random.default_rng(seed)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=24)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = WIDTH, HEIGHT, "yuv420p", 20_000_000
        for _ in range(12):
            pixels = fan * rng.integers(60, 200, fan.shape, np.uint8)
            pixels[30:33, 160:500] = 120
            cv2.putText(pixels, name, (170, 22), cv2.FONT_HERSHEY_SIMPLEX, 0.45, 220)
            for row, word in enumerate(("Pwr 98", "Gn 3", "C6 / M7", "P2 / E1", "SR 4")):
                cv2.putText(pixels, word, (8, 80 + 22 * row), cv2.FONT_HERSHEY_SIMPLEX, 0.45, 220)
            picture = np.repeat(pixels[..., None], 3, axis=2)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="session")
def scans(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("scans")
    return {
        "first": write_scan(folder / "first.mp4", "DOE JANE"),
        "second": write_scan(folder / "second.mp4", "MILLER ANNABEL", seed=1),
        "deeper": write_scan(folder / "deeper.mp4", "LEE", depth_px=340, seed=2),
    }


@pytest.fixture
def owner(start_program: Callable[..., Person], scans: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> Person:
    """Somebody who set the scale of a recording and let the program remember the device."""
    person = start_program()
    person.open_clip(scans["first"])
    person.window.verbs.scaling.set_typed_scale(0.25)
    monkeypatch.setattr(QInputDialog, "getText", lambda *_, **__: ("Room 1", True))
    person.do(Do.REMEMBER_DEVICE)
    assert "Remembered as Room 1" in person.message
    return person


def test_that_the_next_patient_on_the_device_is_offered_its_scale(owner: Person, scans: dict[str, Path]) -> None:
    owner.open_clip(scans["second"])
    assert "Room 1" in owner.message
    assert owner.session.scale.mm_per_pixel is None
    owner.do(Do.PRESET_SCALE)
    assert owner.session.scale.origin is ScaleOrigin.PRESET
    assert owner.session.scale.mm_per_pixel is not None
    assert owner.session.scale.mm_per_pixel.x == 0.25
    owner.do(Do.UNDO)
    assert owner.session.scale.mm_per_pixel is None


def test_that_at_another_depth_or_on_another_device_no_scale_is_offered(
    owner: Person, scans: dict[str, Path], clip: Path
) -> None:
    owner.open_clip(scans["deeper"])
    assert owner.session.device.preset is not None
    assert not owner.can(Do.PRESET_SCALE)
    owner.open_clip(clip)
    assert owner.session.device.preset is None
    assert not owner.can(Do.PRESET_SCALE)


def test_that_a_screen_with_nothing_around_its_fan_cannot_be_remembered(
    start_program: Callable[..., Person], clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = start_program(scale=given_scale(0.5))
    person.open_clip(clip)
    monkeypatch.setattr(QInputDialog, "getText", lambda *_, **__: ("Room 1", True))
    person.do(Do.REMEMBER_DEVICE)
    assert "too little" in person.message


@pytest.fixture
def dialog(owner: Person, monkeypatch: pytest.MonkeyPatch) -> PresetsDialog:
    opened: list[PresetsDialog] = []
    monkeypatch.setattr(QDialog, "exec", lambda self: opened.append(self) or 0)
    owner.do(Do.PRESETS)
    return opened[0]


def test_that_presets_are_listed_renamed_given_away_taken_and_deleted(
    owner: Person, dialog: PresetsDialog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert dialog.chosen == "Room 1"
    assert "640 × 480" in dialog.about.text()
    assert "0.25 mm per pixel" in dialog.about.text()

    monkeypatch.setattr(QInputDialog, "getText", lambda *_, **__: ("Room 2", True))
    dialog.buttons["Rename…"].click()
    assert dialog.chosen == "Room 2"

    file = tmp_path / "for a colleague.json"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(file), ""))
    dialog.buttons["Export…"].click()
    assert "Room 2" in file.read_text()

    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(file), ""))
    dialog.buttons["Import…"].click()
    assert "already" in dialog.message.text()

    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.No)
    dialog.buttons["Delete"].click()
    assert dialog.chosen == "Room 2"
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.Yes)
    dialog.buttons["Delete"].click()
    assert dialog.chosen == ""
    assert not dialog.buttons["Delete"].isEnabled()
    assert owner.session.device.preset is None

    dialog.buttons["Import…"].click()
    assert dialog.chosen == "Room 2"
    assert owner.session.device.preset is not None

    file.write_text("no preset")
    dialog.buttons["Import…"].click()
    assert "no preset of this program" in dialog.message.text()


def test_that_a_preset_s_fan_and_masks_count_for_the_device(owner: Person, scans: dict[str, Path]) -> None:
    from fetalnet.screen.fan.shape import FlatFan

    folder = owner.session.device.folder
    fan = FlatFan(((260.0, 60.0), (380.0, 60.0), (450.0, 400.0), (190.0, 400.0)), (0, 0, WIDTH, HEIGHT))
    values = folder.named("Room 1").model_dump() | {"fan": fan.to_json(), "masks": [(300, 200, 340, 220)]}
    folder.save(type(folder.named("Room 1")).model_validate(values))
    owner.session.device.reload()
    owner.open_clip(scans["second"])
    assert owner.session.fan is not None
    assert owner.session.fan.box == fan.box
    owner.do(Do.HAND_HEAD)
    centre = owner.measurement(Kind.HC).geometry
    assert isinstance(centre, Ellipse)
    assert (centre.cx, centre.cy) == pytest.approx((320, 230), abs=1)
    owner.do(Do.UNDO)
    owner.do(Do.OVERLAY)
    owner.do(Do.HIDE_TEXT)
    image = owner.canvas.grab().toImage()
    place = owner.canvas.viewport.to_screen()

    def bright(x: float, y: float) -> int:
        return max(
            image.pixelColor(*(round(value) for value in place.map(x + dx, y + dy))).value()
            for dx in (-3, 0, 3)
            for dy in (-3, 0, 3)
        )

    assert bright(320, 150) > 40
    assert bright(320, 210) == 0
    assert bright(150, 380) == 0
