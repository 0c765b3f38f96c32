"""A picture alone that seems to show a head is looked at once more: it may be an abdomen whose ribs shine like bone.

The network has seen real heads and no real abdomen. What doubts it here sees the organ alone, and was trained on
simulated abdomens in real tissue (``fetalnet.training.implants``). Whatever it takes for an abdomen is outlined anew,
for the network's outline of it leaks: from the largest circle within it the rim reader finds the wall.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import deepcopy
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from fetalnet.fitting import fit_plane
from fetalnet.fitting.outline import inside_of
from fetalnet.geometry import Ellipse
from fetalnet.network.opinion import SIDE_PX
from fetalnet.network.opinion import SecondOpinion as OpinionNetwork
from fetalnet.network.reader import MARGIN, Reader
from fetalnet.network.streaming import StreamingFetalNet
from fetalnet.network.weights import LoadedNetwork
from fetalnet.picture.letterbox import Letterbox
from fetalnet.planes import STANDARD_PLANES, Plane

Floats = NDArray[np.float32]

LEAST_HEAD = 0.45
"""What looks less like a head than this may be none."""

_TURNS = 8
_LEVELS = (0.9, 0.97)
"""Of the outline, whose largest circles two searches for the wall begin with."""
_ROUNDS = 8
_AT_REST = 0.005
"""In radii: an ellipse that moves less has found its wall."""
_SAME_WALL = 0.1
"""In radii: two searches that end further apart did not find it."""


class Abdomen(NamedTuple):
    """What was taken for a head: its outline in native pixels, and what the reader says of it, ``standardness`` 0 to 1
    and ``structures`` (11,) as in ``Prediction``.
    """

    ellipse: Ellipse
    standardness: float
    structures: Floats


class SecondOpinion:
    """``network`` tells heads from abdomens, ``reader`` rates what is outlined."""

    def __init__(self, network: OpinionNetwork, reader: Reader) -> None:
        self._network, self._reader = network.cpu().eval(), reader.cpu().eval()

    @staticmethod
    def of(loaded: LoadedNetwork) -> SecondOpinion | None:
        """None where the weights hold none."""
        network = loaded.network
        if not isinstance(network, StreamingFetalNet) or network.opinion is None:
            return None
        # A copy: an engine may take the network it belongs to to a GPU.
        return SecondOpinion(network.opinion, deepcopy((network.stills or network).reader))

    def doubt(
        self,
        mask: Floats,
        grid: Floats,
        letterbox: Letterbox,
        seen: NDArray[np.bool_] | None,
        at_wall: Callable[[Ellipse], Ellipse],
    ) -> Abdomen | None:
        """The abdomen that may have been taken for a head; None where it looks like a head, or no wall is found.

        ``mask`` and ``grid`` (height, width): the outline's probabilities, and the picture as the network sees it, grey
        0 to 1. ``seen``: where the fan lies. ``at_wall`` moves an ellipse (native pixels) nearer to an abdomen's wall.
        """
        outlined = fit_plane(Plane.HEAD, mask, letterbox, seen, may_leak=True).geometry
        if not isinstance(outlined, Ellipse) or self.head(outlined, grid, letterbox) >= LEAST_HEAD:
            return None
        ellipse = walled(mask, letterbox, seen, at_wall)
        return None if ellipse is None else self._rated(ellipse, grid, letterbox)

    @torch.inference_mode()
    def head(self, ellipse: Ellipse, grid: Floats, letterbox: Letterbox) -> float:
        """How far what lies in ``ellipse`` is a head and no abdomen, 0 to 1."""
        to_native = np.linalg.inv(letterbox.square)
        crops = [
            cv2.warpAffine(grid, view(ellipse, 360.0 * turn / _TURNS, mirrored) @ to_native, (SIDE_PX, SIDE_PX))
            for turn in range(_TURNS)
            for mirrored in (False, True)
        ]
        odds = self._network(torch.from_numpy(np.stack(crops).astype(np.float32))[:, None])
        return float(torch.sigmoid(odds).mean())

    @torch.inference_mode()
    def _rated(self, ellipse: Ellipse, grid: Floats, letterbox: Letterbox) -> Abdomen:
        mask = np.zeros(grid.shape, np.float32)
        cv2.fillPoly(mask, [np.round(letterbox.to_grid(ellipse.points(90))).astype(np.int32)], 1.0)
        logits = torch.full((1, len(STANDARD_PLANES), *grid.shape), -8.0)
        channel = STANDARD_PLANES.index(Plane.ABDOMEN)
        logits[0, channel] = torch.from_numpy(16.0 * mask - 8.0)
        reading = self._reader(torch.from_numpy(grid)[None, None], logits)
        structures = torch.sigmoid(reading.structures[0]).numpy()
        return Abdomen(ellipse, float(torch.sigmoid(reading.standardness[0, channel])), structures)


def view(ellipse: Ellipse, turn_deg: float, mirrored: bool) -> NDArray[np.float64]:
    """The map (2, 3) from a picture to a crop in whose middle the organ lies, turned."""
    angle = math.radians(ellipse.theta_deg + turn_deg)
    scale = SIDE_PX / (2.0 * MARGIN * ellipse.a)
    turn = scale * np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    linear = np.diag([-1.0 if mirrored else 1.0, 1.0]) @ turn
    middle = np.full(2, (SIDE_PX - 1) / 2)
    return np.column_stack([linear, middle - linear @ (ellipse.cx, ellipse.cy)])


def walled(
    mask: Floats, letterbox: Letterbox, seen: NDArray[np.bool_] | None, at_wall: Callable[[Ellipse], Ellipse]
) -> Ellipse | None:
    """The ellipse (native pixels) whose wall lies around the body of ``mask`` (height, width), probabilities on the
    network's grid; None where two searches do not find the same. ``at_wall`` moves an ellipse nearer to the wall.
    """
    shown = inside_of(letterbox) if seen is None else seen & inside_of(letterbox)
    found = []
    for level in _LEVELS:
        inside = ((mask >= level) & shown).astype(np.uint8)
        distance = cv2.distanceTransform(inside, cv2.DIST_L2, 5)
        radius = float(distance.max())
        if radius < 4.0:
            return None
        y, x = np.unravel_index(int(distance.argmax()), distance.shape)
        centre, edge = letterbox.to_native(np.array([[x, y], [x + radius, y]], np.float64))
        first = Ellipse.of(
            float(centre[0]), float(centre[1]), float(edge[0] - centre[0]), float(edge[0] - centre[0]), 0.0
        )
        found.append(_resting(first, at_wall))
    one, other = found
    if one is None or other is None or _apart(one, other) > _SAME_WALL:
        return None
    return other


def _resting(ellipse: Ellipse, at_wall: Callable[[Ellipse], Ellipse]) -> Ellipse | None:
    first = ellipse
    for _ in range(_ROUNDS):
        before, ellipse = ellipse, at_wall(ellipse)
        if _apart(before, ellipse) < _AT_REST:
            break
    # What never moved was too far from any wall.
    return None if ellipse == first else ellipse


def _apart(one: Ellipse, other: Ellipse) -> float:
    """In radii of ``one``: how far the farthest of their borders are apart, and their centres."""
    around = np.linspace(0.0, 2.0 * math.pi, 16, endpoint=False)
    rays = np.stack([np.cos(around), np.sin(around)], axis=1)
    reach = [1.0 / np.linalg.norm(rays @ np.linalg.inv(each.matrix).T, axis=1) for each in (one, other)]
    centres = math.hypot(one.cx - other.cx, one.cy - other.cy)
    return float(max(np.abs(reach[0] - reach[1]).max(), centres) / one.b)
