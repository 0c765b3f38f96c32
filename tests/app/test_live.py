"""Watching at the scanner: the window follows a link, freezes, catches planes, and what was recorded opens."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from support.window import FRAMES, HEIGHT, RATE, WAIT_MS, WIDTH, Person

from app.actions.table import Do
from app.live.dialogs import LinkDialog, WatchDialog
from fetalnet.core.planes import Kind, Plane
from fetalnet.core.scale.scale import ScaleOrigin
from fetalnet.live import Arrival, Capture, LinkError, LinkState, VideoForm
from fetalnet.sources import VideoFile


class Scanner:
    """A live source in a test's hand: it sends when it is told to, and can be unplugged.

    By its clock frames come 30 times a second, however fast the machine is that runs the test.
    """

    name = "a scanner"

    def __init__(self) -> None:
        self.form = VideoForm(WIDTH, HEIGHT, 30.0, "rgb24", "pictures")
        self.due = threading.Semaphore(0)
        self.unplugged = threading.Event()
        self.sent = 0
        self.began_s = time.monotonic()

    @property
    def clock_s(self) -> float:
        return self.began_s + self.sent / RATE

    def open(self) -> Scanner:
        if self.unplugged.is_set():
            raise LinkError("The scanner is not plugged in; plug it in.")
        return self

    def read(self) -> Arrival | None:
        while not self.due.acquire(timeout=0.01):
            if self.unplugged.is_set():
                raise LinkError("The scanner was unplugged; plug it in.")
        pixels = np.full((HEIGHT, WIDTH, 3), 30 + self.sent % 200, np.uint8)
        pixels.setflags(write=False)
        self.sent += 1
        return Arrival(self.clock_s, picture=pixels)

    def close(self) -> None:
        pass


@pytest.fixture
def scanner(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scanner]:
    # It waits for the test, which is no hanging driver, however slow the machine is.
    monkeypatch.setattr("app.session.watch.Capture", partial(Capture, stalled_s=WAIT_MS / 1000))
    scanner = Scanner()
    yield scanner
    scanner.unplugged.set()


class Sonographer:
    """Someone who watches."""

    def __init__(self, person: Person, scanner: Scanner) -> None:
        self.person, self.scanner, self.watch = person, scanner, person.session.watch
        self.window = person.window
        self.watch.begin(scanner)

    def send(self, frames: int = 1) -> None:
        """Each frame is analysed before the next comes, so that none is left out."""
        for _ in range(frames):
            number = self.scanner.sent
            self.scanner.due.release()
            self.person.wait(
                lambda number=number: (
                    self.watch.prediction is not None and self.watch.prediction.live.frame.index == number
                )
            )

    def stop(self) -> None:
        self.person.do(Do.STOP_WATCHING)
        self.person.wait(lambda: not self.watch.watching)


@pytest.fixture
def sonographer(person: Person, scanner: Scanner) -> Sonographer:
    return Sonographer(person, scanner)


def test_that_the_newest_frame_is_shown_with_its_overlay(sonographer: Sonographer) -> None:
    sonographer.send(3)
    canvas = sonographer.window.live_canvas
    assert sonographer.window.picture.currentWidget() is canvas
    assert canvas.overlay.plane is Plane.HEAD
    assert canvas.overlay.state_badge == "● live"
    assert canvas.word == ""


def test_that_an_old_overlay_says_how_old_it_is(sonographer: Sonographer, predictor: object) -> None:
    sonographer.send(2)
    predictor.gate.clear()
    sonographer.scanner.due.release(5)
    sonographer.person.wait(lambda: sonographer.watch.frame.frame.index == 6)
    assert sonographer.window.live_canvas.overlay.state_badge == "overlay 5 frames old"
    predictor.gate.set()


@pytest.mark.parametrize("key", [Qt.Key.Key_Space, Qt.Key.Key_F])
def test_that_a_frozen_picture_keeps_the_frame_of_its_prediction(sonographer: Sonographer, key: Qt.Key) -> None:
    sonographer.send(3)
    canvas = sonographer.window.live_canvas
    sonographer.person.bot.keyClick(canvas, key)
    assert sonographer.watch.frozen
    frozen = sonographer.watch.frame
    assert frozen is sonographer.watch.prediction.live
    before = sonographer.watch.report().processed
    sonographer.scanner.due.release(2)
    sonographer.person.wait(
        lambda: sonographer.watch.report().delivered == 5 and sonographer.watch.report().processed > before
    )
    assert sonographer.watch.frame is frozen
    assert canvas.overlay.state_badge == "❄ frozen"
    sonographer.person.bot.keyClick(canvas, key)
    sonographer.send()
    assert sonographer.watch.frame.frame.index == 5


def test_that_planes_are_caught_and_the_list_says_what_is_missing(sonographer: Sonographer) -> None:
    pane = sonographer.window.live_pane
    while not sonographer.watch.caught:
        sonographer.send()
    caught = {each.plane for each in sonographer.watch.caught}
    assert Plane.HEAD in caught
    assert "HC" in pane.rows[Plane.HEAD].text.text()
    assert not pane.rows[Plane.HEAD].picture.pixmap().isNull()
    assert all((plane in pane.missing.text()) != (plane in caught) for plane in ("head", "abdomen", "femur"))


def test_that_no_signal_is_said_and_the_picture_comes_back(sonographer: Sonographer) -> None:
    sonographer.send(2)
    sonographer.person.wait(lambda: sonographer.watch.status.state is LinkState.NO_SIGNAL)
    assert "NO SIGNAL" in sonographer.window.live_canvas.word
    sonographer.send()
    sonographer.person.wait(lambda: sonographer.window.live_canvas.word == "")


def test_that_an_unplugged_scanner_is_named_and_watched_again(sonographer: Sonographer) -> None:
    sonographer.send(2)
    sonographer.scanner.unplugged.set()
    sonographer.person.wait(lambda: "plug it in" in sonographer.window.live_canvas.word)
    sonographer.scanner.unplugged.clear()
    sonographer.scanner.due.release()
    sonographer.person.wait(lambda: sonographer.watch.frame.segment == 1)
    sonographer.stop()


def test_that_the_recording_opens_with_all_that_arrived(sonographer: Sonographer) -> None:
    sonographer.person.window.verbs.scaling.set_typed_scale(0.25)
    sonographer.send(16)
    sonographer.stop()
    person = sonographer.person
    person.wait(lambda: person.session.analysis.state.complete)
    assert len(person.session.recording) == 16
    assert person.session.scale.mm_per_pixel.x == 0.25
    assert person.session.scale.origin is ScaleOrigin.GIVEN
    assert person.measurement(Kind.HC).plane is Plane.HEAD
    assert person.window.picture.currentWidget() is person.canvas
    assert person.can(Do.EXPORT_PDF)
    assert not person.can(Do.FREEZE)


def test_that_the_last_minute_is_kept(sonographer: Sonographer, tmp_path: Path) -> None:
    sonographer.send(40)
    sonographer.person.wait(lambda: time.monotonic() > sonographer.scanner.clock_s)
    sonographer.person.do(Do.KEEP_MINUTE)
    sonographer.person.wait(lambda: "Kept as" in sonographer.person.message)
    (kept,) = (tmp_path / "data" / "live recordings").glob("kept *.mkv")
    clip = VideoFile(kept)
    assert clip[0].pixels[0, 0, 0] == 30
    assert 20 <= len(clip) <= 40


def test_that_the_open_exam_is_out_of_reach_while_watching(reviewer: Person, scanner: Scanner) -> None:
    exam = reviewer.session.exam
    sonographer = Sonographer(reviewer, scanner)
    sonographer.send(1)
    for do in (Do.ACCEPT, Do.REJECT, Do.ANALYSE, Do.PLAY, Do.BEST_FEMUR, Do.UNDO):
        assert not reviewer.can(do)
    assert reviewer.session.exam is exam
    reviewer.window.open_path(Path("other.mp4"))
    assert "watch is running" in reviewer.message


def test_that_the_scale_ends_where_the_link_is_another(sonographer: Sonographer) -> None:
    sonographer.person.window.verbs.scaling.set_typed_scale(0.25)
    sonographer.send(2)
    assert sonographer.watch.prediction.calibration.is_known
    sonographer.scanner.unplugged.set()
    sonographer.person.wait(lambda: sonographer.watch.status.state is LinkState.NO_SIGNAL)
    sonographer.scanner.unplugged.clear()
    sonographer.scanner.due.release()
    sonographer.person.wait(lambda: sonographer.watch.prediction.live.segment == 1)
    assert not sonographer.watch.prediction.calibration.is_known
    assert "need not hold" in sonographer.watch.prediction.calibration.refused


def test_that_the_report_about_the_link_can_be_copied(sonographer: Sonographer) -> None:
    sonographer.send(3)
    sonographer.window.live_canvas.repaint()
    dialog = LinkDialog(sonographer.watch, sonographer.window)
    dialog.copy.click()
    text = QGuiApplication.clipboard().text()
    assert "3 frames arrived, 3 were analysed" in text
    assert "p95" in text
    assert f"{WIDTH} x {HEIGHT}" in text


def test_that_closing_the_window_finishes_the_recording(person: Person, scanner: Scanner, tmp_path: Path) -> None:
    Sonographer(person, scanner).send(4)
    person.window.close()
    (recording,) = (tmp_path / "data" / "live recordings").glob("*.mkv")
    assert len(VideoFile(recording)) == 4


def test_that_the_dialog_says_what_is_wrong_with_an_address(person: Person, tmp_path: Path) -> None:
    dialog = WatchDialog(person.window.settings, tmp_path, person.window)
    person.wait(lambda: dialog.devices.itemText(0) != "Looking…")
    dialog.address.setEditText("10.0.0.1:500")
    dialog.watch_button.click()
    assert "what kind" in dialog.problem.text()
    assert dialog.source is None
    dialog.address.setEditText("udp://@:5000")
    dialog.watch_button.click()
    assert dialog.source.name == "udp://this computer:5000"
    assert dialog.result() == dialog.DialogCode.Accepted


def test_that_a_recording_is_watched_as_if_live(person: Person, clip: Path, tmp_path: Path) -> None:
    dialog = WatchDialog(person.window.settings, tmp_path, person.window)
    person.wait(lambda: dialog.devices.itemText(0) != "Looking…")
    dialog.path.setText(str(clip))
    dialog.recording.setChecked(True)
    dialog.watch_button.click()
    person.session.watch.begin(dialog.source)
    person.wait(lambda: person.session.watch.prediction is not None)
    person.do(Do.STOP_WATCHING)
    person.wait(lambda: person.session.recording is not None)
    assert 0 < len(person.session.recording) <= 100 * FRAMES
