"""The picture and what stands around it: nothing of it is covered, and the caliper in hand is the one that moves."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QRectF, QSize
from support.window import HEAD, HEIGHT, WIDTH, Person

from app.actions.table import Do
from app.canvas.grip import Grip
from app.canvas.hit import Handle, Point, handles_of
from app.canvas.overlay import Caliper, Overlay
from fetalnet.core.geometry import Ellipse, Line
from fetalnet.core.planes import Plane

CORNERS = [Point(1, 1), Point(WIDTH - 2, 1), Point(1, HEIGHT - 2), Point(WIDTH - 2, HEIGHT - 2)]


def pixel(person: Person, at: QPoint) -> tuple[int, ...]:
    return person.canvas.grab().toImage().pixelColor(at).getRgb()[:3]


@pytest.mark.parametrize("size", [QSize(1280, 800), QSize(1920, 1080), QSize(1000, 1000)])
def test_that_no_text_of_ours_covers_the_picture(reviewer: Person, size: QSize) -> None:
    reviewer.window.resize(size)
    reviewer.wait(lambda: reviewer.window.size() == size)
    reviewer.go_to(40)
    reviewer.do(Do.TWO_POINTS)
    canvas = reviewer.canvas
    assert canvas.overlay.plane_badge.startswith("other")
    picture = canvas.viewport.to_screen().mapRect(QRectF(0, 0, WIDTH - 1, HEIGHT - 1))
    assert canvas.viewport.area.contains(picture)
    grey = pixel(reviewer, reviewer.on_screen(Point(WIDTH / 2, HEIGHT / 2)))
    for corner in CORNERS:
        assert pixel(reviewer, reviewer.on_screen(corner)) == pytest.approx(grey, abs=3)


def test_that_a_small_window_takes_from_the_picture_and_cuts_no_number(reviewer: Person) -> None:
    widths = {}
    for size in (QSize(1280, 800), QSize(1000, 700)):
        reviewer.window.resize(size)
        reviewer.wait(lambda size=size: reviewer.window.size() == size)
        widths[size.width()] = reviewer.window.measurements.width(), reviewer.window.gallery.width()
    assert widths[1000] == widths[1280]


def test_that_a_zoomed_picture_stays_between_its_strips(reviewer: Person) -> None:
    outside = [QPoint(reviewer.canvas.width() // 2, y) for y in (3, reviewer.canvas.height() - 4)]
    before = [pixel(reviewer, at) for at in outside]
    for _ in range(8):
        reviewer.do(Do.ZOOM_IN)
    assert [pixel(reviewer, at) for at in outside] == before


def grip_of(*calipers: Caliper) -> Grip:
    grip = Grip()
    grip.show(Overlay(calipers=calipers))
    return grip


def caliper(geometry: Ellipse | Line, *, placed: bool = False) -> Caliper:
    plane = Plane.HEAD if isinstance(geometry, Ellipse) else Plane.FEMUR
    return Caliper(plane, geometry, False, None, placed)


ACROSS = Line(HEAD.cx, HEAD.cy, HEAD.cx + 50, HEAD.cy)
"""Begins where the head has its centre."""


def test_that_of_two_calipers_in_one_place_the_selected_one_is_taken() -> None:
    grip = grip_of(caliper(HEAD), caliper(ACROSS))
    there = Point(HEAD.cx, HEAD.cy)
    assert grip.take(there, 3).caliper.plane is Plane.HEAD
    grip.drop()
    grip.select(1)
    assert grip.take(there, 3).caliper.plane is Plane.FEMUR
    assert grip.handle is Handle.LINE_START


def test_that_only_a_placed_caliper_moves_while_calipers_are_locked() -> None:
    grip = grip_of(caliper(HEAD), caliper(ACROSS, placed=True))
    grip.locked_reason = "no scale"
    for number, moves in ((0, False), (1, True)):
        held = grip.overlay.calipers[number]
        end = list(handles_of(held.geometry).values())[1]
        grip.take(end, 3)
        grip.drag_to(Point(end.x + 5, end.y))
        assert (grip.drop() is not None) == moves
        assert (grip.why_locked(held) is None) == moves


def test_that_a_click_that_moves_nothing_corrects_nothing() -> None:
    grip = grip_of(caliper(HEAD))
    grip.take(handles_of(HEAD)[Handle.MAJOR_END], 3)
    assert grip.dragging
    assert grip.drop() is None


def test_that_the_selection_ends_with_its_caliper() -> None:
    grip = grip_of(caliper(HEAD), caliper(ACROSS))
    grip.select(1)
    grip.show(Overlay(calipers=(caliper(HEAD),)))
    assert grip.held is None
    grip.select_plane(Plane.FEMUR)
    grip.show(Overlay(calipers=(caliper(HEAD), caliper(ACROSS))))
    assert grip.held == caliper(ACROSS)
