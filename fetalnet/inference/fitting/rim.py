"""The strip of the picture along an ellipse, and the ellipse moved to where the organ's border lies in it.

A strip is the neighbourhood of an ellipse drawn straight: one row for each share of its radius, one column for each
angle of its parameter. In it every organ has the same size and lies the same way, and its border runs along the middle.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from fetalnet.core.geometry import Ellipse
from fetalnet.inference.fitting.strip import MIRRORS, Floats, cut_out
from fetalnet.network.strip_form import RIM_COLUMNS, RIM_ROWS

ANSWERS = 32
"""Angles at which a border is told."""
REACH = 0.24
"""How far a strip reaches inwards and outwards, in radii."""

_FINER = 6
"""So many places are averaged along the ellipse for each column: a pixel of a large picture is much smaller."""
_PHI = (np.arange(RIM_COLUMNS * _FINER) + 0.5) * (2 * np.pi / (RIM_COLUMNS * _FINER))
_RHO = 1.0 + REACH * ((np.arange(RIM_ROWS) + 0.5) * (2 / RIM_ROWS) - 1.0)
_U, _V = (np.outer(_RHO, along(_PHI)).astype(np.float32) for along in (np.cos, np.sin))

ANSWER_PHI: Floats = (np.arange(ANSWERS) + 0.5) * (2 * np.pi / ANSWERS)
BASIS: Floats = np.stack(
    [np.ones(ANSWERS), np.cos(ANSWER_PHI), np.sin(ANSWER_PHI), np.cos(2 * ANSWER_PHI), np.sin(2 * ANSWER_PHI)], axis=1
)
"""(ANSWERS, 5): how the border moves, in radii, with size, place (2) and shape (2) of an ellipse, to first order."""

LEAST_TRUST = 1e-3 / ANSWERS
"""That every angle has besides its own: what is trusted at few angles alone would fit no ellipse."""


def strip_of(
    pixels: NDArray[np.uint8], ellipse: Ellipse, seen: NDArray[np.bool_] | None = None, mirror: tuple[int, int] = (1, 1)
) -> NDArray[np.float32]:
    """Return the strip (RIM_ROWS, RIM_COLUMNS), grey 0 to 1, of ``pixels`` (height, width[, 3]).

    It is black where ``seen`` (height, width) is false.
    """
    (xu, xv), (yu, yv) = ellipse.matrix * mirror
    x, y = cv2.addWeighted(_U, xu, _V, xv, ellipse.cx), cv2.addWeighted(_U, yu, _V, yv, ellipse.cy)
    return cut_out(pixels, x, y, seen, (RIM_ROWS, RIM_COLUMNS))


def border_of(organ: Ellipse, ellipse: Ellipse, mirror: tuple[int, int] = (1, 1)) -> NDArray[np.float32]:
    """(ANSWERS,) How far the outline of ``organ`` lies outside ``ellipse`` at each angle of its strip, in radii.

    The centre of ``ellipse`` must lie inside.
    """
    back = np.linalg.inv(ellipse.matrix * mirror)
    place = back @ [organ.cx - ellipse.cx, organ.cy - ellipse.cy]
    to_circle = np.linalg.inv(back @ organ.matrix)
    ray, start = to_circle @ np.stack([np.cos(ANSWER_PHI), np.sin(ANSWER_PHI)]), to_circle @ place
    a, b, c = (ray**2).sum(axis=0), start @ ray, start @ start - 1.0
    radius: Floats = (b + np.sqrt(b * b - a * c)) / a
    return np.asarray(radius - 1.0, np.float32)


def movement(
    borders: NDArray[np.float32], weights: NDArray[np.float32], mirrors: tuple[tuple[int, int], ...] = MIRRORS[:1]
) -> Floats:
    """(5,) The movement in terms of ``BASIS`` that fits the borders (n, ANSWERS), trusted by ``weights`` (n, ANSWERS);
    seen through several ``mirrors``, their mean.
    """
    found = []
    for border, weight, (x, y) in zip(borders.astype(np.float64), weights.astype(np.float64), mirrors, strict=True):
        weighted = BASIS * (weight + LEAST_TRUST)[:, None]
        fitted = np.linalg.solve(weighted.T @ BASIS, weighted.T @ border)
        found.append(fitted * [1, x, y, 1, x * y])
    mean: Floats = np.mean(found, axis=0)
    return mean


def moved(ellipse: Ellipse, movement: Floats) -> Ellipse:
    """The ellipse after a movement in terms of ``BASIS``."""
    size, right, down, stretch, skew = movement
    change = np.array([[1.0 + size + stretch, skew], [skew, 1.0 + size - stretch]])
    cx, cy = ellipse.matrix @ [right, down]
    return Ellipse.of_matrix(ellipse.cx + cx, ellipse.cy + cy, ellipse.matrix @ change)
