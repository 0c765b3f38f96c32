"""The multi-task U-Net for unified biometric estimation; rebuilt from its figure."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from fetalnet.network.config import Masks, MultiTaskUNetConfig
from fetalnet.network.layers.blocks import DoubleConvolution
from fetalnet.network.output import Seen
from fetalnet.network.peers.single_frame import SingleFrameNetwork


class MultiTaskUNet(SingleFrameNetwork):
    """A plain U-Net of five levels with one mask for whatever plane it is, and the plane told from its bottleneck.

    Qazi et al. 2023 (arXiv 2311.09607). What the figure leaves open is ours: width 64 at the first level, batch norms,
    a mean over the bottleneck before the one fully connected layer.
    """

    masks = Masks.SHARED
    stride = 16

    def __init__(self, config: MultiTaskUNetConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or MultiTaskUNetConfig()
        widths = [config.base * 2**level for level in range(5)]
        self.encoder = nn.ModuleList(
            DoubleConvolution(inside, outside) for inside, outside in zip([1, *widths], widths, strict=False)
        )
        self.up = nn.ModuleList(nn.ConvTranspose2d(2 * width, width, kernel_size=2, stride=2) for width in widths[:-1])
        self.decoder = nn.ModuleList(DoubleConvolution(2 * width, width) for width in widths[:-1])
        self.mask = nn.Conv2d(config.base, 1, kernel_size=1)
        self.classes = nn.Linear(widths[-1], config.classes)

    def look(self, frames: Tensor) -> Seen:
        maps = [self.encoder[0](frames)]
        for block in list(self.encoder)[1:]:
            maps.append(block(functional.max_pool2d(maps[-1], 2)))
        x = bottleneck = maps.pop()
        for up, block, skip in reversed(list(zip(self.up, self.decoder, maps, strict=True))):
            x = block(torch.cat([skip, up(x)], dim=1))
        return Seen(self.classes(bottleneck.mean(dim=(2, 3))), self.mask(x))
