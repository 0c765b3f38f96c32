"""Lengths in pixels and mm from an ellipse or a line. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass

from fetalnet.geometry import Ellipse, Geometry, Line, MmPerPixel
from fetalnet.planes import Kind, Plane


@dataclass(frozen=True, slots=True)
class Length:
    """A length in pixels of the native frame, and in mm where a scale is known."""

    px: float
    mm: float | None = None


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
