import numpy as np
import pytest

from fetalnet.core.frame import Frame
from fetalnet.core.geometry import Ellipse, Line, MmPerPixel
from fetalnet.core.planes import Kind, Plane
from fetalnet.core.prediction import Prediction
from fetalnet.research.comparison.fuvai_video import ClipPredictor, measure_video


def prediction(index, plane, probability, geometry=None):
    rest = dict.fromkeys(Plane, (1 - probability) / 3)
    return Prediction(index, None, plane, rest | {plane: probability}, probability, None, geometry)


def head(index, probability, b=40.0):
    return prediction(index, Plane.HEAD, probability, Ellipse(100, 100, 50, b, 0))


def test_that_the_most_confident_measured_frame_gives_the_value():
    found = measure_video(
        [head(0, 0.7, 30), head(1, 0.9, 40), prediction(2, Plane.HEAD, 0.99), head(3, 0.9, 45)], MmPerPixel(0.5, 0.5)
    )
    assert set(found) == {Kind.HC, Kind.BPD, Kind.OFD}
    bpd = found[Kind.BPD]
    assert bpd.indices == (1,)
    assert bpd.probability == 0.9
    assert (bpd.value.px, bpd.value.mm) == pytest.approx((80, 40))


def test_that_several_standard_frames_give_their_median():
    frames = [head(0, 0.6, 20), head(1, 0.7, 41), head(2, 0.9, 40), head(3, 0.8, 45)]
    bpd = measure_video(frames, standard_frames=3)[Kind.BPD]
    assert bpd.indices == (2, 3, 1)
    assert bpd.value.px == pytest.approx(82)
    assert bpd.value.mm is None


def test_that_planes_are_valued_apart_and_other_frames_not_at_all():
    frames = [
        prediction(0, Plane.OTHER, 0.99),
        prediction(1, Plane.FEMUR, 0.8, Line(0, 0, 30, 40)),
        prediction(2, Plane.ABDOMEN, 0.8, Ellipse(0, 0, 50, 50, 0)),
    ]
    found = measure_video(frames)
    assert set(found) == {Kind.FL, Kind.AC}
    assert found[Kind.FL].value.px == 50
    assert measure_video([]) == {}


class Recorder:
    """Notes what it was asked."""

    def __init__(self):
        self.calls = []

    def reset(self):
        self.calls.append("reset")

    def look_at(self, crop, fan):
        self.calls.append("look")

    def predict(self, frame):
        self.calls.append(frame.index)
        return prediction(frame.index, Plane.OTHER, 0.9)


def test_that_each_clip_starts_without_a_past():
    recorder = Recorder()
    predictor = ClipPredictor(recorder, frames=2)
    frames = [Frame(index, None, np.zeros((4, 4), np.uint8)) for index in range(3)]
    predictor.look_at((0, 0, 4, 4), np.ones((4, 4), bool))
    assert [predictor.predict(frame).index for frame in frames] == [0, 1, 2]
    assert recorder.calls == ["look", "reset", 0, 1, "reset", 2]
    predictor.look_at((0, 0, 4, 4), np.ones((4, 4), bool))
    predictor.predict(frames[0])
    assert recorder.calls[-3:] == ["look", "reset", 0]


def test_that_nothing_cannot_be_a_clip_or_a_choice():
    with pytest.raises(ValueError, match="at least one frame"):
        ClipPredictor(Recorder(), frames=0)
    with pytest.raises(ValueError, match="at least one standard frame"):
        measure_video([], standard_frames=0)
