"""The look of real abdomens: an even grey inside, bright ragged arcs near and far, sides that melt into the tissue.

The phantom's abdomens are ringed by skin and throw shadows from their sides, so that a network which has seen no other
takes a real one, whose arcs shine like bone, for a head. What is drawn here is what textbooks tell of the abdomen: ribs
and skin are bright where the sound meets them squarely, the liver is even, the spine a group of bright spots at the
rim with a shadow away from the centre, and there is often no fluid around.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fetalnet.core.geometry import Ellipse
from fetalnet.core.planes import Plane
from fetalnet.research.training.augment.looks import Floats, about, draw_ellipse, finished, lumps, sound_of, speckle
from fetalnet.research.training.data.example import Example
from fetalnet.research.training.data.targets import warped


@dataclass(frozen=True, slots=True)
class AbdomenLook:
    """The look of one abdomen; lengths are in its radii, greys from 0 to 1.

    ``liver``: grey inside, in which the dark places of the picture stay dark and the brightest bright; ``kept``: how
    much of the picture remains besides. ``arcs``: grey of the bright arcs, ``thickness`` theirs, ``depth``: how far
    within the outline they lie, ``broken``: how much of them is missing, ``narrow``: how squarely the sound must meet
    them, 0 to 1. ``spine``: grey of spots at the rim. ``tissue``: grey around, of which ``patchy`` says how uneven;
    ``melt``: over which width the sides pass into it. ``blur``: standard deviation; ``grain``: that of the speckle in
    pixels. ``seed``: of where all this lies.
    """

    liver: float
    kept: float
    arcs: float
    thickness: float
    depth: float
    broken: float
    narrow: float
    spine: float
    tissue: float
    patchy: float
    melt: float
    blur: float
    grain: float
    seed: int

    @staticmethod
    def draw(rng: np.random.Generator) -> AbdomenLook:
        """A random look."""
        return AbdomenLook(
            liver=math.exp(rng.uniform(math.log(0.08), math.log(0.5))),
            kept=float(rng.uniform(0.0, 0.8)),
            arcs=float(rng.uniform(0.3, 1.0)) if rng.random() < 0.8 else 0.0,
            thickness=float(rng.uniform(0.02, 0.1)),
            depth=float(rng.uniform(0.0, 0.06)),
            broken=float(rng.uniform(0.0, 1.0)),
            narrow=float(rng.uniform(0.3, 0.9)),
            spine=float(rng.uniform(0.3, 1.0)) if rng.random() < 0.6 else 0.0,
            tissue=float(rng.uniform(0.03, 0.25)) if rng.random() < 0.7 else 0.0,
            patchy=float(rng.uniform(0.1, 0.5)),
            melt=float(rng.uniform(0.02, 0.15)),
            blur=float(rng.uniform(0.0, 0.025)),
            grain=float(rng.uniform(0.6, 2.0)),
            seed=int(rng.integers(1 << 30)),
        )

    def apply(self, pixels: NDArray[np.uint8], example: Example, matrix: NDArray[np.float64]) -> NDArray[np.uint8]:
        """A picture (height, width) in this look. ``matrix`` (2, 3) is the affine map that took ``example`` to it."""
        ellipse = warped(example.outlines[Plane.ABDOMEN].geometry, matrix)
        assert isinstance(ellipse, Ellipse)
        rng = np.random.default_rng(self.seed)
        shape = pixels.shape
        sound = sound_of(matrix)
        radius, across, _ = about(ellipse, shape, sound)
        grains = speckle(rng, shape, self.grain)
        x = pixels.astype(np.float32)
        if self.tissue:
            uneven = np.exp(
                self.patchy * (lumps(rng, shape, 0.5 * ellipse.b) + 0.5 * lumps(rng, shape, 0.15 * ellipse.b))
            )
            around = 255.0 * self.tissue * uneven * (1.0 + 0.25 * grains)
            # Some of what lay there, its shadows least of all.
            outside = np.clip((radius - 0.94) / 0.06, 0.0, 1.0)
            x += outside * (np.maximum(0.4 * x, around) - x)
        within = np.clip((1.0 - radius) / self.melt, 0.0, 1.0)
        x += within * (self._inside(pixels, radius, ellipse, grains, rng) - x)
        if self.spine:
            x = np.maximum(x, self._spots(ellipse, shape, rng))
        x = np.maximum(x, self._arcs(radius, across, ellipse, grains, rng))
        return finished(x, self.blur * ellipse.b, pixels)

    def _inside(
        self, pixels: NDArray[np.uint8], radius: Floats, ellipse: Ellipse, grains: Floats, rng: np.random.Generator
    ) -> Floats:
        inner = pixels[radius < 0.8]
        usual = max(float(np.median(inner)), 4.0) if inner.size else 4.0
        smooth = cv2.medianBlur(pixels, 5).astype(np.float32) / np.float32(usual)
        liver = 255.0 * self.liver * (1.0 + 0.2 * grains + 0.12 * lumps(rng, pixels.shape, 0.3 * ellipse.b))
        liver *= np.clip(2.0 * smooth - 0.3, 0.08, 1.0)
        liver += 255.0 * 0.3 * np.clip(smooth - 2.0, 0.0, 2.0)
        return np.asarray(self.kept * pixels + (1.0 - self.kept) * liver, np.float32)

    def _arcs(
        self, radius: Floats, across: Floats, ellipse: Ellipse, grains: Floats, rng: np.random.Generator
    ) -> Floats:
        half = self.thickness / 2.0
        ragged = 0.02 * lumps(rng, radius.shape, 0.15 * ellipse.b)
        band = np.exp2(-(((radius + ragged - (1.0 - self.depth - half)) / half) ** 2))
        square = np.clip((across - self.narrow) / (1.0 - self.narrow), 0.0, 1.0)
        missing = self.broken * np.clip(0.5 + lumps(rng, radius.shape, 0.4 * ellipse.b), 0.0, 1.0)
        return np.asarray(255.0 * self.arcs * band * square * (1.0 - missing) * (1.0 + 0.2 * grains), np.float32)

    def _spots(self, ellipse: Ellipse, shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
        """Three bright spots, as a vertebra has, somewhere inside the rim."""
        layer = np.zeros(shape, np.float32)
        turn = rng.uniform(0.0, 2.0 * math.pi)
        for aside, near in ((-0.18, 0.86), (0.18, 0.86), (0.0, 0.7)):
            angle = turn + aside + rng.normal(0.0, 0.04)
            reach = near + rng.normal(0.0, 0.03)
            x, y = ellipse.matrix @ (reach * math.cos(angle), reach * math.sin(angle)) + (ellipse.cx, ellipse.cy)
            size = ellipse.b * rng.uniform(0.03, 0.09, 2)
            grey = 255.0 * self.spine * float(rng.uniform(0.6, 1.0))
            tilt = float(rng.uniform(0.0, 180.0))
            draw_ellipse(layer, Ellipse(float(x), float(y), float(size[0]), float(size[1]), tilt), grey)
        return np.asarray(cv2.GaussianBlur(layer, (0, 0), max(0.025 * ellipse.b, 0.6)), np.float32)
