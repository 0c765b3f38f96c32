"""The strip of the picture along a femur's line, and the line moved to where the shaft ends in it.

A strip is the neighbourhood of a line drawn straight: one row for each distance across it, one column for each place
along it. In it every shaft has the same size and lies the same way, with room at both ends for what a line misses.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fetalnet.core.geometry import Line
from fetalnet.inference.fitting.strip import Floats, cut_out
from fetalnet.network.strip_form import SHAFT_ACROSS, SHAFT_ALONG, SHAFT_COLUMNS, SHAFT_ROWS

_FINER = 2
"""So many places are averaged in each direction: a pixel of a large picture is smaller than one of the strip."""

_T = SHAFT_ALONG * ((np.arange(SHAFT_COLUMNS * _FINER) + 0.5) * (2 / (SHAFT_COLUMNS * _FINER)) - 1.0)
_N = SHAFT_ACROSS * ((np.arange(SHAFT_ROWS * _FINER) + 0.5) * (2 / (SHAFT_ROWS * _FINER)) - 1.0)


def strip_of(
    pixels: NDArray[np.uint8], line: Line, seen: NDArray[np.bool_] | None = None, mirror: tuple[int, int] = (1, 1)
) -> NDArray[np.float32]:
    """Return a strip (SHAFT_ROWS, SHAFT_COLUMNS), grey 0 to 1, of ``pixels`` (height, width[, 3]).

    It is black where ``seen`` (height, width) is false.
    """
    middle, along, across = _axes(line, mirror)
    x = (middle[0] + _T[None] * along[0] + _N[:, None] * across[0]).astype(np.float32)
    y = (middle[1] + _T[None] * along[1] + _N[:, None] * across[1]).astype(np.float32)
    return cut_out(pixels, x, y, seen, (SHAFT_ROWS, SHAFT_COLUMNS))


def ends_in(line: Line, shaft: Line, mirror: tuple[int, int] = (1, 1)) -> NDArray[np.float32]:
    """(2, 2) The ends of ``shaft`` in the strip of ``line``, first the one to the left: along and across, in lengths
    of ``line``.
    """
    middle, along, across = _axes(line, mirror)
    places = np.linalg.solve(np.column_stack([along, across]), (shaft.points() - middle).T).T
    return np.asarray(places[np.argsort(places[:, 0])], np.float32)


def moved(line: Line, ends: Floats, mirror: tuple[int, int] = (1, 1)) -> Line:
    """The line between ``ends`` (2, 2), told as by ``ends_in``."""
    middle, along, across = _axes(line, mirror)
    first, second = middle + ends @ np.stack([along, across])
    return Line.of(*first, *second)


def _axes(line: Line, mirror: tuple[int, int]) -> tuple[Floats, Floats, Floats]:
    """Middle, and the steps of one length along and across."""
    ends = line.points()
    along = ends[1] - ends[0]
    across = np.array([-along[1], along[0]])
    return ends.mean(axis=0), along * mirror[0], across * mirror[1]
