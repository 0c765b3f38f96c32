"""Streaming FetalNet: one pass per frame segments, classifies and rates it, remembering the frames before."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from fetalnet.core.planes import STANDARD_PLANES
from fetalnet.network.config import STRIDE, Masks, NetworkConfig, Temporal
from fetalnet.network.heads.organ_reader import Reader
from fetalnet.network.heads.plane_branch import ClassificationBranch, Findings
from fetalnet.network.heads.rim_reader import RimReader
from fetalnet.network.heads.shaft_reader import ShaftReader
from fetalnet.network.layers.attention import DecoderStage
from fetalnet.network.layers.blocks import ResidualBlock, convolution
from fetalnet.network.layers.temporal import ConvGru
from fetalnet.network.output import Output, StepOutput, as_clips

_MIDDLE = 2
"""The stage at 1/8 of the input: fine enough for the structures within an organ, coarse enough to be cheap."""

PARTS = ("rim", "shaft")
"""The parts that are run beside the rest, on strips of the picture."""

BESIDE = tuple(f"{part}." for part in PARTS)
"""How the names of their numbers begin."""

STILLS = "stills."
"""How the names begin of the network for pictures alone."""


class StreamingFetalNet(nn.Module):
    """Attention U-Net with side outputs, a classification branch and a causal temporal unit at the bottleneck.

    After FetalNet (Plotka et al. 2021, arXiv 2107.06943): attention gates, stacked module, classification branch,
    recurrent bottleneck. Ours: residual blocks, 2.1 M parameters instead of 69 M, one mask channel per plane, a
    branch that looks inside the outlines, a reader that rates how near each outlined organ is to its ideal plane, a rim
    reader and a shaft reader that see the border of a fitted ellipse and the ends of a fitted line in the picture's own
    resolution (run beside, see ``fetalnet.inference.refinement``), state carried by the caller. ``stills`` is a second
    network, for pictures alone, which nothing here runs.
    """

    masks = Masks.PER_PLANE

    def __init__(self, config: NetworkConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or NetworkConfig()
        first, *_, last = config.channels
        masks = len(STANDARD_PLANES)
        # Half the size with four times the channels: full-size convolutions would double the cost of a frame.
        self.stem = convolution(4, first)
        self.encoder = nn.ModuleList([ResidualBlock(first, first)])
        for inside, outside in zip(config.channels, config.channels[1:], strict=False):
            self.encoder.append(ResidualBlock(inside, outside, stride=2))
        self.temporal = ConvGru(last, config.hidden) if config.temporal is Temporal.CONVGRU else None
        self.decoder = nn.ModuleList(
            DecoderStage(deep, skip) for skip, deep in zip(config.channels, config.channels[1:], strict=False)
        )
        self.sides = nn.ModuleList(nn.Conv2d(width, masks, kernel_size=3, padding=1) for width in config.channels[:-1])
        self.fuse = nn.Conv2d(first + masks * len(self.sides), 4 * masks, kernel_size=3, padding=1)
        self.branch = ClassificationBranch(last, config.channels[_MIDDLE])
        # Last, so that the rest starts from the same numbers with and without it.
        self.reader = Reader(config.crop_scale)
        self.rim = RimReader() if config.rim else None
        self.shaft = ShaftReader() if config.shaft else None
        self.stills = StreamingFetalNet(config.stills) if config.stills is not None else None

    def initial_state(self, batch: int, height: int | None = None, width: int | None = None) -> Tensor:
        """The state before the first frame: zeros (batch, hidden, height / 32, width / 32)."""
        rows, columns = (height or self.config.height) // STRIDE, (width or self.config.width) // STRIDE
        hidden = self.temporal.hidden if self.temporal is not None else 1
        return self.fuse.weight.new_zeros(batch, hidden, rows, columns)

    def forward(self, frames: Tensor, state: Tensor | None = None, read: bool = True) -> Output:
        """A clip: ``frames`` (b, t, 1, height, width), grey 0 to 1; ``state`` None at the start of a stream.

        Without ``read`` the branch's findings stand as they are, for training what comes before the reader.
        """
        batch, _, _, height, width = frames.shape
        if height % STRIDE or width % STRIDE:
            raise ValueError(f"height and width must be divisible by {STRIDE}, got {height}x{width}")
        if state is None:
            state = self.initial_state(batch, height, width)
        skips = self._encode(frames.flatten(0, 1))
        deep = skips.pop()
        if self.temporal is not None:
            clip, state = self.temporal(as_clips(deep, batch), state)
            deep = clip.flatten(0, 1)
        findings, masks, sides = self._decode(deep, skips)
        if read:
            findings = self._read(frames.flatten(0, 1), findings, masks)
        return Output(
            as_clips(findings.planes, batch),
            as_clips(findings.standardness, batch),
            as_clips(findings.structures, batch),
            as_clips(masks, batch),
            tuple(as_clips(side, batch) for side in sides),
            state,
        )

    def rehearse(self, frames: Tensor, rounds: int) -> Tensor:
        """The state after seeing a clip backwards and forwards ``rounds`` times, ending at its first frame.

        A stream lasts longer than a training clip: this gives training states that are old. Nothing is decoded.
        """
        batch, _, _, height, width = frames.shape
        state = self.initial_state(batch, height, width)
        if self.temporal is not None and rounds:
            deep = as_clips(self._encode(frames.flatten(0, 1))[-1], batch)
            for _ in range(rounds):
                _, state = self.temporal(deep, state)
                _, state = self.temporal(deep.flip(1), state)
        return state

    def step(self, frame: Tensor, state: Tensor) -> StepOutput:
        """One frame (n, 1, height, width) as probabilities; equals ``forward`` frame by frame."""
        skips = self._encode(frame)
        deep = skips.pop()
        if self.temporal is not None:
            deep, state = self.temporal.step(deep, state)
        findings, masks, _ = self._decode(deep, skips)
        findings = self._read(frame, findings, masks)
        return StepOutput(
            torch.softmax(findings.planes, dim=1),
            torch.sigmoid(findings.standardness),
            torch.sigmoid(masks),
            state,
            torch.sigmoid(findings.structures),
        )

    def _read(self, frames: Tensor, findings: Findings, masks: Tensor) -> Findings:
        reading = self.reader(frames, masks)
        return Findings(self.reader.verdict(findings.planes, reading.present), reading.standardness, reading.structures)

    def _encode(self, x: Tensor) -> list[Tensor]:
        # Ultrasound is mostly dark: this centres it about.
        x = functional.relu(self.stem(functional.pixel_unshuffle(4.0 * x - 1.0, 2)))
        maps = []
        for block in self.encoder:
            x = block(x)
            maps.append(x)
        return maps

    def _decode(self, bottleneck: Tensor, skips: list[Tensor]) -> tuple[Findings, Tensor, list[Tensor]]:
        """The stacked module: each stage's side output is raised to the finest stage and fused with it."""
        deep = bottleneck
        maps: list[Tensor] = []
        sides: list[Tensor] = []
        for stage, side, skip in reversed(list(zip(self.decoder, self.sides, skips, strict=True))):
            deep = stage(deep, skip)
            maps.insert(0, deep)
            sides.insert(0, side(deep))
        raised = [
            functional.interpolate(side, size=deep.shape[-2:], mode="bilinear", align_corners=False)
            for side in sides[1:]
        ]
        fused = self.fuse(torch.cat([deep, sides[0], *raised], dim=1))
        return self.branch(bottleneck, maps[_MIDDLE], sides[_MIDDLE]), functional.pixel_shuffle(fused, 2), sides
