"""The fan is drawn by hand: handles, points, cut-offs; kept with the recording, undone, and given to the analysis."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from support.window import HEIGHT, WIDTH, FakePredictor, Person

from app.actions.table import Do
from app.canvas.fan_editor import FanHandle
from app.canvas.hit import Point
from app.canvas.view import Tool
from fetalnet.exam.store import load_exam
from fetalnet.screen.fan.shape import ConvexFan, FlatFan

CONVEX = ConvexFan(80.0, -20.0, 35.0, 125.0, -30.0, 30.0, (0, 0, WIDTH, HEIGHT))


class Looking(FakePredictor):
    """Remembers the boxes it was told to look at."""

    def __init__(self) -> None:
        super().__init__()
        self.boxes: list[object] = []

    def look_at(self, crop: object, fan: object) -> None:
        self.boxes.append(crop)


@pytest.fixture
def predictor() -> Looking:
    return Looking()


@pytest.fixture
def drawing(person: Person, clip: Path) -> Person:
    """Somebody with a sector in hand."""
    person.open_clip(clip)
    person.canvas.edit_fan(CONVEX)
    return person


def pull(person: Person, handle: FanHandle, dx: float, dy: float) -> None:
    at = person.canvas.fan_editor.handles()[handle]
    start, end = person.on_screen(at), person.on_screen(Point(at.x + dx, at.y + dy))
    person.bot.mousePress(person.canvas, Qt.MouseButton.LeftButton, pos=start)
    person.bot.mouseMove(person.canvas, end)
    person.bot.mouseRelease(person.canvas, Qt.MouseButton.LeftButton, pos=end)


def test_that_the_action_shows_the_fan_that_was_found(person: Person, clip: Path) -> None:
    person.open_clip(clip)
    person.do(Do.EDIT_FAN)
    person.wait(lambda: person.canvas.tool is Tool.FAN)
    assert person.canvas.fan_editor.fan is not None
    assert FanHandle.CUT_TOP in person.canvas.fan_editor.handles()


def test_that_a_pulled_depth_is_taken_kept_and_undone(drawing: Person, predictor: Looking) -> None:
    pull(drawing, FanHandle.DEPTH, 0, -20)
    drawing.press(Qt.Key.Key_Return)
    fan = drawing.session.drawn_fan
    assert isinstance(fan, ConvexFan)
    assert fan.outer_px == pytest.approx(105, abs=1)
    drawing.wait(lambda: drawing.session.analysis.state.complete)
    assert predictor.boxes[-1] == pytest.approx(fan.box, abs=1)
    drawing.wait_saved()
    (stored,) = drawing.session.journal.folder.glob("*.fnexam")
    assert load_exam(stored).recordings[0].fan == fan
    drawing.do(Do.UNDO)
    assert drawing.session.drawn_fan is None
    drawing.wait(lambda: drawing.session.analysis.state.complete)


def test_that_escape_leaves_the_fan_as_it_was(drawing: Person) -> None:
    pull(drawing, FanHandle.FACE, 0, 10)
    drawing.do(Do.CANCEL)
    assert drawing.canvas.tool is Tool.CALIPERS
    assert drawing.session.drawn_fan is None


@pytest.mark.parametrize(
    ("handle", "dx", "dy", "what"),
    [
        (FanHandle.FACE, 0, 10, "inner_px"),
        (FanHandle.LEFT, 8, 0, "left_deg"),
        (FanHandle.RIGHT, -8, 0, "right_deg"),
        (FanHandle.BODY, 6, 4, "apex_y"),
        (FanHandle.CUT_TOP, 0, 30, "clip"),
        (FanHandle.CUT_RIGHT, -20, 0, "clip"),
    ],
)
def test_that_each_handle_moves_its_part(drawing: Person, handle: FanHandle, dx: int, dy: int, what: str) -> None:
    pull(drawing, handle, dx, dy)
    assert getattr(drawing.canvas.fan_editor.fan, what) != getattr(CONVEX, what)


def test_that_four_points_begin_anew(drawing: Person) -> None:
    drawing.press(Qt.Key.Key_Delete)
    for point in (Point(50, 10), Point(110, 10), Point(140, 110), Point(20, 110)):
        drawing.click(point)
    fan = drawing.canvas.fan_editor.fan
    assert isinstance(fan, FlatFan)
    pull(drawing, FanHandle.TOP_LEFT, -10, 0)
    assert drawing.canvas.fan_editor.fan.corners[0][0] == pytest.approx(40, abs=1)
    drawing.do(Do.EDIT_FAN)
    assert isinstance(drawing.session.drawn_fan, FlatFan)


def test_that_three_points_of_the_arc_begin_anew(drawing: Person) -> None:
    drawing.press(Qt.Key.Key_Backspace)
    for point in (Point(20, 90), Point(80, 110), Point(140, 90)):
        drawing.click(point)
    drawing.press(Qt.Key.Key_Enter)
    fan = drawing.session.drawn_fan
    assert isinstance(fan, ConvexFan)
    assert fan.apex_y + fan.outer_px == pytest.approx(110, abs=1)


def test_that_too_few_points_are_no_fan(drawing: Person) -> None:
    drawing.press(Qt.Key.Key_Delete)
    drawing.click(Point(40, 40))
    drawing.press(Qt.Key.Key_Return)
    assert "three points" in drawing.message
    assert drawing.session.drawn_fan is None


def test_that_the_drawn_fan_is_there_the_next_time(
    drawing: Person, clip: Path, start_program: Callable[..., Person]
) -> None:
    pull(drawing, FanHandle.DEPTH, 0, -20)
    drawing.do(Do.EDIT_FAN)
    drawing.wait_saved()
    again = start_program()
    again.open_clip(clip)
    assert again.session.drawn_fan == drawing.session.drawn_fan
