"""Where the probe is: an image plane in the world."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """``origin_mm``: middle of the probe's face. ``axes``: columns lateral (to the right of the picture), axial
    (into depth) and normal of the image plane, right-handed. World: z is depth below the mother's skin.
    """

    origin_mm: Array
    axes: Array

    @property
    def lateral(self) -> Array:
        return self.axes[:, 0]

    @property
    def axial(self) -> Array:
        return self.axes[:, 1]

    @property
    def normal(self) -> Array:
        return self.axes[:, 2]

    def to_plane_mm(self, points_mm: Array) -> Array:
        """World points ``(n, 3)`` to lateral, axial, out-of-plane ``(n, 3)``."""
        return (np.atleast_2d(points_mm) - self.origin_mm) @ self.axes

    def moved(self, shift_mm: Array, turn_deg: Array, pivot_mm: float = 0.0) -> Pose:
        """Shifted along the pose's own lateral, axial and normal axis and turned about them (rotation vector)
        through the point ``pivot_mm`` deep.
        """
        turned = self.axes @ Rotation.from_rotvec(np.radians(turn_deg)).as_matrix()
        origin = self.origin_mm + pivot_mm * (self.axial - turned[:, 1]) + self.axes @ shift_mm
        return Pose(origin, turned)

    def on_skin(self) -> Pose:
        """Slid along its own axial direction until the face touches the skin (z = 0)."""
        return Pose(self.origin_mm - self.axial * (self.origin_mm[2] / max(self.axial[2], 0.3)), self.axes)


def unit(vector: Array) -> Array:
    """The vector at length 1."""
    return vector / np.linalg.norm(vector)


def axes_from(normal: Array, axial_hint: Array) -> Array:
    """Plane axes with this normal whose axial direction is as near as possible to the hint."""
    normal = unit(normal)
    axial = unit(axial_hint - (axial_hint @ normal) * normal)
    return np.stack([np.cross(axial, normal), axial, normal], axis=1)
