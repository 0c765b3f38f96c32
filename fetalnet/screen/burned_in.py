"""Text that a scanner burned into its pictures, patient names among it: all that lies outside the fan goes black."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fetalnet.core.letterbox import Box
from fetalnet.screen.fan.sector import Sector
from fetalnet.screen.fan.sector_search import search_sector


@dataclass(frozen=True, slots=True, eq=False)
class FanOnly:
    """Shows the fan of a recording and nothing else. Made once for a recording, then quick on each frame.

    ``inside`` is (height, width) uint8, 1 where the picture is shown; None for all of it. ``hides`` tells whether the
    fan was found, so that text outside is hidden.
    """

    inside: NDArray[np.uint8] | None
    hides: bool

    @staticmethod
    def of(sector: Sector, shape: tuple[int, ...], masks: Sequence[Box] = ()) -> FanOnly:
        """For pictures of ``shape`` (height, width, ...). A sector that is the whole picture was not found.

        ``masks`` are further rectangles x0, y0, x1, y1 to be hidden.
        """
        mask = sector.mask(shape)
        found = not mask.all()
        for x0, y0, x1, y1 in masks:
            mask[y0:y1, x0:x1] = False
        return FanOnly(None if mask.all() else mask.astype(np.uint8), found)

    @staticmethod
    def on(pixels: NDArray[np.uint8]) -> FanOnly:
        """For one picture on its own."""
        return FanOnly.of(search_sector(pixels), pixels.shape)

    def shown(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A picture, (h, w) or (h, w, 3), black outside the fan; the same one where no fan was found."""
        if self.inside is None:
            return pixels
        return np.asarray(cv2.copyTo(pixels, self.inside), np.uint8)


ALL = FanOnly(None, False)
"""Shows whole pictures, for those who asked for it."""
