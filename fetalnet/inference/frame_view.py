"""View of a frame: the part that the network sees, on its grid, and the way back."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from fetalnet.core.frame import Frame
from fetalnet.core.letterbox import Box, Letterbox


class Prepared(NamedTuple):
    """A frame on the network's grid: ``grid`` (height, width), grey 0 to 1, where the fan lies on it, the way back,
    the mean difference to the frame before in grey levels, and where the fan lies in the frame itself.
    """

    grid: NDArray[np.float32]
    fan: NDArray[np.bool_] | None
    letterbox: Letterbox
    change: float | None = None
    native_fan: NDArray[np.bool_] | None = None


class FrameView:
    """Letterboxes frames into a grid of ``grid_shape`` (height, width), black outside the fan.

    ``before`` is the grid of the frame before, None at the start of a stream.
    """

    def __init__(self, grid_shape: tuple[int, int]) -> None:
        self.grid_shape = grid_shape
        self.before: NDArray[np.float32] | None = None
        self._crop: Box | None = None
        self._fan: NDArray[np.bool_] | None = None
        self._letterboxes: dict[tuple[int, ...], tuple[Letterbox, NDArray[np.bool_] | None]] = {}

    def look_at(self, crop: Box | None = None, fan: NDArray[np.bool_] | None = None) -> None:
        """Choose the part of the frames to look at: all of it without arguments.

        Args:
            crop: the box of the frame that the fan fills.
            fan: (frame height, width), true inside the fan.

        """
        self._crop, self._fan = crop, fan
        self._letterboxes.clear()
        self.before = None

    def like(self, other: FrameView) -> None:
        """Look at what another view looks at."""
        self.look_at(other._crop, other._fan)

    def prepare(self, frame: Frame, box: Box | None = None) -> Prepared:
        """Letterbox a frame, or the ``box`` of it, into the grid."""
        shape = frame.pixels.shape
        letterbox, fan = self._letterbox(shape) if box is None else self._nearer(shape, box)
        grid = letterbox.apply(frame.pixels).astype(np.float32)
        grid *= np.float32(1.0 / 255.0)
        if fan is not None:
            grid *= fan
        before, self.before = self.before, grid
        shown = grid.size if fan is None else max(int(np.count_nonzero(fan)), 1)
        change = None if before is None else float(cv2.norm(grid, before, cv2.NORM_L1)) * 255.0 / shown
        return Prepared(grid, fan, letterbox, change, self._fan_of(shape))

    def _nearer(self, shape: tuple[int, ...], box: Box) -> tuple[Letterbox, NDArray[np.bool_] | None]:
        letterbox = Letterbox.of(shape, self.grid_shape, box)
        return letterbox, self._fan_on(letterbox, shape)

    def _letterbox(self, shape: tuple[int, ...]) -> tuple[Letterbox, NDArray[np.bool_] | None]:
        if shape not in self._letterboxes:
            letterbox = Letterbox.of(shape, self.grid_shape, self._crop)
            self._letterboxes[shape] = letterbox, self._fan_on(letterbox, shape)
        return self._letterboxes[shape]

    def _fan_on(self, letterbox: Letterbox, shape: tuple[int, ...]) -> NDArray[np.bool_] | None:
        fan = self._fan_of(shape)
        return None if fan is None else letterbox.apply_mask(fan)

    def _fan_of(self, shape: tuple[int, ...]) -> NDArray[np.bool_] | None:
        return self._fan if self._fan is not None and self._fan.shape == shape[:2] else None
