"""The classification branch: which plane a frame shows, how near its ideal, and by which anatomy."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from fetalnet.core.planes import STANDARD_PLANES, Plane, Structure
from fetalnet.network.layers.blocks import ResidualBlock

HIDDEN = 96


class Findings(NamedTuple):
    """Logits for n frames: ``planes`` (n, 4) in the order of ``Plane``, ``standardness`` (n, 3) in that of
    ``STANDARD_PLANES``, ``structures`` (n, 11) in that of ``Structure``.
    """

    planes: Tensor
    standardness: Tensor
    structures: Tensor


class ClassificationBranch(nn.Module):
    """Looks at the whole picture, and closely at what lies inside each plane's outline.

    FetalNet classifies from the bottleneck alone. What tells an ideal plane from a tilted one are small structures
    within the organ: averaged over the whole picture they drown in its surroundings.
    """

    def __init__(self, deep: int, middle: int) -> None:
        super().__init__()
        outlines = len(STANDARD_PLANES)
        self.look = ResidualBlock(middle + outlines, middle, stride=2)
        self.hidden = nn.Sequential(
            nn.Dropout(0.2),
            nn.Linear(2 * deep + outlines * (2 * middle + 1), HIDDEN),
            nn.ReLU(inplace=True),
            nn.Dropout(0.2),
        )
        self.planes = nn.Linear(HIDDEN, len(Plane))
        self.standardness = nn.Linear(HIDDEN, outlines)
        self.structures = nn.Linear(HIDDEN, len(Structure))

    def forward(self, deep: Tensor, middle: Tensor, outline_logits: Tensor) -> Findings:
        """``deep`` (n, deep, h / 32, w / 32); ``middle`` (n, middle, h / 8, w / 8), ``outline_logits`` of 3 there."""
        # Detached: where an organ lies is learned from its outline, not from what would make it easier to name.
        outlines = torch.sigmoid(outline_logits.detach())
        inside = self.look(torch.cat([middle, outlines], dim=1)).flatten(2)
        weight = functional.avg_pool2d(outlines, 2).flatten(2)
        mean = weight @ inside.transpose(1, 2) / (weight.sum(dim=2, keepdim=True) + 1e-2)
        strongest = (weight[:, :, None] * inside[:, None]).amax(dim=3)
        whole = torch.cat([deep.mean(dim=(2, 3)), deep.amax(dim=(2, 3))], dim=1)
        hidden = self.hidden(
            torch.cat([whole, mean.flatten(1), strongest.flatten(1), torch.sqrt(weight.mean(dim=2))], dim=1)
        )
        return Findings(self.planes(hidden), self.standardness(hidden), self.structures(hidden))
