"""A fetal head. Body axes: x to the forehead, y to the left, z to the vertex; the ideal plane is z = 0."""

from __future__ import annotations

import numpy as np

from fetalnet.core.planes import Structure
from fetalnet.growth.intergrowth import FetalSizes
from fetalnet.research.phantom.anatomy.noise import Floats, outline_lumps
from fetalnet.research.phantom.anatomy.tissue import FLUID_LOSS, Patch, Tissue, Vector
from fetalnet.research.phantom.scanner.pose import Array

_GROWN = 0.7
"""How early a head may be to have its structures; an earlier one is filled by plexus."""

_PARTS = ("atrium", "plexus", "horn", "thalamus", "sylvian", "cerebellum", "third")


class Head:
    """``semi_mm``: semi-axes of the skull's outer surface, an ellipsoid about ``centre_mm``; ``axes`` x, y, z as
    columns in the world.
    """

    def __init__(self, rng: np.random.Generator, sizes: FetalSizes, centre_mm: Array, axes: Array) -> None:
        self.centre_mm, self.axes = centre_mm, axes
        a, b = sizes.ofd_mm / 2, sizes.bpd_mm / 2
        self.semi_mm = (a, b, a * float(rng.uniform(0.92, 1.02)))
        self.early = float(np.clip((17.0 - sizes.ga_weeks) / 3.5, 0.0, 1.0))
        late = float(np.clip((sizes.ga_weeks - 22.0) / 12.0, 0.0, 1.0))
        self.late = late
        self.seed = int(rng.integers(1 << 30))
        self.scalp_mm = float(rng.uniform(0.8, 2.0) + 2.0 * late * rng.uniform())
        self.skull_mm = float(rng.uniform(0.7, 1.3) * (1.0 - 0.4 * self.early) + 1.1 * late)
        self.skull_gain = float(10 ** ((rng.uniform(20.0, 36.0) - 7.0 * self.early) / 20.0))
        self.skull_echo_db = float(rng.uniform(-2.0, 12.0))
        self.grazing = float(rng.uniform(1.0, 4.0))
        self.side_wall = float(rng.uniform(0.05, 0.9) ** 1.5)
        self.gap_level = float(rng.uniform(-2.2, -0.5))
        self.gap_depth = float(rng.uniform(0.4, 1.0))
        self.uneven = float(rng.uniform(0.15, 0.6) + 0.25 * self.early)
        self.skull_loss = float(rng.uniform(0.8, 3.0) * (0.5 + 0.5 * late))
        self.brain_db = float(rng.uniform(-19.0, -7.0) * (1.0 - 0.5 * self.early) - 3.0 * late)
        self.lump_db = float(rng.uniform(1.5, 4.5) + 2.0 * self.early)
        self.falx_gain = float(10 ** ((rng.uniform(2.0, 24.0) - 8.0 * self.early) / 20.0))
        self.falx_level = float(rng.uniform(-1.2, 0.4))
        self.plexus_db = float(rng.uniform(-6.0, 4.0))
        self.ventricle_width = float(rng.uniform(0.16, 0.26) - 0.08 * late)
        self.ventricle_db = float(rng.uniform(-38.0, -24.0) + self.early * rng.uniform(0.0, 18.0))
        self.haze_db = float(rng.uniform(-22.0, 2.0))
        self.ring_db = float(rng.uniform(0.0, 3.5))
        self.rough_mm = float(rng.uniform(0.0, 0.35) * self.skull_mm)
        self.haze_reach = float(rng.uniform(0.5, 1.6))
        self.dashes = [self._dash(rng) for _ in range(int(rng.integers(0, 16)))]
        self.plexus_semi = rng.uniform((0.4, 0.2, 0.35), (0.62, 0.4, 0.5)) * np.asarray(self.semi_mm)
        self.wall_gain = float(10 ** (rng.uniform(-4.0, 20.0) / 20.0))
        self.seen = {name: float(rng.uniform() ** 0.6) for name in _PARTS}
        self.skew = rng.normal(0.0, 0.12, 2)
        self.cavum = bool(rng.uniform() < 0.9 * (1.0 - self.early))
        self.sulci_db = float(late * rng.uniform(0.0, 16.0))
        self.out_of_round = float(rng.uniform(0.0, 0.02 + 0.015 * self.early))

    def _dash(self, rng: np.random.Generator) -> tuple[Vector, Vector, float]:
        """A short bright line about parallel to the midline, as folds and vessel walls give: start, end, amplitude."""
        semi = np.asarray(self.semi_mm)
        middle = rng.uniform((-0.6, -0.75, -0.2), (0.6, 0.75, 0.2)) * semi
        half = np.array([rng.uniform(0.03, 0.2), rng.normal(0.0, 0.05), rng.normal(0.0, 0.05)]) * semi
        return tuple(middle - half), tuple(middle + half), float(10 ** (rng.uniform(-4.0, 20.0) / 20.0))

    @property
    def longest_mm(self) -> float:
        return 2.0 * self.semi_mm[0]

    @property
    def structures(self) -> dict[Structure, tuple[float, float, float, float]]:
        """What this head has and how high it reaches (see ``_STRUCTURES``)."""
        grown = self.early < _GROWN
        return {
            name: place
            for name, place in _STRUCTURES.items()
            if name is Structure.FALX or (grown and (name is not Structure.CAVUM or self.cavum))
        }

    def paint(self, tissue: Tissue) -> None:
        patch = tissue.patch(self.centre_mm, self.axes, max(self.semi_mm) * 1.45)
        if patch is None:
            return
        self._paint_face(patch)
        skull = patch.ellipsoid((0.0, 0.0, 0.0), self.semi_mm)
        lump = patch.lumps(0.9 * self.semi_mm[0], self.seed)
        outline = skull.distance_mm + np.float32(self.out_of_round * self.semi_mm[1]) * (lump - self._mean_lump())
        skull = type(skull)(outline, skull.cosine)
        patch.anchor(outline < self.scalp_mm)
        scalp = np.clip(0.5 + (self.scalp_mm - outline) / 0.8, 0.0, 1.0)
        patch.fill(scalp, -9.0 + 2.0 * lump, 0.2)
        patch.shine(2.0 * skull.band(self.scalp_mm, 0.4) * skull.cosine**2)
        inner = np.clip(0.5 - (outline + self.skull_mm), 0.0, 1.0)
        patch.fill(inner, self.brain_db + self.lump_db * patch.lumps(0.16 * self.semi_mm[0], self.seed + 1), 0.16)
        self._paint_brain(patch, inner)
        self._paint_skull(patch, outline, skull.cosine, lump)

    def _mean_lump(self) -> float:
        return float(outline_lumps(self.semi_mm, 0.9 * self.semi_mm[0], self.seed).mean())

    def _paint_skull(self, patch: Patch, outline: Floats, cosine: Floats, lump: Floats) -> None:
        half = self.skull_mm / 2 + patch.bleed_mm
        ragged = self.rough_mm * patch.lumps(0.12 * self.semi_mm[0], self.seed + 14)
        bone = np.exp(-(((outline + half + ragged) / (0.55 * self.skull_mm + 0.15)) ** 2))
        # Sutures and thin places: where coarse noise on the shell is low the bone is weak.
        shell = patch.lumps(0.5 * self.semi_mm[0], self.seed + 2)
        strength = 1.0 - self.gap_depth * np.clip((self.gap_level - shell) * 2.5 + 0.5, 0.0, 1.0)
        strength *= np.clip(1.0 + self.uneven * patch.lumps(0.3 * self.semi_mm[0], self.seed + 12), 0.2, 1.6)
        patch.shine(self.skull_gain * bone * strength * (0.03 + 0.97 * cosine**self.grazing))
        wall = np.clip(1.6 * bone - 0.3, 0.0, 1.0) * strength * (self.side_wall + (1.0 - self.side_wall) * cosine)
        patch.echo_db += np.clip(wall, 0.0, 1.0) * np.maximum(self.skull_echo_db - patch.echo_db, 0.0)
        # Slanting passage costs more: the side walls throw shadows along the beam.
        patch.loss += bone * strength * (self.skull_loss / np.maximum(cosine, 0.25))
        self._haze_behind_skull(patch, outline, cosine)

    def _haze_behind_skull(self, patch: Patch, outline: Floats, cosine: Floats) -> None:
        inside = outline < -self.skull_mm
        first = np.where(inside.any(axis=1), inside.argmax(axis=1), inside.shape[1]).astype(np.float32)
        behind = np.arange(inside.shape[1], dtype=np.float32)[None, :] - first[:, None]
        fall_db = 22.0 * patch.step_mm / (self.haze_reach * self.semi_mm[1])
        rings = self.ring_db * np.cos(
            2 * np.pi * behind * patch.step_mm / np.float32(2.0 + self.skull_mm + 2.0 * self.uneven)
        )
        # Only where the sound meets the skull squarely does it bounce back and forth.
        at_entry = np.take_along_axis(cosine, np.minimum(first, inside.shape[1] - 1).astype(np.int64)[:, None], axis=1)
        level = self.haze_db + rings - fall_db * behind - 24.0 * (1.0 - at_entry)
        level = np.where((behind >= 0) & inside, level, np.float32(-90.0))
        patch.haze(level.astype(np.float32))

    def _paint_brain(self, patch: Patch, inner: Floats) -> None:
        a, b, c = self.semi_mm
        seed = self.seed
        if self.sulci_db > 0.5:
            fold = patch.lumps(0.22 * a, seed + 3)
            patch.echo_db += inner * self.sulci_db * np.exp(-((fold / 0.16) ** 2))
        # Fluid between brain and skull, wide before 17 weeks.
        rim = patch.ellipsoid((0.0, 0.0, 0.0), (a * (0.96 - 0.1 * self.early), b * (0.95 - 0.1 * self.early), c * 0.93))
        fluid = inner * (1.0 - rim.cover(1.5))
        patch.echo_db += fluid * 0.6 * (-26.0 - patch.echo_db)
        if self.early > 0:
            self._paint_early_plexus(patch)
        if self.early < _GROWN:
            self._paint_structures(patch)
        for start, end, gain in self.dashes:
            patch.tube(start, end, 0.3, self.brain_db + 6.0, edge=gain, seed=seed + 13)
        self._paint_falx(patch, inner)
        self._paint_base(patch)

    def _paint_early_plexus(self, patch: Patch) -> None:
        a, b, c = self.semi_mm
        for side in (-1.0, 1.0):
            centre = (-0.05 * a, side * 0.42 * b, 0.1 * c)
            patch.blob(centre, (0.66 * a, 0.36 * b, 0.5 * c), self.ventricle_db, loss=FLUID_LOSS)
            patch.blob(
                (-0.1 * a, side * 0.42 * b, 0.08 * c), tuple(self.plexus_semi), self.plexus_db,
                rough_db=5.0, rough_mm=0.22 * a, seed=self.seed + 5, turn_deg=side * 8.0,
            )  # fmt: skip

    def _paint_structures(self, patch: Patch) -> None:
        a, b, c = self.semi_mm
        gain, seen = self.wall_gain, self.seen
        width = self.ventricle_width
        for k, side in enumerate((-1.0, 1.0)):
            skew, seed = float(self.skew[k]), self.seed + 20 * k
            # Lateral ventricle: atrium with plexus behind, frontal horn before.
            patch.blob(
                (-0.38 * a, side * (0.42 + skew * 0.3) * b, 0.12 * c), (0.34 * a, width * b, 0.2 * c),
                self.brain_db + seen["atrium"] * (self.ventricle_db - self.brain_db),
                loss=FLUID_LOSS, edge=gain * seen["atrium"], turn_deg=side * (14.0 + 60 * skew), seed=seed + 1,
            )  # fmt: skip
            patch.blob(
                ((-0.36 + 0.5 * skew) * a, side * 0.44 * b, 0.11 * c), (0.2 * a, 0.68 * width * b, 0.17 * c),
                self.plexus_db * seen["plexus"] + (self.brain_db + 3.0) * (1.0 - seen["plexus"]),
                turn_deg=side * (14.0 + 60 * skew), rough_db=2.5, rough_mm=2.5, seed=seed + 6,
            )  # fmt: skip
            patch.blob(
                (0.42 * a, side * 0.2 * b, 0.1 * c), (0.2 * a, 0.06 * b, 0.16 * c),
                self.brain_db + seen["horn"] * (self.ventricle_db + 6.0 - self.brain_db),
                edge=gain * seen["horn"], turn_deg=-side * 14.0, seed=seed + 2,
            )  # fmt: skip
            patch.blob(
                (-0.1 * a, side * 0.18 * b, -0.04 * c), (0.24 * a, 0.16 * b, 0.17 * c),
                self.brain_db - 5.0 * seen["thalamus"], edge=0.25 * gain, turn_deg=-side * 12.0, seed=seed + 3,
            )  # fmt: skip
            patch.tube(
                (0.28 * a, side * 0.64 * b, 0.0), (-0.15 * a, side * (0.56 + skew * 0.3) * b, 0.02 * c), 0.4,
                self.brain_db + 8.0 * seen["sylvian"], edge=gain * seen["sylvian"], bow_mm=-side * 0.05 * b, seed=seed,
            )  # fmt: skip
            patch.blob(
                (-0.62 * a, side * 0.24 * b, -0.42 * c), (0.2 * a, 0.26 * b, 0.2 * c), self.brain_db + 1.0,
                edge=0.6 * gain * seen["cerebellum"], rough_db=2.0, rough_mm=2.0, seed=seed + 7,
            )  # fmt: skip
        patch.blob((-0.8 * a, 0.0, -0.42 * c), (0.1 * a, 0.3 * b, 0.16 * c), -32.0, loss=FLUID_LOSS)
        patch.blob((-0.62 * a, 0.0, -0.42 * c), (0.14 * a, 0.08 * b, 0.12 * c), 2.0)
        if seen["third"] > 0.4:
            patch.tube((-0.25 * a, 0.0, -0.03 * c), (0.1 * a, 0.0, -0.03 * c), 0.015 * b + 0.3, -16.0,
                       edge=1.3 * gain, seed=self.seed + 4)  # fmt: skip

    def _paint_falx(self, patch: Patch, inner: Floats) -> None:
        a, b, c = self.semi_mm
        sheet = np.exp(-((patch.y / (0.4 + 0.006 * b)) ** 2))
        over = np.clip((patch.z / c + 0.25) * 8.0, 0.0, 1.0)
        # The falx is broken by the cavum and thalami, and only partly seen.
        between = np.maximum(
            np.clip((patch.x / a - 0.5) * 12.0, 0.0, 1.0), np.clip((-0.3 - patch.x / a) * 12.0, 0.0, 1.0)
        )
        deep = np.maximum(between, np.clip((patch.z / c - 0.22) * 8.0, 0.0, 1.0))
        middle = np.maximum(deep, 0.45 * self.early + 0.12)
        patchy = np.clip((patch.lumps(0.3 * a, self.seed + 8) - self.falx_level) * 2.0 + 0.5, 0.08, 1.0)
        patch.shine(self.falx_gain * sheet * over * middle * patchy * inner * (0.12 + 0.88 * np.abs(patch.beams[1])))
        if self.cavum:
            box = (0.42 * a, 0.0, 0.03 * c)
            patch.blob(box, (0.17 * a, 0.075 * b, 0.16 * c), -32.0, loss=FLUID_LOSS, edge=1.6 * self.wall_gain,
                       seed=self.seed + 11)  # fmt: skip

    def _paint_base(self, patch: Patch) -> None:
        a, b, c = self.semi_mm
        for side in (-1.0, 1.0):
            patch.tube((0.1 * a, side * 0.15 * b, -0.62 * c), (0.55 * a, side * 0.7 * b, -0.52 * c), 1.0, 8.0,
                       loss=1.2, edge=0.4 * self.skull_gain)  # fmt: skip
            patch.tube((-0.05 * a, side * 0.15 * b, -0.64 * c), (-0.35 * a, side * 0.75 * b, -0.58 * c), 1.0, 8.0,
                       loss=1.2, edge=0.4 * self.skull_gain)  # fmt: skip

    def _paint_face(self, patch: Patch) -> None:
        a, b, c = self.semi_mm
        part = patch.near((0.72 * a, 0.0, -0.62 * c), 0.75 * a)
        if part is None:
            return
        face = part.ellipsoid((0.7 * a, 0.0, -0.62 * c), (0.42 * a, 0.58 * b, 0.55 * c))
        part.anchor(face.distance_mm < 0)
        part.fill(face.cover(1.0), -5.0 + 4.0 * part.lumps(0.2 * a, self.seed + 9), 0.25)
        part.shine(3.0 * face.band(0.0, 0.5) * face.cosine**2)
        for side in (-1.0, 1.0):
            part.blob((0.86 * a, side * 0.3 * b, -0.42 * c), (0.13 * a, 0.17 * b, 0.13 * c), -30.0, edge=6.0)
        part.tube((0.85 * a, -0.32 * b, -0.72 * c), (0.85 * a, 0.32 * b, -0.72 * c), 1.2, 12.0, loss=1.5, edge=20.0)
        part.tube((0.8 * a, -0.3 * b, -0.95 * c), (0.8 * a, 0.3 * b, -0.95 * c), 1.2, 12.0, loss=1.5, edge=20.0)


_STRUCTURES: dict[Structure, tuple[float, float, float, float]] = {
    Structure.CAVUM: (0.42, 0.0, 0.03, 0.15),
    Structure.THALAMI: (-0.1, 0.0, -0.04, 0.16),
    Structure.FALX: (0.0, 0.0, 0.45, 0.6),
    Structure.VENTRICLES: (-0.38, 0.0, 0.12, 0.18),
    Structure.CEREBELLUM: (-0.62, 0.0, -0.42, 0.18),
}
"""Centre (fractions of the semi-axes) and half-height (fraction of the vertical one) of what a plane may cut."""
