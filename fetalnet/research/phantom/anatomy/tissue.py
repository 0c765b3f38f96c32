"""What the sound meets: echo, mirror-like surfaces and loss at each point of an image plane, painted back to front."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fetalnet.research.phantom.anatomy.noise import Floats, lumps
from fetalnet.research.phantom.scanner.pose import Pose

FLUID_DB = -42.0
FLUID_LOSS = 0.04
SOFT_LOSS = 0.20
"""Losses are two-way dB per mm; the scanner's depth gain makes up for about ``SOFT_LOSS``."""

Vector = tuple[float, float, float]


class Tissue:
    """The state of an image plane on a grid of lines and samples, all arrays ``(lines, samples)``.

    ``plane_mm`` ``(2, lines, samples)``: lateral and axial place of each point in the plane of ``pose``; ``beams``
    ``(2, lines)``: unit directions of the sound in it; ``step_mm`` between samples; ``bleed_mm``: how far a bright
    surface spreads along the beam, so that painters can keep its edge in place.
    """

    def __init__(self, pose: Pose, plane_mm: Floats, beams: Floats, step_mm: float, bleed_mm: float) -> None:
        axes = pose.axes[:, :2].astype(np.float32)
        points_mm = axes @ plane_mm.reshape(2, -1) + pose.origin_mm.astype(np.float32)[:, None]
        points_mm = points_mm.reshape(3, *plane_mm.shape[1:])
        self.pose, self.points_mm, self.beams = pose, points_mm, axes @ beams
        self.step_mm, self.bleed_mm = step_mm, bleed_mm
        shape = points_mm.shape[1:]
        self.echo_db = np.zeros(shape, np.float32)
        self.mirror = np.zeros(shape, np.float32)
        self.loss = np.full(shape, SOFT_LOSS, np.float32)
        self.anchor_mm = points_mm.copy()
        self.haze_db = np.full(shape, -90.0, np.float32)

    def patch(self, centre_mm: Floats, axes: Floats, reach_mm: float) -> Patch | None:
        """The part of the plane within ``reach_mm`` of a body, in its coordinates; None where it is out of the plane.

        ``axes`` holds the body's x, y, z as columns.
        """
        offset = self.points_mm - centre_mm.astype(np.float32)[:, None, None]
        square = offset[0] ** 2 + offset[1] ** 2 + offset[2] ** 2
        window = _window(square < reach_mm**2)
        if window is None:
            return None
        rows, columns = window
        part = np.ascontiguousarray(offset[:, rows, columns])
        turn = axes.astype(np.float32).T
        local = (turn @ part.reshape(3, -1)).reshape(part.shape)
        beams = turn @ self.beams[:, rows]
        return Patch(self, rows, columns, local, np.ascontiguousarray(beams[:, :, None]))


def _window(inside: NDArray[np.bool_]) -> tuple[slice, slice] | None:
    rows = np.flatnonzero(inside.any(axis=1))
    if rows.size == 0:
        return None
    columns = np.flatnonzero(inside[rows[0] : rows[-1] + 1].any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


@dataclass(frozen=True, slots=True)
class Surface:
    """Signed distance in mm to a surface (negative inside) and the cosine between its normal and the sound."""

    distance_mm: Floats
    cosine: Floats

    def cover(self, soft_mm: float) -> Floats:
        """1 inside, 0 outside, a ramp of ``soft_mm`` between."""
        cover: Floats = np.clip(0.5 - self.distance_mm * np.float32(1.0 / soft_mm), 0.0, 1.0)
        return cover

    def band(self, at_mm: float, width_mm: float) -> Floats:
        """A bell of half-width ``width_mm`` around the surface moved out by ``at_mm``."""
        scaled = (self.distance_mm - np.float32(at_mm)) * np.float32(1.0 / width_mm)
        return np.exp(-scaled * scaled)


class Patch:
    """A window of the plane seen from a body: local coordinates in mm and views to paint on."""

    def __init__(self, tissue: Tissue, rows: slice, columns: slice, local_mm: Floats, beams: Floats) -> None:
        self.tissue, self.rows, self.columns = tissue, rows, columns
        self.step_mm, self.bleed_mm = tissue.step_mm, tissue.bleed_mm
        self.local_mm, self.beams = local_mm, beams
        self.x, self.y, self.z = local_mm
        self.echo_db = tissue.echo_db[rows, columns]
        self.mirror = tissue.mirror[rows, columns]
        self.loss = tissue.loss[rows, columns]

    def near(self, centre: Vector, reach_mm: float) -> Patch | None:
        cx, cy, cz = (np.float32(value) for value in centre)
        square = (self.x - cx) ** 2 + (self.y - cy) ** 2 + (self.z - cz) ** 2
        window = _window(square < reach_mm**2)
        if window is None:
            return None
        rows, columns = window
        return Patch(
            self.tissue,
            slice(self.rows.start + rows.start, self.rows.start + rows.stop),
            slice(self.columns.start + columns.start, self.columns.start + columns.stop),
            self.local_mm[:, rows, columns],
            self.beams[:, rows],
        )

    def anchor(self, inside: NDArray[np.bool_]) -> None:
        """Fix the texture inside to this body."""
        view = self.tissue.anchor_mm[:, self.rows, self.columns]
        np.copyto(view, self.local_mm, where=inside)

    def haze(self, level_db: Floats) -> None:
        """Reverberation that lies over whatever is there."""
        view = self.tissue.haze_db[self.rows, self.columns]
        np.maximum(view, level_db, out=view)

    def lumps(self, feature_mm: float | Vector, seed: int) -> Floats:
        return lumps(self.x, self.y, self.z, feature_mm, seed)

    def ellipsoid(self, centre: Vector, semi: Vector, turn_deg: float = 0.0) -> Surface:
        """An ellipsoid, turned about the body's z; the distance is exact to first order at the surface."""
        x, y, z = self.x - np.float32(centre[0]), self.y - np.float32(centre[1]), self.z - np.float32(centre[2])
        bx, by, bz = self.beams
        if turn_deg:
            c, s = np.float32(np.cos(np.radians(turn_deg))), np.float32(np.sin(np.radians(turn_deg)))
            x, y = c * x + s * y, c * y - s * x
            bx, by = c * bx + s * by, c * by - s * bx
        wa, wb, wc = (np.float32(1.0 / value**2) for value in semi)
        gx, gy, gz = x * wa, y * wb, z * wc
        q = np.sqrt(x * gx + y * gy + z * gz)
        slope = np.sqrt(gx * gx + gy * gy + gz * gz) + np.float32(1e-9)
        return Surface((q - 1.0) * q / slope, np.abs(gx * bx + gy * by + gz * bz) / slope)

    def capsule(self, start: Vector, end: Vector, radius_mm: float, bow_mm: float = 0.0) -> Surface:
        """A rod with round ends from ``start`` to ``end``; ``bow_mm`` bends its middle towards +y."""
        p, q = np.asarray(start, np.float32), np.asarray(end, np.float32)
        axis = q - p
        length2 = np.float32(axis @ axis + 1e-9)
        x, y, z = self.x - p[0], self.y - p[1], self.z - p[2]
        t = np.clip((x * axis[0] + y * axis[1] + z * axis[2]) / length2, 0.0, 1.0)
        if bow_mm:
            y = y - np.float32(4.0 * bow_mm) * t * (1.0 - t)
        x, y, z = x - t * axis[0], y - t * axis[1], z - t * axis[2]
        r = np.sqrt(x * x + y * y + z * z) + np.float32(1e-6)
        bx, by, bz = self.beams
        return Surface(r - np.float32(radius_mm), np.abs(x * bx + y * by + z * bz) / r)

    def fill(self, cover: Floats, echo_db: float | Floats, loss: float | None = None) -> None:
        self.echo_db += cover * (echo_db - self.echo_db)
        self.mirror *= 1.0 - cover
        if loss is not None:
            self.loss += cover * (loss - self.loss)

    def shine(self, amount: Floats) -> None:
        np.maximum(self.mirror, amount, out=self.mirror)

    def patches(self, seed: int, feature_mm: float) -> Floats:
        """Between 0.1 and 1.3: surfaces are never seen whole."""
        strength: Floats = np.clip(0.65 + 0.6 * self.lumps(max(feature_mm, 1.5), seed), 0.1, 1.3)
        return strength

    def blob(
        self,
        centre: Vector,
        semi: Vector,
        echo_db: float,
        *,
        loss: float | None = None,
        soft_mm: float = 1.0,
        edge: float = 0.0,
        edge_power: float = 2.0,
        turn_deg: float = 0.0,
        rough_db: float = 0.0,
        rough_mm: float = 4.0,
        seed: int = 0,
    ) -> None:
        """An ellipsoid organ with an optional bright edge (``edge``: mirror amplitude at right angles)."""
        part = self.near(centre, max(semi) + 2.0)
        if part is None:
            return
        surface = part.ellipsoid(centre, semi, turn_deg)
        level = echo_db + rough_db * part.lumps(rough_mm, seed) if rough_db else echo_db
        part.fill(surface.cover(soft_mm), level, loss)
        if edge:
            part.shine(edge * part.patches(seed + 1, max(semi)) * surface.band(0.0, 0.45) * surface.cosine**edge_power)

    def tube(
        self,
        start: Vector,
        end: Vector,
        radius_mm: float,
        echo_db: float,
        *,
        loss: float | None = None,
        edge: float = 0.0,
        bow_mm: float = 0.0,
        soft_mm: float = 0.8,
        seed: int = 0,
    ) -> None:
        """A vessel, rod or streak from ``start`` to ``end``."""
        middle = tuple((a + b) / 2 for a, b in zip(start, end, strict=True))
        reach = float(np.linalg.norm(np.subtract(end, start))) / 2 + radius_mm + abs(bow_mm) + 2.0
        part = self.near((middle[0], middle[1], middle[2]), reach)
        if part is None:
            return
        surface = part.capsule(start, end, radius_mm, bow_mm)
        part.fill(surface.cover(soft_mm), echo_db, loss)
        if edge:
            part.shine(edge * part.patches(seed, 5.0 * radius_mm) * surface.band(0.3, 0.45) * surface.cosine**2)
