"""Calipers without a window: where handles are, what is touched, what dragging does."""

from __future__ import annotations

import pytest

from app.canvas.hit import Handle, Point, distance_to, dragged, find_handle, handles_of
from fetalnet.core.geometry import Ellipse, Line

ELLIPSE = Ellipse(100, 80, 40, 25, 0)
LINE = Line(10, 10, 50, 40)


@pytest.mark.parametrize("geometry", [ELLIPSE, Ellipse(50, 50, 30, 20, 63), LINE])
def test_that_every_handle_is_found_where_it_is_drawn(geometry: Ellipse | Line) -> None:
    for handle, at in handles_of(geometry).items():
        assert find_handle(geometry=geometry, point=Point(at.x + 1, at.y - 1), reach_px=4) is handle


def test_that_an_ellipse_has_both_ends_of_both_axes_and_its_centre() -> None:
    handles = handles_of(ELLIPSE)
    assert handles[Handle.MAJOR_END] == Point(140, 80)
    assert handles[Handle.MAJOR_START] == Point(60, 80)
    assert handles[Handle.MINOR_END] == Point(100, 105)
    assert handles[Handle.MINOR_START] == Point(100, 55)
    assert handles[Handle.BODY] == Point(100, 80)


def test_that_the_outline_is_the_body_and_the_inside_is_nothing() -> None:
    x, y = ELLIPSE.points(8)[1]
    assert find_handle(geometry=ELLIPSE, point=Point(x, y), reach_px=3) is Handle.BODY
    assert find_handle(geometry=ELLIPSE, point=Point(115, 90), reach_px=3) is None
    assert distance_to(LINE, Point(30, 25)) == pytest.approx(0, abs=1e-9)


def test_that_an_axis_end_stretches_its_axis_alone() -> None:
    geometry, handle = dragged(ELLIPSE, Handle.MAJOR_END, Point(150, 80))
    assert geometry == Ellipse(100, 80, 50, 25, 0)
    assert handle is Handle.MAJOR_END


def test_that_an_axis_end_turns_the_ellipse() -> None:
    geometry, _ = dragged(ELLIPSE, Handle.MAJOR_END, Point(100, 120))
    assert geometry == Ellipse(100, 80, 40, 25, 90)


def test_that_a_minor_axis_pulled_longest_becomes_the_major() -> None:
    geometry, handle = dragged(ELLIPSE, Handle.MINOR_END, Point(100, 140))
    assert isinstance(geometry, Ellipse)
    assert (geometry.a, geometry.b, geometry.theta_deg) == pytest.approx((60, 40, 90))
    assert handles_of(geometry)[handle].y == pytest.approx(140)


def test_that_the_body_moves_the_whole() -> None:
    assert dragged(ELLIPSE, Handle.BODY, Point(90, 85))[0] == Ellipse(90, 85, 40, 25, 0)
    assert dragged(LINE, Handle.BODY, Point(31, 26))[0] == Line(11, 11, 51, 41)


def test_that_a_line_end_pulled_past_the_other_stays_in_hand() -> None:
    geometry, handle = dragged(LINE, Handle.LINE_START, Point(90, 20))
    assert geometry == Line(50, 40, 90, 20)
    assert handle is Handle.LINE_END


@pytest.mark.parametrize(("geometry", "handle"), [(ELLIPSE, Handle.MINOR_END), (LINE, Handle.LINE_START)])
def test_that_nothing_can_be_dragged_to_no_size(geometry: Ellipse | Line, handle: Handle) -> None:
    other = Point(50, 40) if isinstance(geometry, Line) else Point(100, 80)
    assert dragged(geometry, handle, other)[0] == geometry
