"""One labelled picture as training sees it, whichever data set it comes from."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fetalnet.core.geometry import Geometry
from fetalnet.core.letterbox import Letterbox
from fetalnet.core.planes import Plane, Structure
from fetalnet.screen.fan.sector import find_sector

PRESENT = 0.5
"""Standardness from which a frame is labelled with its plane (docs/definitions.md)."""

BASE_GRID = (320, 480)
"""Height and width at which pictures wait in memory: more than the network sees, so that a warp stays sharp."""


@dataclass(frozen=True, slots=True)
class Outline:
    """An organ's outline in the pixels of its picture; ``half_width_px`` is half the thickness of a femur.

    ``standardness``, 0 to 1, says how near the cut is to the organ's ideal plane; ``weight``, 0 to 1, how far the
    outline can be trusted.
    """

    geometry: Geometry
    standardness: float = 1.0
    half_width_px: float = 0.0
    weight: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A picture, (height, width) grey uint8, with the outlines of what it shows.

    ``rated`` says that standardness was measured: real planes were chosen by a sonographer and count as standard, but
    nobody measured how far. ``structures`` is the anatomy that is seen, of what was ``assessed``.
    """

    pixels: NDArray[np.uint8]
    outlines: dict[Plane, Outline] = field(default_factory=dict)
    rated: bool = False
    real: bool = True
    structures: frozenset[Structure] = frozenset()
    assessed: frozenset[Structure] = frozenset()

    @property
    def standardness(self) -> float:
        """That of the best outline; 0 where there is none."""
        return max((outline.standardness for outline in self.outlines.values()), default=0.0)

    @property
    def organ(self) -> Plane:
        """The plane of the best outline, however badly it is cut."""
        return max(self.outlines, key=lambda plane: self.outlines[plane].standardness, default=Plane.OTHER)

    @property
    def plane(self) -> Plane:
        """The label: the organ's plane where it is well enough cut, else other."""
        return self.organ if self.standardness >= PRESENT else Plane.OTHER


def on_base_grid(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], Letterbox]:
    """A native picture as the program shows it to the network: the sector alone, letterboxed; and the way there."""
    sector = find_sector(pixels)
    letterbox = Letterbox.of(pixels.shape, BASE_GRID, sector.box)
    return letterbox.apply(pixels) * sector.on_grid(letterbox), letterbox
