"""The way from the native frame to the network's grid and back, exact to the pixel centre."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Box = tuple[int, int, int, int]
"""x0, y0, x1, y1 in native pixels: the pixels x0 <= x < x1, y0 <= y < y1."""


@dataclass(frozen=True, slots=True)
class Letterbox:
    """Fits a box of the native frame into a grid of ``width`` x ``height``, centred, its shape kept, black around."""

    box: Box
    width: int
    height: int

    @staticmethod
    def of(frame_shape: tuple[int, ...], grid: tuple[int, int], crop: Box | None = None) -> Letterbox:
        """For frames of ``frame_shape`` (height, width, ...) and a grid (height, width); ``crop`` is cut to it."""
        height, width = frame_shape[:2]
        x0, y0, x1, y1 = crop or (0, 0, width, height)
        box = (max(x0, 0), max(y0, 0), min(x1, width), min(y1, height))
        if box[0] >= box[2] or box[1] >= box[3]:
            box = (0, 0, width, height)
        return Letterbox(box, grid[1], grid[0])

    @property
    def inner(self) -> Box:
        """The rectangle of the grid that the box fills."""
        x0, y0, x1, y1 = self.box
        scale = min(self.width / (x1 - x0), self.height / (y1 - y0))
        inner_width = min(max(round((x1 - x0) * scale), 1), self.width)
        inner_height = min(max(round((y1 - y0) * scale), 1), self.height)
        left, top = (self.width - inner_width) // 2, (self.height - inner_height) // 2
        return left, top, left + inner_width, top + inner_height

    @property
    def scale(self) -> tuple[float, float]:
        """Grid pixels per native pixel along x and y; they differ by the rounding to whole grid pixels only."""
        left, top, right, bottom = self.inner
        x0, y0, x1, y1 = self.box
        return (right - left) / (x1 - x0), (bottom - top) / (y1 - y0)

    def apply(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(h, w) grey or (h, w, 3) RGB of the native frame to (height, width) grey of the grid."""
        x0, y0, x1, y1 = self.box
        left, top, right, bottom = self.inner
        part = pixels[y0:y1, x0:x1]
        # Mixing colours takes a tenth of what resizing a channel takes, so there is one to resize.
        grey = part if part.ndim == 2 else cv2.cvtColor(part, cv2.COLOR_RGB2GRAY)
        shrinks = right - left < x1 - x0
        small = cv2.resize(
            grey, (right - left, bottom - top), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        )
        grid = np.zeros((self.height, self.width), np.uint8)
        grid[top:bottom, left:right] = small
        return grid

    def apply_mask(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(h, w) of the native frame to (height, width) of the grid: true where at least half of a pixel is."""
        return self.apply(mask.astype(np.uint8) * 255) > 127

    @property
    def matrix(self) -> NDArray[np.float64]:
        """The affine map (2, 3) from native to grid pixels; integers are pixel centres in both."""
        scale = np.array(self.scale)
        shift = (0.5 - np.array(self.box[:2])) * scale - 0.5 + np.array(self.inner[:2])
        return np.column_stack([np.diag(scale), shift])

    @property
    def square(self) -> NDArray[np.float64]:
        """The same map (3, 3), to be joined with others."""
        return np.vstack([self.matrix, [0.0, 0.0, 1.0]])

    def to_grid(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """(n, 2) x, y in native pixels to grid pixels; integers are pixel centres in both."""
        scale = np.array(self.scale)
        grid: NDArray[np.float64] = (np.asarray(points, np.float64) - self.box[:2] + 0.5) * scale - 0.5 + self.inner[:2]
        return grid

    def to_native(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Inverse of ``to_grid``."""
        scale = np.array(self.scale)
        native: NDArray[np.float64] = (
            (np.asarray(points, np.float64) - self.inner[:2] + 0.5) / scale - 0.5 + self.box[:2]
        )
        return native
