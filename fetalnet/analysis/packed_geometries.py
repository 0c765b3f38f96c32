"""The geometries of many frames in a few bytes each: half an hour at the scanner has 54,000."""

from __future__ import annotations

from array import array

from fetalnet.core.geometry import Ellipse, Geometry, Line

_NONE, _ELLIPSE, _LINE = range(3)
_NUMBERS = 5
"""An ellipse has five, a line four and a zero."""


class PackedGeometries:
    """A list of ``Geometry | None`` that can only grow."""

    def __init__(self) -> None:
        self._kinds = array("b")
        self._numbers = array("d")

    def append(self, geometry: Geometry | None) -> None:
        if geometry is None:
            self._kinds.append(_NONE)
            self._numbers.extend([0.0] * _NUMBERS)
        elif isinstance(geometry, Ellipse):
            self._kinds.append(_ELLIPSE)
            self._numbers.extend((geometry.cx, geometry.cy, geometry.a, geometry.b, geometry.theta_deg))
        else:
            self._kinds.append(_LINE)
            self._numbers.extend((geometry.x1, geometry.y1, geometry.x2, geometry.y2, 0.0))

    def __getitem__(self, at: int) -> Geometry | None:
        numbers = self._numbers[at * _NUMBERS : (at + 1) * _NUMBERS]
        if self._kinds[at] == _NONE:
            return None
        return Ellipse(*numbers) if self._kinds[at] == _ELLIPSE else Line(*numbers[:-1])
