from dataclasses import replace

import numpy as np
import pytest

from fetalnet.fitting.shape import Shape
from fetalnet.geometry import Ellipse, Line
from fetalnet.kept_analysis import OtherWeightsError, keep_analysis, kept_analysis
from fetalnet.planes import Plane
from fetalnet.prediction import Prediction

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


def test_that_what_was_kept_comes_back_whole(tmp_path):
    path = tmp_path / "exam.fnframes"
    keep_analysis(path, "ab", "", [HEAD, FEMUR, OTHER])
    head, femur, other = kept_analysis(path, "ab", "")
    assert [fields(each) for each in (head, femur, other)] == [fields(each) for each in (HEAD, FEMUR, OTHER)]
    np.testing.assert_array_equal(head.outline, HEAD.outline)
    np.testing.assert_array_equal(head.structures, HEAD.structures)
    assert femur.outline is None
    assert femur.structures is None


def test_that_other_weights_are_told_and_another_fan_or_damage_is_nothing(tmp_path):
    path = tmp_path / "exam.fnframes"
    assert kept_analysis(path, "ab", "") is None
    keep_analysis(path, "ab", "", [HEAD])
    with pytest.raises(OtherWeightsError):
        kept_analysis(path, "cd", "")
    assert kept_analysis(path, "ab", "drawn") is None
    path.write_bytes(path.read_bytes()[:200])
    assert kept_analysis(path, "ab", "") is None
