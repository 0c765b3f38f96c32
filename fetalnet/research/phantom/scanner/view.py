"""Where the image plane lies on the screen: millimetres to pixels, and what the fan and the picture's edge let in."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fetalnet.core.geometry import Ellipse, MmPerPixel
from fetalnet.research.phantom.scanner.pose import Array


@dataclass(frozen=True, slots=True)
class Fan:
    """The scanned sector. ``radius_mm``: of the probe's face (a nearly flat one has a large radius)."""

    radius_mm: float
    half_angle_rad: float
    depth_mm: float

    @property
    def sagitta_mm(self) -> float:
        """How far the face's edges lie above its middle."""
        return self.radius_mm * (1.0 - math.cos(self.half_angle_rad))

    @property
    def width_mm(self) -> float:
        return 2.0 * (self.radius_mm + self.depth_mm) * math.sin(self.half_angle_rad)


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of pixels, ends excluded."""

    x0: int
    y0: int
    x1: int
    y1: int


@dataclass(frozen=True, slots=True)
class View:
    """A fan on a screen of ``size`` (width, height): the middle of the probe's face lies at ``face_px`` (x, y)."""

    fan: Fan
    size: tuple[int, int]
    port: Box
    face_px: tuple[float, float]
    scale_mm_per_px: float

    @property
    def mm_per_pixel(self) -> MmPerPixel:
        return MmPerPixel(self.scale_mm_per_px, self.scale_mm_per_px)

    def to_pixels(self, plane_mm: Array) -> Array:
        """Lateral, axial mm ``(n, 2)`` to pixels ``(n, 2)``."""
        pixels: Array = np.asarray(plane_mm) / self.scale_mm_per_px + np.asarray(self.face_px)
        return pixels

    def ellipse_to_pixels(self, ellipse_mm: Ellipse) -> Ellipse:
        s = self.scale_mm_per_px
        return Ellipse.of(
            ellipse_mm.cx / s + self.face_px[0], ellipse_mm.cy / s + self.face_px[1],
            ellipse_mm.a / s, ellipse_mm.b / s, ellipse_mm.theta_deg,
        )  # fmt: skip

    def polar(self, x_px: NDArray[Any], y_px: NDArray[Any]) -> tuple[Array, Array]:
        """Pixels to beam angle in rad and distance from the probe's face in mm."""
        lateral = (np.asarray(x_px) - self.face_px[0]) * self.scale_mm_per_px
        axial = (np.asarray(y_px) - self.face_px[1]) * self.scale_mm_per_px + self.fan.radius_mm
        return np.arctan2(lateral, axial), np.hypot(lateral, axial) - self.fan.radius_mm

    def inside(self, x_px: NDArray[Any], y_px: NDArray[Any]) -> NDArray[np.bool_]:
        """Whether pixels lie in the fan and in the picture."""
        angle, range_mm = self.polar(x_px, y_px)
        seen = (np.abs(angle) <= self.fan.half_angle_rad) & (range_mm >= 0) & (range_mm <= self.fan.depth_mm)
        seen &= (np.asarray(x_px) >= self.port.x0) & (np.asarray(x_px) < self.port.x1)
        return np.asarray(seen & (np.asarray(y_px) >= self.port.y0) & (np.asarray(y_px) < self.port.y1))

    def part_inside(self, points_px: Array) -> float:
        """Part of the points ``(n, 2)`` that lie in the fan, 0 to 1."""
        return float(self.inside(points_px[:, 0], points_px[:, 1]).mean())
