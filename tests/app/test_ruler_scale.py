"""The ruler on the screen gives a scale, and a person says what its ticks stand for."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import Person

from app.actions import Do
from app.ruler import NO_RULER, RulerDialog
from fetalnet.phantom.ruler_screen import RulerScreen, draw_ruler_screen
from fetalnet.picture.scale import ScaleOrigin

SEED = 3


@pytest.fixture(scope="module")
def screen() -> RulerScreen:
    return draw_ruler_screen(SEED)


@pytest.fixture
def at_the_screen(person: Person, screen: RulerScreen, tmp_path: Path) -> Person:
    path = tmp_path / "screen.png"
    cv2.imwrite(str(path), cv2.cvtColor(screen.picture, cv2.COLOR_RGB2BGR))
    person.open_clip(path)
    return person


def asked(person: Person) -> RulerDialog:
    person.do(Do.RULER_SCALE)
    person.wait(lambda: person.window.verbs.ruler.dialog is not None)
    dialog = person.window.verbs.ruler.dialog
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
