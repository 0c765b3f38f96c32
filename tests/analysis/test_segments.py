import numpy as np
import pytest

from fetalnet.analysis.segments import find_frozen, find_segments
from fetalnet.core.planes import Plane

SURE = {
    Plane.HEAD: (0.94, 0.02, 0.02, 0.02),
    Plane.FEMUR: (0.02, 0.02, 0.94, 0.02),
    Plane.OTHER: (0.02, 0.02, 0.02, 0.94),
}


def segments(*parts, rate_hz=25.0, missing=()):
    """Of (plane, frames) in turn, without the ``missing`` frames."""
    planes = [plane for plane, count in parts for _ in range(count)]
    index = [i for i in range(len(planes)) if i not in missing]
    times = [None if rate_hz is None else i / rate_hz for i in index]
    return find_segments(index, times, np.array([SURE[planes[i]] for i in index]))


def told(found):
    return [(each.plane, each.start, each.stop) for each in found]


def test_that_segments_have_a_class_a_start_and_an_end():
    found = segments((Plane.OTHER, 30), (Plane.HEAD, 40), (Plane.OTHER, 30))
    assert told(found) == [(Plane.OTHER, 0, 30), (Plane.HEAD, 30, 70), (Plane.OTHER, 70, 100)]
    assert (found[1].start_s, found[1].end_s) == pytest.approx((1.2, 2.8))


def test_that_a_flicker_is_no_segment_but_a_short_sure_plane_is():
    assert told(segments((Plane.OTHER, 30), (Plane.HEAD, 2), (Plane.OTHER, 30))) == [(Plane.OTHER, 0, 62)]
    assert told(segments((Plane.HEAD, 30), (Plane.OTHER, 1), (Plane.HEAD, 30))) == [(Plane.HEAD, 0, 61)]
    short = told(segments((Plane.OTHER, 30), (Plane.FEMUR, 7), (Plane.OTHER, 30)))
    assert short[1] == (Plane.FEMUR, 30, 37)


def test_that_a_higher_rate_says_no_more():
    flicker = segments((Plane.OTHER, 120), (Plane.HEAD, 8), (Plane.OTHER, 120), rate_hz=100.0)
    assert told(flicker) == [(Plane.OTHER, 0, 248)]


def test_that_missing_frames_end_a_segment():
    found = segments((Plane.HEAD, 60), missing=range(20, 30))
    assert told(found) == [(Plane.HEAD, 0, 20), (Plane.HEAD, 30, 60)]


@pytest.mark.parametrize("count", [1, 2, 60])
def test_that_a_recording_of_one_plane_is_one_segment_also_without_times(count):
    assert told(segments((Plane.HEAD, count), rate_hz=None)) == [(Plane.HEAD, 0, count)]


def test_that_no_frames_have_no_segments():
    assert find_segments([], [], np.zeros((0, 4))) == ()
    assert find_frozen([], [], []) == ()


def frozen(*changes):
    return [
        (each.start, each.stop)
        for each in find_frozen(range(len(changes)), [i / 25 for i in range(len(changes))], changes)
    ]


def test_that_a_freeze_begins_with_the_picture_that_stands_still():
    assert frozen(None, *[4.0] * 19, *[0.0] * 30, *[4.0] * 20) == [(19, 50)]


def test_that_a_codecs_pulse_does_not_end_a_freeze_and_a_held_probe_is_none():
    assert frozen(None, *[4.0] * 9, *[0.0] * 20, 0.6, *[0.0] * 20) == [(9, 51)]
    assert frozen(None, *[0.9] * 60) == []


def test_that_a_recording_of_one_frozen_picture_is_one_stretch():
    assert frozen(None, *[0.0] * 40) == [(0, 41)]
