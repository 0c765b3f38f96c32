"""The mother around the fetus: skin, fat, muscle, the womb's wall and fluid, placenta, bladder, what lies behind."""

from __future__ import annotations

import numpy as np

from fetalnet.research.phantom.anatomy.noise import Floats, lumps
from fetalnet.research.phantom.anatomy.tissue import FLUID_DB, FLUID_LOSS, SOFT_LOSS, Tissue
from fetalnet.research.phantom.scanner.pose import Array, unit


class Mother:
    """``cavity``: an ellipsoid of fluid; everything above ``layers_mm`` of depth is abdominal wall."""

    def __init__(
        self, rng: np.random.Generator, centre_mm: Array, axes: Array, semi_mm: Array, layers_mm: float
    ) -> None:
        self.centre_mm, self.axes, self.semi_mm, self.layers_mm = centre_mm, axes, semi_mm, layers_mm
        self.seed = int(rng.integers(1 << 30))
        self.tissue_db = float(rng.uniform(-6.0, 4.0))
        self.deep_lump_db = float(rng.uniform(2.0, 6.0))
        self.gas_gain = float(10 ** (rng.uniform(-6.0, 24.0) / 20.0))
        self.sheet_db = float(rng.uniform(0.0, 4.0))
        self.sheet_gain = float(10 ** (rng.uniform(-12.0, 16.0) / 20.0))
        self.fat_db = float(rng.uniform(-12.0, -2.0))
        self.muscle_db = float(rng.uniform(-12.0, -3.0))
        self.streak_gain = float(10 ** (rng.uniform(0.0, 16.0) / 20.0))
        self.fat_part = float(rng.uniform(0.35, 0.65))
        self.wall_mm = float(rng.uniform(3.0, 9.0))
        self.wall_gain = float(10 ** (rng.uniform(0.0, 24.0) / 20.0))
        self.fluid_db = float(rng.choice([FLUID_DB, rng.uniform(-34.0, -20.0)], p=[0.7, 0.3]))
        self.wobble_mm = float(rng.uniform(0.5, 4.0))
        self.placenta_towards = unit(rng.normal(size=3) * np.array([1.0, 1.0, 1.3]))
        self.placenta_mm = float(rng.uniform(12.0, 35.0)) if rng.uniform() < 0.65 else 0.0
        self.placenta_db = float(rng.uniform(-2.0, 6.0))
        self.bladder_mm: Array | None = None
        if rng.uniform() < 0.12:
            self.bladder_mm = np.array([rng.uniform(-60, 60), rng.uniform(-30, 30), layers_mm + rng.uniform(8, 20)])

    def paint_behind(self, tissue: Tissue) -> None:
        """Everything but the abdominal wall; the fetus comes on top."""
        x, y, z = tissue.points_mm
        coarse = lumps(x, y, z, (28.0, 28.0, 12.0), self.seed)
        fine = lumps(x, y, z, (9.0, 9.0, 4.0), self.seed + 1)
        tissue.echo_db[:] = self.tissue_db + self.deep_lump_db * coarse + 2.0 * fine
        # Bowel gas and bone behind the womb: bright ragged faces, some with shadow.
        bright = np.clip((coarse - 0.9) * 1.6, 0.0, 1.0) * np.clip(fine - 0.2, 0.0, 1.5)
        tissue.mirror += self.gas_gain * bright
        tissue.loss += 0.25 * np.clip(coarse - 0.8, 0.0, 1.0)
        sheets = lumps(x, y, z + 0.12 * x, (34.0, 34.0, 3.2), self.seed + 5)
        tissue.echo_db += self.sheet_db * sheets
        tissue.mirror += self.sheet_gain * np.exp(-(((sheets - 1.0) / 0.22) ** 2)) * np.clip(coarse + 0.6, 0.0, 1.5)
        self._paint_cavity(tissue, coarse, fine)
        if self.bladder_mm is not None:
            patch = tissue.patch(self.bladder_mm, np.eye(3), 36.0)
            if patch is not None:
                patch.blob((0.0, 0.0, 0.0), (30.0, 24.0, 12.0), FLUID_DB, loss=FLUID_LOSS, edge=4.0)

    def _paint_cavity(self, tissue: Tissue, coarse: Floats, fine: Floats) -> None:
        offset = tissue.points_mm - self.centre_mm.astype(np.float32)[:, None, None]
        local = (self.axes.T.astype(np.float32) @ offset.reshape(3, -1)).reshape(offset.shape)
        beams = self.axes.T.astype(np.float32) @ tissue.beams
        weights = (1.0 / self.semi_mm**2).astype(np.float32)
        g = local * weights[:, None, None]
        q = np.sqrt((local * g).sum(axis=0))
        slope = np.sqrt((g * g).sum(axis=0)) + np.float32(1e-9)
        distance = (q - 1.0) * q / slope + self.wobble_mm * coarse + 0.2 * self.wobble_mm * fine
        cosine = np.abs((g * beams[:, :, None]).sum(axis=0)) / slope
        wall = np.clip(0.5 - (distance - self.wall_mm), 0.0, 1.0)
        tissue.echo_db += wall * (self.tissue_db - 6.0 + 1.5 * fine - tissue.echo_db)
        tissue.mirror *= 1.0 - wall
        if self.placenta_mm:
            towards = np.tensordot(self.placenta_towards.astype(np.float32), offset, axes=1)
            part = towards / (np.sqrt((offset * offset).sum(axis=0)) + np.float32(1e-6))
            thick = self.placenta_mm * np.clip((part - 0.25) * 2.2, 0.0, 1.0) - 1.0
            edge = distance + np.maximum(thick, 0.0)
            disc = np.clip(0.5 - distance, 0.0, 1.0) * np.clip(edge + 0.5, 0.0, 1.0)
            tissue.echo_db += disc * (self.placenta_db + 2.0 * fine + 1.0 * coarse - tissue.echo_db)
            distance = edge
        fluid = np.clip(0.5 - distance / 1.2, 0.0, 1.0)
        tissue.echo_db += fluid * (self.fluid_db - tissue.echo_db)
        tissue.mirror *= 1.0 - fluid
        tissue.loss += fluid * (FLUID_LOSS - tissue.loss)
        line = np.exp(-((distance / 0.7) ** 2)) * cosine**2
        np.maximum(tissue.mirror, self.wall_gain * line * np.clip(0.6 + 0.4 * fine, 0.0, 1.5), out=tissue.mirror)

    def paint_front(self, tissue: Tissue, range_mm: Floats) -> None:
        """The abdominal wall, over the fetus: the skin follows the probe's face. ``range_mm`` ``(samples,)``."""
        last = int(np.searchsorted(range_mm, self.layers_mm * 1.5 + 8.0))
        if last < 2:
            return
        x, y, z = tissue.points_mm[:, :, :last]
        slow = lumps(x, y, np.zeros_like(z), 70.0, self.seed + 2)
        depth = 0.7 * range_mm[None, :last] + 0.3 * z + 0.07 * self.layers_mm * slow
        inside = np.clip(self.layers_mm - depth + 0.5, 0.0, 1.0)
        echo, mirror, loss = tissue.echo_db[:, :last], tissue.mirror[:, :last], tissue.loss[:, :last]
        streak = lumps(x, y, depth.astype(np.float32), (26.0, 26.0, 2.6), self.seed + 3)
        fat_end = self.fat_part * self.layers_mm
        muscle = np.clip((depth - fat_end) * 2.0 + 0.5, 0.0, 1.0)
        level = self.fat_db + (self.muscle_db - self.fat_db) * muscle + 2.5 * streak
        level += 8.0 * np.exp(-((depth / 2.5) ** 2))
        echo += inside * (level - echo)
        loss += inside * (SOFT_LOSS - loss)
        mirror *= 1.0 - inside
        sheets = np.exp(-(((streak - 1.0) / 0.3) ** 2)) * (0.5 + 0.5 * muscle)
        sheets += 1.5 * np.exp(-(((depth - fat_end) / 0.7) ** 2)) + np.exp(-(((depth - self.layers_mm) / 0.7) ** 2))
        mirror += inside * self.streak_gain * sheets
        anchor = tissue.anchor_mm[:, :, :last]
        np.copyto(anchor, tissue.points_mm[:, :, :last], where=inside > 0.5)
