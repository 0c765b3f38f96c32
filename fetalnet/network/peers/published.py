"""FetalNet as published, which FUVAI runs too; rebuilt from its stage table."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from fetalnet.core.planes import Plane
from fetalnet.network.config import Join, PublishedConfig
from fetalnet.network.layers.blocks import DoubleConvolution
from fetalnet.network.layers.temporal import ConvLstm
from fetalnet.network.output import Output, Seen, StepOutput, as_clips

_STRIDE = 16
_DROPOUT = 0.2


class AdditiveGate(nn.Module):
    """Weighs a skip map by where the deeper map looks (Oktay et al. 2018): one weight per pixel, batch-normed.

    ``skip`` (n, c, h, w) and ``gating`` (n, c, h, w) give (n, c, h, w).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = channels // 2
        self.of_skip = nn.Sequential(nn.Conv2d(channels, inner, kernel_size=1), nn.BatchNorm2d(inner))
        self.of_gating = nn.Sequential(nn.Conv2d(channels, inner, kernel_size=1), nn.BatchNorm2d(inner))
        self.weight = nn.Sequential(nn.Conv2d(inner, 1, kernel_size=1), nn.BatchNorm2d(1), nn.Sigmoid())

    def forward(self, skip: Tensor, gating: Tensor) -> Tensor:
        out: Tensor = skip * self.weight(functional.relu(self.of_skip(skip) + self.of_gating(gating)))
        return out


class PublishedFetalNet(nn.Module):
    """Attention U-Net with a ConvLSTM before its bottleneck, a classification head on it and a stacked module.

    Plotka et al. 2021 (arXiv 2107.06943) and 2022 (arXiv 2205.13835). The published network answers for the last frame
    of a clip, whose skips it takes; the ConvLSTM is causal, so that here every frame is answered for as the last of
    those before it, and the state may be carried on.
    """

    def __init__(self, config: PublishedConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or PublishedConfig()
        self.masks = config.masks
        widths = [config.base * 2**stage for stage in range(4)]
        outlines = config.masks.channels
        self.encoder = nn.ModuleList(
            DoubleConvolution(inside, outside, _DROPOUT) for inside, outside in zip([1, *widths], widths, strict=False)
        )
        self.temporal = (
            ConvLstm(widths[-1], config.temporal_width, config.temporal_layers) if config.temporal_layers else None
        )
        deep = config.temporal_width if config.temporal_layers else widths[-1]
        self.classes = nn.Sequential(nn.Dropout(0.5), nn.Linear(deep, len(Plane)))
        self.bottleneck = DoubleConvolution(deep, 2 * widths[-1], _DROPOUT)
        # From here on the finest stage comes first, as in the encoder.
        self.up = nn.ModuleList(nn.ConvTranspose2d(2 * width, width, kernel_size=2, stride=2) for width in widths)
        self.gates = nn.ModuleList(AdditiveGate(width) for width in widths)
        self.decoder = nn.ModuleList(DoubleConvolution(2 * width, width, _DROPOUT) for width in widths)
        self.sides = nn.ModuleList(nn.Conv2d(width, outlines, kernel_size=3, padding=1) for width in widths)
        self.fuse = nn.Conv2d(len(widths) * outlines, outlines, kernel_size=3, padding=1)

    def initial_state(self, batch: int, height: int | None = None, width: int | None = None) -> Tensor:
        """The state before the first frame: zeros (batch, channels of all layers, height / 16, width / 16)."""
        rows, columns = (height or self.config.height) // _STRIDE, (width or self.config.width) // _STRIDE
        channels = self.temporal.state_channels if self.temporal is not None else 1
        return self.fuse.weight.new_zeros(batch, channels, rows, columns)

    def forward(self, frames: Tensor, state: Tensor | None = None) -> Output:
        """A clip: ``frames`` (b, t, 1, height, width), grey 0 to 1; ``state`` None at the start of a stream."""
        batch, _, _, height, width = frames.shape
        if height % _STRIDE or width % _STRIDE:
            raise ValueError(f"height and width must be divisible by {_STRIDE}, got {height}x{width}")
        if state is None:
            state = self.initial_state(batch, height, width).to(frames.device)
        deep, skips = self._encode(frames.flatten(0, 1))
        if self.temporal is not None:
            clip, state = self.temporal(as_clips(deep, batch), state)
            deep = clip.flatten(0, 1)
        return self._decode(deep, skips).in_clips(batch, state)

    def step(self, frame: Tensor, state: Tensor) -> StepOutput:
        """One frame (n, 1, height, width) as probabilities; equals ``forward`` frame by frame."""
        deep, skips = self._encode(frame)
        if self.temporal is not None:
            deep, state = self.temporal.step(deep, state)
        return self._decode(deep, skips).as_step(self.masks, state)

    def _encode(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The map at 1/16 of the input, and the skips before each halving."""
        skips = []
        for block in self.encoder:
            skips.append(block(x))
            x = functional.max_pool2d(skips[-1], 2)
        return x, skips

    def _decode(self, deep: Tensor, skips: list[Tensor]) -> Seen:
        """The stacked module: each stage's side output is raised to full size and all are fused."""
        x = self.bottleneck(deep)
        sides: list[Tensor] = []
        for up, gate, block, side, skip in reversed(
            list(zip(self.up, self.gates, self.decoder, self.sides, skips, strict=True))
        ):
            raised = up(x)
            gated = gate(skip, raised)
            joined = [skip, gated] if self.config.join is Join.RELEASED else [gated, raised]
            x = block(torch.cat(joined, dim=1))
            sides.insert(0, side(x))
        size = sides[0].shape[-2:]
        stacked = [
            functional.interpolate(side, size=size, mode="bilinear", align_corners=False) if number else side
            for number, side in enumerate(sides)
        ]
        return Seen(
            self.classes(deep.mean(dim=(2, 3))),
            self.fuse(torch.cat(stacked, dim=1)),
            tuple(sides) if self.config.deep_supervision else (),
        )
