"""The multi-task LinkNet that outlines heads and regresses their ellipse."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from fetalnet.network.config import Masks, MtlnConfig
from fetalnet.network.layers.blocks import ResidualBlock, convolution
from fetalnet.network.output import Seen
from fetalnet.network.peers.single_frame import SingleFrameNetwork

_BRANCH = 128
"""Width of the branch, which the paper's abstract does not tell."""


class LinkStage(nn.Sequential):
    """Narrow, raise, widen (LinkNet, Chaurasia and Culurciello 2017).

    (n, inside, h, w) to (n, outside, h * stride, w * stride).
    """

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        narrow = inside // 4
        super().__init__(
            convolution(inside, narrow, kernel=1),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(narrow, narrow, 3, stride, padding=1, output_padding=stride - 1, bias=False),
            nn.BatchNorm2d(narrow),
            nn.ReLU(inplace=True),
            convolution(narrow, outside, kernel=1),
            nn.ReLU(inplace=True),
        )


class Mtln(SingleFrameNetwork):
    """LinkNet with a second branch: the ellipse's five numbers. Heads only; it cannot say that there is none.

    Sobhaninia et al. 2019 (arXiv 1909.00273). The encoder has ResNet-18's stages, skips are added. Known of the branch
    is only that it regresses the ellipse: here it starts from the deepest map with the place of each of its pixels.
    """

    masks = Masks.HEAD
    stride = 32

    def __init__(self, config: MtlnConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or MtlnConfig()
        base = config.base
        widths = [base * 2**stage for stage in range(4)]
        self.stem = nn.Sequential(convolution(1, base, kernel=7, stride=2), nn.ReLU(inplace=True))
        self.encoder = nn.ModuleList(
            nn.Sequential(
                ResidualBlock(inside, outside, stride=1 if outside == base else 2), ResidualBlock(outside, outside)
            )
            for inside, outside in zip([base, *widths], widths, strict=False)
        )
        self.decoder = nn.ModuleList(
            LinkStage(inside, outside, stride=1 if inside == base else 2)
            for inside, outside in zip(widths, [base, *widths], strict=False)
        )
        self.mask = nn.Sequential(
            nn.ConvTranspose2d(base, base // 2, 3, stride=2, padding=1, output_padding=1, bias=False),
            nn.BatchNorm2d(base // 2),
            nn.ReLU(inplace=True),
            convolution(base // 2, base // 2),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(base // 2, 1, kernel_size=2, stride=2),
        )
        self.place = nn.Sequential(convolution(widths[-1] + 2, _BRANCH), nn.ReLU(inplace=True))
        self.ellipse = nn.Sequential(nn.Linear(_BRANCH, _BRANCH), nn.ReLU(inplace=True), nn.Linear(_BRANCH, 5))

    def look(self, frames: Tensor) -> Seen:
        x = functional.max_pool2d(self.stem(frames), kernel_size=3, stride=2, padding=1)
        skips = []
        for block in self.encoder:
            x = block(x)
            skips.append(x)
        deep = skips.pop()
        for stage, skip in zip(reversed(list(self.decoder)[1:]), reversed(skips), strict=True):
            x = stage(x) + skip
        x = self.decoder[0](x)
        placed = self.place(torch.cat([deep, _places(deep)], dim=1)).mean(dim=(2, 3))
        return Seen(None, self.mask(x), ellipses=self.ellipse(placed))


def _places(x: Tensor) -> Tensor:
    """Where each pixel of a map (n, c, h, w) lies, -1 to 1: (n, 2, h, w)."""
    batch, _, height, width = x.shape
    down = torch.linspace(-1.0, 1.0, height, device=x.device, dtype=x.dtype)
    right = torch.linspace(-1.0, 1.0, width, device=x.device, dtype=x.dtype)
    return torch.stack(torch.meshgrid(down, right, indexing="ij")).expand(batch, 2, height, width)
