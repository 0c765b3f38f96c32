"""The body within a region that leaks into its surroundings, or among several regions."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fetalnet.core.geometry import Ellipse
from fetalnet.core.letterbox import Letterbox
from fetalnet.core.planes import Plane
from fetalnet.inference.fitting.ellipse import fit_ellipse
from fetalnet.inference.fitting.outline import LEVEL, Floats, RefusedError, Region, contour_of, looked_up

_NECK = 0.8
"""A region is cut where it is narrower than this part of its widest place; ellipses of that axis ratio stay whole."""
_REACH = 2.0
"""Grid pixels from the core's edge within which the outline is the body's own."""
_RAMP = 3.0
"""Grid pixels at the edge that are in doubt on every outline."""
_CLEARER = 2.0
"""The rival of the body must be this much more in doubt, or nobody knows which is meant."""
_LEAST_DOUBT = 0.005
"""Below this, doubts do not differ."""


@dataclass(frozen=True, slots=True)
class _Core:
    """``doubt`` is the mean of 1 - probability within the core."""

    ellipse: Ellipse
    doubt: float


def fit_core(plane: Plane, regions: list[Region], letterbox: Letterbox, seen: NDArray[np.bool_]) -> Ellipse | None:
    """The ellipse of the one body that the network is sure of, after cutting regions at their necks; None without one.

    A leak is narrower than the body at its neck, and the network is in doubt about it.
    """
    cores = sorted(
        (core for region in regions for core in _cores(plane, region, letterbox, seen)), key=lambda core: core.doubt
    )
    if not cores or (len(cores) > 1 and cores[1].doubt < _CLEARER * cores[0].doubt):
        return None
    return cores[0].ellipse


def _cores(plane: Plane, region: Region, letterbox: Letterbox, seen: NDArray[np.bool_]) -> list[_Core]:
    contour = contour_of(region)
    depth = _distance_to(region.probability < LEVEL)
    radius = _NECK * float(depth.max())
    count, labels = cv2.connectedComponents((depth > radius).astype(np.uint8), connectivity=8)
    cores = []
    for label in range(1, count):
        distance = _distance_to(labels == label)
        inner = distance < radius - _RAMP
        own = contour[looked_up(np.abs(distance - radius) <= _REACH, contour - (region.x0, region.y0))]
        try:
            ellipse = fit_ellipse(plane, own, letterbox, seen)
        except RefusedError:
            continue
        cores.append(_Core(ellipse, max(float(np.mean(1.0 - region.probability[inner])), _LEAST_DOUBT)))
    return cores


def _distance_to(mask: NDArray[np.bool_]) -> Floats:
    """Of each pixel from the nearest where ``mask`` is true, in pixels."""
    return np.asarray(cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5), np.float64)
