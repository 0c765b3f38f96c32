"""What a prediction of the streaming network costs, and the parts that other networks share."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from fetalnet.network.output import Output
from fetalnet.research.training.data.batches import Batch

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
    """Losses of a streaming network's output (see ``Output``) against a batch's truth."""
    planes, standardness, structures = output.class_logits, output.standardness_logits, output.structure_logits
    assert planes is not None
    assert standardness is not None
    assert structures is not None
    return Losses(
        mask_loss(output.mask_logits.flatten(0, 1), batch.masks.flatten(0, 1), batch.mask_weight.flatten(0, 1)),
        side_loss(output.side_logits, batch.masks, batch.mask_weight),
        plane_loss(planes, batch.planes),
        weighted_cross(standardness, batch.standardness, batch.standardness_weight),
        structure_loss(structures, batch.structures, batch.structures_weight),
    )


def plane_loss(logits: Tensor, planes: Tensor) -> Tensor:
    """Cross-entropy of (b, t, k) with soft labels (b, t, 4); where k is 3, frames of no standard plane cost nothing."""
    classes = logits.shape[-1]
    return functional.cross_entropy(logits.float().flatten(0, 1), planes[..., :classes].flatten(0, 1))


def side_loss(sides: tuple[Tensor, ...], masks: Tensor, weight: Tensor) -> Tensor:
    """The sum of ``mask_loss`` over side outputs (b, t, c, ...), each against the masks (b, t, c, h, w) at its size."""
    masks, weight = masks.flatten(0, 1), weight.flatten(0, 1)
    losses = [
        mask_loss(side.flatten(0, 1), functional.interpolate(masks, size=side.shape[-2:], mode="area"), weight)
        for side in sides
    ]
    return torch.stack(losses).sum()


def weighted_cross(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Mean binary cross-entropy (..., k) over frames of a weight (...)."""
    cross = functional.binary_cross_entropy_with_logits(logits.float(), target, reduction="none").mean(dim=-1)
    return (cross * weight).sum() / weight.sum().clamp(min=1.0)


def structure_loss(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Mean binary cross-entropy (..., k) over structures of a weight (..., k), 0 where nobody said."""
    cross = functional.binary_cross_entropy_with_logits(logits.float(), target, reduction="none")
    return (cross * weight).sum() / weight.sum().clamp(min=1.0)


def mask_loss(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Binary cross-entropy plus soft Dice: (n, c, h, w) twice and (n, c)."""
    logits = logits.float()
    cross = functional.binary_cross_entropy_with_logits(logits, target, reduction="none").mean(dim=(2, 3))
    return 3.0 * (cross * weight).sum() / weight.sum().clamp(min=1.0) + dice_loss(logits, target, weight)


def dice_loss(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Soft Dice (Milletari et al. 2016), one minus it, of channels that hold something: shapes as ``mask_loss``."""
    probability = torch.sigmoid(logits.float())
    overlap = (probability * target).sum(dim=(2, 3))
    area = probability.square().sum(dim=(2, 3)) + target.square().sum(dim=(2, 3))
    # One only counts where there is something to overlap with; empty channels are left to the cross-entropy.
    present = (target.amax(dim=(2, 3)) > 0.5).float() * weight
    dice = 1.0 - (2.0 * overlap + 1.0) / (area + 1.0)
    return (dice * present).sum() / present.sum().clamp(min=1.0)
