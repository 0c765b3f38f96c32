"""From a segmentation to an ellipse or a line, and from those to lengths in pixels and mm. Pure functions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.measure import find_contours

from fetalnet.geometry import Ellipse, Geometry, Line, MmPerPixel
from fetalnet.picture.letterbox import Letterbox
from fetalnet.planes import Kind, Plane

Floats = NDArray[np.float64]

LEVEL = 0.5
"""The network learns masks whose boundary lies at one half."""

_MIN_AREA = 60.0
"""Grid pixels; the smallest femur that is still a bone's shape (12 x 4)."""
_RIVAL_AREA = 0.4
"""A second region of this part of the largest means that the network does not know which is meant."""
_MIN_SEMI_AXIS = 6.0
"""Grid pixels; below, one pixel of error is 15 % of the measure."""
_MIN_AXIS_RATIO = {Plane.HEAD: 0.55, Plane.ABDOMEN: 0.6}
"""Cephalic indices under 0.65 and abdomens flatter than this are oblique cuts, not biometry planes."""
_MIN_SUPPORT = 0.55
"""Part of the ellipse that the outline must follow; on shorter arcs the fit extrapolates."""
_MIN_SEEN = 0.7
"""Part of the ellipse that must lie in the picture (the same bound as the truth's, reference: contracts)."""
_MAX_RESIDUAL = 0.05
"""Median distance of the outline from the ellipse, in minor semi-axes."""
_EDGE = 1.5
"""Grid pixels from the edge of the picture or fan within which an outline is the edge's, not the body's."""
_MIN_FEMUR_LENGTH = 12.0
_MAX_FEMUR_WIDTH = 0.4
_MAX_FEMUR_BOW = 0.12
"""Width of a femur, and distance of its middle from the line between its ends, in lengths."""


@dataclass(frozen=True, slots=True)
class Length:
    """A length in pixels of the native frame, and in mm where a scale is known."""

    px: float
    mm: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """What was fitted in native pixels; without ``geometry`` the reason is in ``refused``. ``outline`` is (n, 2)."""

    geometry: Geometry | None
    outline: NDArray[np.float32] | None
    refused: str | None = None


class FemurFit(StrEnum):
    """How the line of a femur is taken from its mask."""

    ENDS = "ends"
    """From end to end of the bone, which may be bowed."""
    RECTANGLE = "rectangle"
    """The long middle line of the smallest rectangle around the outline (Qazi et al. 2023)."""


class _RefusedError(Exception):
    """Why nothing is measured, in a few words."""


def measure(geometry: Geometry, plane: Plane, mm_per_pixel: MmPerPixel | None = None) -> dict[Kind, Length]:
    """The measures of a plane: HC, BPD (outer-outer, the minor axis) and OFD (the major axis); AC; FL.

    Where pixels are not square, the picture is scaled to mm before axes and perimeter are taken.
    """
    in_px = _lengths(geometry, plane)
    in_mm = {} if mm_per_pixel is None else _lengths(geometry.scaled(mm_per_pixel), plane)
    return {kind: Length(px, in_mm.get(kind)) for kind, px in in_px.items()}


def _lengths(geometry: Geometry, plane: Plane) -> dict[Kind, float]:
    match plane, geometry:
        case Plane.HEAD, Ellipse():
            return {Kind.HC: geometry.perimeter_px, Kind.BPD: 2 * geometry.b, Kind.OFD: 2 * geometry.a}
        case Plane.ABDOMEN, Ellipse():
            return {Kind.AC: geometry.perimeter_px}
        case Plane.FEMUR, Line():
            return {Kind.FL: geometry.length_px}
    return {}


def fit_plane(
    plane: Plane,
    mask_probability: NDArray[np.float32],
    letterbox: Letterbox,
    seen: NDArray[np.bool_] | None = None,
    femur: FemurFit = FemurFit.ENDS,
) -> Fit:
    """Fit an ellipse (head, abdomen) or a line (femur) to ``mask_probability`` (height, width) on the network's grid.

    ``seen`` (height, width) tells where the fan shows anything; without it, all of the letterbox's inside counts.
    """
    if plane is Plane.OTHER:
        return Fit(None, None, "no standard plane")
    seen = _inside(letterbox) if seen is None else seen & _inside(letterbox)
    outline: NDArray[np.float32] | None = None
    try:
        region = _largest_region(mask_probability)
        contour = _contour(region)
        outline = letterbox.to_native(contour).astype(np.float32)
        if plane is Plane.FEMUR:
            line = _fit_line(region, contour, seen) if femur is FemurFit.ENDS else _fit_rectangle(contour, seen)
            return Fit(Line.of(*letterbox.to_native(line).ravel()), outline)
        return Fit(_fit_ellipse(plane, contour, letterbox, seen), outline)
    except _RefusedError as refused:
        return Fit(None, outline, str(refused))


@dataclass(frozen=True, slots=True)
class _Region:
    """The largest region's probabilities, all else zero, cut out at (x0, y0) with a border of zeros."""

    probability: NDArray[np.float32]
    x0: int
    y0: int


def _largest_region(probability: NDArray[np.float32]) -> _Region:
    above = (probability >= LEVEL).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(above, connectivity=8)
    if count < 2:
        raise _RefusedError("no outline was found")
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    largest = int(np.argmax(areas))
    if areas[largest] < _MIN_AREA:
        raise _RefusedError("the region found is too small to measure")
    if np.partition(areas, -2)[-2] > _RIVAL_AREA * areas[largest]:
        raise _RefusedError("several regions of similar size were found")
    left, top, width, height, _ = (int(value) for value in stats[largest])
    # Two pixels more on each side keep the ramp outside the boundary, which the sub-pixel level needs.
    y0, y1 = max(top - 2, 0), min(top + height + 2, probability.shape[0])
    x0, x1 = max(left - 2, 0), min(left + width + 2, probability.shape[1])
    part = probability[y0:y1, x0:x1].copy()
    part[(labels[y0:y1, x0:x1] != largest) & (part >= LEVEL)] = 0.0
    return _Region(np.pad(part, 1), x0 - 1, y0 - 1)


def _contour(region: _Region) -> Floats:
    """The outer contour (n, 2) x, y on the grid at one half, between pixel centres (marching squares)."""
    contours = find_contours(region.probability, LEVEL, fully_connected="high")
    longest = max(contours, key=len)
    points: Floats = longest[:-1, ::-1] + (region.x0, region.y0)
    return points


def _inside(letterbox: Letterbox) -> NDArray[np.bool_]:
    inside = np.zeros((letterbox.height, letterbox.width), bool)
    left, top, right, bottom = letterbox.inner
    inside[top:bottom, left:right] = True
    return inside


def _away_from_edge(points: Floats, seen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which points lie further than ``_EDGE`` inside what is seen."""
    reach = 2 * math.ceil(_EDGE) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    core = cv2.erode(np.pad(seen.astype(np.uint8), 1), kernel, borderValue=0)[1:-1, 1:-1]
    return _looked_up(core.astype(bool), points)


def _looked_up(mask: NDArray[np.bool_], points: Floats) -> NDArray[np.bool_]:
    """The mask at each point; outside the grid it is False."""
    x, y = np.rint(points).astype(int).T
    within = (x >= 0) & (y >= 0) & (x < mask.shape[1]) & (y < mask.shape[0])
    result = np.zeros(len(points), bool)
    result[within] = mask[y[within], x[within]]
    return result


def _fit_ellipse(plane: Plane, contour: Floats, letterbox: Letterbox, seen: NDArray[np.bool_]) -> Ellipse:
    """Direct least squares (Fitzgibbon et al., 1999) with outliers trimmed by the median absolute deviation."""
    own = contour[_away_from_edge(contour, seen)]
    if len(own) < 12:
        raise _RefusedError("too little of the outline lies in the picture")
    points = letterbox.to_native(own)
    pixel = 1.0 / min(letterbox.scale)
    kept = np.ones(len(points), bool)
    for _ in range(3):
        ellipse = _least_squares(points[kept])
        distance = _distance(points, ellipse)
        middle = float(np.median(distance))
        spread = 1.4826 * float(np.median(np.abs(distance - middle)))
        near = np.abs(distance - middle) <= max(3.0 * spread, 0.5 * pixel)
        if np.array_equal(near, kept):
            break
        kept = near
    _check_ellipse(plane, ellipse, points, letterbox, seen)
    return ellipse


def _least_squares(points: Floats) -> Ellipse:
    # About the mean, single precision keeps a thousandth of a pixel.
    centre = points.mean(axis=0)
    (cx, cy), (width, height), angle = cv2.fitEllipseDirect((points - centre).astype(np.float32))
    if not all(math.isfinite(value) for value in (cx, cy, width, height)) or min(width, height) <= 0:
        raise _RefusedError("the outline is no ellipse")
    return Ellipse.of(cx + centre[0], cy + centre[1], width / 2, height / 2, angle)


def _distance(points: Floats, ellipse: Ellipse) -> Floats:
    """Signed distance of each point from the ellipse to first order (Sampson, 1982), outside positive."""
    u, v = _axes_coordinates(points, ellipse)
    value = (u / ellipse.a) ** 2 + (v / ellipse.b) ** 2 - 1.0
    slope = 2.0 * np.hypot(u / ellipse.a**2, v / ellipse.b**2)
    distance: Floats = value / np.maximum(slope, 1e-9)
    return distance


def _axes_coordinates(points: Floats, ellipse: Ellipse) -> tuple[Floats, Floats]:
    cos, sin = math.cos(math.radians(ellipse.theta_deg)), math.sin(math.radians(ellipse.theta_deg))
    x, y = points[:, 0] - ellipse.cx, points[:, 1] - ellipse.cy
    return x * cos + y * sin, y * cos - x * sin


def _check_ellipse(
    plane: Plane, ellipse: Ellipse, points: Floats, letterbox: Letterbox, seen: NDArray[np.bool_]
) -> None:
    pixel = 1.0 / min(letterbox.scale)
    if ellipse.b < _MIN_SEMI_AXIS * pixel:
        raise _RefusedError("the region found is too small to measure")
    if ellipse.b < _MIN_AXIS_RATIO[plane] * ellipse.a:
        raise _RefusedError("the ellipse is too long and narrow for this plane")
    distance = np.abs(_distance(points, ellipse))
    if float(np.median(distance)) > _MAX_RESIDUAL * ellipse.b:
        raise _RefusedError("the outline is no ellipse")
    on_grid = letterbox.to_grid(ellipse.points(180))
    if float(np.mean(_looked_up(seen, on_grid))) < _MIN_SEEN:
        raise _RefusedError("too much of the ellipse lies outside the picture")
    tolerance = max(0.06 * ellipse.b, 1.5 * pixel)
    u, v = _axes_coordinates(points[distance <= tolerance], ellipse)
    sectors = np.unique((np.arctan2(v / ellipse.b, u / ellipse.a) * (36 / math.pi)).astype(int) % 72)
    if len(sectors) / 72 < _MIN_SUPPORT:
        raise _RefusedError("the outline follows too little of the ellipse")


def _fit_line(region: _Region, contour: Floats, seen: NDArray[np.bool_]) -> Floats:
    """The femur's ends (2, 2) x, y on the grid: where the outline reaches furthest along the principal axis."""
    y, x = np.nonzero(region.probability > 0.05)
    weight = region.probability[y, x].astype(np.float64)
    points = np.stack([x + region.x0, y + region.y0], axis=1).astype(np.float64)
    centre = np.average(points, axis=0, weights=weight)
    offset = points - centre
    variance, axes = np.linalg.eigh((offset * weight[:, None]).T @ offset / weight.sum())
    along = axes[:, 1]
    across = np.array([-along[1], along[0]])
    position, side = offset @ along, offset @ across
    reach = (contour - centre) @ along
    width = math.sqrt(12.0 * max(float(variance[0]), 0.0))

    ends = np.empty((2, 2))
    for row, furthest in enumerate((float(reach.min()), float(reach.max()))):
        # Across, an end lies in the middle of the bone there: a bowed bone leaves its principal axis.
        tip = np.abs(position - furthest) <= max(width, 2.0)
        offset_across = float(np.average(side[tip], weights=weight[tip])) if tip.any() else 0.0
        ends[row] = centre + furthest * along + offset_across * across
    length = float(np.linalg.norm(ends[1] - ends[0]))
    if length < _MIN_FEMUR_LENGTH:
        raise _RefusedError("the bone found is too short to measure")
    if width > _MAX_FEMUR_WIDTH * length:
        raise _RefusedError("the region found is too wide for a femur")
    middle = np.abs(position) <= max(0.1 * length, 1.0)
    chord = float(np.mean((ends - centre) @ across))
    if abs(float(np.average(side[middle], weights=weight[middle])) - chord) > _MAX_FEMUR_BOW * length:
        raise _RefusedError("the region found is too curved for a femur")
    if not _away_from_edge(ends, seen).all():
        raise _RefusedError("an end of the bone lies at the edge of the picture")
    return ends


def _fit_rectangle(contour: Floats, seen: NDArray[np.bool_]) -> Floats:
    """The ends (2, 2) x, y of the long middle line of the smallest rectangle around an outline, on the grid."""
    corners = cv2.boxPoints(cv2.minAreaRect(contour.astype(np.float32))).astype(np.float64)
    sides = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1)[:2]
    # Of four corners in turn, the middles of two opposite sides.
    short = int(np.argmin(sides))
    ends = np.stack([corners[[at % 4, (at + 1) % 4]].mean(axis=0) for at in (short, short + 2)])
    if sides.max() < _MIN_FEMUR_LENGTH:
        raise _RefusedError("the bone found is too short to measure")
    if sides.min() > _MAX_FEMUR_WIDTH * sides.max():
        raise _RefusedError("the region found is too wide for a femur")
    if not _away_from_edge(ends, seen).all():
        raise _RefusedError("an end of the bone lies at the edge of the picture")
    return ends
