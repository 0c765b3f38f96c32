from dataclasses import replace

import numpy as np
import pytest

from fetalnet.analysis.cache import FORMAT, DamagedAnalysisError, KeptAnalysis, keep_analysis, kept_analysis
from fetalnet.core.geometry import Ellipse, Line
from fetalnet.core.planes import Plane
from fetalnet.core.prediction import ModelRef, Prediction, Shape, StreamState

EQUAL = dict.fromkeys(Plane, 0.25)
HEAD = Prediction(
    0, 0.0, Plane.HEAD, EQUAL, 0.9, np.ones((5, 2), np.float32), Ellipse(1, 2, 4, 3, 20), None, None,
    Shape(1.0, 0.01, 0.9, 0.02, 0.5), np.linspace(0, 1, 11, dtype=np.float32), None,
)  # fmt: skip
FEMUR = Prediction(
    2, None, Plane.FEMUR, EQUAL, 0.5, None, Line(1, 2, 9, 4), None, "b.png", Shape(1.0, 0.0, 1.0, None, 0.4), None, 0.5
)
OTHER = Prediction(3, 0.1, Plane.OTHER, EQUAL, 0.0, None, None, "no standard plane")


def plain(prediction):
    """All but arrays, which do not compare as a whole."""
    return replace(prediction, outline=None, structures=None)


def fields(prediction):
    names = (
        "index",
        "time_s",
        "plane",
        "probabilities",
        "standardness",
        "geometry",
        "refused",
        "file",
        "shape",
        "change",
    )
    return {name: getattr(plain(prediction), name) for name in names}


MODEL = ModelRef("streaming", "ab" * 32, "openvino cpu")


def test_that_what_was_kept_comes_back_whole(tmp_path):
    path = tmp_path / "exam.fnframes"
    keep_analysis(path, "", KeptAnalysis(MODEL, (HEAD, FEMUR, OTHER), 4))
    kept = kept_analysis(path, "")
    assert (kept.model, kept.reached, kept.complete, kept.state) == (MODEL, 4, True, None)
    head, femur, other = kept.predictions
    assert [fields(each) for each in (head, femur, other)] == [fields(each) for each in (HEAD, FEMUR, OTHER)]
    np.testing.assert_array_equal(head.outline, HEAD.outline)
    np.testing.assert_array_equal(head.structures, HEAD.structures)
    assert femur.outline is None
    assert femur.structures is None


def test_that_a_stopped_analysis_comes_back_with_what_the_predictor_knew(tmp_path):
    path = tmp_path / "exam.fnframes"
    state = StreamState(np.arange(6, dtype=np.float32).reshape(1, 6), np.ones((4, 4), np.float32))
    keep_analysis(path, "", KeptAnalysis(MODEL, (HEAD,), 1, complete=False, state=state))
    kept = kept_analysis(path, "")
    assert not kept.complete
    np.testing.assert_array_equal(kept.state.network, state.network)
    np.testing.assert_array_equal(kept.state.before, state.before)


def test_that_another_fan_is_nothing(tmp_path):
    path = tmp_path / "exam.fnframes"
    assert kept_analysis(path, "") is None
    keep_analysis(path, "", KeptAnalysis(MODEL, (HEAD,), 1))
    assert kept_analysis(path, "drawn") is None


def changed(path, **other):
    """The file with other arrays in it."""
    with np.load(path) as file:
        arrays = dict(file) | other
    np.savez_compressed(path.with_suffix(".npz"), **arrays)
    path.with_suffix(".npz").replace(path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:200]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"\x93NUMPY garbage"),
        lambda path: path.write_bytes(path.read_bytes()[:-700] + bytes(700)),
        lambda path: changed(path, index=np.array([3, 2, 1])),
        lambda path: changed(path, index=np.array([-4, 2, 3])),
        lambda path: changed(path, index=np.array([0, 2, 30])),
        lambda path: changed(path, plane=np.array([-1, 0, 0])),
        lambda path: changed(path, plane=np.array([9, 0, 0])),
        lambda path: changed(path, standardness=np.array([np.nan, 0, 0])),
        lambda path: changed(path, probabilities=np.full((3, 4), np.inf)),
        lambda path: changed(path, geometry=np.array([[1, 2, np.inf, 3, 4]] * 3)),
        lambda path: changed(path, outline_points=np.array([-5, 5, 5])),
        lambda path: changed(path, outline_points=np.array([500, 0, 0])),
        lambda path: changed(path, shape=np.zeros((1, 5))),
        lambda path: changed(path, about=np.frombuffer(b"[1, 2]", np.uint8)),
        lambda path: changed(path, about=np.frombuffer(b'{"format": %d, "fan": "", "model": 7}' % FORMAT, np.uint8)),
    ],
)
def test_that_damage_of_any_kind_is_said(tmp_path, damage):
    path = tmp_path / "exam.fnframes"
    keep_analysis(path, "", KeptAnalysis(MODEL, (HEAD, FEMUR, OTHER), 4))
    damage(path)
    with pytest.raises(DamagedAnalysisError):
        kept_analysis(path, "")
