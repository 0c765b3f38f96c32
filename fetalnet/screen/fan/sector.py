"""The sector (fan) on a scanner's screen: what the network may look at, without text, rulers and menus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fetalnet.core.letterbox import Box, Letterbox
from fetalnet.screen.fan.shape import FanShape, Polygon, box_of

SMALL_WIDTH = 320
"""Pixels across in which the sector is looked for: fine enough for its edge, and text is thin enough to vanish."""
DARK = 3
"""Grey values up to this are the screen's black, or show no anatomy."""
_OPENING = 5
"""Pixels of the small picture; letters and rulers are thinner, tissue is thicker."""
_MENU = 0.15
"""Part of the height, at the top and at the bottom, in which a menu may lie."""
_GREY_BAR = 0.03
"""Part of the width that a scanner's bar of grey levels takes at most."""
_MIN_PART = 0.0012
"""Pieces of tissue apart from the rest count from this part of the picture on."""
_MIN_SECTOR = 0.2
"""A sector that fills less of the picture is not believed: the whole picture is taken."""
FAN_MARGIN = 1.5 / SMALL_WIDTH
"""Part of the width by which a found fan is widened before what lies outside is hidden: it is found that well."""


@dataclass(frozen=True, slots=True, eq=False)
class Sector:
    """What the network looks at, and what is shown where text is hidden. One definition for the whole program.

    The network's crop is the ``box`` round a convex ``polygon`` (n, 2) x, y in native pixels, which holds everything
    the beam shows. ``fan`` is its shape where that was searched or drawn. Where it is clear, ``within`` is its outline,
    a little widened: what lies in the polygon but outside of it is furniture and hidden too.
    """

    box: Box
    polygon: Polygon
    fan: FanShape | None = None
    within: Polygon | None = None

    @staticmethod
    def whole(shape: tuple[int, ...]) -> Sector:
        """All of a picture of ``shape`` (height, width, ...)."""
        height, width = shape[:2]
        x, y = width - 0.5, height - 0.5
        return Sector((0, 0, width, height), np.array([[-0.5, -0.5], [x, -0.5], [x, y], [-0.5, y]]))

    @staticmethod
    def of_fan(fan: FanShape, shape: tuple[int, ...]) -> Sector:
        """What a person or a preset says is the fan."""
        outline = np.clip(fan.polygon, -0.5, [shape[1] - 0.5, shape[0] - 0.5])
        polygon = cv2.convexHull(outline.astype(np.float32))[:, 0].astype(np.float64)
        return Sector(box_of(polygon), polygon, fan, fan.widened(FAN_MARGIN * shape[1]).polygon)

    @property
    def outlines(self) -> tuple[Polygon, ...]:
        """The polygons whose common part the sector is."""
        return (self.polygon,) if self.within is None else (self.polygon, self.within)

    def mask(self, shape: tuple[int, ...]) -> NDArray[np.bool_]:
        """(height, width): which native pixels lie in the sector."""
        return _filled(self.outlines, shape[:2])

    def on_grid(self, letterbox: Letterbox) -> NDArray[np.bool_]:
        """(height, width) of the network's grid: which of its pixels lie in the sector."""
        outlines = [letterbox.to_grid(each) for each in self.outlines]
        mask = _filled(outlines, (letterbox.height, letterbox.width))
        left, top, right, bottom = letterbox.inner
        inside = np.zeros_like(mask)
        inside[top:bottom, left:right] = mask[top:bottom, left:right]
        return inside


def find_sector(*pictures: NDArray[np.uint8]) -> Sector:
    """The sector on one or more pictures, (h, w) grey or (h, w, 3) RGB of one size; where unsure, the whole picture.

    Quick: its fan is not searched. Networks are trained and scored with it.

    Never cuts anatomy: what lies outside is darker than any tissue, or thin like letters and rulers.
    """
    return sector_round(tissue_in(brightest(pictures)), pictures[0].shape)


def sector_round(tissue: NDArray[np.uint8], shape: tuple[int, ...]) -> Sector:
    """The sector of pictures of ``shape`` in which ``tissue_in`` found this tissue."""
    hull = cv2.convexHull(rims(tissue))[:, 0] if tissue.any() else np.empty((0, 2), np.int32)
    if len(hull) < 3 or cv2.contourArea(hull) < _MIN_SECTOR * tissue.size:
        return Sector.whole(shape)
    scale = np.array([shape[1] / tissue.shape[1], shape[0] / tissue.shape[0]])
    # One pixel outwards for the half pixel that a hull of centres lacks and for the dim rim of the beam.
    centre = hull.mean(axis=0)
    outwards = hull - centre
    outwards = outwards / np.maximum(np.linalg.norm(outwards, axis=1, keepdims=True), 1e-9)
    polygon = (hull + outwards + 0.5) * scale - 0.5
    polygon = np.clip(polygon, -0.5, [shape[1] - 0.5, shape[0] - 0.5])
    return Sector(box_of(polygon), polygon)


def brightest(pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """The brightest value of each place over all pictures, small and grey."""
    return np.asarray(np.max([_small_grey(picture) for picture in pictures], axis=0), np.uint8)


def tissue_in(small: NDArray[np.uint8], level: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
    """1 where the small grey picture shows tissue: no menu, nothing thin like letters, nothing apart and tiny.

    ``level`` may be looked at in its place, with the menus where ``small`` has them.
    """
    clean = _without_menus(small)
    if level is not None:
        clean = np.where(clean.any(axis=1, keepdims=True), level, np.uint8(0))
    return _large_parts((clean > DARK).astype(np.uint8))


def _small_grey(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    size = SMALL_WIDTH, max(round(picture.shape[0] * SMALL_WIDTH / picture.shape[1]), 1)
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return np.asarray(small if small.ndim == 2 else cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)


def _without_menus(small: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Black above the last and below the first row that is even: tissue has speckle, a menu's rim or a gap none."""
    middle = np.median(small, axis=1, keepdims=True)
    even = np.mean(np.abs(small - middle) <= 3, axis=1) > 0.8
    even &= (middle[:, 0] > DARK) | (np.mean(small > DARK, axis=1) < 0.01)
    reach = round(_MENU * len(small))
    top = np.flatnonzero(even[:reach])
    bottom = np.flatnonzero(even[len(small) - reach :]) + len(small) - reach
    cleaned = small.copy()
    cleaned[: top[-1] + 1 if len(top) else 0] = 0
    cleaned[bottom[0] if len(bottom) else len(small) :] = 0
    return cleaned


def _large_parts(bright: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Only the pieces that are thick and large enough for tissue."""
    kernel = np.ones((_OPENING, _OPENING), np.uint8)
    # A black border lets the opening work at the picture's edge too.
    opened = cv2.morphologyEx(bright, cv2.MORPH_OPEN, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=4)
    width, height = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]
    bar = (width <= _GREY_BAR * bright.shape[1]) & (height > 3 * width)
    keep = (stats[:, cv2.CC_STAT_AREA] >= _MIN_PART * bright.size) & ~bar
    keep[0] = False
    # Opening rounds the fan's sharp corners off; what is bright beside a kept piece belongs to it.
    return np.asarray(cv2.dilate(keep[labels].astype(np.uint8), kernel) & bright, np.uint8)


def _filled(outlines: Sequence[Polygon], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Pixels whose centre lies in all outlines, to a sixteenth of a pixel."""
    inside = np.ones(shape[:2], bool)
    for outline in outlines:
        mask = np.zeros(shape[:2], np.uint8)
        cv2.fillPoly(mask, [np.rint(outline * 16).astype(np.int32)], 1, shift=4)
        inside &= mask.astype(bool)
    return inside


def rims(lit: NDArray[Any]) -> NDArray[np.int32]:
    """The first and the last place (x, y) in each row that shows something: their hull is that of all."""
    rows = np.flatnonzero(lit.any(axis=1))
    first, last = lit[rows].argmax(axis=1), lit.shape[1] - 1 - lit[rows, ::-1].argmax(axis=1)
    return np.column_stack([np.concatenate([first, last]), np.tile(rows, 2)]).astype(np.int32)
