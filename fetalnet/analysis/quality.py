"""How well a frame shows its standard plane, criterion by criterion (after Salomon 2006 and INTERGROWTH-21st).

Criteria of geometry are computed. Those of anatomy are *suggested* by a network, where it agrees well enough with what
a person saw in real pictures of women it never learned from; the others are not assessed. A person may set any of
them; their word is kept beside the machine's, never in its place.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from fetalnet.core.geometry import Line
from fetalnet.core.planes import Plane, Structure
from fetalnet.core.system.resources import resource

if TYPE_CHECKING:
    from fetalnet.core.geometry import Geometry, MmPerPixel
    from fetalnet.core.prediction import Prediction, Shape


class State(StrEnum):
    """What is known of a criterion.

    ``OPEN``: the machine cannot say in this picture. ``NOT_ASSESSED``: it is not asked, for it cannot say well enough
    in any; such a criterion does not count until a person has spoken.
    """

    GREEN = "green"
    OPEN = "open"
    FAILED = "failed"
    NOT_ASSESSED = "not_assessed"


class Criterion(StrEnum):
    """What a standard plane must show or must not show."""

    SYMMETRICAL = "symmetrical"
    THALAMI = "thalami"
    CAVUM = "cavum"
    NO_CEREBELLUM = "no_cerebellum"
    STOMACH = "stomach"
    PORTAL_SINUS = "portal_sinus"
    NO_KIDNEYS = "no_kidneys"
    SIZE = "size"
    CALIPERS = "calipers"
    ENDS = "ends"
    ANGLE = "angle"

    @property
    def suggested(self) -> bool:
        """Whether it is of anatomy, which a network learned to see, and not computed from geometry."""
        return self in _STRUCTURE_OF

    @property
    def text(self) -> str:
        """The criterion as a person reads it."""
        return _TEXTS[self]


CRITERIA: Mapping[Plane, tuple[Criterion, ...]] = MappingProxyType(
    {
        Plane.HEAD: (
            Criterion.SYMMETRICAL, Criterion.THALAMI, Criterion.CAVUM, Criterion.NO_CEREBELLUM, Criterion.SIZE,
            Criterion.CALIPERS,
        ),
        Plane.ABDOMEN: (
            Criterion.SYMMETRICAL, Criterion.STOMACH, Criterion.PORTAL_SINUS, Criterion.NO_KIDNEYS, Criterion.SIZE,
            Criterion.CALIPERS,
        ),
        Plane.FEMUR: (Criterion.ENDS, Criterion.ANGLE, Criterion.SIZE, Criterion.CALIPERS),
    }
)  # fmt: skip
"""Head 6, abdomen 6, femur 4."""

_TEXTS = {
    Criterion.SYMMETRICAL: "symmetrical",
    Criterion.THALAMI: "thalami visible",
    Criterion.CAVUM: "cavum visible (CSP)",
    Criterion.NO_CEREBELLUM: "cerebellum not visible",
    Criterion.STOMACH: "stomach bubble visible",
    Criterion.PORTAL_SINUS: "portal sinus visible",
    Criterion.NO_KIDNEYS: "kidneys not visible",
    Criterion.SIZE: "fills enough of the picture",
    Criterion.CALIPERS: "calipers on the outline",
    Criterion.ENDS: "both ends of the bone visible",
    Criterion.ANGLE: "less than 45° to the horizontal",
}

_STRUCTURE_OF = {
    Criterion.THALAMI: Structure.THALAMI,
    Criterion.CAVUM: Structure.CAVUM,
    Criterion.NO_CEREBELLUM: Structure.CEREBELLUM,
    Criterion.STOMACH: Structure.STOMACH,
    Criterion.PORTAL_SINUS: Structure.PORTAL_SINUS,
    Criterion.NO_KIDNEYS: Structure.KIDNEYS,
}
_ABSENT = (Criterion.NO_CEREBELLUM, Criterion.NO_KIDNEYS)
_ORDER = tuple(Structure)


@dataclass(frozen=True, slots=True)
class StructureRule:
    """Probability from which a structure counts as seen, and whether it is seen well enough to be suggested."""

    threshold: float
    is_assessed: bool


@cache
def structure_rules() -> Mapping[Structure, StructureRule]:
    """Return the rules that come with the program, of all structures that a criterion asks for.

    ``fetalnet.research.training.judges.criteria`` fits them; resources/criteria.json holds the counts they rest on.
    """
    known = json.loads(resource("criteria.json").read_text(encoding="utf-8"))["structures"]
    return {
        Structure(name): StructureRule(float(rule["threshold"]), bool(rule["assessed"])) for name, rule in known.items()
    }


@dataclass(frozen=True, slots=True)
class QualityLimits:
    """Where a criterion turns green. Between ``FAILED`` and green it is open."""

    min_size: float = 0.3
    """Longest diameter or length as a part of the smaller side of the fan. INTERGROWTH quality control asks for 30 %,
    ISUOG for half.
    """
    min_inside: float = 0.97
    """As the truth of the phantom counts a whole outline (docs/definitions.md)."""
    max_residual: float = 0.02
    max_asymmetry: float = 0.05
    min_followed: float = 0.75
    max_angle_deg: float = 45.0
    doubt: float = 0.05
    """Nearer than this to a structure's threshold nothing is suggested."""


DEFAULT_LIMITS = QualityLimits()


@dataclass(frozen=True, slots=True)
class Quality:
    """The machine's view of one frame: the state of each criterion of its plane."""

    plane: Plane
    states: Mapping[Criterion, State]

    @property
    def score(self) -> int:
        """Criteria that are green, n of ``of``."""
        return sum(state is State.GREEN for state in self.states.values())

    @property
    def of(self) -> int:
        """Criteria that count: those that are assessed."""
        return sum(state is not State.NOT_ASSESSED for state in self.states.values())


def overridden(quality: Quality, overrides: Mapping[Criterion, State]) -> Quality:
    """The quality as it counts: the person's word where there is one, else the machine's."""
    return Quality(quality.plane, {each: overrides.get(each, state) for each, state in quality.states.items()})


def quality_of(
    prediction: Prediction, mm_per_pixel: MmPerPixel | None = None, limits: QualityLimits = DEFAULT_LIMITS
) -> Quality | None:
    """The quality of the plane that the frame is named; None for a frame without one.

    Where nothing could be measured, what is computed from the geometry is open and the calipers have failed.
    """
    if prediction.plane is Plane.OTHER:
        return None
    shape = prediction.shape if prediction.geometry is not None else None
    states = {}
    for criterion in CRITERIA[prediction.plane]:
        if criterion.suggested:
            states[criterion] = _suggested(criterion, prediction, limits)
        elif shape is None:
            states[criterion] = State.FAILED if criterion is Criterion.CALIPERS else State.OPEN
        else:
            states[criterion] = _computed(criterion, shape, prediction.geometry, mm_per_pixel, limits)
    return Quality(prediction.plane, states)


def _suggested(criterion: Criterion, prediction: Prediction, limits: QualityLimits) -> State:
    structure = _STRUCTURE_OF[criterion]
    rule = structure_rules()[structure]
    if not rule.is_assessed:
        return State.NOT_ASSESSED
    if prediction.structures is None:
        return State.OPEN
    margin = float(prediction.structures[_ORDER.index(structure)]) - rule.threshold
    if abs(margin) < limits.doubt:
        return State.OPEN
    return _state((margin > 0) is not (criterion in _ABSENT))


def _computed(
    criterion: Criterion,
    shape: Shape,
    geometry: Geometry | None,
    mm_per_pixel: MmPerPixel | None,
    limits: QualityLimits,
) -> State:
    match criterion:
        case Criterion.SYMMETRICAL:
            if shape.asymmetry is None or math.isnan(shape.asymmetry):
                return State.OPEN
            return _state(shape.asymmetry <= limits.max_asymmetry)
        case Criterion.SIZE:
            return _state(shape.size >= limits.min_size)
        case Criterion.ANGLE:
            assert isinstance(geometry, Line)
            line = geometry if mm_per_pixel is None else geometry.scaled(mm_per_pixel)
            return _state(_angle_deg(line) < limits.max_angle_deg)
        case Criterion.ENDS:
            return _state(shape.inside >= 1.0)
    if math.isnan(shape.residual) and shape.inside >= limits.min_inside:
        return State.OPEN  # a caliper where the network outlined nothing
    return _state(calipers_fit(shape, limits))


def calipers_fit(shape: Shape, limits: QualityLimits = DEFAULT_LIMITS) -> bool:
    """Whether an ellipse or line lies on its outline, all around, and within the fan."""
    whole = shape.asymmetry is None or shape.inside >= limits.min_inside
    return whole and shape.residual <= limits.max_residual and shape.followed >= limits.min_followed


def _angle_deg(line: Line) -> float:
    """Between a line and the horizontal, 0 to 90."""
    return math.degrees(math.atan2(abs(line.y2 - line.y1), abs(line.x2 - line.x1)))


def _state(good: bool) -> State:
    return State.GREEN if good else State.FAILED
