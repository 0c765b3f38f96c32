"""The additive attention gate and the decoder stage that uses it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from fetalnet.network.layers.blocks import ResidualBlock, convolution


class AttentionGate(nn.Module):
    """Weighs a skip map by where the deeper map looks (Oktay et al. 2018, eq. 1 and 2): one weight per pixel.

    ``skip`` (n, c, h, w) and ``gating`` (n, g, h, w) give (n, c, h, w).
    """

    def __init__(self, skip: int, gating: int) -> None:
        super().__init__()
        inner = max(skip // 2, 8)
        self.of_skip = convolution(skip, inner, kernel=1)
        self.of_gating = convolution(gating, inner, kernel=1)
        self.weight = nn.Conv2d(inner, 1, kernel_size=1)

    def forward(self, skip: Tensor, gating: Tensor) -> Tensor:
        inner = functional.relu(self.of_skip(skip) + self.of_gating(gating))
        return skip * torch.sigmoid(self.weight(inner))


class DecoderStage(nn.Module):
    """Upsample, gate the skip, join, convolve: (n, deep, h, w) and (n, skip, 2h, 2w) to (n, skip, 2h, 2w).

    Joins [gated skip, upsampled] as Oktay et al. do. The code released with FetalNet joins [skip, gated skip]: there
    the deeper maps, the temporal unit among them, reach the mask only through one gating weight per pixel.
    """

    def __init__(self, deep: int, skip: int) -> None:
        super().__init__()
        self.narrow = convolution(deep, skip, kernel=1)
        self.gate = AttentionGate(skip, skip)
        self.block = ResidualBlock(2 * skip, skip)

    def forward(self, deep: Tensor, skip: Tensor) -> Tensor:
        narrow = functional.relu(self.narrow(deep))
        raised = functional.interpolate(narrow, scale_factor=2.0, mode="bilinear", align_corners=False)
        out: Tensor = self.block(torch.cat([self.gate(skip, raised), raised], dim=1))
        return out
