"""False outlines of a network in real pictures, as negatives for its reader."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from fetalnet.core.geometry import Ellipse, Geometry, Line
from fetalnet.core.planes import STANDARD_PLANES, Plane
from fetalnet.network.layers.moments import moments
from fetalnet.network.streaming import StreamingFetalNet
from fetalnet.research.training.parts.organ_crops import Decoy, Pools

_LEAST_PX = 25
"""Pixels of the network's grid that an outline must fill to count."""

_EVERY_HEAD = 4
"""Heads are many, and seldom taken for anything else: one in so many is looked at."""


def with_decoys(pools: Pools, network: StreamingFetalNet) -> Pools:
    """The pools with what ``network`` outlines wrongly in their real pictures, by the plane it takes it for."""
    decoys: dict[Plane, list[Decoy]] = {plane: [] for plane in STANDARD_PLANES}
    heads = pools.real(Plane.HEAD)[::_EVERY_HEAD]
    network.eval()
    for example in (*pools.others, *pools.real(Plane.ABDOMEN), *pools.real(Plane.FEMUR), *heads):
        for plane, mask in zip(STANDARD_PLANES, _masks(network, example.pixels), strict=True):
            geometry = None if example.organ is plane else _outlined(mask, plane)
            if geometry is not None:
                decoys[plane].append(Decoy(example, geometry))
    return replace(pools, decoys=decoys)


@torch.no_grad()
def _masks(network: StreamingFetalNet, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(3, h, w) Probabilities of each organ."""
    frame = torch.from_numpy(pixels.astype(np.float32) / 255)[None, None, None]
    output = network(frame, read=False)
    masks: NDArray[np.float32] = torch.sigmoid(output.mask_logits[0, 0].float()).numpy()
    return masks


def _outlined(mask: NDArray[np.float32], plane: Plane) -> Geometry | None:
    """The pose of a mask by its moments, as the reader crops it; None where there is hardly any."""
    weight = torch.from_numpy(np.maximum(mask - 0.5, 0.0))[None].double()
    if (weight > 0).sum() < _LEAST_PX:
        return None
    cx, cy, xx, yy, xy = (float(each) for each in moments(weight / weight.sum()))
    middle, radius = (xx + yy) / 2, math.hypot((xx - yy) / 2, xy)
    angle = 0.5 * math.atan2(2 * xy, xx - yy)
    if plane is Plane.FEMUR:
        half = math.sqrt(3 * (middle + radius))
        dx, dy = half * math.cos(angle), half * math.sin(angle)
        return Line.of(cx - dx, cy - dy, cx + dx, cy + dy)
    short = 2 * math.sqrt(max(middle - radius, 1e-6))
    return Ellipse.of(cx, cy, 2 * math.sqrt(middle + radius), short, math.degrees(angle))
