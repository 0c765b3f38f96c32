"""The window of the whole examination: best frames, charts, and what can be saved of them."""

import av
import pytest
from support.window import BEST

from app.actions.table import Do
from fetalnet.core.planes import Kind, Plane


@pytest.fixture
def examination(reviewer):
    """The examination's window, shown."""
    reviewer.do(Do.EXAMINATION)
    window = reviewer.window.verbs.showing.examination
    reviewer.wait(window.isVisible)
    return window


def test_that_the_best_frames_are_shown_and_one_click_goes_there(reviewer, examination):
    [head] = [index for plane, index in examination.best_frames.frames if plane is Plane.HEAD]
    assert head == pytest.approx(BEST[Plane.HEAD], abs=1)
    card = examination.best_frames.cards[Plane.HEAD][0]
    reviewer.wait(lambda: card._picture is not None)
    assert "★" in card._score
    card.click()
    reviewer.wait_frame(head)


def test_that_clips_around_the_best_frames_are_written(reviewer, examination, tmp_path):
    examination.save_clips(tmp_path)
    reviewer.wait(lambda: examination.exporter is None)
    assert "3 clips written" in examination.message.text()
    clips = sorted(tmp_path.glob("*.mp4"))
    assert len(clips) == 3
    with av.open(str(clips[0])) as container:
        # Two seconds at 25 Hz around frame 18 of 48: the recording begins before.
        assert sum(1 for _ in container.decode(video=0)) == 43


def test_that_charts_are_drawn_and_saved_as_pictures(reviewer, examination, tmp_path):
    reviewer.accept(Kind.FL)
    for number, name in ((1, "over_time"), (2, "measures"), (3, "agreement")):
        examination.tabs.setCurrentIndex(number)
        examination.kind.setCurrentText("FL")
        examination.save_picture(tmp_path / f"{name}.png")
        examination.save_picture(tmp_path / f"{name}.svg")
    assert examination.distribution.summary.startswith("Femur length: ")
    assert examination.agreement.summary == "Femur length: 1 measurement in 1 exam"
    assert len(list(tmp_path.glob("*.png"))) == len(list(tmp_path.glob("*.svg"))) == 3
    assert b"<svg" in (tmp_path / "agreement.svg").read_bytes()
    examination.save_picture(tmp_path / "chart.bmp")
    assert "choose .png or .svg" in examination.message.text()


def test_that_the_agreement_over_all_exams_reads_those_that_were_saved(reviewer, examination):
    reviewer.accept(Kind.FL)
    reviewer.wait_saved()
    examination.tabs.setCurrentIndex(3)
    examination.kind.setCurrentText("FL")
    examination.all_exams.setChecked(True)
    reviewer.wait(lambda: examination._all is not None)
    assert "1 measurement in 1 exam" in examination.agreement.summary
