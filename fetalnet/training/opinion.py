"""How the second opinion is trained: on heads and abdomens alone, real, simulated, and simulated in real tissue."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from fetalnet.errors import InputError
from fetalnet.geometry import Ellipse
from fetalnet.network.opinion import SIDE_PX
from fetalnet.network.streaming import StreamingFetalNet
from fetalnet.planes import Plane
from fetalnet.second_opinion import view
from fetalnet.training.augment import Appearance
from fetalnet.training.batches import Collection, Fields
from fetalnet.training.config import TrainingConfig
from fetalnet.training.crops import implants_of, on_grid
from fetalnet.training.example import Example
from fetalnet.training.part import PartTraining, batch_of
from fetalnet.training.phantom_looks import in_drawn_look

GRID = (256, 384)
"""Pictures as sharp as the network for stills sees them."""

LOOKS_SHARE = 0.6
"""Of the simulated organs outside real tissue that are given a look of real ones."""
PLAIN_SHARE = 0.4
"""Of the crops that keep the look they have."""

_HEADS_AMONG_IMPLANTS = 0.25


class Views(NamedTuple):
    """n crops (n, 1, SIDE_PX, SIDE_PX), grey 0 to 1, and whether each shows a ``head`` (n,), 1, or an abdomen, 0."""

    crops: Tensor
    head: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class OpinionPools:
    """Pictures on the network's grid, by how often they are drawn: (share, plane, pictures)."""

    drawn: list[tuple[float, Plane, list[Example]]]

    @staticmethod
    def of(config: TrainingConfig, collection: Collection) -> OpinionPools:
        """Early heads come beyond their share: of all heads they look most like abdomens. Raises ``InputError``."""
        assert config.opinion is not None
        count = config.opinion.implants
        heads = implants_of(collection, Plane.HEAD, max(round(_HEADS_AMONG_IMPLANTS * count), 1), config.seed, GRID)
        abdomens = implants_of(collection, Plane.ABDOMEN, count, config.seed, GRID)
        pools = [
            (0.26, Plane.HEAD, on_grid(collection.heads, GRID)),
            (0.10, Plane.HEAD, on_grid(collection.small_heads, GRID)),
            (0.08, Plane.HEAD, on_grid(collection.guests[Plane.HEAD], GRID)),
            (0.08, Plane.HEAD, heads),
            (0.32, Plane.ABDOMEN, abdomens),
            (0.16, Plane.ABDOMEN, on_grid(collection.guests[Plane.ABDOMEN], GRID)),
        ]
        known = [each for each in pools if each[2]]
        if {plane for _, plane, _ in known} != {Plane.HEAD, Plane.ABDOMEN}:
            raise InputError("A second opinion is learned from heads and abdomens; render more stills of the phantom.")
        return OpinionPools(known)

    def draw(self, rng: np.random.Generator) -> tuple[Example, Plane]:
        """A picture and which organ to look at."""
        shares = np.array([share for share, _, _ in self.drawn])
        _, plane, pool = self.drawn[int(rng.choice(len(shares), p=shares / shares.sum()))]
        return pool[int(rng.integers(len(pool)))], plane


def draw_views(config: TrainingConfig, pools: OpinionPools, step: int, rank: int = 0) -> Views:
    """The batch of one step for one process."""
    assert config.opinion is not None
    return Views(*batch_of(config, config.opinion, step, rank, lambda rng: draw_view(rng, pools)))


def draw_view(rng: np.random.Generator, pools: OpinionPools) -> Fields:
    """One augmented crop: the fields of ``Views``, one item's."""
    example, plane = pools.draw(rng)
    organ = example.outlines[plane].geometry
    assert isinstance(organ, Ellipse)
    # As far off as the outline of an organ that was taken for another may be.
    shift = rng.normal(0.0, 0.05, 2) * organ.a
    wide = math.exp(rng.normal(0.0, 0.09))
    seen = Ellipse(organ.cx + shift[0], organ.cy + shift[1], organ.a * wide, organ.b * wide, organ.theta_deg)
    matrix = view(seen, float(rng.uniform(0.0, 360.0)), bool(rng.random() < 0.5))
    size = (SIDE_PX, SIDE_PX)
    crop = np.asarray(cv2.warpAffine(example.pixels, matrix, size, flags=cv2.INTER_LINEAR), np.uint8)
    crop = in_drawn_look(rng, crop, example, LOOKS_SHARE, matrix)
    if rng.random() > PLAIN_SHARE:
        # Text and calipers are drawn for whole pictures: in a crop they would cover it.
        grey = replace(Appearance.draw(rng, size), overlay=None).apply(crop, rng)
    else:
        grey = crop.astype(np.float32) / np.float32(255)
    return grey[None], np.asarray(plane is Plane.HEAD, np.float32)


class OpinionTraining(PartTraining):
    """The loss around the second opinion."""

    def __init__(self, config: TrainingConfig, network: StreamingFetalNet) -> None:
        assert config.opinion is not None
        assert network.opinion is not None
        super().__init__(config, config.opinion, network.opinion)
        self.opinion = network.opinion

    def training_step(self, batch: Views, _: int) -> Tensor:
        self.seed_step()
        odds = self.opinion(batch.crops.contiguous(memory_format=torch.channels_last)).float()
        cross = functional.binary_cross_entropy_with_logits(odds, batch.head)
        return self.tell(cross, {"opinion/head": cross}, len(odds))
