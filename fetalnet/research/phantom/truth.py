"""The truth of a frame: which plane it is, how good, and where the bodies' sections lie in the picture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from fetalnet.core.geometry import Ellipse, Geometry, Line, MmPerPixel
from fetalnet.core.planes import STANDARD_PLANES, Plane, Structure
from fetalnet.research.phantom.anatomy.head import Head
from fetalnet.research.phantom.anatomy.limbs import SLICE_MM, LongBone
from fetalnet.research.phantom.anatomy.trunk import Trunk
from fetalnet.research.phantom.anatomy.world import World
from fetalnet.research.phantom.scanner.pose import Array, Pose
from fetalnet.research.phantom.scanner.view import View

PLANE_LEVEL = 0.5
STANDARD_LEVEL = 0.8
AMBIGUOUS = (0.25, 0.65)


@dataclass(frozen=True, slots=True)
class Section:
    """The section of one body with the image plane, in native pixels.

    ``geometry``: ellipse of the skull's or skin's outer edge, or line between the ends of the visible shaft.
    ``half_width_px``: radius of the shaft, 0 for ellipses. ``inside``: part of the outline within the fan, 0 to 1.
    ``distance_mm`` from the body's centre to the plane (femur: the farther end's); ``angle_deg`` between image plane
    and ideal plane (femur: between shaft and plane). ``standardness``: s of docs/definitions.md.
    """

    plane: Plane
    geometry: Geometry
    half_width_px: float
    inside: float
    distance_mm: float
    angle_deg: float
    standardness: float

    def to_json(self) -> dict[str, Any]:
        return {
            "plane": self.plane.value, "geometry": self.geometry.to_json(), "half_width_px": self.half_width_px,
            "inside": self.inside, "distance_mm": self.distance_mm, "angle_deg": self.angle_deg,
            "standardness": self.standardness,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class FrameTruth:
    """What a frame shows. ``sections``: every body the plane cuts, two femurs included; ``visible``: structures in
    the plane and the fan, by name. ``plane`` is the best section's where its s is at least 0.5.
    """

    index: int
    time_s: float
    plane: Plane
    standardness: float
    sections: tuple[Section, ...]
    visible: tuple[Structure, ...]
    mm_per_pixel: MmPerPixel

    @property
    def standard(self) -> bool:
        return self.standardness >= STANDARD_LEVEL

    @property
    def ambiguous(self) -> bool:
        return AMBIGUOUS[0] < self.standardness < AMBIGUOUS[1]

    @property
    def standardness_of(self) -> dict[Plane, float]:
        """The best s of each measured plane, 0 where its body is not cut."""
        best = dict.fromkeys(STANDARD_PLANES, 0.0)
        for section in self.sections:
            best[section.plane] = max(best[section.plane], section.standardness)
        return best

    @property
    def outlines(self) -> dict[Plane, Section]:
        """The best (at equal s the larger) section of each plane."""
        chosen: dict[Plane, Section] = {}
        for section in sorted(self.sections, key=lambda s: (s.standardness, s.inside, _size_px(s.geometry))):
            chosen[section.plane] = section
        return chosen

    @property
    def geometry(self) -> Geometry | None:
        """The outline of the labelled plane; None for other."""
        return self.outlines[self.plane].geometry if self.plane is not Plane.OTHER else None

    def to_json(self) -> dict[str, Any]:
        return {
            "index": self.index, "time_s": self.time_s, "plane": self.plane.value,
            "standardness": self.standardness, "standard": self.standard, "ambiguous": self.ambiguous,
            "sections": [section.to_json() for section in self.sections],
            "visible": [structure.value for structure in self.visible],
            "mm_per_pixel": {"x": self.mm_per_pixel.x, "y": self.mm_per_pixel.y},
        }  # fmt: skip


def round_standardness(distance_mm: float, angle_deg: float, longest_mm: float, inside: float) -> float:
    """Standardness of a head or abdomen (docs/definitions.md): Gaussian in distance (0.075 D) and angle (10 deg)."""
    square = (distance_mm / (0.075 * longest_mm)) ** 2 + (angle_deg / 10.0) ** 2
    return math.exp(-square / 2) * inside_weight(inside)


def femur_standardness(end_1_mm: float, end_2_mm: float, radius_mm: float, inside: float) -> float:
    """Standardness of a femur (docs/definitions.md): Gaussian in the distances of the shaft's ends from the plane."""
    width_mm = 1.05 * (radius_mm + 1.0)
    return math.exp(-(end_1_mm**2 + end_2_mm**2) / (4 * width_mm**2)) * inside_weight(inside)


def inside_weight(inside: float) -> float:
    """0 up to 70 % of the outline in the fan, 1 from 97 % on, linear between."""
    return min(max((inside - 0.70) / 0.27, 0.0), 1.0)


def frame_truth(world: World, pose: Pose, view: View, index: int, time_s: float) -> FrameTruth:
    """The truth of the picture that a probe at ``pose`` gives through ``view``."""
    sections: list[Section] = []
    visible: list[Structure] = []
    for body, plane in ((world.head, Plane.HEAD), (world.trunk, Plane.ABDOMEN)):
        if body is not None:
            section = round_section(body, plane, pose, view)
            if section is not None:
                sections.append(section)
                visible += visible_structures(body, pose, view)
    for femur in world.femurs:
        section = femur_section(femur, pose, view)
        if section is not None:
            sections.append(section)
    best = max(sections, key=lambda s: s.standardness, default=None)
    standardness = best.standardness if best else 0.0
    plane = best.plane if best and standardness >= PLANE_LEVEL else Plane.OTHER
    return FrameTruth(index, time_s, plane, standardness, tuple(sections), tuple(visible), view.mm_per_pixel)


def round_section(body: Head | Trunk, plane: Plane, pose: Pose, view: View) -> Section | None:
    """The exact ellipse in which the plane cuts a body's outer ellipsoid; None where it does not cut it in the fan."""
    ellipse_mm = plane_ellipse_mm(body, pose)
    if ellipse_mm is None:
        return None
    ellipse = view.ellipse_to_pixels(ellipse_mm)
    inside = view.part_inside(ellipse.points(120))
    if inside <= 0.0:
        return None
    distance_mm = abs(float((body.centre_mm - pose.origin_mm) @ pose.normal))
    angle_deg = math.degrees(math.acos(min(abs(float(body.axes[:, 2] @ pose.normal)), 1.0)))
    s = round_standardness(distance_mm, angle_deg, body.longest_mm, inside)
    return Section(plane, ellipse, 0.0, inside, distance_mm, angle_deg, s)


def plane_ellipse_mm(body: Head | Trunk, pose: Pose) -> Ellipse | None:
    """Section of an ellipsoid in the plane's lateral (x) and axial (y) mm."""
    # In the body's unit-sphere coordinates: |base + u p + v q| = 1 is a conic in u, v.
    scale = 1.0 / np.asarray(body.semi_mm)
    p, q, base = (
        (vector @ body.axes) * scale for vector in (pose.lateral, pose.axial, pose.origin_mm - body.centre_mm)
    )
    matrix = np.array([[p @ p, p @ q], [p @ q, q @ q]])
    centre = -np.linalg.solve(matrix, np.array([p @ base, q @ base]))
    left = 1.0 - float(base @ base) + float(centre @ matrix @ centre)
    if left <= 1e-4:
        return None
    values, vectors = np.linalg.eigh(matrix)
    semi = np.sqrt(left / values)
    theta = math.degrees(math.atan2(vectors[1, 0], vectors[0, 0]))
    return Ellipse.of(float(centre[0]), float(centre[1]), float(semi[0]), float(semi[1]), theta)


def femur_section(bone: LongBone, pose: Pose, view: View) -> Section | None:
    """The part of the shaft within the slice, as a line; None where none of it is in the fan."""
    ends = pose.to_plane_mm(np.stack(bone.ends_mm))
    out = ends[:, 2]
    seen = _part_within(float(out[0]), float(out[1]), bone.radius_mm + SLICE_MM)
    if seen[1] - seen[0] < 0.02:
        return None
    cut = ends[0] + np.array(seen)[:, None] * (ends[1] - ends[0])
    pixels = view.to_pixels(cut[:, :2])
    line = Line.of(*pixels[0], *pixels[1])
    inside = view.part_inside(line.points(41))
    if inside <= 0.0:
        return None
    full_inside = view.part_inside(Line.of(*view.to_pixels(ends[:, :2]).ravel()).points(41))
    s = femur_standardness(float(out[0]), float(out[1]), bone.radius_mm, full_inside)
    angle_deg = math.degrees(math.asin(min(abs(float(bone.axes[:, 0] @ pose.normal)), 1.0)))
    half_width_px = bone.radius_mm / view.mm_per_pixel.x
    return Section(Plane.FEMUR, line, half_width_px, full_inside, float(np.abs(out).max()), angle_deg, s)


def _part_within(out_1_mm: float, out_2_mm: float, reach_mm: float) -> tuple[float, float]:
    """Start and end, 0 to 1 along the shaft, of the part within ``reach_mm`` of the plane."""
    slope = out_2_mm - out_1_mm
    if abs(slope) < 1e-9:
        return (0.0, 1.0) if abs(out_1_mm) <= reach_mm else (0.0, 0.0)
    low, high = sorted(((-reach_mm - out_1_mm) / slope, (reach_mm - out_1_mm) / slope))
    return min(max(low, 0.0), 1.0), min(max(high, 0.0), 1.0)


def visible_structures(body: Head | Trunk, pose: Pose, view: View) -> list[Structure]:
    """Structures whose height the plane cuts and whose middle lies in the fan."""
    semi = np.asarray(body.semi_mm)
    found = []
    for name, (x, y, z, half_height) in body.structures.items():
        centre: Array = body.centre_mm + body.axes @ (np.array([x, y, z]) * semi)
        lateral, axial, out = pose.to_plane_mm(centre)[0]
        if abs(out) < half_height * semi[2] and view.part_inside(view.to_pixels(np.array([[lateral, axial]]))) > 0:
            found.append(name)
    return found


def _size_px(geometry: Geometry) -> float:
    return geometry.a if isinstance(geometry, Ellipse) else geometry.length_px
