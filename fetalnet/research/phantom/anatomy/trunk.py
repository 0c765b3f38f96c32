"""A fetal trunk. Body axes: x to the belly, y to the left, z to the head; the ideal plane is z = 0."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from fetalnet.core.planes import Structure
from fetalnet.growth.intergrowth import FetalSizes
from fetalnet.research.phantom.anatomy.noise import Floats, outline_lumps
from fetalnet.research.phantom.anatomy.tissue import FLUID_DB, FLUID_LOSS, Patch, Surface, Tissue, Vector
from fetalnet.research.phantom.scanner.pose import Array

_EMPTY_STOMACH = 0.04
"""Size of a stomach that cannot be seen, as a share of the trunk's."""


class Trunk:
    """``semi_mm``: semi-axes of the skin's outer surface, an ellipsoid about ``centre_mm``; ``axes`` x, y, z as
    columns in the world.
    """

    def __init__(self, rng: np.random.Generator, sizes: FetalSizes, centre_mm: Array, axes: Array) -> None:
        self.centre_mm, self.axes = centre_mm, axes
        a, b = sizes.abdomen_ap_mm / 2, sizes.abdomen_transverse_mm / 2
        self.semi_mm = (a, b, (a + b) / 2 * float(rng.uniform(1.6, 2.1)))
        late = float(np.clip((sizes.ga_weeks - 20.0) / 16.0, 0.0, 1.0))
        self.seed = int(rng.integers(1 << 30))
        self.skin_mm = float(rng.uniform(0.8, 1.8) + 3.0 * late * rng.uniform(0.3, 1.0))
        self.skin_gain = float(10 ** (rng.uniform(4.0, 24.0) / 20.0))
        self.skin_echo_db = float(rng.uniform(-10.0, 4.0))
        self.side_db = float(rng.uniform(0.0, 14.0))
        self.skin_level = float(rng.uniform(-1.8, 0.4))
        self.grazing = float(rng.uniform(0.8, 3.0))
        self.muscle_db = float(rng.uniform(-18.0, -6.0))
        self.liver_db = float(rng.uniform(-9.0, -1.0))
        self.lump_db = float(rng.uniform(0.8, 3.5))
        self.fleck_db = float(rng.uniform(0.0, 5.0))
        self.spine_size = rng.uniform(0.75, 1.45, 3)
        self.spine_near = rng.uniform(0.35, 1.0, 3)
        self.rib_gain = float(10 ** (rng.uniform(8.0, 34.0) / 20.0))
        self.rib_loss = float(rng.uniform(0.5, 3.5))
        self.rib_spacing_mm = float((a + b) / 2 * rng.uniform(0.28, 0.36))
        self.rib_tilt = float(rng.uniform(-0.6, 0.6))
        self.rib_phase = float(rng.uniform())
        self.rib_front = float(rng.uniform(0.0, 0.7))
        self.spine_gain = float(10 ** (rng.uniform(22.0, 36.0) / 20.0))
        self.spine_loss = float(rng.uniform(1.0, 4.0))
        self.out_of_round = float(rng.uniform(0.005, 0.055))
        self.stomach = (
            float(rng.uniform(0.02, 0.3) * a), float(rng.uniform(0.38, 0.56) * b),
            float(rng.uniform(-0.06, 0.06) * self.semi_mm[2]),
        )  # fmt: skip
        size = rng.uniform(0.1, 0.24) if rng.uniform() < 0.9 else _EMPTY_STOMACH
        self.stomach_filled = size > _EMPTY_STOMACH
        self.stomach_semi = (size * a * float(rng.uniform(0.9, 1.7)), size * b, 0.24 * self.semi_mm[2])
        self.stomach_turn_deg = float(rng.uniform(-50.0, 50.0))
        self.stomach_db = float(rng.uniform(-40.0, -22.0))
        self.vein_mm = float((0.8 + 0.045 * (a + b) / 2) * rng.uniform(0.7, 1.25))
        self.vein_edge = float(10 ** (rng.uniform(4.0, 18.0) / 20.0))
        self.vein_db = float(rng.uniform(-36.0, -18.0))
        self.vessels = [self._vessel(rng) for _ in range(int(rng.integers(2, 8)))]
        self.vein_turn = float(rng.uniform(-0.12, 0.12))
        self.gallbladder = bool(rng.uniform() < 0.4)
        self.edge_loss = float(rng.uniform(0.0, 2.0))

    def _vessel(self, rng: np.random.Generator) -> tuple[Vector, Vector, float]:
        """A small vessel somewhere in the liver: start, end, radius in parts of the umbilical vein's."""
        semi = np.asarray(self.semi_mm)
        start = rng.uniform((-0.45, -0.7, -0.2), (0.6, 0.4, 0.2)) * semi
        end = start + rng.normal(0.0, 0.2, 3) * semi * np.array([1.0, 1.0, 0.4])
        return tuple(start), tuple(end), float(rng.uniform(0.25, 0.55))

    @property
    def longest_mm(self) -> float:
        return 2.0 * max(self.semi_mm[:2])

    @property
    def structures(self) -> dict[Structure, tuple[float, float, float, float]]:
        """What this trunk has and how high it reaches (see ``_STRUCTURES``)."""
        return {
            name: place for name, place in _STRUCTURES.items() if name is not Structure.STOMACH or self.stomach_filled
        }

    def paint(self, tissue: Tissue) -> None:
        patch = tissue.patch(self.centre_mm, self.axes, max(self.semi_mm) * 1.1 + 4.0)
        if patch is None:
            return
        skin = patch.ellipsoid((0.0, 0.0, 0.0), self.semi_mm)
        radius_mm = (self.semi_mm[0] + self.semi_mm[1]) / 2
        lump = patch.lumps(1.1 * radius_mm, self.seed)
        outline = skin.distance_mm + np.float32(self.out_of_round * radius_mm) * (lump - self._mean_lump(radius_mm))
        skin = Surface(outline, skin.cosine)
        inside = skin.cover(0.8)
        patch.anchor(outline < 0)
        self._paint_wall(patch, skin, inside, lump)
        core = Surface(outline + self.skin_mm + 0.07 * radius_mm, skin.cosine).cover(1.2)
        texture = self.liver_db + self.lump_db * patch.lumps(0.3 * radius_mm, self.seed + 1)
        flecks = patch.lumps(0.075 * radius_mm + 0.8, self.seed + 8)
        texture += self.fleck_db * np.clip(np.abs(flecks) - 0.6, 0.0, 2.0) * np.sign(flecks)
        patch.fill(core, texture, 0.2)
        self._paint_organs(patch, core)
        self._paint_ribs(patch, skin, lump)
        self._paint_spine(patch)

    def _mean_lump(self, radius_mm: float) -> float:
        return float(outline_lumps(self.semi_mm, 1.1 * radius_mm, self.seed).mean())

    def _paint_wall(self, patch: Patch, skin: Surface, inside: Floats, lump: Floats) -> None:
        patch.fill(inside, self.muscle_db, 0.24)
        fat = inside * np.clip(0.5 + (skin.distance_mm + self.skin_mm) / 0.8, 0.0, 1.0)
        strength = np.clip((patch.lumps(0.8 * self.semi_mm[0], self.seed + 2) - self.skin_level) * 1.5 + 0.5, 0.1, 1.0)
        patch.fill(fat, self.skin_echo_db - 8.0 * (1.0 - strength) - self.side_db * (1.0 - skin.cosine) + 2.0 * lump)
        face = strength * skin.cosine**self.grazing
        patch.shine(self.skin_gain * face * skin.band(-0.2 - 0.8 * patch.bleed_mm, 0.45))
        patch.shine(0.4 * self.skin_gain * face * skin.band(-self.skin_mm - patch.bleed_mm, 0.45))
        patch.loss += self.edge_loss * skin.band(-1.5, 2.5) * np.clip(1.0 - 2.0 * skin.cosine, 0.0, 1.0)

    def _paint_ribs(self, patch: Patch, skin: Surface, lump: Floats) -> None:
        a, b, c = self.semi_mm
        depth_mm = self.skin_mm + 0.055 * (a + b)
        along = (patch.z + self.rib_tilt * patch.x * 0.5) / np.float32(self.rib_spacing_mm) + self.rib_phase
        bar = np.clip(np.cos(2 * np.pi * along) * 3.0 - 0.4, 0.0, 1.0)
        cage = np.clip((patch.z / c + 0.22) * 10.0, 0.0, 1.0)
        cage *= np.clip((self.rib_front - patch.x / a) * 5.0, 0.0, 1.0)
        bone = bar * cage * skin.band(-depth_mm, 0.75) * np.clip(1.0 + 0.5 * lump, 0.1, 1.5)
        patch.shine(self.rib_gain * bone * (0.1 + 0.9 * skin.cosine))
        patch.echo_db += np.clip(bone, 0.0, 1.0) * np.maximum(4.0 - patch.echo_db, 0.0)
        patch.loss += bone * self.rib_loss

    def _paint_organs(self, patch: Patch, core: Floats) -> None:
        a, b, c = self.semi_mm
        seed = self.seed
        lower = core * np.clip((-0.4 - patch.z / c) * 8.0, 0.0, 1.0)
        patch.echo_db += lower * (3.0 + 4.0 * patch.lumps(0.14 * a, seed + 3))
        chest = core * np.clip((patch.z / c - 0.32) * 10.0, 0.0, 1.0)
        patch.echo_db += chest * 3.0
        # Spleen and bowel beside the stomach differ a little from the liver.
        left = core * np.clip((patch.y / b - 0.1) * 4.0, 0.0, 1.0) * np.clip((0.3 - patch.z / c) * 8.0, 0.0, 1.0)
        patch.echo_db += left * 2.0 * patch.lumps(0.3 * a, seed + 4)
        self._paint_kidneys(patch)
        self._paint_heart(patch)
        patch.blob(self.stomach, self.stomach_semi, self.stomach_db, loss=FLUID_LOSS, edge=1.5,
                   turn_deg=self.stomach_turn_deg, seed=seed + 9)  # fmt: skip
        self._paint_vein(patch)
        patch.tube((-0.42 * a, 0.08 * b, -c), (-0.42 * a, 0.08 * b, c * 0.5), 0.6 * self.vein_mm, -30.0, edge=3.0)
        patch.tube((-0.3 * a, -0.17 * b, -c), (-0.3 * a, -0.17 * b, c * 0.4), 0.55 * self.vein_mm, -28.0, edge=2.0)
        if self.gallbladder:
            patch.tube((0.45 * a, -0.3 * b, -0.12 * c), (0.15 * a, -0.26 * b, -0.1 * c), 1.1 * self.vein_mm, -34.0,
                       loss=FLUID_LOSS, edge=3.0)  # fmt: skip
        patch.blob((0.25 * a, 0.0, -0.78 * c), (0.24 * a, 0.22 * b, 0.12 * c), FLUID_DB, loss=FLUID_LOSS, edge=3.0)

    def _paint_vein(self, patch: Patch) -> None:
        """The umbilical vein comes in from the belly, lies in the plane for a third, and turns right at the sinus."""
        a, b, c = self.semi_mm
        turn = self.vein_turn
        knots = np.array(
            [(0.92, 0.0, -0.4), (0.66, 0.4 * turn, -0.08), (0.42, turn, 0.0), (0.24, turn - 0.03, 0.0),
             (0.12, turn - 0.14, 0.01), (0.03, turn - 0.32, 0.02), (-0.02, turn - 0.5, 0.04)]
        ) * np.array([a, b, c])  # fmt: skip
        for k, (start, end) in enumerate(pairwise(knots)):
            radius_mm = self.vein_mm * (1.0, 1.0, 1.05, 0.95, 0.75, 0.6)[k]
            patch.tube(tuple(start), tuple(end), radius_mm, self.vein_db, loss=FLUID_LOSS, edge=self.vein_edge,
                       seed=self.seed + 30)  # fmt: skip
        for start, end, part in self.vessels:
            patch.tube(
                start, end, part * self.vein_mm, self.vein_db + 6.0, edge=0.7 * self.vein_edge, seed=self.seed + 31
            )

    def _paint_kidneys(self, patch: Patch) -> None:
        a, b, c = self.semi_mm
        for side in (-1.0, 1.0):
            centre = (-0.42 * a, side * 0.42 * b, -0.46 * c)
            patch.blob(centre, (0.26 * a, 0.26 * b, 0.3 * c), self.liver_db - 3.0, edge=2.5,
                       rough_db=2.0, rough_mm=2.5, seed=self.seed + 5)  # fmt: skip
            patch.blob(centre, (0.1 * a, 0.07 * b, 0.14 * c), -26.0, edge=2.5)

    def _paint_heart(self, patch: Patch) -> None:
        a, b, c = self.semi_mm
        heart = (0.22 * a, 0.12 * b, 0.62 * c)
        patch.blob(heart, (0.5 * a, 0.36 * b, 0.17 * c), self.liver_db - 2.0, edge=2.0, turn_deg=35.0)
        for dx, dy in ((0.2, 0.02), (0.08, 0.2), (-0.12, -0.08), (-0.16, 0.12)):
            patch.blob((heart[0] + dx * a, heart[1] + dy * b, heart[2]), (0.15 * a, 0.09 * b, 0.1 * c), FLUID_DB,
                       loss=FLUID_LOSS, edge=3.0, turn_deg=35.0)  # fmt: skip

    def _paint_spine(self, patch: Patch) -> None:
        a, b, c = self.semi_mm
        part = patch.near((-0.7 * a, 0.0, 0.0), 1.05 * c)
        if part is None:
            return
        size_mm = 0.055 * (a + b) / 2 + 0.7
        pitch_mm = 0.2 * (a + b) / 2
        bar_all = 0.35 + 0.65 * np.clip(
            np.cos(2 * np.pi * (part.z / np.float32(pitch_mm) + self.rib_phase)) * 2, 0.0, 1.0
        )
        canal = part.capsule((-0.76 * a, 0.0, -0.9 * c), (-0.76 * a, 0.0, 0.9 * c), 1.1 * size_mm)
        part.fill(canal.cover(1.0), -20.0)
        places = ((-0.6 * a, 0.0, 1.2), (-0.78 * a, 0.115 * b, 0.9), (-0.78 * a, -0.115 * b, 0.9))
        for k, (x, y, scale) in enumerate(places):
            scale = scale * float(self.spine_size[k])
            bar = bar_all * float(self.spine_near[k])
            bone = part.capsule((x, y, -0.9 * c), (x, y, 0.9 * c), scale * size_mm)
            cover = bone.cover(1.2) * part.patches(self.seed + 40 + k, 2.5 * size_mm)
            part.echo_db += np.clip(cover, 0.0, 1.0) * bar * np.maximum(12.0 - part.echo_db, 0.0)
            part.shine(self.spine_gain * bar * 0.5 * cover * (0.25 + 0.75 * bone.cosine))
            part.loss += cover * self.spine_loss


_STRUCTURES: dict[Structure, tuple[float, float, float, float]] = {
    Structure.STOMACH: (0.15, 0.45, 0.0, 0.2),
    Structure.PORTAL_SINUS: (0.2, -0.1, 0.0, 0.07),
    Structure.SPINE: (-0.7, 0.0, 0.0, 0.9),
    Structure.KIDNEYS: (-0.42, 0.0, -0.46, 0.27),
    Structure.HEART: (0.22, 0.12, 0.62, 0.16),
    Structure.BLADDER: (0.25, 0.0, -0.78, 0.11),
}
"""Centre (fractions of the semi-axes) and half-height (fraction of the vertical one) of what a plane may cut."""
