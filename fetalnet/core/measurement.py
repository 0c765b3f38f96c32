"""Lengths in pixels and mm from an ellipse or a line. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fetalnet.core.geometry import Ellipse, Geometry, Line, MmPerPixel
from fetalnet.core.planes import Kind, Plane

POSSIBLE_MM = {
    Kind.HC: (5.0, 400.0),
    Kind.BPD: (5.0, 140.0),
    Kind.OFD: (5.0, 170.0),
    Kind.AC: (5.0, 450.0),
    Kind.FL: (5.0, 100.0),
}
"""No fetus at any age is beyond: the 97th percentiles at 42 weeks are about 370, 105, 130, 410 and 82 mm. What lies
outside tells of a wrong scale."""


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


def why_impossible(lengths: Mapping[Kind, Length]) -> str | None:
    """For a person: which of these measures no fetus has, so that the scale must be wrong; None where none is."""
    for kind, length in lengths.items():
        low, high = POSSIBLE_MM[kind]
        if length.mm is not None and not low <= length.mm <= high:
            return (
                f"{kind} would be {length.mm:.0f} mm, which is impossible for a fetus ({low:g} to {high:g} mm): "
                "the scale is wrong; set it again."
            )
    return None
