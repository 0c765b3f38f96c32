"""Geometries of many frames come back as they were put in."""

from __future__ import annotations

from fetalnet.analysis.packed_geometries import PackedGeometries
from fetalnet.core.geometry import Ellipse, Line


def test_that_what_was_put_in_comes_back() -> None:
    geometries = [Ellipse.of(80.5, 60.25, 36.1, 28.7, 20.3), None, Line.of(55.5, 60, 95, 72.125), Line.of(9, 8, 7, 6)]
    packed = PackedGeometries()
    for geometry in geometries:
        packed.append(geometry)
    assert [packed[at] for at in range(4)] == geometries
