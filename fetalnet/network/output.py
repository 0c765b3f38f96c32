"""What every network says about its frames, whatever it is built from."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from fetalnet.core.planes import STANDARD_PLANES, Plane
from fetalnet.network.config import Masks


class Output(NamedTuple):
    """What a network says about a clip of ``t`` frames; None where it has no such head.

    ``class_logits`` (b, t, 4) in the order of ``Plane``, (b, t, 3) where "other" is unknown to it;
    ``standardness_logits`` (b, t, 3) in the order of ``STANDARD_PLANES``; ``structure_logits`` (b, t, 11) in the order
    of ``Structure``; ``mask_logits`` (b, t, m, height, width), m channels as the network's ``masks`` says;
    ``side_logits`` the same at parts of the size, empty where they are not to be trained; ``state`` to hand in with the
    next frames; ``ellipses`` (b, t, 5): centre x in widths and y in heights, semi-axes in widths, angle in half turns.
    """

    class_logits: Tensor | None
    standardness_logits: Tensor | None
    structure_logits: Tensor | None
    mask_logits: Tensor
    side_logits: tuple[Tensor, ...]
    state: Tensor
    ellipses: Tensor | None = None


class StepOutput(NamedTuple):
    """Probabilities for one frame: ``planes`` (n, 4), ``standardness`` (n, 3), ``masks`` (n, 3, height, width);
    ``structures`` (n, 11) in the order of ``Structure``, None from a network that knows none.
    """

    planes: Tensor
    standardness: Tensor
    masks: Tensor
    state: Tensor
    structures: Tensor | None = None


class Seen(NamedTuple):
    """What a network that rates no frame says about n single ones, shaped as in ``Output`` without the time axis."""

    class_logits: Tensor | None
    mask_logits: Tensor
    side_logits: tuple[Tensor, ...] = ()
    ellipses: Tensor | None = None

    def in_clips(self, batch: int, state: Tensor) -> Output:
        """The same of ``batch`` clips."""
        return Output(
            None if self.class_logits is None else as_clips(self.class_logits, batch),
            None,
            None,
            as_clips(self.mask_logits, batch),
            tuple(as_clips(side, batch) for side in self.side_logits),
            state,
            None if self.ellipses is None else as_clips(self.ellipses, batch),
        )

    def as_step(self, masks: Masks, state: Tensor) -> StepOutput:
        """Probabilities in the form that all networks share.

        A plane's probability stands in for how near the frame is to its ideal: standard frames are then chosen by
        confidence. Without classes every frame is a head.
        """
        logits, outlines = self.class_logits, torch.sigmoid(self.mask_logits)
        if logits is None:
            planes = outlines.new_tensor([[plane is Plane.HEAD for plane in Plane]]).expand(outlines.shape[0], -1)
        else:
            planes = torch.softmax(logits, dim=1)
            unknown = planes.new_zeros(planes.shape[0], len(Plane) - planes.shape[1])
            planes = torch.cat([planes, unknown], dim=1)
        if masks is Masks.SHARED:
            outlines = outlines.expand(-1, len(STANDARD_PLANES), -1, -1)
        elif masks is Masks.HEAD:
            outlines = torch.cat([outlines, torch.zeros_like(outlines).expand(-1, 2, -1, -1)], dim=1)
        return StepOutput(planes, planes[:, : len(STANDARD_PLANES)], outlines, state)


def as_clips(frames: Tensor, batch: int) -> Tensor:
    """(b * t, ...) to (b, t, ...)."""
    return frames.reshape(batch, -1, *frames.shape[1:])
