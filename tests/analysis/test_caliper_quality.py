"""What the criteria say of a caliper that a person placed or moved, as it lies."""

from __future__ import annotations

import numpy as np
import pytest

from fetalnet.analysis.caliper_quality import with_caliper
from fetalnet.analysis.quality import Criterion, State, quality_of
from fetalnet.core.geometry import Ellipse, Geometry, Line
from fetalnet.core.letterbox import Letterbox
from fetalnet.core.planes import Plane
from fetalnet.core.prediction import Prediction
from fetalnet.inference.fitting.shape import shape_of
from fetalnet.screen.fan.sector import Sector

FRAME = (300, 400)
HEAD = Ellipse(200, 150, 90, 70, 20)
OUTLINE = Ellipse(200, 150, 87, 67, 20)
"""The network's outline lies a little inside the border that its caliper was moved to."""
BONE = Line.of(100, 150, 220, 170)


def seen(plane: Plane, geometry: Geometry | None, outline: np.ndarray | None, fitted: Geometry | None) -> Prediction:
    shape = None
    if geometry is not None and outline is not None:
        shape = shape_of(geometry, outline, Letterbox.of(FRAME, (256, 384)), None, fitted)
    probabilities = dict.fromkeys(Plane, 0.0) | {plane: 1.0}
    return Prediction(0, 0.0, plane, probabilities, 0.9, outline, geometry, shape=shape)


def states(prediction: Prediction, caliper: Geometry) -> dict[Criterion, State]:
    quality = quality_of(with_caliper(prediction, caliper, Sector.whole(FRAME), FRAME))
    assert quality is not None
    return dict(quality.states)


def head() -> Prediction:
    return seen(Plane.HEAD, HEAD, OUTLINE.points(120).astype(np.float32), OUTLINE)


def femur() -> Prediction:
    sides = np.array([[-1.0, 6.0], [1.0, -6.0]]) * 0.6
    start, end = BONE.points()
    outline = np.array([start + sides[0], end + sides[0], end + sides[1], start + sides[1]], np.float32)
    return seen(Plane.FEMUR, BONE, outline, None)


@pytest.mark.parametrize(
    ("caliper", "expected"),
    [
        (HEAD, State.GREEN),
        (Ellipse(200.5, 150, 90.5, 70, 20), State.GREEN),
        (OUTLINE, State.GREEN),
        (Ellipse(210, 150, 90, 70, 20), State.FAILED),
        (Ellipse(200, 150, 99, 77, 20), State.FAILED),
        (Ellipse(200, 150, 90, 70, 60), State.FAILED),
        (Ellipse(60, 150, 90, 70, 20), State.FAILED),
    ],
)
def test_that_an_ellipse_lies_on_the_outline_or_on_the_border_that_was_found(caliper: Ellipse, expected: State) -> None:
    assert states(head(), caliper)[Criterion.CALIPERS] is expected
    assert states(head(), caliper)[Criterion.SYMMETRICAL] is State.GREEN


@pytest.mark.parametrize(
    ("caliper", "expected"),
    [
        (BONE, State.GREEN),
        (Line.of(101, 150.5, 219, 169.5), State.GREEN),
        (Line.of(100, 170, 220, 150), State.FAILED),
        (Line.of(100, 162, 220, 182), State.FAILED),
        (Line.of(40, 140, 280, 180), State.FAILED),
        (Line.of(100, 150, 150, 158), State.FAILED),
    ],
)
def test_that_a_line_lies_along_the_bone_and_is_as_long(caliper: Line, expected: State) -> None:
    assert states(femur(), caliper)[Criterion.CALIPERS] is expected


def test_that_a_line_to_the_edge_has_an_end_unseen() -> None:
    assert states(femur(), Line.of(100, 150, 399, 200))[Criterion.ENDS] is State.FAILED
    assert states(femur(), BONE)[Criterion.ENDS] is State.GREEN


def test_that_where_nothing_was_outlined_the_program_cannot_say() -> None:
    missed = seen(Plane.HEAD, None, None, None)
    found = states(missed, HEAD)
    assert (found[Criterion.CALIPERS], found[Criterion.SYMMETRICAL]) == (State.OPEN, State.OPEN)
    assert found[Criterion.SIZE] is State.GREEN
    assert states(missed, Ellipse(10, 150, 90, 70, 20))[Criterion.CALIPERS] is State.FAILED
