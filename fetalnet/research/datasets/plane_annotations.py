"""Calipers that this project placed on stills of FETAL_PLANES_DB, and what can be seen in them (docs/data.md)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from fetalnet.core.errors import InputError
from fetalnet.core.geometry import Ellipse, Geometry, Line
from fetalnet.core.planes import Kind, Structure
from fetalnet.core.system.resources import resource
from fetalnet.research.datasets.table import Row, read_table

CALIPERS = resource("annotations/fetal_planes_calipers.csv")
CRITERIA = resource("annotations/fetal_planes_criteria.csv")

_ENDS = ("p1x", "p1y", "p2x", "p2y")
_ACROSS = ("q1x", "q1y", "q2x", "q2y")
_STRUCTURES = {
    "stomach": Structure.STOMACH,
    "portal_sinus": Structure.PORTAL_SINUS,
    "kidneys": Structure.KIDNEYS,
    "cavum": Structure.CAVUM,
    "thalami": Structure.THALAMI,
    "cerebellum": Structure.CEREBELLUM,
    "midline": Structure.FALX,
}
Word = TypeVar("Word", bound=StrEnum)

_CROSSING = 0.2
"""In halves of an axis: how far from its middle the other may cross it."""


class Quality(StrEnum):
    """How well the edges of an organ are seen: how far its calipers can be trusted."""

    GOOD = "good"
    FAIR = "fair"
    POOR = "poor"
    NONE = "none"
    """Neither the plane of the picture's label nor surely none: not to be learned from."""


class Placer(StrEnum):
    """Who placed a caliper."""

    PERSON = "person"
    NETWORK = "network"
    """Of earlier weights, looked at by a person: heads, for training alone."""


@dataclass(frozen=True, slots=True)
class Caliper:
    """A measure placed on a still: ``geometry`` in native pixels, None where the plane is not there; ``where`` names
    its row.
    """

    kind: Kind
    geometry: Geometry | None
    quality: Quality
    placed_by: Placer
    where: str

    @property
    def scored(self) -> bool:
        """Whether it is sure enough to hold a measure against: a person placed it and saw the edges."""
        return self.placed_by is Placer.PERSON and self.quality in {Quality.GOOD, Quality.FAIR}

    def check_inside(self, shape: tuple[int, ...]) -> None:
        """Raise ``InputError`` where the centre lies outside a picture of ``shape`` (height, width)."""
        if self.geometry is None:
            return
        height, width = shape[:2]
        x, y = self.geometry.points(64).mean(axis=0)
        if not (0 <= x < width and 0 <= y < height):
            raise InputError(
                f"{self.where} lies at ({x:.0f}, {y:.0f}), outside its picture of {width} x {height} pixels; correct "
                "the coordinates, or use the picture in its published size."
            )


@dataclass(frozen=True, slots=True)
class Seen:
    """Which structures a person saw in a still, and which were ``assessed`` at all."""

    structures: frozenset[Structure]
    assessed: frozenset[Structure]


def read_calipers(path: Path = CALIPERS) -> dict[str, Caliper]:
    """Calipers by file name without ending. Raises ``InputError`` naming file and row."""
    rows = read_table(path, ("filename", "kind", *_ENDS, *_ACROSS, "quality", "placed_by"), key="filename")
    return {row.text("filename"): _caliper(row) for row in rows}


def read_criteria(path: Path = CRITERIA) -> dict[str, Seen]:
    """Structures seen and assessed, by file name without ending; "unsure" is not assessed. Raises ``InputError``."""
    rows = read_table(path, ("filename", *_STRUCTURES), key="filename")
    return {row.text("filename"): _seen(row) for row in rows}


def _caliper(row: Row) -> Caliper:
    kind = _one_of(Kind, row, "kind")
    quality, placer = _one_of(Quality, row, "quality"), _one_of(Placer, row, "placed_by")
    if quality is Quality.NONE:
        return Caliper(kind, None, quality, placer, row.where)
    first = _points(row, _ENDS)
    if kind is Kind.FL:
        line = Line.of(*first[0], *first[1])
        if line.length_px == 0:
            raise InputError(f"{row.where} has a shaft without length; correct its ends.")
        return Caliper(kind, line, quality, placer, row.where)
    return Caliper(kind, _ellipse(first, _points(row, _ACROSS), row), quality, placer, row.where)


def _ellipse(first: NDArray[np.float64], second: NDArray[np.float64], row: Row) -> Ellipse:
    """The ellipse on two axes given by their ends (2, 2): their lengths, their common centre, the first's direction."""
    along, across = first[1] - first[0], second[1] - second[0]
    lengths = np.linalg.norm(along), np.linalg.norm(across)
    crossing = np.column_stack([along, -across])
    if min(lengths) == 0 or abs(np.linalg.det(crossing)) < 0.5 * lengths[0] * lengths[1]:
        raise InputError(f"{row.where} has axes that do not cross at a right angle or nearly so; correct their ends.")
    places = np.linalg.solve(crossing, second[0] - first[0])
    if np.abs(places - 0.5).max() > _CROSSING / 2:
        raise InputError(f"{row.where} has axes that do not cross in their middles; correct their ends.")
    cx, cy = (first.mean(axis=0) + second.mean(axis=0)) / 2
    long, other = (along, across) if lengths[0] >= lengths[1] else (across, along)
    theta_deg = math.degrees(math.atan2(long[1], long[0]))
    return Ellipse.of(cx, cy, float(np.linalg.norm(long)) / 2, float(np.linalg.norm(other)) / 2, theta_deg)


def _points(row: Row, columns: tuple[str, ...]) -> NDArray[np.float64]:
    """(2, 2) Two points x, y. Raises ``InputError`` where a number is missing."""
    for column in columns:
        row.text(column)
    return np.array([row.coordinate(column) for column in columns], np.float64).reshape(2, 2)


def _seen(row: Row) -> Seen:
    answers = {}
    for column, structure in _STRUCTURES.items():
        answer = row.values.get(column, "")
        if answer not in {"", "yes", "no", "unsure"}:
            raise InputError(
                f"{row.where} has {answer!r} in the column {column}; write yes, no or unsure, or leave it empty."
            )
        answers[structure] = answer
    return Seen(
        frozenset(structure for structure, answer in answers.items() if answer == "yes"),
        frozenset(structure for structure, answer in answers.items() if answer in {"yes", "no"}),
    )


def _one_of(words: type[Word], row: Row, column: str) -> Word:
    value = row.text(column)
    try:
        return words(value)
    except ValueError as error:
        known = ", ".join(words)
        raise InputError(f"{row.where} has {value!r} in the column {column}; it must be one of {known}.") from error
