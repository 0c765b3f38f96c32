"""Looks that real pictures have and the phantom's lack: a simulated picture is varied before it is trained on.

What is varied was found by setting real heads of the training split beside the phantom's: compounding leaves little
speckle; the skull is thick, bright where the sound meets it squarely and lost along its sides; the midline is seen in
pieces; the half near the probe lies in haze, and short bright folds lie beyond. Heads fill more of the picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from fetalnet.core.geometry import Ellipse
from fetalnet.core.planes import Plane, Structure
from fetalnet.research.training.augment.abdomen_looks import AbdomenLook
from fetalnet.research.training.augment.early_looks import EarlyHeadLook
from fetalnet.research.training.augment.looks import Floats, about, between_ends, lumps, sound_of
from fetalnet.research.training.augment.warp import Warp
from fetalnet.research.training.data.example import Example
from fetalnet.research.training.data.targets import warped

SPANS = (0.3, 0.95)
"""Shares of the picture's width that an organ spans once it is brought nearer or farther."""

_EARLY_OF_EARLY, _EARLY_OF_GROWN, _OWN_OF_ABDOMENS = 0.7, 0.15, 0.7
"""Shares of looks that are ``EarlyHeadLook``, of heads too early to show thalami and of others; and ``AbdomenLook``."""

_SCALES = (0.5, 2.4)
_UNMOVED = np.eye(2, 3)

_OUTSIDE = 1.02
"""What lies farther out than this many radii is not of the rim."""


@dataclass(frozen=True, slots=True)
class PhantomLook:
    """The look of one recording; lengths inside an organ are in its radii, the distance from its centre to its rim.

    ``calm``: how much of the speckle is smoothed away, 0 to 1, over ``grain`` picture heights. ``thickness``: how far
    the rim is widened inwards. ``sides``, ``gaps``: how much of the rim is lost along the sound and at random places, 0
    to 1; ``facing``: how much brighter it is across the sound; ``arcs``: grey, 0 to 1, that it has there at least, in
    pieces. ``blotches``: standard deviation of the inside's gain (natural logarithm), which varies over ``blotch``.
    ``inside``: the inside's mean gain. ``haze``: grey, 0 to 1, behind the near rim. ``folds``: how many short bright
    lines lie inside. ``seed``: of where all this lies.
    """

    calm: float
    grain: float
    thickness: float
    sides: float
    gaps: float
    facing: float
    arcs: float
    blotches: float
    blotch: float
    inside: float
    haze: float
    folds: int
    seed: int

    @staticmethod
    def draw(rng: np.random.Generator) -> PhantomLook:
        """A random look."""

        def sometimes(share: float, low: float, high: float) -> float:
            return float(rng.uniform(low, high)) if rng.random() < share else 0.0

        return PhantomLook(
            calm=sometimes(0.75, 0.3, 1.0),
            grain=float(rng.uniform(0.008, 0.027)),
            thickness=sometimes(0.5, 0.01, 0.09),
            sides=sometimes(0.7, 0.2, 1.0),
            gaps=sometimes(0.4, 0.2, 1.0),
            facing=sometimes(0.5, 0.0, 1.5),
            arcs=sometimes(0.4, 0.3, 1.0),
            blotches=sometimes(0.7, 0.2, 1.1),
            blotch=math.exp(rng.uniform(math.log(0.06), math.log(0.5))),
            inside=math.exp(rng.normal(-0.15, 0.45)),
            haze=sometimes(0.35, 0.03, 0.3),
            folds=round(sometimes(0.45, 4, 40)),
            seed=int(rng.integers(1 << 30)),
        )

    def apply(self, pixels: NDArray[np.uint8], example: Example, matrix: NDArray[np.float64]) -> NDArray[np.uint8]:
        """A picture (height, width) in this look. ``matrix`` (2, 3) is the affine map that took ``example`` to it."""
        if self.calm:
            smooth = cv2.medianBlur(pixels, max(2 * round(self.grain * pixels.shape[0] / 2) + 1, 3))
            pixels = np.asarray(cv2.addWeighted(smooth, self.calm, pixels, 1.0 - self.calm, 0), np.uint8)
        sound = sound_of(matrix)
        for plane, outline in example.outlines.items():
            geometry = warped(outline.geometry, matrix)
            if isinstance(geometry, Ellipse):
                pixels = self._on_organ(pixels, geometry, plane, sound)
        return pixels

    def _on_organ(self, pixels: NDArray[np.uint8], ellipse: Ellipse, plane: Plane, sound: Floats) -> NDArray[np.uint8]:
        rng = np.random.default_rng(self.seed)
        shape = pixels.shape
        radius, across, deep = about(ellipse, shape, sound)
        inside = np.clip((0.93 - radius) / 0.06, 0.0, 1.0)
        # A narrow band, which holds the rim that the picture has.
        band = np.exp(-(((radius - 0.965) / (0.05 + 0.5 * self.thickness)) ** 2)) * (radius < 1.06)
        x = pixels.astype(np.float32)
        # A brain is full of folds, a liver even.
        uneven = self.blotches if plane is Plane.HEAD else 0.3 * self.blotches
        blotches = uneven * lumps(rng, shape, self.blotch * ellipse.b)
        gain = self.inside * np.exp(np.minimum(blotches - 0.5 * uneven**2, 1.2))
        x *= 1.0 + inside * (gain - 1.0)
        if self.folds and plane is Plane.HEAD:
            x = np.maximum(x, inside * self._folds(ellipse, shape, rng))
        if self.haze:
            x += 255.0 * self.haze * inside * np.clip(0.5 - deep, 0.0, 1.0)
        if self.thickness and plane is Plane.HEAD:
            x = np.maximum(x, _widened(np.where(radius < _OUTSIDE, x * band, 0.0), ellipse, self.thickness))
        gaps = np.clip(2.0 * lumps(rng, shape, 0.45 * ellipse.b) - 0.8, 0.0, 1.0)
        # Bone shines most.
        facing = self.facing if plane is Plane.HEAD else 0.5 * self.facing
        lost = np.maximum(self.sides * np.clip(1.0 - across, 0.0, 1.0) ** 1.5, self.gaps * gaps)
        x *= 1.0 + band * (facing * np.clip(2.0 * across - 1.0, 0.0, 1.0) - lost)
        if self.arcs:
            pieces = np.clip((across - 0.75) / 0.2, 0.0, 1.0) * np.clip(
                0.6 + lumps(rng, shape, 0.4 * ellipse.b), 0.0, 1.0
            )
            grained = 1.0 + 0.15 * lumps(rng, shape, 3.0)
            x = np.maximum(x, 255.0 * self.arcs * band * pieces * grained)
        # Beside its fan a picture is black, and stays so.
        return np.where(between_ends(pixels), np.clip(x, 0.0, 255.0), 0.0).astype(np.uint8)

    def _folds(self, ellipse: Ellipse, shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
        """Short bright lines about along the long axis, gathered in one part of the inside."""
        layer = np.zeros(shape, np.uint8)
        middle = rng.uniform((-0.5, -0.1), (0.5, 0.5))
        for _ in range(self.folds):
            centre = middle + rng.normal(0.0, (0.3, 0.25))
            length, turn = rng.uniform(0.03, 0.18), rng.normal(0.0, 0.4)
            t = np.linspace(-1.0, 1.0, 7)
            bend = rng.normal(0.0, 0.04) * t**2
            line = centre + np.column_stack([t * length * math.cos(turn), t * length * math.sin(turn) + bend])
            points = line @ ellipse.matrix.T + (ellipse.cx, ellipse.cy)
            thickness = 1 + (rng.random() < 0.25)
            cv2.polylines(layer, [np.round(points * 8).astype(np.int32)], False, int(rng.integers(40, 220)), thickness,
                          cv2.LINE_AA, 3)  # fmt: skip
        return np.asarray(cv2.GaussianBlur(layer, (0, 0), 0.8), np.float32)


Look = PhantomLook | EarlyHeadLook | AbdomenLook


def drawn_look(rng: np.random.Generator, example: Example, share: float) -> Look | None:
    """A random look for a ``share`` of the simulated pictures; None for the others and for real ones."""
    if not share or example.real or rng.random() >= share:
        return None
    if example.organ is Plane.HEAD:
        grown = Structure.THALAMI in example.structures
        if rng.random() < (_EARLY_OF_GROWN if grown else _EARLY_OF_EARLY):
            return EarlyHeadLook.draw(rng)
    elif example.organ is Plane.ABDOMEN and rng.random() < _OWN_OF_ABDOMENS:
        return AbdomenLook.draw(rng)
    return PhantomLook.draw(rng)


def in_drawn_look(
    rng: np.random.Generator,
    pixels: NDArray[np.uint8],
    example: Example,
    share: float,
    matrix: NDArray[np.float64] = _UNMOVED,
) -> NDArray[np.uint8]:
    """The picture in a look of ``drawn_look``, or as it is; ``matrix`` as for ``PhantomLook.apply``."""
    look = drawn_look(rng, example, share)
    return pixels if look is None else look.apply(pixels, example, matrix)


def filled(warp: Warp, example: Example, grid: tuple[int, int], rng: np.random.Generator) -> Warp:
    """The warp brought nearer or farther, so that the organ spans a random share of the grid's width, and moved so that
    it lies near the middle.
    """
    organs = [each.geometry for each in example.outlines.values() if isinstance(each.geometry, Ellipse)]
    if not organs:
        return warp
    largest = max(organs, key=lambda ellipse: ellipse.a)
    base = (example.pixels.shape[0], example.pixels.shape[1])
    fit = math.sqrt(abs(float(np.linalg.det(replace(warp, scale=1.0).matrix(base, grid)[:, :2]))))
    scale = float(rng.uniform(*SPANS)) * grid[1] / (2.0 * largest.a * fit)
    nearer = replace(warp, scale=float(np.clip(scale, *_SCALES)), shift_x=0.0, shift_y=0.0)
    x, y = nearer.matrix(base, grid) @ np.array([largest.cx, largest.cy, 1.0])
    shift_x, shift_y = rng.uniform(-0.12, 0.12, 2)
    return replace(nearer, shift_x=float(0.5 + shift_x - x / grid[1]), shift_y=float(0.5 + shift_y - y / grid[0]))


def _widened(rim: Floats, ellipse: Ellipse, thickness: float) -> Floats:
    """The brightest of a rim and of itself drawn ever nearer to the centre: wider inwards, its outer edge in place."""
    widest = rim
    for share in np.linspace(0.0, thickness, 4)[1:]:
        matrix = np.array([[1 - share, 0.0, share * ellipse.cx], [0.0, 1 - share, share * ellipse.cy]])
        widest = np.maximum(widest, cv2.warpAffine(rim, matrix, rim.shape[::-1], flags=cv2.INTER_LINEAR))
    return widest
