"""Strips: the neighbourhood of a geometry drawn straight, out of the picture in its own resolution."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

MIRRORS = ((1, 1), (-1, 1), (1, -1), (-1, -1))
"""Both ends and both sides of an ellipse or a line are alike: a strip can begin at either and run either way. The first
is as it is drawn."""


def cut_out(
    pixels: NDArray[np.uint8], x: Floats, y: Floats, seen: NDArray[np.bool_] | None, shape: tuple[int, int]
) -> NDArray[np.float32]:
    """``shape`` (rows, columns), grey 0 to 1, of a picture (height, width) or (height, width, 3) at the places ``x``
    and ``y``, more than one for each of its own, whose mean counts; black where not ``seen``.
    """
    strip = cv2.remap(pixels, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    if strip.ndim == 3:
        strip = cv2.cvtColor(strip, cv2.COLOR_RGB2GRAY)
    if seen is not None:
        strip = strip * cv2.remap(seen.view(np.uint8), x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT)
    averaged = cv2.resize(strip, shape[::-1], interpolation=cv2.INTER_AREA)
    return np.asarray(averaged, np.float32) * np.float32(1 / 255)
