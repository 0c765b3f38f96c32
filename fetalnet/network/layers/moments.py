"""Where a mask lies and how it spreads."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Moments(NamedTuple):
    """Centre and second central moments of n masks in pixels, each (n, 1, 1)."""

    cx: Tensor
    cy: Tensor
    xx: Tensor
    yy: Tensor
    xy: Tensor


def moments(share: Tensor) -> Moments:
    """Moments of masks ``share`` (n, height, width), each of which sums to one, or to zero where it is empty."""
    height, width = share.shape[1:]
    y = torch.arange(height, device=share.device, dtype=share.dtype)[None, :, None]
    x = torch.arange(width, device=share.device, dtype=share.dtype)[None, None, :]
    cx, cy = (share * x).sum(dim=(1, 2), keepdim=True), (share * y).sum(dim=(1, 2), keepdim=True)
    dx, dy = x - cx, y - cy
    xx, yy, xy = ((share * part).sum(dim=(1, 2), keepdim=True) for part in (dx * dx, dy * dy, dx * dy))
    return Moments(cx, cy, xx, yy, xy)
