"""The causal temporal unit: a convolutional GRU whose state the caller carries from frame to frame."""

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
