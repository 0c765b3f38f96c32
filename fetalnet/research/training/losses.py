"""What training lowers: the cost of each network's output, as its paper says, and the losses it is made of."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from fetalnet.core.planes import STANDARD_PLANES, Plane
from fetalnet.network.architectures import Network
from fetalnet.network.config import Masks
from fetalnet.network.layers.moments import moments
from fetalnet.network.output import Output
from fetalnet.network.peers.mtln import Mtln
from fetalnet.network.peers.multitask_unet import MultiTaskUNet
from fetalnet.network.peers.published import PublishedFetalNet
from fetalnet.network.streaming import StreamingFetalNet
from fetalnet.research.training.data.batches import Batch

SIDE_WEIGHT = 0.2
"""Weight of each side output beside the fused mask (deep supervision)."""

_HEAD = STANDARD_PLANES.index(Plane.HEAD)


class Cost(NamedTuple):
    """``total`` is what training lowers; ``parts`` by name, unweighted, are what it is made of."""

    total: Tensor
    parts: dict[str, Tensor]


def cost(network: Network, output: Output, batch: Batch, class_share: float = 0.5) -> Cost:
    """The cost of a network's output against a batch's truth.

    ``class_share`` is lambda of the multi-task U-Net: lambda * classes + (1 - lambda) * mask (Qazi et al. 2023). The
    papers of FetalNet tell no loss; here it is the sum of classes and mask, the mask's as for our own network.
    """
    if isinstance(network, StreamingFetalNet):
        ours = losses(output, batch)
        return Cost(ours.total, ours._asdict())
    masks, weight = mask_truth(batch, network.masks)
    flat = output.mask_logits.flatten(0, 1), masks.flatten(0, 1), weight.flatten(0, 1)
    match network:
        case PublishedFetalNet():
            parts = {"masks": mask_loss(*flat), "planes": _planes(output, batch)}
            total = parts["masks"] + parts["planes"]
            if output.side_logits:
                parts["sides"] = side_loss(output.side_logits, masks, weight)
                total = total + SIDE_WEIGHT * parts["sides"]
        case MultiTaskUNet():
            parts = {"masks": mask_loss(*flat), "planes": _planes(output, batch)}
            total = class_share * parts["planes"] + (1.0 - class_share) * parts["masks"]
        case Mtln():
            # Dice alone counts where there is a head, and so does the ellipse: it is trained on heads, as published.
            parts = {"masks": dice_loss(*flat), "ellipses": ellipse_loss(output, masks[:, :, 0], weight[:, :, 0])}
            total = parts["masks"] + parts["ellipses"]
    return Cost(total, parts)


def mask_truth(batch: Batch, masks: Masks) -> tuple[Tensor, Tensor]:
    """What mask channels should show, (b, t, m, h, w), and their weight (b, t, m)."""
    match masks:
        case Masks.PER_PLANE:
            return batch.masks, batch.mask_weight
        case Masks.SHARED:
            # Where one organ may be outlined or not, the channel of all says nothing.
            return batch.masks.amax(dim=2, keepdim=True), batch.mask_weight.amin(dim=2, keepdim=True)
        case Masks.HEAD:
            return batch.masks[:, :, _HEAD : _HEAD + 1], batch.mask_weight[:, :, _HEAD : _HEAD + 1]


def ellipse_loss(output: Output, masks: Tensor, weight: Tensor) -> Tensor:
    """Mean squared error of ellipses over whole heads in ``masks`` (b, t, h, w) of a weight (b, t)."""
    assert output.ellipses is not None
    truth, whole = ellipse_truth(masks.flatten(0, 1))
    error = output.ellipses.float().flatten(0, 1) - truth
    # Half a turn is the same ellipse: the angle errs by the shorter way round.
    error = torch.cat([error[:, :4], error[:, 4:] - error[:, 4:].round()], dim=1)
    counts = whole * weight.flatten()
    return (error.square().mean(dim=1) * counts).sum() / counts.sum().clamp(min=1.0)


def ellipse_truth(masks: Tensor) -> tuple[Tensor, Tensor]:
    """The ellipse of each mask (n, h, w) by its moments, (n, 5) as in ``Output``, and 1 (n,) where it is seen whole."""
    height, width = masks.shape[1:]
    area = masks.sum(dim=(1, 2))
    # Masks without anything give numbers all the same, of no weight.
    cx, cy, xx, yy, xy = (each[:, 0, 0] for each in moments(masks / area.clamp(min=1.0)[:, None, None]))
    # The variance of a filled ellipse along an axis is a quarter of the semi-axis squared.
    middle, half = (xx + yy) / 2, torch.hypot((xx - yy) / 2, xy)
    a, b = 2.0 * (middle + half).sqrt(), 2.0 * (middle - half).clamp(min=0.0).sqrt()
    half_turns = (torch.atan2(2.0 * xy, xx - yy) / (2.0 * math.pi)) % 1.0
    edge = torch.cat([masks[:, 0], masks[:, -1], masks[:, :, 0], masks[:, :, -1]], dim=1)
    whole = (area > 1.0) & (edge.amax(dim=1) < 0.5)
    truth = torch.stack([(cx + 0.5) / width, (cy + 0.5) / height, a / width, b / width, half_turns], dim=1)
    return truth, whole.to(masks.dtype)


def _planes(output: Output, batch: Batch) -> Tensor:
    assert output.class_logits is not None
    return plane_loss(output.class_logits, batch.planes)


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
