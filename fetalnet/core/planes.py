"""The vocabulary: standard planes, the anatomy that tells them, and the biometric measures taken in them."""

from __future__ import annotations

from enum import StrEnum


class Plane(StrEnum):
    """What a frame shows. The order is the order of the network's class logits."""

    HEAD = "head"
    ABDOMEN = "abdomen"
    FEMUR = "femur"
    OTHER = "other"


STANDARD_PLANES: tuple[Plane, ...] = (Plane.HEAD, Plane.ABDOMEN, Plane.FEMUR)
"""The planes that are measured. The order is the order of the network's mask channels."""


class Structure(StrEnum):
    """Anatomy whose presence or absence tells a standard plane. The order is the order of the network's logits."""

    CAVUM = "cavum"
    THALAMI = "thalami"
    FALX = "falx"
    VENTRICLES = "ventricles"
    CEREBELLUM = "cerebellum"
    STOMACH = "stomach"
    PORTAL_SINUS = "portal_sinus"
    SPINE = "spine"
    KIDNEYS = "kidneys"
    HEART = "heart"
    BLADDER = "bladder"

    @property
    def plane(self) -> Plane:
        """The standard plane it tells."""
        return Plane.HEAD if self in _OF_HEAD else Plane.ABDOMEN


class Kind(StrEnum):
    """A biometric measure."""

    HC = "HC"
    BPD = "BPD"
    OFD = "OFD"
    AC = "AC"
    FL = "FL"

    @property
    def title(self) -> str:  # type: ignore[override]  # str's own, which nobody asks of a measure
        """The measure's full name, as a report prints it."""
        return _TITLES[self]

    @property
    def plane(self) -> Plane:
        """The standard plane the measure is taken in."""
        return _PLANE_OF[self]


_OF_HEAD = (Structure.CAVUM, Structure.THALAMI, Structure.FALX, Structure.VENTRICLES, Structure.CEREBELLUM)

_TITLES = {
    Kind.HC: "Head circumference",
    Kind.BPD: "Biparietal diameter (outer-outer)",
    Kind.OFD: "Occipitofrontal diameter",
    Kind.AC: "Abdominal circumference",
    Kind.FL: "Femur length",
}

KINDS_OF: dict[Plane, tuple[Kind, ...]] = {
    Plane.HEAD: (Kind.HC, Kind.BPD, Kind.OFD),
    Plane.ABDOMEN: (Kind.AC,),
    Plane.FEMUR: (Kind.FL,),
    Plane.OTHER: (),
}

_PLANE_OF = {kind: plane for plane, kinds in KINDS_OF.items() for kind in kinds}
