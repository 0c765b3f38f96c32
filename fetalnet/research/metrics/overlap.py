"""How well an outline lies on another: Dice coefficient and Hausdorff distance (docs/definitions.md)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from fetalnet.core.geometry import Ellipse

CONTOUR_POINTS = 720
"""On an ellipse; half a degree apart, closer than any mask's boundary is known."""


def dice(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Dice coefficient, 0 to 1, of two masks of one shape; 0 where both are empty."""
    return float(2 * (one & other).sum() / max(int(one.sum() + other.sum()), 1))


def filled(ellipse: Ellipse, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """(height, width): the pixels whose centre lies in the ellipse."""
    y, x = np.ogrid[: shape[0], : shape[1]]
    angle = np.radians(ellipse.theta_deg)
    u = (x - ellipse.cx) * np.cos(angle) + (y - ellipse.cy) * np.sin(angle)
    v = (y - ellipse.cy) * np.cos(angle) - (x - ellipse.cx) * np.sin(angle)
    inside: NDArray[np.bool_] = (u / ellipse.a) ** 2 + (v / ellipse.b) ** 2 <= 1.0
    return inside


def ellipse_dice(one: Ellipse, other: Ellipse, shape: tuple[int, ...]) -> float:
    """Dice coefficient of the filled ellipses on a grid of ``shape``."""
    return dice(filled(one, shape), filled(other, shape))


def hausdorff(one: Ellipse, other: Ellipse) -> float:
    """Symmetric maximum distance between two contours, in the unit of the ellipses."""
    distance = cdist(one.points(CONTOUR_POINTS), other.points(CONTOUR_POINTS))
    return float(max(distance.min(axis=0).max(), distance.min(axis=1).max()))
