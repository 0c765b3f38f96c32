"""What the doctor says of a link, told by pictures and times alone."""

from __future__ import annotations

import numpy as np
import pytest
from support.senders import picture

from fetalnet.live import Doctor, VideoForm
from fetalnet.live.link_monitor import black_bars, combing

FORM = VideoForm(320, 240, 30.0, "yuv420p", "h264")


class Clock:
    """Stands until it is moved."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Link:
    """A link of ``seconds`` at 30 Hz."""

    def __init__(self, seconds: float = 12.0, *, analysed: int = 1, age_s: float = 0.04, hz: float = 30.0) -> None:
        self.clock = Clock()
        self.doctor = Doctor("a sender", clock=self.clock)
        self.doctor.begin(FORM)
        for index in range(round(seconds * hz)):
            self.clock.now_s = 100.0 + index / hz
            arrived_s = self.clock.now_s
            self.doctor.arrived(arrived_s)
            self.doctor.decoded(self.picture(index))
            if index % analysed == 0:
                self.clock.now_s += age_s
                self.doctor.processed()
                self.doctor.painted(arrived_s)

    def picture(self, index: int) -> np.ndarray:
        return textured(index)

    @property
    def sentences(self) -> str:
        return " ".join(trouble.sentence for trouble in self.doctor.report().troubles)


def textured(index: int, size: tuple[int, int] = (320, 240)) -> np.ndarray:
    pixels = picture(index, size)
    pixels[[0, -1], :], pixels[:, [0, -1]] = 90, 90
    return pixels


def test_that_a_good_link_has_no_troubles_and_true_figures() -> None:
    link = Link()
    report = link.doctor.report()
    assert report.troubles == ()
    assert report.delivered == report.processed == 360
    assert report.delivered_hz == pytest.approx(30, abs=0.5)
    assert report.age_ms == pytest.approx((40, 40, 40))
    assert "nothing is wrong" in report.text()


def test_that_frames_left_out_are_counted_and_said() -> None:
    link = Link(analysed=3)
    report = link.doctor.report()
    assert report.processed_hz == pytest.approx(10, abs=0.5)
    assert report.dropped == 240
    assert "only 10 are analysed" in link.sentences


def test_that_a_late_overlay_is_said() -> None:
    assert "200 ms late" in Link(age_s=0.2).sentences


def test_that_too_few_frames_are_said() -> None:
    assert "Only 15 of 30 frames" in Link(hz=15).sentences


def test_that_a_picture_that_stands_still_is_said() -> None:
    class Frozen(Link):
        def picture(self, index: int) -> np.ndarray:
            return textured(0)

    assert "stands still" in Frozen().sentences


def test_that_frames_sent_twice_are_said() -> None:
    class Doubled(Link):
        def picture(self, index: int) -> np.ndarray:
            return textured(index // 2)

    assert "repeat the one before" in Doubled().sentences


def test_that_interlacing_is_seen_where_something_moves() -> None:
    first, second = picture(0), picture(3)
    woven = first.copy()
    woven[1::2] = second[1::2]
    assert (combing(first[..., 0]) or 0.0) < 1.0
    assert combing(woven[..., 0]) > 1.6

    class Interlaced(Link):
        def picture(self, index: int) -> np.ndarray:
            woven = textured(index)
            woven[1::2] = textured(index + 2)[1::2]
            return woven

    assert "progressive" in Interlaced().sentences


def test_that_black_bars_are_measured() -> None:
    pixels = np.zeros((240, 320), np.uint8)
    pixels[:, 60:260] = 80
    assert black_bars(pixels) == pytest.approx((0.0, 0.375), abs=0.03)


def test_that_losses_and_breaks_are_counted() -> None:
    link = Link()
    link.doctor.lost()
    link.doctor.link_broke()
    assert "disk is too slow" in link.sentences
    assert "broke 1 times" in link.sentences


def test_that_a_busy_computer_is_neither_a_bad_cable_nor_a_slow_disk() -> None:
    link = Link(hz=15.0)
    link.doctor.lost()
    link.doctor.link_broke()
    assert "cable" in link.sentences
    link.doctor.computer_was_busy()
    assert link.doctor.computer_is_busy
    assert "cable" not in link.sentences
    assert "disk is too slow" not in link.sentences
    assert link.sentences.count("close other programs") == 3
    link.clock.now_s += 60.0
    assert not link.doctor.computer_is_busy
