"""The caliper a person begins with when measuring by hand: in the middle of what is seen, easy to take hold of."""

from __future__ import annotations

from fetalnet.core.geometry import Ellipse, Geometry, Line
from fetalnet.core.letterbox import Box
from fetalnet.core.planes import Plane
from fetalnet.core.scale.calibration import Calibration

SEMI_AXIS_SHARE = 0.28
LENGTH_SHARE = 0.4
"""Of the shorter side: about what a whole head, abdomen or femur takes of a picture that is well set."""

AXIS_RATIO = {Plane.HEAD: 0.79, Plane.ABDOMEN: 0.95}
"""Minor to major axis; a head's is the middle of the usual cephalic index."""


def first_caliper(plane: Plane, within: Box) -> Geometry:
    """An ellipse for head and abdomen, a line for the femur, level, in the middle of a box of native pixels."""
    x0, y0, x1, y1 = within
    # Pixel x covers x - 0.5 to x + 0.5.
    cx, cy = (x0 + x1 - 1) / 2, (y0 + y1 - 1) / 2
    side = min(x1 - x0, y1 - y0)
    if plane is Plane.FEMUR:
        half = side * LENGTH_SHARE / 2
        return Line.of(cx - half, cy, cx + half, cy)
    return Ellipse.of(cx, cy, side * SEMI_AXIS_SHARE, side * SEMI_AXIS_SHARE * AXIS_RATIO[plane], 0.0)


def common(one: Box, other: Box) -> Box:
    """Where two boxes overlap; the first where they do not."""
    x0, y0, x1, y1 = max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3])
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else one


def in_one_region(box: Box, calibration: Calibration) -> Box:
    """The part of a box that shares one scale, the largest; the box itself where all or nothing of it has a scale."""
    if not calibration.is_known or not calibration.regions:
        return box
    parts = (common(box, (each.x0, each.y0, each.x1 + 1, each.y1 + 1)) for each in calibration.regions)
    return max(parts, key=lambda part: (part[2] - part[0]) * (part[3] - part[1]))
