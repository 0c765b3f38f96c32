"""Ellipses and lines in the pixels of the native frame: origin top left, integers are pixel centres."""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class MmPerPixel:
    """Size of a pixel in mm along each axis of the native frame."""

    x: float
    y: float

    @property
    def disagreement(self) -> float:
        """The ratio of the larger to the smaller, less one."""
        return max(self.x, self.y) / min(self.x, self.y) - 1.0


@dataclass(frozen=True, slots=True)
class Ellipse:
    """Semi-axes ``a >= b`` in pixels; ``theta_deg`` in [0, 180) from +x towards +y (down)."""

    cx: float
    cy: float
    a: float
    b: float
    theta_deg: float

    @staticmethod
    def of(cx: float, cy: float, semi_1: float, semi_2: float, theta_deg: float) -> Ellipse:
        """An ellipse from two semi-axes in either order; ``theta_deg`` is the direction of ``semi_1``."""
        if semi_1 < semi_2:
            semi_1, semi_2, theta_deg = semi_2, semi_1, theta_deg + 90.0
        theta_deg = float(theta_deg) % 180.0
        return Ellipse(float(cx), float(cy), float(semi_1), float(semi_2), theta_deg if theta_deg < 180.0 else 0.0)

    @staticmethod
    def of_matrix(cx: float, cy: float, matrix: NDArray[np.float64]) -> Ellipse:
        """The image of the unit circle under ``matrix`` (2, 2), around a centre."""
        axes, lengths, _ = np.linalg.svd(matrix)
        theta = math.degrees(math.atan2(axes[1, 0], axes[0, 0]))
        return Ellipse.of(cx, cy, float(lengths[0]), float(lengths[1]), theta)

    @property
    def matrix(self) -> NDArray[np.float64]:
        """(2, 2) that takes the unit circle to the ellipse, less its centre: its columns are the semi-axes."""
        cos, sin = math.cos(math.radians(self.theta_deg)), math.sin(math.radians(self.theta_deg))
        return np.array([[self.a * cos, -self.b * sin], [self.a * sin, self.b * cos]])

    @property
    def perimeter_px(self) -> float:
        """Perimeter in pixels by Ramanujan's second approximation."""
        return ramanujan_perimeter(self.a, self.b)

    def scaled(self, mm_per_pixel: MmPerPixel) -> Ellipse:
        """The same ellipse with each axis of the picture scaled: lengths become mm."""
        if mm_per_pixel.x == mm_per_pixel.y:
            step = mm_per_pixel.x
            return Ellipse(self.cx * step, self.cy * step, self.a * step, self.b * step, self.theta_deg)
        scale = np.diag([mm_per_pixel.x, mm_per_pixel.y])
        return Ellipse.of_matrix(self.cx * mm_per_pixel.x, self.cy * mm_per_pixel.y, scale @ self.matrix)

    def points(self, n: int = 180) -> NDArray[np.float64]:
        """``(n, 2)`` points x, y on the ellipse, evenly spaced in its parameter."""
        t = np.linspace(0.0, 2.0 * math.pi, n, endpoint=False)
        cos, sin = math.cos(math.radians(self.theta_deg)), math.sin(math.radians(self.theta_deg))
        u, v = self.a * np.cos(t), self.b * np.sin(t)
        return np.stack([self.cx + u * cos - v * sin, self.cy + u * sin + v * cos], axis=1)

    def to_json(self) -> dict[str, float | str]:
        return {
            "type": "ellipse", "cx": self.cx, "cy": self.cy, "a": self.a, "b": self.b, "theta_deg": self.theta_deg,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """A line from (x1, y1) to (x2, y2) in pixels, ``x1 <= x2``."""

    x1: float
    y1: float
    x2: float
    y2: float

    @staticmethod
    def of(x1: float, y1: float, x2: float, y2: float) -> Line:
        """A line from two ends in either order."""
        if (x1, y1) > (x2, y2):
            x1, y1, x2, y2 = x2, y2, x1, y1
        return Line(float(x1), float(y1), float(x2), float(y2))

    @property
    def length_px(self) -> float:
        return math.hypot(self.x2 - self.x1, self.y2 - self.y1)

    def scaled(self, mm_per_pixel: MmPerPixel) -> Line:
        """The same line with each axis of the picture scaled: its length becomes mm."""
        return Line.of(
            self.x1 * mm_per_pixel.x, self.y1 * mm_per_pixel.y, self.x2 * mm_per_pixel.x, self.y2 * mm_per_pixel.y
        )

    def points(self, n: int = 2) -> NDArray[np.float64]:
        """``(n, 2)`` points x, y along the line, its ends included."""
        return np.linspace([self.x1, self.y1], [self.x2, self.y2], n)

    def to_json(self) -> dict[str, float | str]:
        return {"type": "line", "x1": self.x1, "y1": self.y1, "x2": self.x2, "y2": self.y2}


Geometry = Ellipse | Line


def size_px(geometry: Geometry) -> float:
    """Perimeter of an ellipse or length of a line, pixels."""
    return geometry.perimeter_px if isinstance(geometry, Ellipse) else geometry.length_px


def geometry_from_json(value: dict[str, float | str]) -> Geometry:
    """Inverse of ``to_json``."""
    numbers = {key: float(number) for key, number in value.items() if key != "type"}
    return Ellipse(**numbers) if value["type"] == "ellipse" else Line(**numbers)


def is_drawable(geometry: Geometry) -> bool:
    """Whether it has a size and is finite."""
    size = geometry.b if isinstance(geometry, Ellipse) else geometry.length_px
    return size > 0 and all(map(math.isfinite, astuple(geometry)))


def ramanujan_perimeter(a: float, b: float) -> float:
    """Perimeter of an ellipse with semi-axes ``a`` and ``b`` (Ramanujan II), in their unit."""
    if a + b == 0.0:
        return 0.0
    h = ((a - b) / (a + b)) ** 2
    return math.pi * (a + b) * (1.0 + 3.0 * h / (10.0 + math.sqrt(4.0 - 3.0 * h)))
