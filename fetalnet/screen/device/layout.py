"""What tells one scanner's screen from another's: its size, and where text, bars and buttons stand around the fan."""

from __future__ import annotations

from typing import Annotated, Self

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from fetalnet.core.errors import InputError
from fetalnet.core.frame import Source
from fetalnet.screen.fan.sector import Sector, find_sector

_COLUMNS = 48
"""Cells across: a cell is about as wide as three letters, so that another name fills much the same ones."""
_SMALL_PER_CELL = 8
_BRIGHT = 40
_MIN_INK = 0.04
"""A cell counts as furnished from this part of bright pixels on: noise is less, a letter more."""
_MIN_FURNITURE = 8
"""Fewer furnished cells tell nothing."""
_MIN_LIKENESS = 0.85
"""Thirteen examinations on one scanner reach 0.91 with each other; scanners of much the same make stay below 0.8."""
FURNISHED, FREE, FAN = "#", ".", "~"


class Layout(BaseModel):
    """A screen of ``width`` x ``height`` pixels as rows of cells: ``#`` furniture, ``.`` none, ``~`` the fan.

    No text can be read from it: a cell says that there is some, not which.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: Annotated[int, Field(ge=16, le=16384)]
    height: Annotated[int, Field(ge=16, le=16384)]
    furniture: tuple[Annotated[str, Field(pattern=f"^[{FURNISHED}{FREE}{FAN}]{{{_COLUMNS}}}$")], ...]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if len(self.furniture) != _rows(self.width, self.height):
            raise ValueError("the rows of furniture do not fit the size")
        return self

    @staticmethod
    def of(picture: NDArray[np.uint8], sector: Sector) -> Layout | None:
        """The layout of a screen, (h, w) or (h, w, 3), with its fan; None where too little stands around the fan."""
        height, width = picture.shape[:2]
        rows = _rows(width, height)
        small = cv2.resize(picture, (_COLUMNS * _SMALL_PER_CELL, rows * _SMALL_PER_CELL), interpolation=cv2.INTER_AREA)
        grey = small if small.ndim == 2 else small.max(axis=2)
        furnished = _cells(grey > _BRIGHT) >= _MIN_INK
        mask = sector.mask(picture.shape).astype(np.uint8)
        fan = _cells(cv2.resize(mask, grey.shape[::-1], interpolation=cv2.INTER_AREA) > 0) > 0
        if np.count_nonzero(furnished & ~fan) < _MIN_FURNITURE:
            return None
        signs = np.where(fan, FAN, np.where(furnished, FURNISHED, FREE))
        return Layout(width=width, height=height, furniture=tuple("".join(row) for row in signs))

    def likeness(self, other: Layout) -> float:
        """0 to 1: what part of the furniture of each has some of the other's beside it. 0 for another size."""
        if (self.width, self.height) != (other.width, other.height):
            return 0.0
        mine, yours = self._signs, other._signs
        # The fan of one depth covers what stands free beside that of another: there nothing is compared.
        compared = (mine != FAN) & (yours != FAN)
        a, b = compared & (mine == FURNISHED), compared & (yours == FURNISHED)
        if min(np.count_nonzero(a), np.count_nonzero(b)) < _MIN_FURNITURE:
            return 0.0
        return float(min(np.mean(_wider(b)[a]), np.mean(_wider(a)[b])))

    def matches(self, other: Layout) -> bool:
        """Whether both are screens of one device in one arrangement, whatever patient, depth or fan they show."""
        return self.likeness(other) >= _MIN_LIKENESS

    @property
    def _signs(self) -> NDArray[np.str_]:
        return np.array([list(row) for row in self.furniture])


def first_screen(source: Source) -> tuple[Sector, Layout | None]:
    """The fan on the first frame, and what stands around it; the whole picture where it is not found or not read."""
    try:
        pixels = source[0].pixels
    except InputError:
        return Sector.whole((source.height, source.width)), None
    fan = find_sector(pixels)
    return fan, Layout.of(pixels, fan)


def _rows(width: int, height: int) -> int:
    return max(round(_COLUMNS * height / width), 4)


def _cells(pixels: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The share of true pixels in each cell."""
    size = _SMALL_PER_CELL
    shares = pixels.reshape(pixels.shape[0] // size, size, pixels.shape[1] // size, size).mean(axis=(1, 3))
    return np.asarray(shares, np.float64)


def _wider(cells: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """One cell to each side: numbers and names of another length."""
    return np.asarray(cv2.dilate(cells.astype(np.uint8), np.ones((1, 3), np.uint8)), np.bool_)
