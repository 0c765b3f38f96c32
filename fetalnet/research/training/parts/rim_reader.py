"""How the rim reader is trained: on strips along ellipses that are a little off the organ's outline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from fetalnet.core.geometry import Ellipse
from fetalnet.core.planes import Plane
from fetalnet.inference.fitting.rim import BASIS, LEAST_TRUST, border_of, moved, strip_of
from fetalnet.inference.fitting.strip import MIRRORS
from fetalnet.network.heads.rim_reader import RIM_PLANES, one_of
from fetalnet.network.streaming import StreamingFetalNet
from fetalnet.research.training.augment.phantom_looks import in_drawn_look
from fetalnet.research.training.config import TrainingConfig
from fetalnet.research.training.data.batches import Collection, Fields
from fetalnet.research.training.data.example import Example
from fetalnet.research.training.parts.base import PartTraining, batch_of
from fetalnet.research.training.parts.strips import measurable, with_another_look

HEAD_SHARE = {True: 0.65, False: 1 / 3}
"""Of the real strips (True) and of the phantom's; the others show abdomens."""

_OFF = np.array([0.02, 0.018, 0.018, 0.02, 0.02])
"""Standard deviation of what an ellipse is off, in terms of ``BASIS``; half as much is usual for the network's."""

_TIMES_OFF = {Plane.HEAD: (0.2, 1.8), Plane.ABDOMEN: (0.2, 3.5)}
"""Between how many times that it is. An abdomen's wall drops out beside fluid, and the outline strays further."""

_PERCENT = 100.0


class Strips(NamedTuple):
    """n strips (n, ROWS, COLUMNS) grey 0 to 1, their ``planes`` (n, 2), and the true ``borders`` (n, ANSWERS)."""

    strips: Tensor
    planes: Tensor
    borders: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class RimPools:
    """Pictures with an outlined organ, by plane: real ones in their own resolution, and the phantom's."""

    real: dict[Plane, list[Example]]
    phantom: dict[Plane, list[Example]]

    @staticmethod
    def of(collection: Collection, real: dict[Plane, list[Example]]) -> RimPools:
        return RimPools(real, {plane: measurable(collection, plane) for plane in RIM_PLANES})

    def draw(self, rng: np.random.Generator, real_share: float) -> tuple[Example, Plane]:
        """A picture and which of its organs to look at."""
        pools = {True: self.real, False: self.phantom}
        real = rng.random() < real_share
        real = real if any(pools[real].values()) else not real
        plane = Plane.HEAD if rng.random() < HEAD_SHARE[real] else Plane.ABDOMEN
        if not pools[real].get(plane):
            plane = next(each for each in RIM_PLANES if pools[real].get(each))
        pool = pools[real][plane]
        return pool[int(rng.integers(len(pool)))], plane


def draw_strips(config: TrainingConfig, pools: RimPools, step: int, rank: int = 0) -> Strips:
    """The batch of one step for one process."""
    assert config.rim is not None
    share = config.rim.real_share
    return Strips(
        *batch_of(config, config.rim, step, rank, lambda rng: draw_strip(rng, pools, share, config.phantom_looks))
    )


def draw_strip(
    rng: np.random.Generator, pools: RimPools, real_share: float = 0.5, phantom_looks: float = 0.0
) -> Fields:
    """One augmented strip: the fields of ``Strips``, one item's."""
    example, plane = pools.draw(rng, real_share)
    organ = example.outlines[plane].geometry
    assert isinstance(organ, Ellipse)
    ellipse = moved(organ, rng.normal(0, _OFF) * rng.uniform(*_TIMES_OFF[plane]))
    mirror = MIRRORS[int(rng.integers(len(MIRRORS)))]
    pixels = in_drawn_look(rng, example.pixels, example, phantom_looks)
    strip = with_another_look(strip_of(pixels, ellipse, mirror=mirror), rng)
    return strip, one_of(plane), border_of(organ, ellipse, mirror)


class RimTraining(PartTraining):
    """The loss around the rim reader."""

    def __init__(self, config: TrainingConfig, network: StreamingFetalNet) -> None:
        assert config.rim is not None
        assert network.rim is not None
        super().__init__(config, config.rim, network.rim)
        self.rim = network.rim
        self.register_buffer("basis", torch.from_numpy(BASIS.astype(np.float32)), persistent=False)

    def training_step(self, batch: Strips, _: int) -> Tensor:
        self.seed_step()
        border, trust = self.rim(batch.strips, batch.planes)
        fitted = fitted_borders(border, trust, self.basis)
        apart = functional.smooth_l1_loss(_PERCENT * border, _PERCENT * batch.borders)
        outline = functional.smooth_l1_loss(_PERCENT * fitted, _PERCENT * batch.borders)
        # What counts in the end is the circumference.
        size = _PERCENT * (fitted - batch.borders).mean(dim=1).abs().mean()
        total = 0.3 * apart + outline + size
        values = {"rim/border": apart, "rim/outline": outline, "rim/size": size}
        return self.tell(total, values, len(border))


def fitted_borders(border: Tensor, trust: Tensor, basis: Tensor) -> Tensor:
    """(n, ANSWERS) The borders of the ellipses that fit ``border`` best, by ``trust``.

    ``basis`` (ANSWERS, 5). The same as ``movement``, to learn by.
    """
    with torch.autocast(border.device.type, enabled=False):
        weighted = basis * (trust.float() + LEAST_TRUST)[..., None]
        sides = (weighted * border.float()[..., None]).sum(dim=1)
        normal = torch.einsum("nai,aj->nij", weighted, basis)
        movement: Tensor = torch.linalg.solve(normal, sides)
        return movement @ basis.T
