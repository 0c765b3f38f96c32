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

    @property
    def total(self) -> Tensor:
        return self.masks + SIDE_WEIGHT * self.sides + 0.5 * self.planes + 0.25 * self.standardness


def losses(output: Output, batch: Batch) -> Losses:
    """Losses of a network's output (see ``Output``) against a batch's truth."""
    masks, weight = batch.masks.flatten(0, 1), batch.mask_weight.flatten(0, 1)
    sides = [
        mask_loss(side.flatten(0, 1), functional.interpolate(masks, size=side.shape[-2:], mode="area"), weight)
        for side in output.side_logits
    ]
    rating = functional.binary_cross_entropy_with_logits(
        output.standardness_logits.float(), batch.standardness, weight=batch.standardness_weight, reduction="sum"
    )
    return Losses(
        mask_loss(output.mask_logits.flatten(0, 1), masks, weight),
        torch.stack(sides).sum(),
        functional.cross_entropy(output.class_logits.float().flatten(0, 1), batch.planes.flatten(0, 1)),
        rating / batch.standardness_weight.sum().clamp(min=1.0),
    )


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
