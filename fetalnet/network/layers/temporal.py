"""Causal temporal units, whose state the caller carries from frame to frame."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ConvGru(nn.Module):
    """Adds what a small ConvGRU (Ballas et al. 2016) remembers to the bottleneck, through a learned gate.

    The published network (FetalNet) has a ConvLSTM of 512 + 512 channels here, more than half of its parameters, and
    restarts it with each clip. This one is narrow and takes its state from outside, so that a stream needs one pass
    per frame.
    """

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.hidden = hidden
        self.narrow = nn.Conv2d(channels, hidden, kernel_size=1)
        self.gates = nn.Conv2d(2 * hidden, 2 * hidden, kernel_size=3, padding=1)
        self.candidate = nn.Conv2d(2 * hidden, hidden, kernel_size=3, padding=1)
        self.widen = nn.Conv2d(hidden, channels, kernel_size=1)
        # Small, so that the network begins as one of single frames.
        self.residual = nn.Parameter(torch.full((channels,), 0.1))

    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """One frame: ``x`` (n, channels, h, w) and ``state`` (n, hidden, h, w) give their successors."""
        narrow = self.narrow(x)
        reset, update = torch.sigmoid(self.gates(torch.cat([narrow, state], dim=1))).chunk(2, dim=1)
        candidate = torch.tanh(self.candidate(torch.cat([narrow, reset * state], dim=1)))
        state = state + update * (candidate - state)
        return x + self.residual[:, None, None] * self.widen(state), state

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """A clip ``x`` (b, t, channels, h, w) and the state before it give its successor and the last state."""
        steps = []
        for frame in x.unbind(dim=1):
            out, state = self.step(frame, state)
            steps.append(out)
        return torch.stack(steps, dim=1), state


class ConvLstm(nn.Module):
    """Layers of ConvLSTM (Shi et al. 2015, eq. 3, without peepholes), each fed with the output of the one before.

    The state of n streams is (n, 2 * layers * hidden, h, w): output and cell of the first layer, then of the next.
    """

    def __init__(self, channels: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.state_channels = 2 * layers * hidden
        self.gates = nn.ModuleList(
            nn.Conv2d(inside + hidden, 4 * hidden, kernel_size=3, padding=1)
            for inside in (channels, *[hidden] * (layers - 1))
        )

    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """One frame ``x`` (n, channels, h, w): the last layer's output (n, hidden, h, w) and the state after it."""
        after = []
        for gates, before in zip(self.gates, state.chunk(len(self.gates), dim=1), strict=True):
            output, cell = before.chunk(2, dim=1)
            enter, keep, leave, candidate = gates(torch.cat([x, output], dim=1)).chunk(4, dim=1)
            cell = torch.sigmoid(keep) * cell + torch.sigmoid(enter) * torch.tanh(candidate)
            x = torch.sigmoid(leave) * torch.tanh(cell)
            after += [x, cell]
        return x, torch.cat(after, dim=1)

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """A clip ``x`` (b, t, channels, h, w) gives outputs (b, t, hidden, h, w) and the last state."""
        steps = []
        for frame in x.unbind(dim=1):
            out, state = self.step(frame, state)
            steps.append(out)
        return torch.stack(steps, dim=1), state
