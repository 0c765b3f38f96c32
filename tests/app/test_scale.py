"""No scale, no millimetres."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QLocale, QTimer
from PySide6.QtWidgets import QApplication
from support.window import HEAD, Person

from app.actions.table import Do
from app.canvas.hit import Handle, Point
from app.dialogs.number import NumberDialog
from fetalnet.core.planes import Kind
from fetalnet.core.scale.scale import ScaleOrigin
from fetalnet.exam.records import Status


@pytest.fixture
def unscaled(person: Person, clip: Path) -> Person:
    person.open_clip(clip)
    return person


def test_that_without_a_scale_nothing_is_accepted(unscaled: Person) -> None:
    unscaled.go_to_measure(Kind.HC)
    assert not unscaled.can(Do.ACCEPT)
    assert "There is no scale yet" in unscaled.window.measurements.reason.text()
    assert unscaled.canvas.overlay.scale_badge == "no scale: pixels only"
    assert float(unscaled.window.measurements.texts(Kind.HC)[1]) == pytest.approx(HEAD.perimeter_px, abs=0.06)


def test_that_without_a_scale_dragging_is_refused(unscaled: Person) -> None:
    unscaled.go_to_measure(Kind.HC)
    unscaled.drag(Handle.MAJOR_END, 8, 0)
    assert unscaled.measurement(Kind.HC).status is Status.PROPOSED
    assert "no scale yet" in unscaled.message


def test_that_rejecting_needs_no_scale(unscaled: Person) -> None:
    unscaled.reject(Kind.AC)
    assert unscaled.measurement(Kind.AC).status is Status.REJECTED


def test_that_a_typed_scale_gives_millimetres_and_is_undone(unscaled: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NumberDialog, "ask", lambda *_: 0.25)
    unscaled.do(Do.SET_SCALE)
    assert unscaled.session.scale.origin is ScaleOrigin.GIVEN
    assert float(unscaled.window.measurements.texts(Kind.HC)[1]) == pytest.approx(HEAD.perimeter_px / 4, abs=0.06)
    unscaled.accept(Kind.HC)
    assert unscaled.measurement(Kind.HC).status is Status.ACCEPTED
    unscaled.do(Do.UNDO)
    unscaled.do(Do.UNDO)
    assert unscaled.session.scale.origin is ScaleOrigin.NONE


@pytest.mark.parametrize("value", [0.0, -0.3, 50.0, float("nan")])
def test_that_an_impossible_scale_is_refused(unscaled: Person, monkeypatch: pytest.MonkeyPatch, value: float) -> None:
    monkeypatch.setattr(NumberDialog, "ask", lambda *_: value)
    unscaled.do(Do.SET_SCALE)
    assert unscaled.session.scale.mm_per_pixel is None
    assert "cannot be right" in unscaled.message


def test_that_two_points_give_a_scale(unscaled: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NumberDialog, "ask", lambda *_: 50.0)
    unscaled.do(Do.TWO_POINTS)
    unscaled.click(Point(20, 20))
    unscaled.click(Point(20, 100))
    assert unscaled.session.scale.origin is ScaleOrigin.TWO_POINT
    assert unscaled.session.scale.mm_per_pixel.x == pytest.approx(50 / 80, rel=0.01)
    assert "two points" in unscaled.window.statusBar().scale.text()


def test_that_two_points_too_close_are_refused(unscaled: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NumberDialog, "ask", lambda *_: 50.0)
    unscaled.do(Do.TWO_POINTS)
    unscaled.click(Point(20, 20))
    unscaled.click(Point(22, 20))
    assert unscaled.session.scale.mm_per_pixel is None
    assert "closer than 10 pixels" in unscaled.message


def test_that_escape_leaves_the_two_point_tool(unscaled: Person) -> None:
    unscaled.do(Do.TWO_POINTS)
    unscaled.click(Point(20, 20))
    unscaled.do(Do.CANCEL)
    unscaled.click(Point(90, 110))
    assert unscaled.session.scale.mm_per_pixel is None


@pytest.mark.parametrize("language", ["de_DE", "en_US"])
@pytest.mark.parametrize("text", ["0,25", "0.25", "\u0660\u066b\u0662\u0665"])
def test_that_a_scale_is_typed_with_either_decimal_sign(unscaled: Person, language: str, text: str) -> None:
    before = QLocale()
    QLocale.setDefault(QLocale(language))
    told: list[str] = []

    def type_and_agree() -> None:
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, NumberDialog)
        dialog.field.setText(text)
        told.append(dialog.understood.text())
        dialog.accept()

    QTimer.singleShot(0, type_and_agree)
    try:
        unscaled.do(Do.SET_SCALE)
    finally:
        QLocale.setDefault(before)
    assert told == ["That is 0.25 mm per pixel."]
    assert unscaled.session.scale.mm_per_pixel.x == 0.25


@pytest.mark.parametrize("text", ["", "wide", "1.000,5", "0,2,5", "1_0"])
def test_that_what_is_no_number_is_said_in_the_dialog(text: str, qapp: QApplication) -> None:
    dialog = NumberDialog("Set scale", "Millimetres per pixel:", 0.2, "mm per pixel")
    dialog.field.setText(text)
    assert "is no number; write it as 0.154 or 0,154." in dialog.understood.text()
    assert not dialog._ok.isEnabled()


def test_that_what_no_fetus_has_is_not_proposed_until_the_scale_is_typed_again(unscaled: Person) -> None:
    unscaled.go_to_measure(Kind.HC)
    unscaled.window.verbs.scaling.set_typed_scale(2.0)
    unscaled.wait(lambda: unscaled.session.measurement_of(Kind.HC) is None)
    assert "impossible for a fetus" in unscaled.message
    assert "set it again" in unscaled.message
    unscaled.window.verbs.scaling.set_typed_scale(0.3)
    unscaled.wait(lambda: unscaled.session.measurement_of(Kind.HC) is not None)
    unscaled.accept(Kind.HC)
    assert unscaled.measurement(Kind.HC).status is Status.ACCEPTED
