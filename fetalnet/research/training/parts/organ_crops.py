"""What the reader is trained on: organs as their outlines frame them, and places where there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fetalnet.core.geometry import Ellipse, Geometry
from fetalnet.core.planes import STANDARD_PLANES, Plane
from fetalnet.network.heads.organ_reader import MARGIN, crop_size, structures_of
from fetalnet.research.training.augment.erase import erased
from fetalnet.research.training.augment.phantom_looks import in_drawn_look
from fetalnet.research.training.augment.warp import Appearance, Warp, warp_picture
from fetalnet.research.training.config import Network, TrainingConfig
from fetalnet.research.training.data.batches import UNRATED_STANDARDNESS, UNRATED_WEIGHT, Collection, Fields, presence
from fetalnet.research.training.data.example import Example
from fetalnet.research.training.data.targets import warped

OWN_SHARE, OTHERS_SHARE = 0.66, 0.14
"""Shares of crops around the plane's own organ and around another organ; the rest shows none."""

REAL_SHARE = 0.5
"""Of the organs those in real pictures."""
DECOY_SHARE = 0.6
"""Of the crops without an organ those where the network outlined one in a real picture without it."""
PLAIN_SHARE = 0.5
"""Share of crops that keep the look they have: a rating must not drown in what augmentation hides."""


class Crops(NamedTuple):
    """n crops for the reader of one plane: ``crops`` (n, 1, height, width), grey 0 to 1; ``present`` (n,), 1 where the
    plane is well enough cut; ``standardness`` (n,) and its weight (n,); its ``structures`` (n, k) and their weight
    (n, k), 0 where nobody said.
    """

    crops: Tensor
    present: Tensor
    standardness: Tensor
    standardness_weight: Tensor
    structures: Tensor
    structures_weight: Tensor


class Decoy(NamedTuple):
    """A false outline of a network in a real picture that does not show the organ."""

    example: Example
    geometry: Geometry


@dataclass(frozen=True, slots=True, eq=False)
class Pools:
    """Pictures as sharp as on the network's grid, by what they show: heads of HC18, real planes, views that are none,
    simulated organs, and pictures without an organ. ``decoys`` are what a network outlines in real pictures that show
    no such organ.
    """

    heads: list[Example]
    planes: dict[Plane, list[Example]]
    others: list[Example]
    organs: dict[Plane, list[Example]]
    empty: list[Example]
    decoys: dict[Plane, list[Decoy]] = field(default_factory=dict)

    @staticmethod
    def of(collection: Collection, grid: tuple[int, int]) -> Pools:
        heads, others, simulated = (
            on_grid(pool, grid) for pool in (collection.heads, collection.others, collection.simulated)
        )
        planes = {plane: on_grid(collection.planes.get(plane, []), grid) for plane in STANDARD_PLANES}
        organs = {plane: [each for each in simulated if plane in each.outlines] for plane in STANDARD_PLANES}
        empty = [*others, *(each for each in simulated if not each.outlines)]
        return Pools(heads, planes, others, organs, empty)

    def real(self, plane: Plane) -> list[Example]:
        """Real pictures of a plane."""
        return [*(self.heads if plane is Plane.HEAD else ()), *self.planes[plane]]


def draw_crops(config: TrainingConfig, pools: Pools, step: int, rank: int = 0) -> list[Crops]:
    """The batch of one step for one process, in the order of ``STANDARD_PLANES``."""
    assert config.reader is not None
    assert isinstance(config.network, Network)
    scale = config.network.crop_scale
    size = config.batch_of_each(config.reader)
    batch = []
    for number, plane in enumerate(STANDARD_PLANES):
        rngs = [np.random.default_rng([config.seed, step, rank, number, item]) for item in range(size)]
        items = [draw_crop(rng, pools, plane, scale, config.phantom_looks) for rng in rngs]
        batch.append(Crops(*(torch.from_numpy(np.stack(parts)) for parts in zip(*items, strict=True))))
    return batch


def draw_crop(
    rng: np.random.Generator, pools: Pools, plane: Plane, scale: float = 1.0, phantom_looks: float = 0.0
) -> Fields:
    """One augmented crop for a plane's reader: the fields of ``Crops``, one item's."""
    example, geometry, own = _pick(rng, pools, plane)
    present = standardness = 0.0
    weight = 1.0
    if own:
        outline = example.outlines[plane]
        present = presence(outline.standardness)
        standardness = outline.standardness if example.rated else UNRATED_STANDARDNESS
        weight = 1.0 if example.rated else UNRATED_WEIGHT
    size = crop_size(plane, scale)
    to_crop = jittered(geometry, plane, rng, scale)
    crop = np.asarray(cv2.warpAffine(example.pixels, to_crop, size[::-1], flags=cv2.INTER_LINEAR), np.uint8)
    crop = in_drawn_look(rng, crop, example, phantom_looks, to_crop)
    grey: NDArray[Any] = crop.astype(np.float32) / 255
    if rng.random() > PLAIN_SHARE:
        look = Appearance.draw(rng, size)
        # Text and calipers are drawn for whole pictures: in a crop they would cover it.
        grey = (look if rng.random() < 0.1 else replace(look, overlay=None)).apply(crop, rng)
    structures, assessed = (
        np.array([own and structure in each for structure in structures_of(plane)], np.float32)
        for each in (example.structures, example.assessed)
    )
    numbers = (np.asarray(value, np.float32) for value in (present, standardness, weight))
    return (grey[None], *numbers, structures, assessed)


def jittered(geometry: Geometry, plane: Plane, rng: np.random.Generator, scale: float = 1.0) -> NDArray[np.float64]:
    """The affine map (2, 3) from a picture to a crop around ``geometry``, off by as much as a prediction may be."""
    cx, cy, long, short, angle_deg = _pose(geometry)
    if short * 1.12 > long:
        # The long axis of something round lies anywhere.
        angle_deg = float(rng.uniform(0, 180))
    angle = math.radians(angle_deg + float(rng.normal(0, 5)))
    cx, cy = cx + float(rng.normal(0, 0.04)) * long, cy + float(rng.normal(0, 0.04)) * long
    rows, columns = crop_size(plane, scale)
    half_width = MARGIN * max(long, short * columns / rows, 4.0) * math.exp(rng.normal(0, 0.07))
    half_height = half_width * rows / columns * math.exp(rng.normal(0, 0.04))
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    # Neither left and right nor top and bottom of an outline can be told apart.
    flips = rng.choice([-1.0, 1.0], 2)
    linear = np.diag(flips * [columns / 2 / half_width, rows / 2 / half_height]) @ turn
    middle = np.array([(columns - 1) / 2, (rows - 1) / 2])
    return np.column_stack([linear, middle - linear @ np.array([cx, cy])])


def on_grid(pool: list[Example], grid: tuple[int, int]) -> list[Example]:
    """Pictures as sharp as on a network's grid (height, width)."""
    return [_resized(each, grid) for each in pool]


def _resized(example: Example, grid: tuple[int, int]) -> Example:
    matrix = Warp().matrix((example.pixels.shape[0], example.pixels.shape[1]), grid)
    outlines = {
        plane: replace(outline, geometry=warped(outline.geometry, matrix))
        for plane, outline in example.outlines.items()
    }
    return replace(example, pixels=warp_picture(example.pixels, matrix, grid), outlines=outlines)


def _pose(geometry: Geometry) -> tuple[float, float, float, float, float]:
    """Centre, half-lengths and angle in degrees."""
    if isinstance(geometry, Ellipse):
        return geometry.cx, geometry.cy, geometry.a, geometry.b, geometry.theta_deg
    (x1, y1), (x2, y2) = geometry.points()
    return (
        float(x1 + x2) / 2,
        float(y1 + y2) / 2,
        geometry.length_px / 2,
        0.0,
        math.degrees(math.atan2(y2 - y1, x2 - x1)),
    )


def _pick(rng: np.random.Generator, pools: Pools, plane: Plane) -> tuple[Example, Geometry, bool]:
    """A picture, where to look in it, and whether the plane's own organ lies there."""
    kind, real = rng.random(), rng.random() < REAL_SHARE
    if kind < OWN_SHARE:
        pool = (pools.real(plane) if real else pools.organs[plane]) or pools.organs[plane] or pools.real(plane)
        if pool:
            example = _any(rng, pool)
            return example, example.outlines[plane].geometry, True
    if kind < OWN_SHARE + OTHERS_SHARE:
        by_plane = {each: pools.real(each) if real else pools.organs[each] for each in STANDARD_PLANES}
        others = [each for each in STANDARD_PLANES if each is not plane and by_plane[each]]
        if others:
            other = others[int(rng.integers(len(others)))]
            example = _any(rng, by_plane[other])
            return example, example.outlines[other].geometry, False
    decoys = pools.decoys.get(plane)
    if decoys and rng.random() < DECOY_SHARE:
        decoy = decoys[int(rng.integers(len(decoys)))]
        return decoy.example, decoy.geometry, False
    if pools.heads and (not pools.empty or rng.random() < 0.3):
        head = _any(rng, pools.heads)
        return erased(head, rng, pools.others), head.outlines[Plane.HEAD].geometry, False
    example = _any(rng, pools.empty or pools.organs[plane])
    return example, _anywhere(rng, example), False


def _anywhere(rng: np.random.Generator, example: Example) -> Ellipse:
    height, width = example.pixels.shape
    long = float(rng.uniform(0.06, 0.4)) * height
    return Ellipse(
        float(rng.uniform(0.2, 0.8)) * width,
        float(rng.uniform(0.2, 0.8)) * height,
        long,
        long * float(rng.uniform(0.1, 1.0)),
        float(rng.uniform(0, 180)),
    )


def _any(rng: np.random.Generator, pool: list[Example]) -> Example:
    return pool[int(rng.integers(len(pool)))]
