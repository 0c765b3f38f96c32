"""How the shaft reader is trained: on strips along lines that miss the ends of a femur."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from fetalnet.core.geometry import Line
from fetalnet.core.planes import Plane
from fetalnet.inference.fitting.shaft import ends_in, moved, strip_of
from fetalnet.inference.fitting.strip import MIRRORS
from fetalnet.network.heads.shaft_reader import AT, ShaftReader
from fetalnet.network.streaming import StreamingFetalNet
from fetalnet.network.strip_form import SHAFT_ALONG
from fetalnet.research.training.config import TrainingConfig
from fetalnet.research.training.data.batches import Fields
from fetalnet.research.training.data.example import Example
from fetalnet.research.training.parts.base import PartTraining, batch_of
from fetalnet.research.training.parts.strips import with_another_look

FAR_SHARE = 0.35
"""Of the lines that miss a good part of a shaft, or take more along; the others are nearly right."""

_NEAR = np.array([0.03, 0.012])
_PERCENT = 100.0
_BLUR = 0.02
"""In lengths: how near a place must lie to an end to count as its place."""


class ShaftStrips(NamedTuple):
    """n strips (n, ROWS, COLUMNS), grey 0 to 1, and the true ``ends`` (n, 2, 2) in them, see ``ends_in``."""

    strips: Tensor
    ends: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class ShaftPools:
    """Pictures with a femur: real ones in their own resolution, and the phantom's."""

    real: list[Example]
    phantom: list[Example]


def draw_shafts(config: TrainingConfig, pools: ShaftPools, step: int, rank: int = 0) -> ShaftStrips:
    """The batch of one step for one process."""
    assert config.shaft is not None
    share = config.shaft.real_share if pools.real else 0.0

    def draw(rng: np.random.Generator) -> Fields:
        return draw_shaft(rng, pools.real if rng.random() < share else pools.phantom)

    return ShaftStrips(*batch_of(config, config.shaft, step, rank, draw))


def draw_shaft(rng: np.random.Generator, pool: list[Example]) -> Fields:
    """One augmented strip: the fields of ``ShaftStrips``, one item's."""
    example = pool[int(rng.integers(len(pool)))]
    shaft = example.outlines[Plane.FEMUR].geometry
    assert isinstance(shaft, Line)
    mirror = MIRRORS[int(rng.integers(len(MIRRORS)))]
    while True:
        line = _missing(shaft, rng)
        ends = ends_in(line, shaft, mirror)
        if np.abs(ends[:, 0]).max() < SHAFT_ALONG:
            break
    return with_another_look(strip_of(example.pixels, line, mirror=mirror), rng), ends


def _missing(shaft: Line, rng: np.random.Generator) -> Line:
    """A line along the shaft as the mask of a network may give it."""
    ends = np.array([[-0.5, 0.0], [0.5, 0.0]]) + rng.normal(0, _NEAR, (2, 2)) * rng.uniform(0.3, 1.7)
    if rng.random() < FAR_SHARE:
        end = int(rng.integers(2))
        inwards = 1.0 if end == 0 else -1.0
        ends[end] += inwards * rng.uniform(-0.35, 0.55), rng.normal(0, 0.05)
    return moved(shaft, ends)


class ShaftTraining(PartTraining):
    """The loss around the shaft reader."""

    def __init__(self, config: TrainingConfig, network: StreamingFetalNet) -> None:
        assert config.shaft is not None
        assert network.shaft is not None
        super().__init__(config, config.shaft, network.shaft)
        self.shaft = network.shaft

    def training_step(self, batch: ShaftStrips, _: int) -> Tensor:
        self.seed_step()
        place, end, length = losses(self.shaft, batch)
        total = place + 0.5 * end + 0.5 * length
        values = {"shaft/place": place, "shaft/end": end, "shaft/length": length}
        return self.tell(total, values, len(batch.strips))


def losses(shaft: ShaftReader, batch: ShaftStrips) -> tuple[Tensor, Tensor, Tensor]:
    """Of the places at which the ends lie, of the ends and of the length; the last two in % of the line."""
    ends, places = shaft(batch.strips)
    apart = (AT.to(ends) - batch.ends[:, :, :1]) / _BLUR
    wanted = torch.softmax(-0.5 * apart.square(), dim=2)
    place = functional.cross_entropy(places.flatten(0, 1), wanted.flatten(0, 1))
    end = functional.smooth_l1_loss(_PERCENT * ends, _PERCENT * batch.ends)
    # What counts in the end is the length.
    told, true = ((each[:, 1] - each[:, 0]).norm(dim=1) for each in (ends, batch.ends))
    length = functional.smooth_l1_loss(_PERCENT * told, _PERCENT * true)
    return place, end, length
