"""Plots of a comparison, as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from reportlab.graphics import renderSVG
from reportlab.graphics.charts.utils import ticks
from reportlab.graphics.shapes import Circle, Drawing, Line, Rect, String
from reportlab.lib.colors import Color, white

_WIDTH, _LEFT, _RIGHT = 640, 200, 90
_HEAD, _ROW, _FOOT = 30, 24, 40
_INK, _GRID = Color(0.13, 0.3, 0.5), Color(0.85, 0.85, 0.85)


class Interval(NamedTuple):
    """A row: a value and how sure it is; ``low`` and ``high`` equal it where nobody knows."""

    name: str
    value: float
    low: float
    high: float


def interval_plot(title: str, axis: str, rows: Sequence[Interval], logarithmic: bool = False) -> bytes:
    """A dot and its interval a row, one below the other, as SVG; rows without a value (NaN) stay empty."""
    known = np.array([row[1:] for row in rows if not any(math.isnan(value) for value in row[1:])])
    scale = np.log10 if logarithmic else np.asarray
    ends = scale(np.array([known.min(), known.max()])) if len(known) else np.array([0.0, 1.0])
    margin = 0.05 * float(np.ptp(ends)) or 0.1
    first, last = float(ends[0]) - margin, float(ends[1]) + margin
    bottom, height = _FOOT, _HEAD + _ROW * len(rows) + _FOOT

    def x(place: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (place - first) / (last - first)

    drawing = Drawing(_WIDTH, height)
    # A page may be dark.
    drawing.add(Rect(0, 0, _WIDTH, height, fillColor=white, strokeColor=None))
    drawing.add(_text(8, height - 18, title, 12, "start"))
    for tick in _round_numbers(first, last, logarithmic):
        place = x(float(scale(tick)))
        drawing.add(Line(place, bottom, place, height - _HEAD, strokeColor=_GRID))
        drawing.add(_text(place, bottom - 12, f"{tick:g}"))
    drawing.add(_text(x((first + last) / 2), bottom - 28, axis))
    for number, row in enumerate(rows):
        y = height - _HEAD - _ROW * (number + 0.5)
        drawing.add(_text(_LEFT - 8, y - 3, row.name, anchor="end"))
        if any(math.isnan(value) for value in row[1:]):
            continue
        low, value, high = (float(scale(each)) for each in (row.low, row.value, row.high))
        drawing.add(Line(x(low), y, x(high), y, strokeColor=_INK, strokeWidth=2))
        drawing.add(Circle(x(value), y, 4, fillColor=_INK, strokeColor=_INK))
        drawing.add(_text(_WIDTH - 8, y - 3, f"{row.value:.4g}", anchor="end"))
    svg: str = renderSVG.drawToString(drawing)
    return svg.encode("utf-8")


def _round_numbers(first: float, last: float, logarithmic: bool) -> list[float]:
    """Between the ends of an axis, which are decimal logarithms where it is ``logarithmic``."""
    if logarithmic and last - first >= 1:
        powers = range(math.floor(first), math.floor(last) + 1)
        return [
            tick
            for power in powers
            for tick in (10.0**power, 2 * 10.0**power, 5 * 10.0**power)
            if first <= math.log10(tick) <= last
        ]
    low, high = (10**first, 10**last) if logarithmic else (first, last)
    return [tick for tick in ticks(low, high)[0] if low <= tick <= high]


def _text(x: float, y: float, text: str, size: int = 9, anchor: str = "middle") -> String:
    return String(x, y, text, fontName="Helvetica", fontSize=size, textAnchor=anchor)
