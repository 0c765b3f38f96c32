"""No scale, no millimetres."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import HEAD, Person
from PySide6.QtWidgets import QInputDialog

from app.actions import Do
from app.canvas.hit import Handle, Point
from fetalnet.picture.scale import ScaleOrigin
from fetalnet.planes import Kind
from fetalnet.records import Status


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
    monkeypatch.setattr(QInputDialog, "getDouble", lambda *_: (0.25, True))
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
    monkeypatch.setattr(QInputDialog, "getDouble", lambda *_: (value, True))
    unscaled.do(Do.SET_SCALE)
    assert unscaled.session.scale.mm_per_pixel is None
    assert "cannot be right" in unscaled.message


def test_that_two_points_give_a_scale(unscaled: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QInputDialog, "getDouble", lambda *_: (50.0, True))
    unscaled.do(Do.TWO_POINTS)
    unscaled.click(Point(20, 20))
    unscaled.click(Point(20, 100))
    assert unscaled.session.scale.origin is ScaleOrigin.TWO_POINT
    assert unscaled.session.scale.mm_per_pixel.x == pytest.approx(50 / 80, rel=0.01)
    assert "two points" in unscaled.window.statusBar().scale.text()


def test_that_two_points_too_close_are_refused(unscaled: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QInputDialog, "getDouble", lambda *_: (50.0, True))
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
