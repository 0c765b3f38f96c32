"""Searches the sector with its fan, once for a recording: window, analysis, editor and exports share what is found."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from fetalnet.core.errors import InputError
from fetalnet.core.frame import Source
from fetalnet.screen.fan.search import find_fan
from fetalnet.screen.fan.sector import FAN_MARGIN, Sector, brightest, sector_round, tissue_in
from fetalnet.screen.fan.shape import FanShape, Polygon

_SAMPLED_FRAMES = 5
_INSIDE, _OUTSIDE = 0.99, 0.02
"""Parts of a piece of tissue that lie in the fan: from the one on it is the fan's, up to the other it is furniture."""
_MOST_FURNITURE = 0.03
"""Part of what looks like tissue that may be furniture."""


def sector_of(source: Source) -> Sector:
    """The sector of a recording from frames spread over it: tissue moves through what is dark in one of them.

    Frames that cannot be read are left to whoever plays the source.
    """
    pictures = sampled_pictures(source)
    return search_sector(*pictures) if pictures else Sector.whole((source.height, source.width))


def sampled_pictures(source: Source) -> list[NDArray[np.uint8]]:
    """A few pictures spread over a recording, without those that cannot be read."""
    places = sorted({round(part * (len(source) - 1)) for part in np.linspace(0.0, 1.0, _SAMPLED_FRAMES)})
    pictures = []
    for index in places:
        with contextlib.suppress(InputError, IndexError):
            pictures.append(source[index].pixels)
    return pictures


def search_sector(*pictures: NDArray[np.uint8]) -> Sector:
    """The sector as ``find_sector`` finds it, with its fan; takes a tenth of a second.

    Where the fan is clear, what stands apart from it is hidden. It is clear where every piece of tissue lies either
    wholly in it or, small, wholly outside: never is anatomy cut.
    """
    small, shape = brightest(pictures), pictures[0].shape
    tissue = tissue_in(small)
    sector, fan = sector_round(tissue, shape), find_fan(*pictures, small=small)
    if fan is None:
        return sector
    return replace(sector, fan=fan, within=_clear_outline(sector, fan, tissue, shape))


def _clear_outline(sector: Sector, fan: FanShape, tissue: NDArray[np.uint8], shape: tuple[int, ...]) -> Polygon | None:
    if sector.mask(shape).all():
        return None
    wide = fan.widened(FAN_MARGIN * shape[1])
    # Blur and codecs leave a rim of light round tissue.
    tissue = cv2.erode(tissue, np.ones((3, 3), np.uint8))
    inside = cv2.resize(wide.mask(shape).astype(np.uint8), tissue.shape[::-1], interpolation=cv2.INTER_NEAREST)
    if not tissue.any():
        return None
    count, pieces = cv2.connectedComponents(tissue, connectivity=8)
    size = np.bincount(pieces.ravel(), minlength=count)[1:]
    share = np.bincount(pieces.ravel(), inside.ravel(), count)[1:] / size
    apart = share <= _OUTSIDE
    clear = bool(np.all(apart | (share >= _INSIDE))) and size[apart].sum() <= _MOST_FURNITURE * size.sum()
    return wide.polygon if clear else None
