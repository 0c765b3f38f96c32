"""The shaft reader: looks at the strip along a femur's line and says where in it the shaft ends."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from fetalnet.network.layers.blocks import ResidualBlock, convolution
from fetalnet.network.strip_form import SHAFT_ACROSS, SHAFT_PLACES, SHAFT_ROWS

_WIDTHS = (16, 24, 40)
_ALONG = 80

AT = torch.from_numpy(SHAFT_PLACES.astype(np.float32))
"""(ANSWERS,) ``SHAFT_PLACES``; no buffer of the module, which the averaging of weights would let drift."""


class Ends(NamedTuple):
    """``ends`` (n, 2, 2): the left and the right end, along and across, in lengths of the line; ``places``
    (n, 2, ANSWERS): logits of where along it each lies.
    """

    ends: Tensor
    places: Tensor


class ShaftReader(nn.Module):
    """A small encoder that folds the rows of a strip into features along it, and says of each place how likely the
    shaft ends there; the mean place counts (integral regression; Sun et al. 2018, arXiv 1711.08229).
    """

    def __init__(self) -> None:
        super().__init__()
        first, second, third = _WIDTHS
        self.encoder = nn.Sequential(
            convolution(1, first, stride=2),
            nn.ReLU(inplace=True),
            ResidualBlock(first, first),
            _down(first, second),
            ResidualBlock(second, second),
            _down(second, third),
            ResidualBlock(third, third),
        )
        self.fold = nn.Conv2d(third, _ALONG, (SHAFT_ROWS // 8, 1))
        # What lies at one end tells of the other: the reach of these covers the strip.
        self.along = nn.Sequential(nn.Dropout(0.1), *(_Along(_ALONG, spread) for spread in (1, 2, 4, 8, 16)))
        self.answer = nn.Conv2d(_ALONG, 4, 1)

    def forward(self, strips: Tensor) -> Ends:
        """``strips`` (n, SHAFT_ROWS, SHAFT_COLUMNS), grey 0 to 1."""
        seen = self.encoder(4.0 * strips[:, None] - 1.0)
        features = self.along(functional.relu(self.fold(seen)))
        places, across = self.answer(features)[:, :, 0].float().chunk(2, dim=1)
        likely = torch.softmax(places, dim=2)
        ends = torch.stack([(likely * AT.to(likely)).sum(dim=2), SHAFT_ACROSS * (likely * across).sum(dim=2)], dim=2)
        return Ends(ends, places)


def _down(inside: int, outside: int) -> nn.Sequential:
    """Half as many rows; the places along, where the answer is sought, stay."""
    return nn.Sequential(*convolution(inside, outside, stride=(2, 1)), nn.ReLU(inplace=True))


class _Along(nn.Module):
    """Looks along the strip, at columns so far apart."""

    def __init__(self, width: int, spread: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(width, width, (1, 3), padding=(0, spread), dilation=(1, spread), bias=False)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        revised: Tensor = x + functional.relu(self.norm(self.convolution(x)))
        return revised
