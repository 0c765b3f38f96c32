import pytest

from fetalnet.core.geometry import Line, MmPerPixel
from fetalnet.core.scale.calibration import NO_CALIBRATION, Calibration
from fetalnet.core.scale.scale import ScaleOrigin, given_scale
from fetalnet.core.scale.track import NO_SCALE_TRACK, ScaleStep, ScaleTrack

TYPED = Calibration.of_whole(given_scale(0.2))
RULER = Calibration(ScaleOrigin.RULER, whole=MmPerPixel(0.3, 0.3))
LINE = Line(10, 10, 50, 10)


def test_that_a_change_holds_from_its_frame_on():
    track = ScaleTrack.of(TYPED).changed(100, RULER)
    assert [track.at(index) for index in (0, 99, 100, 5000)] == [TYPED, TYPED, RULER, RULER]
    assert track.scale_for(100, LINE).origin is ScaleOrigin.RULER
    assert track.changes == (ScaleStep(100, RULER),)


def test_that_a_change_before_another_holds_until_that():
    track = ScaleTrack.of(TYPED).changed(100, NO_CALIBRATION).changed(50, RULER)
    assert [track.at(index) for index in (49, 50, 99, 100)] == [TYPED, RULER, RULER, NO_CALIBRATION]
    assert track.changed(50, TYPED).at(60) == TYPED


def test_that_one_scale_holds_for_the_whole_only_where_every_frame_has_it():
    assert ScaleTrack.of(TYPED).scale == given_scale(0.2)
    assert ScaleTrack.of(TYPED).changed(9, TYPED).scale == given_scale(0.2)
    assert ScaleTrack.of(TYPED).changed(9, TYPED).changes == ()
    assert ScaleTrack.of(TYPED).changed(9, RULER).scale.mm_per_pixel is None
    assert NO_SCALE_TRACK.scale.mm_per_pixel is None


def test_that_a_withdrawn_scale_says_why_and_can_be_accepted_again():
    track = ScaleTrack.of(TYPED).parted(40, "The depth changed.")
    assert track.at(39) == TYPED
    assert track.scale_for(40, LINE).mm_per_pixel is None
    assert track.scale.note == "The depth changed."
    accepted = track.changed(40, track.at(40).accepted())
    assert accepted.at(40).scale.mm_per_pixel == TYPED.whole
    assert accepted.parted(40, "The depth changed.") == accepted
    assert accepted.parted(60, "It changed again.").at(60).refused == "It changed again."


@pytest.mark.parametrize("starts", [(), (1,), (0, 5, 5), (0, 9, 3)])
def test_that_steps_rise_from_the_first_frame(starts):
    with pytest.raises(ValueError, match="rise"):
        ScaleTrack(tuple(ScaleStep(start, TYPED) for start in starts))
