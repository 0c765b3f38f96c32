"""A picture alone may take more time than a frame of a stream: it is seen mirrored too, and small organs from nearer.

Which plane it shows is said by the picture as it is; the other looks sharpen the outline alone.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from fetalnet.core.geometry import Geometry, size_px
from fetalnet.core.letterbox import Box, Letterbox
from fetalnet.core.planes import STANDARD_PLANES, Plane
from fetalnet.inference.engines.base import Raw
from fetalnet.inference.fitting.outline import LEVEL

Floats = NDArray[np.float32]

_MARGIN = 1.5
"""How wide the nearer look is, in widths of the organ: training saw organs fill two thirds of the picture."""
_NEARER = 0.75
"""A nearer look is worth it where it shows at most this part of the width seen before."""

_SAME_SIZE = 0.1
"""As a part: looks that differ by more do not see the same."""


def seen_both_ways(grid: Floats, run: Callable[[Floats], Raw], raw: Raw | None = None) -> Raw:
    """The answer for ``grid`` (height, width), its masks and ratings averaged with those of the mirror image; ``raw``
    is the answer as it is, where that is known.
    """
    raw = run(grid) if raw is None else raw
    mirrored = run(np.ascontiguousarray(grid[:, ::-1]))
    return raw._replace(
        masks=0.5 * (raw.masks + mirrored.masks[:, :, ::-1]),
        standardness=0.5 * (raw.standardness + mirrored.standardness),
    )


def nearer_box(raw: Raw, letterbox: Letterbox) -> Box | None:
    """The part of the picture to look at again; None where the organ already fills it, or there is none."""
    plane = list(Plane)[int(raw.planes.argmax())]
    if plane is Plane.OTHER:
        return None
    above = (raw.masks[STANDARD_PLANES.index(plane)] >= LEVEL).astype(np.uint8)
    count, _, stats, _ = cv2.connectedComponentsWithStats(above)
    if count < 2:
        return None
    left, top, width, height, _ = stats[1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))].tolist()
    corners = letterbox.to_native(np.array([[left, top], [left + width - 1, top + height - 1]], np.float64))
    (cx, cy), (across, down) = corners.mean(axis=0), corners[1] - corners[0]
    shape = letterbox.width / letterbox.height
    half_x = _MARGIN / 2 * max(across, down * shape)
    x0, y0, x1, y1 = letterbox.box
    if 2 * half_x > _NEARER * max(x1 - x0, (y1 - y0) * shape):
        return None
    half_y = half_x / shape
    near = (round(cx - half_x), round(cy - half_y), round(cx + half_x), round(cy + half_y))
    box = (max(near[0], x0), max(near[1], y0), min(near[2], x1), min(near[3], y1))
    return box if box[2] - box[0] > 1 and box[3] - box[1] > 1 else None


def joined(far: Raw, far_box: Letterbox, near: Raw, near_box: Letterbox) -> Raw:
    """The far answer with its masks as the near look's letterbox shows them, averaged with the near look's.

    The better rating counts: where a look outlines a second organ too, its rating is of both together.
    """
    size = (near_box.width, near_box.height)
    to_far = far_box.square @ np.linalg.inv(near_box.square)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    masks = np.stack([cv2.warpAffine(np.ascontiguousarray(mask), to_far[:2], size, flags=flags) for mask in far.masks])
    return far._replace(
        masks=np.asarray(0.5 * (masks + near.masks), np.float32),
        standardness=np.maximum(far.standardness, near.standardness),
    )


def same_organ(far: Geometry | None, near: Geometry | None) -> bool:
    """Whether a nearer look may be believed: it found something, and nothing of another size than the first look."""
    if far is None or near is None:
        return near is not None
    return abs(size_px(near) / size_px(far) - 1.0) <= _SAME_SIZE
