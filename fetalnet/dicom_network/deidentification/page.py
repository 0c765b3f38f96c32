"""The sector of pictures that are to be passed on; scanned letters and forms have none, however much they look so."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from fetalnet.screen.fan.sector import Sector
from fetalnet.screen.fan.sector_search import search_sector

_BIN = 16
_DARKEST_PAPER = 64
"""Grey levels from here on may be paper or an even screen; tissue below is even too."""
_MOST_EVEN = 0.5
"""Part of the sector that may have one grey level: speckle has none, paper has little else."""


def ultrasound_sector(*pictures: NDArray[np.uint8]) -> Sector | None:
    """The sector on pictures of one size, or None: it was not found, or what was found is a page."""
    sector = search_sector(*pictures)
    inside = sector.mask(pictures[0].shape)
    if inside.all() or any(_is_page(picture, inside) for picture in pictures):
        return None
    return sector


def _is_page(picture: NDArray[np.uint8], inside: NDArray[np.bool_]) -> bool:
    grey = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    counts = np.bincount(grey[inside].ravel(), minlength=256)
    around = np.convolve(counts[_DARKEST_PAPER:], np.ones(_BIN), "valid")
    return bool(around.max() > _MOST_EVEN * inside.sum())
