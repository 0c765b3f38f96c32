"""The scale of a confirmed ruler goes on at another depth: shown, undone, and without touching what was decided."""

from __future__ import annotations

from pathlib import Path

import av
import pytest
from support.depth_screens import HEIGHT, WIDTH, moving_screen
from support.window import FakePredictor, Person

from app.actions.table import Do
from fetalnet.core.planes import Kind
from fetalnet.core.scale.scale import ScaleOrigin
from fetalnet.exam.lengths import decided_length

FRAMES, CHANGE, BEFORE_PX, AFTER_PX = 84, 60, 23, 31


@pytest.fixture(scope="module")
def turned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording in which the scanner is set to less depth."""
    path = tmp_path_factory.mktemp("turned") / "turned.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=24)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = WIDTH, HEIGHT, "yuv420p", 20_000_000
        for index in range(FRAMES):
            pixels = moving_screen(index, BEFORE_PX if index < CHANGE else AFTER_PX)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="gray").reformat(format="yuv420p")))
        container.mux(stream.encode(None))
    return path


def confirm_ruler(person: Person) -> None:
    person.do(Do.RULER_SCALE)
    person.wait(lambda: person.window.verbs.scaling.ruler.dialog is not None)
    dialog = person.window.verbs.scaling.ruler.dialog
    assert dialog is not None
    dialog.choose(10.0)
    dialog.accept()


def test_that_a_confirmed_ruler_is_followed_shown_and_undone(person: Person, turned: Path) -> None:
    person.open_clip(turned)
    person.go_to(0)
    confirm_ruler(person)
    person.accept(Kind.HC)
    decided = decided_length(person.measurement(Kind.HC))
    person.go_to(CHANGE + 10)
    scale = person.session.scale
    assert scale.origin is ScaleOrigin.RULER
    assert scale.mm_per_pixel is not None
    assert scale.mm_per_pixel.x == pytest.approx(10 / AFTER_PX, rel=0.005)
    step = person.session.scales.step_at(CHANGE + 10)
    assert abs(step.from_index - CHANGE) <= 5
    status = person.window.statusBar()
    assert f"ruler, followed from frame {step.from_index}" in status.scale.text()
    assert "10 mm from tick to tick" in status.scale.toolTip()
    assert "followed from frame" in person.window.timeline.accessibleDescription()
    assert "followed from frame" in person.canvas.overlay.scale_badge

    while person.can(Do.UNDO):
        person.do(Do.UNDO)
    assert person.session.scale.mm_per_pixel is None
    assert "followed" not in person.window.timeline.accessibleDescription()
    person.do(Do.REDO)
    person.do(Do.REDO)
    assert person.session.scale == scale
    assert decided_length(person.measurement(Kind.HC)) == decided

    person.window.verbs.scaling.set_typed_scale(0.4)
    person.do(Do.ANALYSE)
    person.wait(lambda: person.session.analysis.state.complete)
    assert person.session.scale.origin is ScaleOrigin.GIVEN
    assert decided_length(person.measurement(Kind.HC)) == decided


def test_that_the_followed_scale_is_there_again_when_the_exam_is_opened(
    person: Person, turned: Path, clip: Path
) -> None:
    person.open_clip(turned)
    confirm_ruler(person)
    followed = person.session.scales
    assert followed.at(FRAMES - 1).followed_from is not None
    person.wait_saved()
    person.open_clip(clip, analysed=False)
    person.open_clip(turned, analysed=False)
    assert person.session.scales == followed


def test_that_a_scale_set_in_a_later_frame_stays_there_when_the_analysis_finds_the_change(
    person: Person, turned: Path, predictor: FakePredictor
) -> None:
    predictor.gate.clear()
    person.open_clip(turned, analysed=False)
    person.go_to(CHANGE + 10)
    confirm_ruler(person)
    size = person.session.scale.mm_per_pixel
    assert size is not None
    assert size.x == pytest.approx(10 / AFTER_PX, rel=0.005)
    predictor.gate.set()
    person.wait(lambda: person.session.analysis.state.complete)
    assert person.session.scale.mm_per_pixel == size
    before = person.session.scales.at(0)
    assert not before.is_known
    assert f"It was set in frame {CHANGE + 10}" in (before.refused or "")
    person.do(Do.UNDO)
    assert person.session.scale.mm_per_pixel is None
    person.do(Do.REDO)
    assert person.session.scale.mm_per_pixel == size
    assert not person.session.scales.at(0).is_known
