"""The ruler on the screen gives a scale, and a person says what its ticks stand for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtWidgets import QDialog, QInputDialog
from support.depth_screens import screen_at_depth
from support.ruler_screens import RulerScreen, draw_ruler_screen
from support.window import Person

from app.actions.ruler import NO_RULER
from app.actions.table import Do
from app.dialogs.presets import TICKS_UNKNOWN, PresetsDialog
from app.dialogs.ruler_scale import RulerDialog
from fetalnet.core.scale.scale import ScaleOrigin

SEED = 3


def written(path: Path, screen: RulerScreen) -> Path:
    cv2.imwrite(str(path), cv2.cvtColor(screen.picture, cv2.COLOR_RGB2BGR))
    return path


@pytest.fixture(scope="module")
def screen() -> RulerScreen:
    return draw_ruler_screen(SEED)


@pytest.fixture
def at_the_screen(person: Person, screen: RulerScreen, tmp_path: Path) -> Person:
    person.open_clip(written(tmp_path / "screen.png", screen))
    return person


def asked(person: Person) -> RulerDialog:
    person.do(Do.RULER_SCALE)
    person.wait(lambda: person.window.verbs.scaling.ruler.dialog is not None)
    dialog = person.window.verbs.scaling.ruler.dialog
    assert dialog is not None
    return dialog


def test_that_the_confirmed_ruler_gives_the_scale_and_undo_takes_it_back(
    at_the_screen: Person, screen: RulerScreen
) -> None:
    person = at_the_screen
    dialog = asked(person)
    assert person.window.canvas.ticks is not None
    assert person.session.scale.mm_per_pixel is None
    dialog.choose(screen.spacing_mm)
    dialog.accept()
    assert person.session.scale.origin is ScaleOrigin.RULER
    assert person.session.scale.mm_per_pixel is not None
    assert person.session.scale.mm_per_pixel.x == pytest.approx(screen.mm_per_pixel, rel=0.005)
    assert person.window.canvas.ticks is None
    person.do(Do.UNDO)
    assert person.session.scale.mm_per_pixel is None


def test_that_a_cancelled_question_changes_nothing(at_the_screen: Person) -> None:
    asked(at_the_screen).reject()
    assert at_the_screen.session.scale.mm_per_pixel is None
    assert at_the_screen.window.canvas.ticks is None


def test_that_a_screen_without_a_ruler_says_so(person: Person, tmp_path: Path) -> None:
    path = tmp_path / "plain.png"
    cv2.imwrite(str(path), np.full((300, 400), 90, np.uint8))
    person.open_clip(path)
    person.do(Do.RULER_SCALE)
    person.wait(lambda: person.message == NO_RULER)
    assert person.session.scale.mm_per_pixel is None


def test_that_what_the_ticks_stand_for_is_remembered_and_offered_at_the_next_patient(
    at_the_screen: Person, screen: RulerScreen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = at_the_screen
    dialog = asked(person)
    dialog.choose(screen.spacing_mm)
    assert dialog.remember.isChecked()
    dialog.accept()
    assert "Remembered of Device 1" in person.message

    deeper = screen_at_depth(SEED, 1.4, frame=5)
    person.open_clip(written(tmp_path / "next.png", deeper))
    person.wait(lambda: "This looks like Device 1" in person.message)
    assert person.session.scale.mm_per_pixel is None
    person.do(Do.PRESET_SCALE)
    person.wait(lambda: person.session.scale.mm_per_pixel is not None)
    assert person.session.scale.origin is ScaleOrigin.RULER
    assert person.session.scale.mm_per_pixel.x == pytest.approx(deeper.mm_per_pixel, rel=0.005)
    assert "as remembered of Device 1" in (person.session.scale.note or "")
    person.do(Do.UNDO)
    assert person.session.scale.mm_per_pixel is None

    opened: list[PresetsDialog] = []
    monkeypatch.setattr(QDialog, "exec", lambda self: opened.append(self) or 0)
    person.do(Do.PRESETS)
    assert f"ruler ticks every {screen.spacing_mm:g} mm (every 2nd one longer)" in opened[0].about.text()
    monkeypatch.setattr(QInputDialog, "getItem", lambda *_: (TICKS_UNKNOWN, True))
    opened[0].buttons["Ruler ticks…"].click()
    assert "ticks" not in opened[0].about.text()
    assert not person.can(Do.PRESET_SCALE)


def test_that_a_ruler_with_other_ticks_than_remembered_gives_no_scale(
    at_the_screen: Person, screen: RulerScreen, tmp_path: Path
) -> None:
    person = at_the_screen
    dialog = asked(person)
    dialog.choose(screen.spacing_mm)
    dialog.accept()
    without = screen.picture.copy()
    across = round(screen.across_px)
    without[:, max(across - 30, 0) : across + 31] = 0
    person.open_clip(written(tmp_path / "without.png", replace(screen, picture=without)))
    person.do(Do.PRESET_SCALE)
    person.wait(lambda: "not found clearly" in person.message)
    assert person.session.scale.mm_per_pixel is None


def test_that_nothing_is_remembered_when_the_box_is_cleared_or_the_scale_was_undone(
    at_the_screen: Person, screen: RulerScreen
) -> None:
    person = at_the_screen
    dialog = asked(person)
    dialog.choose(screen.spacing_mm)
    dialog.remember.setChecked(False)
    dialog.accept()
    assert person.session.device.preset is None
    person.do(Do.UNDO)
    person.window.verbs.scaling.remember_device("Room 1")
    assert person.session.device.folder.named("Room 1").tick_spacing_mm is None
    person.do(Do.REDO)
    person.window.verbs.scaling.remember_device("Room 2")
    assert person.session.device.folder.named("Room 2").tick_spacing_mm == screen.spacing_mm


def test_that_a_device_remembered_by_its_ruler_and_named_afterwards_is_one_preset(
    at_the_screen: Person, screen: RulerScreen
) -> None:
    person = at_the_screen
    dialog = asked(person)
    dialog.choose(screen.spacing_mm)
    dialog.accept()
    person.window.verbs.scaling.remember_device("Room 1")
    [preset] = person.session.device.folder.presets()
    assert preset.name == "Room 1"
    assert preset.tick_spacing_mm == screen.spacing_mm
    assert preset.scale is not None


def test_that_presets_that_cannot_be_written_are_said_so_and_the_scale_is_set(
    at_the_screen: Person, screen: RulerScreen
) -> None:
    person = at_the_screen
    folder = person.session.device.folder.folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("in the way")
    dialog = asked(person)
    dialog.choose(screen.spacing_mm)
    dialog.accept()
    assert "Presets cannot be kept" in person.message
    assert person.session.scale.origin is ScaleOrigin.RULER
