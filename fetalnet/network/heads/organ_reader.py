"""The reader: looks closely at each outlined organ, turned upright and brought to one size, and says how it is cut."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from fetalnet.core.planes import STANDARD_PLANES, Plane, Structure
from fetalnet.network.layers.blocks import ResidualBlock, convolution
from fetalnet.network.layers.moments import moments

_CROPS = {Plane.HEAD: (80, 112), Plane.ABDOMEN: (96, 96), Plane.FEMUR: (48, 96)}
_STRIDE = 8

MARGIN = 1.25
"""How far the crop reaches beyond the outline, in half-lengths: the wall and what it touches belong to the picture."""

_UNSEEN_LOGIT = -4.0
_WIDTHS = (16, 32, 48, 64)


HIDDEN = _WIDTHS[-1]
"""How many numbers are told of a crop."""


def crop_encoder() -> nn.Sequential:
    """Crops (n, 1, h, w) to maps (n, HIDDEN, h / 16, w / 16)."""
    stages = (ResidualBlock(*widths, stride=2) for widths in pairwise(_WIDTHS))
    return nn.Sequential(convolution(1, _WIDTHS[0], stride=2), nn.ReLU(inplace=True), *stages)


def pooled(seen: Tensor) -> Tensor:
    """Maps (n, k, h, w) to their means and greatest values (n, 2k)."""
    return torch.cat([seen.mean(dim=(2, 3)), seen.amax(dim=(2, 3))], dim=1)


def hidden_layer() -> nn.Sequential:
    """What was pooled (n, 2 HIDDEN) to (n, HIDDEN)."""
    return nn.Sequential(nn.Dropout(0.2), nn.Linear(2 * HIDDEN, HIDDEN), nn.ReLU(inplace=True), nn.Dropout(0.2))


class Reading(NamedTuple):
    """Logits for n crops of one organ: ``present`` (n,), that its plane is well enough cut; ``standardness`` (n,);
    ``structures`` (n, k) of those that belong to its plane.
    """

    present: Tensor
    standardness: Tensor
    structures: Tensor


class OrganReader(nn.Module):
    """A small encoder for the crops of one plane's organ: (n, 1, *crop_size(plane)), grey 0 to 1."""

    def __init__(self, plane: Plane) -> None:
        super().__init__()
        self.encoder = crop_encoder()
        self.hidden = hidden_layer()
        self.present = nn.Linear(HIDDEN, 1)
        self.standardness = nn.Linear(HIDDEN, 1)
        names = structures_of(plane)
        self.structures = nn.Linear(HIDDEN, len(names)) if names else None

    def forward(self, crops: Tensor) -> Reading:
        hidden = self.hidden(pooled(self.encoder(4.0 * crops - 1.0)))
        structures = self.structures(hidden) if self.structures is not None else hidden[:, :0]
        return Reading(self.present(hidden)[:, 0], self.standardness(hidden)[:, 0], structures)


class Reader(nn.Module):
    """Revises what the branch found: a tilted cut differs from the ideal by small structures at known places.

    A spatial transformer (Jaderberg et al. 2015) whose pose is not learned: it is that of the outline.
    """

    def __init__(self, crop_scale: float = 1.0) -> None:
        super().__init__()
        self.crop_scale = crop_scale
        self.organs = nn.ModuleList(OrganReader(plane) for plane in STANDARD_PLANES)
        # Log-odds of each plane against "other": so much of the branch's, so much of the reader's, and a constant.
        self.trust_branch = nn.Parameter(torch.full((len(STANDARD_PLANES),), 0.5))
        self.trust_reader = nn.Parameter(torch.full((len(STANDARD_PLANES),), 0.5))
        self.offset = nn.Parameter(torch.zeros(len(STANDARD_PLANES)))

    def forward(self, frames: Tensor, mask_logits: Tensor) -> Reading:
        """``frames`` (n, 1, h, w) and ``mask_logits`` (n, 3, h, w): ``present`` and ``standardness`` (n, 3),
        ``structures`` (n, 11) in the order of ``Structure``.
        """
        masks = torch.sigmoid(mask_logits.detach().float())
        readings, seen = [], []
        for number, organ in enumerate(self.organs):
            crops, there = crop_outlined(frames, masks[:, number], STANDARD_PLANES[number], self.crop_scale)
            readings.append(organ(crops))
            seen.append(there)
        present, standardness = (torch.stack([each[part] for each in readings], dim=1) for part in (0, 1))
        outlined = torch.stack(seen, dim=1)
        structures = torch.cat([each.structures for each in readings], dim=1)
        return Reading(
            torch.where(outlined, present, torch.full_like(present, _UNSEEN_LOGIT)),
            torch.where(outlined, standardness, torch.full_like(standardness, _UNSEEN_LOGIT)),
            structures,
        )

    def verdict(self, branch_logits: Tensor, present: Tensor) -> Tensor:
        """The branch's plane logits (n, 4) and the reader's ``present`` (n, 3) weighed together: (n, 4)."""
        odds = branch_logits[:, :-1] - branch_logits[:, -1:]
        planes = self.trust_branch * odds + self.trust_reader * present + self.offset
        return torch.cat([planes, torch.zeros_like(planes[:, :1])], dim=1)


def structures_of(plane: Plane) -> list[Structure]:
    """The structures by which a plane is told, in the order of ``Structure``."""
    return [structure for structure in Structure if structure.plane is plane]


def crop_size(plane: Plane, scale: float = 1.0) -> tuple[int, int]:
    """Height and width of what the reader sees of an organ, pixels; its long axis lies along the width."""
    rows, columns = (round(scale * size / _STRIDE) * _STRIDE for size in _CROPS[plane])
    return rows, columns


def crop_outlined(frames: Tensor, masks: Tensor, plane: Plane, scale: float = 1.0) -> tuple[Tensor, Tensor]:
    """Each frame (n, 1, h, w) around its mask (n, h, w), 0 to 1: crops (n, 1, *crop_size(plane, scale)), and whether
    there is a mask (n,).

    Centre, axes and size come from the mask's moments. What lies outside the frame is black.
    """
    height, width = masks.shape[1:]
    weight = functional.relu(masks - 0.5)
    area = weight.sum(dim=(1, 2), keepdim=True)
    cx, cy, xx, yy, xy = moments(weight / (area + 1e-6))
    middle, difference = (xx + yy) / 2, (xx - yy) / 2
    # Not hypot and atan2: the angle is only needed as cosine and sine, and fewer operations convert more easily.
    radius = torch.sqrt(difference * difference + xy * xy + 1e-6)
    cos = torch.sqrt((0.5 + 0.5 * difference / radius).clamp(min=0.0))
    sin = torch.sqrt((0.5 - 0.5 * difference / radius).clamp(min=0.0)) * torch.where(xy < 0, -1.0, 1.0)
    # The variance along an axis is a quarter of an ellipse's squared half-length, a third of a line's.
    along = 3.0 if plane is Plane.FEMUR else 4.0
    long = torch.sqrt(along * (middle + radius))
    short = torch.sqrt(4.0 * (middle - radius).clamp(min=0.0))
    rows, columns = crop_size(plane, scale)
    half_width = MARGIN * torch.maximum(long, short * (columns / rows)).clamp(min=4.0)
    half_height = half_width * (rows / columns)
    u = _centres(columns, masks)[None, None, :] * half_width
    v = _centres(rows, masks)[None, :, None] * half_height
    at_x, at_y = cx + u * cos - v * sin, cy + u * sin + v * cos
    places = torch.stack([(2.0 * at_x + 1.0) / width - 1.0, (2.0 * at_y + 1.0) / height - 1.0], dim=3)
    crops = functional.grid_sample(frames.float(), places, mode="bilinear", align_corners=False)
    return crops, area[:, 0, 0] > 1.0


def _centres(count: int, like: Tensor) -> Tensor:
    """Pixel centres of ``count`` pixels over -1 to 1."""
    return (torch.arange(count, device=like.device, dtype=like.dtype) + 0.5) * (2.0 / count) - 1.0
