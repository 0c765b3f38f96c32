"""Playing, stepping, seeking, and the timeline."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from support.window import BEST, FRAMES, Person, write_clip

from app.actions.table import Do
from fetalnet.core.planes import Plane


def test_that_opening_shows_the_first_frame_and_waits(person: Person, clip: Path) -> None:
    person.open_clip(clip, analysed=False)
    assert person.shown == 0
    assert not person.session.player.state.playing
    assert person.window.player_bar.position_text == f"frame  0 / {FRAMES - 1}"


def test_that_the_canvas_shows_the_frame_and_never_writes_into_it(person: Person, clip: Path) -> None:
    person.open_clip(clip, analysed=False)
    frame = person.session.frame
    assert not frame.pixels.flags.writeable
    image = person.canvas._image
    shown = np.frombuffer(image.constBits(), np.uint8).reshape(frame.height, frame.width, 4)
    np.testing.assert_array_equal(shown[..., 2::-1], frame.pixels)
    assert not np.shares_memory(shown, frame.pixels)


def test_that_playing_reaches_the_end_and_stops(person: Person, clip: Path) -> None:
    person.open_clip(clip, analysed=False)
    for _ in range(2):
        person.do(Do.FASTER)
    person.do(Do.PLAY)
    person.wait_frame(FRAMES - 1)
    person.wait(lambda: not person.session.player.state.playing)


def test_that_playing_at_the_end_begins_again(person: Person, clip: Path) -> None:
    person.open_clip(clip, analysed=False)
    person.do(Do.TO_END)
    person.wait_frame(FRAMES - 1)
    person.do(Do.PLAY)
    person.wait(lambda: person.shown < FRAMES - 1)
    person.do(Do.PLAY)


def test_that_a_loop_goes_round(person: Person, clip: Path) -> None:
    person.open_clip(clip, analysed=False)
    person.do(Do.LOOP)
    person.session.player.set_speed(4.0)
    person.do(Do.TO_END)
    person.wait_frame(FRAMES - 1)
    person.do(Do.PLAY)
    person.wait(lambda: 0 <= person.shown < FRAMES // 2)
    assert person.session.player.state.playing


def test_that_keys_step_and_jump(person: Person, clip: Path) -> None:
    person.open_clip(clip, analysed=False)
    person.do(Do.STEP_FORWARD)
    person.do(Do.STEP_FORWARD)
    person.wait_frame(2)
    person.do(Do.STEP_BACK)
    person.wait_frame(1)
    person.do(Do.TO_END)
    person.wait_frame(FRAMES - 1)
    person.do(Do.STEP_FORWARD)
    person.do(Do.TO_START)
    person.wait_frame(0)


def test_that_each_frame_is_the_same_however_it_is_reached(person: Person, clip: Path) -> None:
    person.open_clip(clip, analysed=False)
    seen = {}
    for index in (0, 1, 2, 3):
        person.go_to(index)
        seen[index] = int(person.session.frame.pixels[60, 80].mean())
    person.go_to(FRAMES - 1)
    for index in (3, 1, 2):
        person.go_to(index)
        assert int(person.session.frame.pixels[60, 80].mean()) == seen[index]


@pytest.mark.parametrize(
    ("do", "plane"),
    [(Do.BEST_HEAD, Plane.HEAD), (Do.BEST_ABDOMEN, Plane.ABDOMEN), (Do.BEST_FEMUR, Plane.FEMUR)],
)
def test_that_one_key_goes_to_the_best_frame(reviewer: Person, do: Do, plane: Plane) -> None:
    reviewer.do(do)
    reviewer.wait(lambda: abs(reviewer.shown - BEST[plane]) <= 1)
    assert reviewer.session.selected.plane is plane


def test_that_next_and_previous_walk_the_best_frames(reviewer: Person) -> None:
    frames = [index for _, index in reviewer.session.best_frames()]
    for expected in [*frames, frames[0]]:
        reviewer.do(Do.NEXT_BEST)
        reviewer.wait_frame(expected)
    reviewer.do(Do.PREVIOUS_BEST)
    reviewer.wait_frame(frames[-1])


def test_that_a_click_on_the_timeline_goes_there(reviewer: Person) -> None:
    timeline = reviewer.window.timeline
    x = timeline._x(40)
    reviewer.bot.mouseClick(timeline, Qt.MouseButton.LeftButton, pos=QPoint(round(x), 10))
    reviewer.wait_frame(40)


def test_that_a_click_near_a_star_takes_the_best_frame(reviewer: Person) -> None:
    plane, best = reviewer.session.best_frames()[0]
    timeline = reviewer.window.timeline
    reviewer.bot.mouseClick(timeline, Qt.MouseButton.LeftButton, pos=QPoint(round(timeline._x(best)) + 4, 10))
    reviewer.wait_frame(best)
    assert plane is Plane.HEAD


def test_that_the_gallery_shows_and_opens_the_best_frames(reviewer: Person) -> None:
    gallery = reviewer.window.gallery
    reviewer.wait(lambda: len(gallery._kept) == 3)
    reviewer.bot.mouseClick(gallery.cards[Plane.FEMUR], Qt.MouseButton.LeftButton)
    reviewer.wait(lambda: abs(reviewer.shown - BEST[Plane.FEMUR]) <= 1)


def test_that_another_recording_takes_the_place_of_the_first(reviewer: Person, tmp_path: Path) -> None:
    other = write_clip(tmp_path / "other.mp4", frames=14)
    reviewer.go_to(40)
    reviewer.open_clip(other)
    assert len(reviewer.session.recording) == 14
    assert max(reviewer.session.analysis.predictions) == 13
    assert not reviewer.can(Do.BEST_FEMUR)


def test_that_zoom_keeps_the_point_under_the_pointer(reviewer: Person) -> None:
    canvas = reviewer.canvas
    about = canvas.rect().center() + QPoint(40, 25)
    before = canvas.viewport.to_native(about.toPointF())
    for _ in range(4):
        canvas.zoom_by(1.25, about.toPointF())
    after = canvas.viewport.to_native(about.toPointF())
    assert (after.x, after.y) == pytest.approx((before.x, before.y), abs=1e-6)
    scale = canvas.viewport.to_screen().m11()
    reviewer.do(Do.FIT)
    assert canvas.viewport.to_screen().m11() < scale
