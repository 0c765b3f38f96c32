"""From what a data set draws, a mask or two diameters, to the ellipse or line that it means."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.measure import find_contours

from fetalnet.core.errors import InputError
from fetalnet.core.geometry import Ellipse, Line, MmPerPixel
from fetalnet.core.measurement import Length, measure
from fetalnet.core.planes import Kind, Plane
from fetalnet.research.datasets.still import read_grey

Floats = NDArray[np.float64]

_MIN_POINTS = 12
"""Fewer points leave an ellipse of five unknowns to chance."""


def fitted_ellipse(points: Floats, shape: tuple[int, ...], where: str) -> Ellipse:
    """Direct least squares through ``points`` (n, 2) x, y; those on the edge of a picture of ``shape`` are left out.

    Raises ``InputError`` where too few are left or they form no ellipse.
    """
    edge = np.array([shape[1] - 1, shape[0] - 1])
    own = points[((points > 0) & (points < edge)).all(axis=1)]
    if len(own) < _MIN_POINTS:
        raise InputError(f"{where} shows no outline inside the picture; draw it again or take the picture out.")
    # About the mean, single precision keeps a thousandth of a pixel.
    centre = own.mean(axis=0)
    (cx, cy), (first, second), angle = cv2.fitEllipseDirect((own - centre).astype(np.float32))
    if not all(math.isfinite(value) for value in (cx, cy, first, second)) or min(first, second) <= 0:
        raise InputError(f"{where} shows no ellipse; draw it again or take the picture out.")
    return Ellipse.of(cx + centre[0], cy + centre[1], first / 2, second / 2, angle)


def scaled_to(ellipse: Ellipse, perimeter_mm: float, mm_per_pixel: MmPerPixel) -> Ellipse:
    """The ellipse scaled about its centre until it is as long around as labelled (docs/definitions.md)."""
    factor = perimeter_mm / ellipse.scaled(mm_per_pixel).perimeter_px
    return Ellipse(ellipse.cx, ellipse.cy, ellipse.a * factor, ellipse.b * factor, ellipse.theta_deg)


def mask_contour(mask: NDArray[np.bool_], where: str) -> Floats:
    """The outer contour (n, 2) x, y of the largest region, half-way between inside and outside pixels.

    Raises ``InputError`` for an empty mask.
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count < 2:
        raise InputError(f"{where} is empty; draw the outline in white, or take the mask out.")
    largest = labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    contour = max(find_contours(np.pad(largest, 1).astype(np.float64), 0.5, fully_connected="high"), key=len)
    points: Floats = contour[:-1, ::-1] - 1.0
    return points


def mask_line(contour: Floats) -> Line:
    """The long middle line of the smallest rectangle around a contour: a femur from its mask.

    Pixels stick out of a slanted edge: on drawn bars it was 0.7 pixel too long on average, 1 at most.
    """
    (cx, cy), (width, height), angle = cv2.minAreaRect(contour.astype(np.float32))
    along = math.radians(angle if width >= height else angle + 90.0)
    x, y = math.cos(along) * max(width, height) / 2, math.sin(along) * max(width, height) / 2
    return Line.of(cx - x, cy - y, cx + x, cy + y)


def spanned_ellipse(one: Line, other: Line) -> Ellipse:
    """The ellipse whose axes are as long as two diameters that cross; it lies along the longer."""
    first, second = sorted((one, other), key=lambda line: line.length_px, reverse=True)
    middle = np.mean([[(line.x1 + line.x2) / 2, (line.y1 + line.y2) / 2] for line in (one, other)], axis=0)
    theta_deg = math.degrees(math.atan2(first.y2 - first.y1, first.x2 - first.x1))
    return Ellipse.of(middle[0], middle[1], first.length_px / 2, second.length_px / 2, theta_deg)


def read_mask(path: Path, shape: tuple[int, ...], picture: str) -> NDArray[np.bool_]:
    """(h, w): what is brighter than half. Raises ``InputError`` where its size is not the picture's ``shape``."""
    values = read_grey(path)
    if values.shape != shape[:2]:
        raise InputError(
            f"The mask {path.name} is {values.shape[1]} x {values.shape[0]} pixels and its picture {picture} "
            f"{shape[1]} x {shape[0]}; draw the mask on the picture itself."
        )
    return values > 127


def labelled_lengths(
    ellipse_or_line: Ellipse | Line, plane: Plane, mm_per_pixel: MmPerPixel | None, labels_mm: dict[Kind, float]
) -> dict[Kind, Length]:
    """The measures of a geometry, in mm as labelled where a label says so."""
    lengths = measure(ellipse_or_line, plane, mm_per_pixel)
    return {kind: Length(length.px, labels_mm.get(kind, length.mm)) for kind, length in lengths.items()}
