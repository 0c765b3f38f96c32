"""A ruler is followed to another depth only where nothing speaks against it."""

from __future__ import annotations

import pytest
from support.depth_screens import screen_at_depth

from fetalnet.core.geometry import MmPerPixel
from fetalnet.core.scale.calibration import NO_CALIBRATION, Calibration
from fetalnet.core.scale.ruler_change import RulerChange
from fetalnet.core.scale.scale import Scale, ScaleOrigin, given_scale
from fetalnet.core.scale.track import ScaleTrack
from fetalnet.screen.change.detector import Change, DriftWatch, Reason
from fetalnet.screen.change.watch import ScreenWatch, ruler_change
from fetalnet.screen.fan.sector import find_sector
from fetalnet.screen.ruler.detect import Axis, Ruler, Tick
from fetalnet.sources import Frame

RULER = Calibration.of_whole(Scale(MmPerPixel(0.25, 0.25), ScaleOrigin.RULER))
"""Ticks every 5 mm, 20 pixels apart."""
REASON = "The ruler moved."
DEEPER = RulerChange(20.0, 16.0, True, (5.0,), 5.0, None)


def ruler(period_px: float, pattern: tuple[int, ...], count: int = 14) -> Ruler:
    ticks = tuple(Tick(50 + k * period_px, 0) for k in range(count))
    return Ruler(Axis.DEPTH, 30.0, 50.0, period_px, pattern, ticks, 0.95)


@pytest.mark.parametrize(
    ("change", "spacing_mm"),
    [
        (DEEPER, 5.0),
        (RulerChange(20.0, 16.0, True, (5.0,), 5.0, 1.27), 5.0),
        (RulerChange(20.0, 20.0, True, (5.0,), 5.0, 1.0), 5.0),
        # The fan says what a pattern without longer ticks leaves open: the same spacing, or the other one.
        (RulerChange(20.0, 16.0, True, (5.0, 10.0), None, 1.23), 5.0),
        (RulerChange(20.0, 16.0, True, (5.0, 10.0), None, 2.55), 10.0),
        (RulerChange(20.0, 16.0, False, (5.0, 10.0), None, 2.5), 10.0),
        # In doubt there is none.
        (RulerChange(20.0, 16.0, True, (5.0, 10.0), None, None), None),
        (RulerChange(20.0, 16.0, False, (5.0,), 5.0, None), None),
        (RulerChange(20.0, 16.0, True, (10.0,), 10.0, None), None),
        (RulerChange(20.0, 16.0, True, (5.0,), 5.0, 1.0), None),
        (RulerChange(20.0, 16.0, True, (5.0,), 5.0, 1.8), None),
        (RulerChange(20.0, 16.0, True, (5.0,), 5.0, 2.5), None),
        # The scale was not that of these ticks: the depth changed unseen before, or it came from elsewhere.
        (RulerChange(23.0, 16.0, True, (5.0,), 5.0, None), None),
    ],
)
def test_that_ticks_and_fan_must_agree(change: RulerChange, spacing_mm: float | None) -> None:
    assert change.spacing_after_mm(MmPerPixel(0.25, 0.25)) == spacing_mm


def test_that_pixels_of_two_sizes_are_never_followed() -> None:
    assert DEEPER.spacing_after_mm(MmPerPixel(0.25, 0.24)) is None


@pytest.mark.parametrize(
    ("before", "after", "face", "same"),
    [((2,), (2,), None, True), ((2,), (2, 10), None, False), ((2,), (2, 10), 0.8, True), ((), (2,), 0.8, False)],
)
def test_that_the_longest_ticks_may_come_into_sight_where_the_fan_agrees(
    before: tuple[int, ...], after: tuple[int, ...], face: float | None, same: bool
) -> None:
    change = ruler_change(ruler(20.0, before), ruler(25.0, after), face)
    assert (change.before_px, change.after_px, change.same_pattern) == (20.0, 25.0, same)
    assert change.certain_mm == 5.0


def test_that_the_width_of_a_flat_picture_shows_no_other_spacing() -> None:
    change = ruler_change(ruler(20.0, ()), ruler(20.0, ()), 2.0, curved=False)
    assert change.likely_mm == ()
    assert change.spacing_after_mm(MmPerPixel(0.25, 0.25)) is None


def test_that_a_scale_confirmed_before_or_later_is_followed_and_says_from_where() -> None:
    early = ScaleTrack.of(RULER).parted(40, REASON, DEEPER)
    late = ScaleTrack.of(NO_CALIBRATION).parted(40, REASON, DEEPER).changed(0, RULER)
    assert early == late
    scale = early.at(40).scale
    assert scale.mm_per_pixel == MmPerPixel(5 / 16, 5 / 16)
    assert scale.origin is ScaleOrigin.RULER
    assert scale.note == "Ruler, followed from frame 40: 5 mm from tick to tick."
    assert early.at(40).followed_from == 40
    assert early.at(39) == RULER
    assert early.scale.mm_per_pixel is None


def test_that_what_is_followed_goes_with_what_it_follows() -> None:
    track = ScaleTrack.of(NO_CALIBRATION).parted(40, REASON, DEEPER)
    assert track.changed(0, RULER).changed(0, NO_CALIBRATION) == track
    typed = track.changed(0, RULER).changed(0, Calibration.of_whole(given_scale(0.25)))
    assert typed.at(40).refused == REASON
    assert typed.at(40).scale.mm_per_pixel is None


def test_that_a_second_change_is_followed_from_the_first() -> None:
    again = RulerChange(16.0, 32.0, True, (5.0,), 5.0, 0.5)
    track = ScaleTrack.of(RULER).parted(40, REASON, DEEPER).parted(90, REASON, again)
    assert [track.at(index).followed_from for index in (0, 40, 90)] == [None, 40, 90]
    assert track.at(90).whole == MmPerPixel(5 / 32, 5 / 32)
    lost = ScaleTrack.of(RULER).parted(40, REASON, None).parted(90, REASON, again)
    assert lost.at(40).refused == REASON
    assert not lost.at(90).is_known


def test_that_what_a_person_decides_about_the_frames_after_stays() -> None:
    withdrawn = ScaleTrack.of(RULER).parted(40, REASON)
    accepted = withdrawn.changed(40, withdrawn.at(40).accepted())
    assert accepted.parted(40, REASON, DEEPER) == accepted
    assert accepted.changed(0, NO_CALIBRATION).at(40) == accepted.at(40)
    mine = ScaleTrack.of(RULER).parted(40, REASON, DEEPER).changed(40, Calibration.of_whole(given_scale(0.3)))
    assert mine.changed(0, NO_CALIBRATION).at(60).scale.mm_per_pixel == MmPerPixel(0.3, 0.3)


def told(monkeypatch: pytest.MonkeyPatch, deeper: float, *, seed: int = 2, hidden: bool = False) -> Change:
    """What is said of a change at frame 50, whenever the drift watch confirms it."""
    monkeypatch.setattr(
        DriftWatch, "look", lambda self, frame, _: Change(50, Reason.RULER) if frame.index == 52 else None
    )
    first, later = screen_at_depth(seed), screen_at_depth(seed, deeper, 50)
    across = round(first.across_px)
    if hidden:
        later.picture[:, max(across - 30, 0) : across + 31] = 0
    watch = ScreenWatch(find_sector(first.picture))
    said = [watch.look(Frame(k, k / 30, (first if k < 50 else later).picture)) for k in range(53)]
    change = said[-1]
    assert change is not None
    return change


def test_that_the_ruler_of_a_screen_is_found_again_at_another_depth(monkeypatch: pytest.MonkeyPatch) -> None:
    before, after = screen_at_depth(2), screen_at_depth(2, 1.4)
    change = told(monkeypatch, 1.4)
    assert change.ruler is not None
    assert change.ruler.before_px == pytest.approx(before.period_px, rel=0.003)
    assert change.ruler.after_px == pytest.approx(after.period_px, rel=0.003)
    assert change.ruler.face == pytest.approx(1.4, rel=0.05)
    size = before.spacing_mm / change.ruler.before_px
    assert change.ruler.spacing_after_mm(MmPerPixel(size, size)) == after.spacing_mm


def test_that_a_ruler_that_went_away_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, 1.4, hidden=True).ruler is None


def test_that_a_scale_set_in_a_later_frame_belongs_to_the_frames_after_a_change_found_since() -> None:
    before = ScaleTrack.of(NO_CALIBRATION)
    given = before.changed(0, RULER, seen_at=80)
    parted = given.parted(40, REASON, DEEPER)
    assert parted.at(40) == RULER
    assert parted.at(39).refused == "It was set in frame 80, and the screen changed in frame 40."
    again = parted.parted(70, REASON, DEEPER)
    assert [again.at(index) == RULER for index in (0, 40, 70)] == [False, False, True]
    assert parted.parted(90, REASON, DEEPER).at(90).followed_from == 90

    back = parted.taken_back(80, before.step_at(80))
    assert back == before.parted(40, REASON, DEEPER)
    assert again.taken_back(80, before.step_at(80)).at(70).is_known is False


def test_that_taking_back_an_earlier_scale_leaves_a_later_one() -> None:
    parted = ScaleTrack.of(NO_CALIBRATION).parted(40, REASON, DEEPER)
    later = parted.changed(40, Calibration.of_whole(given_scale(0.3)), seen_at=50)
    both = later.changed(0, RULER, seen_at=3)
    assert both.taken_back(3, later.step_at(3)) == later
    assert later.taken_back(50, parted.step_at(50)) == parted
