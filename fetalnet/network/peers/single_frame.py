"""Networks that look at each frame alone, with the face of those that remember."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from fetalnet.network.config import Masks, MtlnConfig, MultiTaskUNetConfig
from fetalnet.network.output import Output, Seen, StepOutput


class SingleFrameNetwork(nn.Module, ABC):
    """A network without a memory; its state is one zero that nothing reads."""

    config: MultiTaskUNetConfig | MtlnConfig
    masks: Masks
    stride: int
    """Height and width of a picture are divisible by it."""

    @abstractmethod
    def look(self, frames: Tensor) -> Seen:
        """``frames`` (n, 1, height, width), grey 0 to 1."""

    def initial_state(self, batch: int, height: int | None = None, width: int | None = None) -> Tensor:
        """Zeros (batch, 1, 1, 1), whatever the size of the frames."""
        return next(self.parameters()).new_zeros(batch, 1, 1, 1)

    def forward(self, frames: Tensor, state: Tensor | None = None) -> Output:
        """A clip: ``frames`` (b, t, 1, height, width), grey 0 to 1."""
        batch, _, _, height, width = frames.shape
        if height % self.stride or width % self.stride:
            raise ValueError(f"height and width must be divisible by {self.stride}, got {height}x{width}")
        return self.look(frames.flatten(0, 1)).in_clips(batch, self.initial_state(batch) if state is None else state)

    def step(self, frame: Tensor, state: Tensor) -> StepOutput:
        """One frame (n, 1, height, width) as probabilities."""
        return self.look(frame).as_step(self.masks, state)
