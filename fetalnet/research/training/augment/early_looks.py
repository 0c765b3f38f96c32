"""The look of heads early in pregnancy: a thick soft ring around a bright brain, close in clear fluid.

The phantom's early heads mostly lie on tissue and throw shadows from their sides. Real ones of the training split lie
in a sac of fluid not much larger than they are, on its wall; their skull lets the sound through.
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
class EarlyHeadLook:
    """The look of one head; lengths are in its radii, greys from 0 to 1.

    ``thickness``, ``bone``: of the ring, whose outer half-height lies on the outline; ``lost``: how much of it is lost
    at random places, ``grazing``: where it lies along the sound. ``brain``: grey inside, in which ``kept`` of the
    picture remains; ``pockets``: how much darker its fluid is. ``reach``: the sac's radius; ``sac``: its grey.
    ``tissue``: grey around the sac at least; ``wall``: how much brighter its edge is. ``limbs``: how many pieces
    of the body lie beside the head. ``blur``: standard deviation;
    ``grain``: that of the speckle in pixels. ``seed``: of where all this lies.
    """

    thickness: float
    bone: float
    lost: float
    grazing: float
    brain: float
    kept: float
    pockets: float
    reach: float
    sac: float
    tissue: float
    wall: float
    limbs: int
    blur: float
    grain: float
    seed: int

    @staticmethod
    def draw(rng: np.random.Generator) -> EarlyHeadLook:
        """A random look."""
        return EarlyHeadLook(
            thickness=float(rng.uniform(0.04, 0.2)),
            bone=float(rng.uniform(0.3, 1.0)),
            lost=float(rng.uniform(0.0, 1.0)),
            grazing=float(rng.uniform(0.0, 1.0)),
            brain=float(rng.uniform(0.04, 0.5)),
            kept=float(rng.uniform(0.0, 1.0)),
            pockets=float(rng.uniform(0.0, 1.0)),
            reach=1.08 + math.exp(rng.uniform(math.log(0.06), math.log(3.0))),
            sac=float(rng.uniform(0.0, 0.06) if rng.random() < 0.7 else rng.uniform(0.0, 0.2)),
            tissue=float(rng.uniform(0.1, 0.5)) if rng.random() < 0.7 else 0.0,
            wall=float(rng.uniform(0.0, 1.0)),
            limbs=int(rng.integers(0, 4)) if rng.random() < 0.6 else 0,
            blur=float(rng.uniform(0.0, 0.05)),
            grain=float(rng.uniform(0.7, 2.0)),
            seed=int(rng.integers(1 << 30)),
        )

    def apply(self, pixels: NDArray[np.uint8], example: Example, matrix: NDArray[np.float64]) -> NDArray[np.uint8]:
        """A picture (height, width) in this look. ``matrix`` (2, 3) is the affine map that took ``example`` to it."""
        ellipse = warped(example.outlines[Plane.HEAD].geometry, matrix)
        assert isinstance(ellipse, Ellipse)
        rng = np.random.default_rng(self.seed)
        shape = pixels.shape
        sound = sound_of(matrix)
        radius, across, _ = about(ellipse, shape, sound)
        grains = speckle(rng, shape, self.grain)
        x = self._around(pixels.astype(np.float32), ellipse, grains, sound, rng)
        inside = np.clip((1.0 - radius) * 0.5 * ellipse.b + 0.5, 0.0, 1.0)
        fluid = np.clip(1.5 * lumps(rng, shape, 0.35 * ellipse.b) - 0.6, 0.0, 1.0)
        brain = self.brain * (1.0 + 0.3 * lumps(rng, shape, 0.2 * ellipse.b) + 0.25 * grains)
        brain *= 255.0 * (1.0 - self.pockets * fluid)
        x += inside * (self.kept * pixels + (1.0 - self.kept) * brain - x)
        steep = 1.0 - self.grazing * np.clip(1.2 - across, 0.0, 1.0)
        holes = self.lost * np.clip(1.5 * lumps(rng, shape, 0.45 * ellipse.b) - 0.7, 0.0, 1.0)
        half = self.thickness / 2.0
        ring = np.exp2(-(((radius - (1.0 - half)) / half) ** 2))
        grained = 1.0 + 0.15 * grains + 0.2 * lumps(rng, shape, 0.3 * ellipse.b)
        x = np.maximum(x, 255.0 * self.bone * ring * steep * (1.0 - holes) * grained)
        return finished(x, self.blur * ellipse.b, pixels)

    def _around(self, x: Floats, ellipse: Ellipse, grains: Floats, sound: Floats, rng: np.random.Generator) -> Floats:
        """The picture with a sac of fluid about the head, which lies anywhere in it, often on its wall."""
        size = self.reach * math.sqrt(ellipse.a * ellipse.b) * np.exp(rng.normal(0.0, 0.15, 2))
        size = np.maximum(size, 1.03 * np.array([ellipse.a, ellipse.b]))
        room = np.maximum(size.min() - ellipse.b, 0.0) * rng.uniform(0.0, 1.1)
        towards = rng.uniform(0.0, 2.0 * math.pi)
        at = np.array([ellipse.cx, ellipse.cy]) + room * np.array([math.cos(towards), math.sin(towards)])
        turn = ellipse.theta_deg + rng.normal(0.0, 30.0)
        bag = Ellipse.of(float(at[0]), float(at[1]), float(size[0]), float(size[1]), float(turn))
        away, across, deep = about(bag, x.shape, sound)
        # Echoes of the wall above hang in the fluid.
        hazy = 1.0 + 3.0 * np.clip(-deep, 0.0, 1.0)
        away = away + np.float32(0.12) * lumps(rng, x.shape, 0.8 * ellipse.b)
        if self.tissue:
            x = np.maximum(x, 255.0 * self.tissue * (1.0 + 0.2 * grains + 0.2 * lumps(rng, x.shape, 0.6 * ellipse.b)))
        # The sound has lost nothing in the fluid: the wall behind it shines.
        edge = np.exp(-(((away - 1.03) / 0.05) ** 2)) * across * np.clip(0.5 + 0.5 * deep, 0.0, 1.0)
        x = x * (1.0 + self.wall * edge)
        fluid = np.clip((1.0 - away) * 0.4 * float(size.min()) + 0.5, 0.0, 1.0)
        x = x + fluid * (255.0 * self.sac * hazy * (1.0 + 0.5 * grains) + 0.1 * x - x)
        for _ in range(self.limbs):
            body = self._piece(ellipse, x.shape, rng)
            grey = np.float32(rng.uniform(0.1, 0.7)) * (
                1.0 + 0.2 * grains + 0.3 * lumps(rng, x.shape, 0.15 * ellipse.b)
            )
            x = x + body * (255.0 * grey - x)
        return np.asarray(x, np.float32)

    @staticmethod
    def _piece(ellipse: Ellipse, shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
        """Where (height, width), 0 to 1, a trunk, limb or face lies that touches the head or nearly does."""
        turn = rng.uniform(0.0, 2.0 * math.pi)
        length, width = ellipse.b * rng.uniform(0.2, 1.2), ellipse.b * rng.uniform(0.1, 0.9)
        reach = 1.0 + rng.uniform(0.5, 1.4) * length / ellipse.b
        at = reach * (ellipse.matrix @ (math.cos(turn), math.sin(turn))) + (ellipse.cx, ellipse.cy)
        layer = np.zeros(shape, np.float32)
        tilt = float(rng.uniform(0.0, 180.0))
        draw_ellipse(layer, Ellipse(float(at[0]), float(at[1]), float(length), float(width), tilt), 1.0)
        return np.asarray(cv2.GaussianBlur(layer, (0, 0), max(0.04 * ellipse.b, 0.6)), np.float32)
