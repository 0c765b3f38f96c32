"""What a prediction costs."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from fetalnet.network.streaming import Output
from fetalnet.training.batches import Batch

SIDE_WEIGHT = 0.2
"""Weight of each side output beside the fused mask (deep supervision)."""


class Losses(NamedTuple):
    """Scalars: their weighted sum is what training lowers."""

    masks: Tensor
    sides: Tensor
    planes: Tensor
    standardness: Tensor
    structures: Tensor

    @property
    def total(self) -> Tensor:
        found = 0.7 * self.planes + 0.7 * self.standardness + 0.3 * self.structures
        return self.masks + SIDE_WEIGHT * self.sides + found


def losses(output: Output, batch: Batch) -> Losses:
    """Losses of a network's output (see ``Output``) against a batch's truth."""
    masks, weight = batch.masks.flatten(0, 1), batch.mask_weight.flatten(0, 1)
    sides = [
        mask_loss(side.flatten(0, 1), functional.interpolate(masks, size=side.shape[-2:], mode="area"), weight)
        for side in output.side_logits
    ]
    return Losses(
        mask_loss(output.mask_logits.flatten(0, 1), masks, weight),
        torch.stack(sides).sum(),
        functional.cross_entropy(output.class_logits.float().flatten(0, 1), batch.planes.flatten(0, 1)),
        _weighted(output.standardness_logits, batch.standardness, batch.standardness_weight),
        _weighted(output.structure_logits, batch.structures, batch.structures_weight),
    )


def _weighted(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Binary cross-entropy (b, t, n) over frames of a weight (b, t)."""
    cross = functional.binary_cross_entropy_with_logits(logits.float(), target, reduction="none").mean(dim=2)
    return (cross * weight).sum() / weight.sum().clamp(min=1.0)


def mask_loss(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Binary cross-entropy plus soft Dice (Milletari et al. 2016): (n, c, h, w) twice and (n, c)."""
    logits = logits.float()
    cross = functional.binary_cross_entropy_with_logits(logits, target, reduction="none").mean(dim=(2, 3))
    probability = torch.sigmoid(logits)
    overlap = (probability * target).sum(dim=(2, 3))
    area = probability.square().sum(dim=(2, 3)) + target.square().sum(dim=(2, 3))
    # One only counts where there is something to overlap with; empty channels are left to the cross-entropy.
    present = (target.amax(dim=(2, 3)) > 0.5).float() * weight
    dice = 1.0 - (2.0 * overlap + 1.0) / (area + 1.0)
    return 3.0 * (cross * weight).sum() / weight.sum().clamp(min=1.0) + (dice * present).sum() / present.sum().clamp(
        min=1.0
    )
