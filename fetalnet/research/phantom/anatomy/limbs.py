"""Long bones in soft tissue: femurs (measured), and the shins, arms and cord that are not."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from fetalnet.research.phantom.anatomy.tissue import FLUID_DB, FLUID_LOSS, Patch, Surface, Tissue, Vector
from fetalnet.research.phantom.scanner.pose import Array, Pose, unit

SLICE_MM = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class BoneLook:
    """How a long bone shows: gains are amplitudes, losses dB per mm."""

    gain: float
    echo_db: float
    loss: float
    bow_part: float
    soft_end_part: float
    flesh_part: float
    flesh_db: float
    skin_gain: float
    fascia_gain: float
    uneven: float
    seed: int

    @staticmethod
    def drawn(rng: np.random.Generator) -> BoneLook:
        return BoneLook(
            gain=float(10 ** (rng.uniform(20.0, 36.0) / 20.0)),
            echo_db=float(rng.uniform(2.0, 14.0)),
            loss=float(rng.choice([rng.uniform(0.2, 1.5), rng.uniform(1.5, 6.0)])),
            bow_part=float(rng.normal(0.0, 0.022)),
            soft_end_part=float(rng.uniform(0.0, 0.07)),
            flesh_part=float(rng.uniform(0.22, 0.42)),
            flesh_db=float(rng.uniform(-14.0, -5.0)),
            skin_gain=float(10 ** (rng.uniform(2.0, 20.0) / 20.0)),
            fascia_gain=float(10 ** (rng.uniform(-10.0, 16.0) / 20.0)),
            uneven=float(rng.uniform(0.1, 0.55)),
            seed=int(rng.integers(1 << 30)),
        )


class LongBone:
    """A shaft of ``length_mm`` (outer ends) about ``centre_mm``, along ``axes[:, 0]``, bowed towards its y."""

    def __init__(
        self, centre_mm: Array, axes: Array, length_mm: float, radius_mm: float, look: BoneLook, *, joints: bool = True
    ) -> None:
        self.centre_mm, self.axes = centre_mm, axes
        self.length_mm, self.radius_mm = length_mm, radius_mm
        self.look, self.joints = look, joints

    @property
    def bow_mm(self) -> float:
        return self.look.bow_part * self.length_mm

    @property
    def ends_mm(self) -> tuple[Array, Array]:
        half = self.axes[:, 0] * self.length_mm / 2
        return self.centre_mm - half, self.centre_mm + half

    def patch(self, tissue: Tissue) -> Patch | None:
        return tissue.patch(self.centre_mm, self.axes, 0.5 * self.length_mm * (1.3 + self.look.flesh_part) + 4.0)

    def paint_flesh(self, tissue: Tissue) -> None:
        patch = self.patch(tissue)
        if patch is None:
            return
        look, half = self.look, self.length_mm / 2
        flesh_mm = look.flesh_part * self.length_mm
        skin = patch.capsule((-1.0 * half, 0.0, 0.0), (1.0 * half, 0.0, 0.0), flesh_mm)
        outline = skin.distance_mm + np.float32(0.12 * flesh_mm) * patch.lumps(1.4 * flesh_mm, look.seed)
        skin = Surface(outline, skin.cosine)
        patch.anchor(outline < 0)
        streaks = patch.lumps((0.6 * self.length_mm, 0.16 * flesh_mm + 0.8, 0.16 * flesh_mm + 0.8), look.seed + 1)
        patch.fill(skin.cover(0.8), look.flesh_db + 3.0 * streaks, 0.22)
        fascia = np.exp(-(((streaks - 0.9) / 0.25) ** 2)) * skin.cover(0.8)
        patch.shine(look.fascia_gain * fascia * np.sqrt(np.maximum(1.0 - patch.beams[0] ** 2, 0.0)))
        fat = skin.cover(0.8) * np.clip(1.0 + outline / (0.16 * flesh_mm), 0.0, 1.0)
        patch.echo_db += 4.0 * fat
        patch.shine(
            look.skin_gain * skin.band(0.0, 0.5) * patch.patches(look.seed + 4, 1.2 * flesh_mm) * skin.cosine**2.5
        )
        if self.joints:
            for side in (-1.0, 1.0):
                ball = 0.13 * self.length_mm
                centre = (side * (half + 0.75 * ball), 0.0, 0.0)
                patch.blob(centre, (ball, 1.15 * ball, 1.15 * ball), look.flesh_db - 7.0, edge=0.3 * look.skin_gain,
                           rough_db=1.5, rough_mm=2.0, seed=look.seed + 2)  # fmt: skip

    def _drawn_in(self, pose: Pose, along_mm: float) -> Vector:
        """A point of the axis in body coordinates, drawn towards the image plane: the slice is about 1 mm thick to
        each side, so a bone just beside the plane still shows.
        """
        out_mm = float((self.centre_mm + along_mm * self.axes[:, 0] - pose.origin_mm) @ pose.normal)
        x, y, z = -out_mm * SLICE_MM / (self.radius_mm + SLICE_MM) * (pose.normal @ self.axes)
        return along_mm + float(x), float(y), float(z)

    def paint_bone(self, tissue: Tissue) -> None:
        patch = self.patch(tissue)
        if patch is None:
            return
        look, half, radius = self.look, self.length_mm / 2, self.radius_mm
        inner = half - radius * 0.6
        start, end = (self._drawn_in(tissue.pose, side * inner) for side in (-1.0, 1.0))
        rod = patch.capsule(start, end, radius + 0.2, self.bow_mm)
        along = np.abs(patch.x) * np.float32(1.0 / half)
        # The shaft is narrow in the middle and flares towards its ends.
        bone = Surface(rod.distance_mm + np.float32(0.18 * radius) * (1.0 - 2.0 * along**4), rod.cosine)
        ends = np.clip((1.0 - along) / max(look.soft_end_part, 0.012), 0.0, 1.0) ** 0.7
        ends *= np.clip((half + 0.4 - np.abs(patch.x)) / 0.8, 0.0, 1.0)
        strength = ends * np.clip(1.0 + look.uneven * patch.lumps(0.35 * self.length_mm, look.seed + 3), 0.2, 1.6)
        cover = bone.cover(1.0) * strength
        patch.echo_db += np.clip(cover, 0.0, 1.0) * np.maximum(look.echo_db - patch.echo_db, 0.0)
        across = np.sqrt(np.maximum(1.0 - patch.beams[0] ** 2, 0.0))
        patch.shine(look.gain * cover * (0.06 + 0.94 * across**2))
        patch.loss += cover * look.loss


def paint_cord(tissue: Tissue, knots_mm: Array, radius_mm: float) -> None:
    """A loop of cord through knots ``(n, 3)``: a jelly tube with dark vessels, bright walls, in the fluid."""
    for start, end in pairwise(knots_mm):
        axis = unit(end - start)
        across = unit(np.cross(axis, [0.3, 0.5, 0.8]))
        axes = np.stack([axis, across, np.cross(axis, across)], axis=1)
        half = float(np.linalg.norm(end - start)) / 2
        patch = tissue.patch((start + end) / 2, axes, half + 2 * radius_mm)
        if patch is None:
            continue
        patch.tube((-half, 0.0, 0.0), (half, 0.0, 0.0), radius_mm, -10.0, edge=3.0)
        for side in (-0.45, 0.45):
            patch.tube((-half, side * radius_mm, 0.0), (half, -side * radius_mm, 0.3 * radius_mm), 0.3 * radius_mm,
                       FLUID_DB, loss=FLUID_LOSS, edge=2.0)  # fmt: skip


def limb_axes(direction: Array, rng: np.random.Generator) -> Array:
    """Body axes with x along a direction and the rest random."""
    x = unit(direction)
    y = unit(np.cross(x, rng.normal(size=3)))
    return np.stack([x, y, np.cross(x, y)], axis=1)
