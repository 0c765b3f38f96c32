"""The rim reader: looks at the strip along a fitted ellipse and says how far from it the organ's border lies."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from fetalnet.core.planes import Plane
from fetalnet.network.strip_form import RIM_ROWS

RIM_PLANES = (Plane.HEAD, Plane.ABDOMEN)
"""What is measured by an ellipse, in the order of ``Rim``'s channels."""

_WIDTHS = (16, 32, 48)
_ALONG = 96


class Rim(NamedTuple):
    """``border`` (n, ANSWERS): how far outside the ellipse the border lies, in radii; ``trust`` (n, ANSWERS) of each,
    which sums to one.
    """

    border: Tensor
    trust: Tensor


class RimReader(nn.Module):
    """A small encoder that folds the rows of a strip into features along it.

    The picture's own resolution, which the network's grid has lost, comes back where it counts. After the idea of
    contour regression in straightened coordinates (polar unwrapping; Xie et al. 2020, PolarMask, arXiv 1909.13226).
    """

    def __init__(self) -> None:
        super().__init__()
        first, second, third = _WIDTHS
        self.encoder = nn.Sequential(
            _Round(1 + len(RIM_PLANES), first, (2, 2)),
            _Residual(first),
            _Round(first, second, (2, 2)),
            _Residual(second),
            _Residual(second),
            _Round(second, third, (2, 1)),
            _Residual(third),
        )
        self.fold = nn.Conv2d(third, _ALONG, (RIM_ROWS // 8, 1))
        self.along = nn.Sequential(nn.Dropout(0.1), _Along(_ALONG, 5), _Along(_ALONG, 9))
        self.answer = nn.Conv2d(_ALONG, 2, 1)

    def forward(self, strips: Tensor, planes: Tensor) -> Rim:
        """``strips`` (n, rows, columns), grey 0 to 1; ``planes`` (n, 2), one at the organ's place in ``RIM_PLANES``."""
        rows, columns = strips.shape[1:]
        told = planes[:, :, None, None].expand(-1, -1, rows, columns)
        seen = self.encoder(torch.cat([4.0 * strips[:, None] - 1.0, told], dim=1))
        border, trust = self.answer(self.along(functional.relu(self.fold(seen))))[:, :, 0].float().unbind(dim=1)
        return Rim(0.1 * border, torch.softmax(trust, dim=1))


def one_of(plane: Plane) -> NDArray[np.float32]:
    """(2,) what tells the reader which organ it sees."""
    return np.array([plane is each for each in RIM_PLANES], np.float32)


class _Round(nn.Module):
    """Convolution, batch norm, ReLU; the columns of a strip close to a ring."""

    def __init__(self, inside: int, outside: int, stride: tuple[int, int] = (1, 1)) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inside, outside, 3, stride, padding=(1, 0), bias=False)
        self.norm = nn.BatchNorm2d(outside)

    def forward(self, x: Tensor) -> Tensor:
        rectified: Tensor = functional.relu(self.norm(self.convolution(_closed(x, 1))))
        return rectified


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = _Round(width, width), _Round(width, width)

    def forward(self, x: Tensor) -> Tensor:
        revised: Tensor = x + self.second(self.first(x))
        return revised


class _Along(nn.Module):
    """Looks along the ring."""

    def __init__(self, width: int, reach: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(width, width, (1, reach), bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.beside = reach // 2

    def forward(self, x: Tensor) -> Tensor:
        return x + functional.relu(self.norm(self.convolution(_closed(x, self.beside))))


def _closed(x: Tensor, beside: int) -> Tensor:
    """With so many columns of the other end at each end."""
    return torch.cat([x[..., -beside:], x, x[..., :beside]], dim=-1)
