"""A mother with one fetus in millimetres. World axes: z is depth below the mother's skin (z = 0), x and y along it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.spatial.transform import Rotation

from fetalnet.core.planes import Plane
from fetalnet.growth.intergrowth import FIRST_TABLE_WEEK, SMALLEST_HC_WEEK, FetalSizes, draw_sizes
from fetalnet.research.phantom.anatomy.head import Head
from fetalnet.research.phantom.anatomy.limbs import BoneLook, LongBone, limb_axes, paint_cord
from fetalnet.research.phantom.anatomy.mother import Mother
from fetalnet.research.phantom.anatomy.noise import Floats
from fetalnet.research.phantom.anatomy.tissue import Tissue
from fetalnet.research.phantom.anatomy.trunk import Trunk
from fetalnet.research.phantom.scanner.pose import Array, unit


@dataclass(slots=True, eq=False)
class World:
    """What a recording looks into. A body that is None or a missing femur is not there at all."""

    sizes: FetalSizes
    mother: Mother
    head: Head | None
    trunk: Trunk | None
    femurs: list[LongBone]
    others: list[LongBone] = field(default_factory=list)
    cord_mm: Array | None = None
    cord_radius_mm: float = 4.0

    def remove(self, plane: Plane) -> None:
        """Take the body of a plane out of the world."""
        match plane:
            case Plane.HEAD:
                self.head = None
            case Plane.ABDOMEN:
                self.trunk = None
            case Plane.FEMUR:
                self.femurs = []
            case Plane.OTHER:
                pass

    def remove_fetus(self) -> None:
        """Leave only the mother."""
        self.head, self.trunk, self.cord_mm = None, None, None
        self.femurs, self.others = [], []

    def paint(self, tissue: Tissue, range_mm: Floats) -> None:
        """Paint all tissue back to front; ``range_mm`` ``(samples,)`` is the distance from the probe's face."""
        self.mother.paint_behind(tissue)
        if self.cord_mm is not None:
            paint_cord(tissue, self.cord_mm, self.cord_radius_mm)
        for bone in (*self.others, *self.femurs):
            bone.paint_flesh(tissue)
        if self.trunk is not None:
            self.trunk.paint(tissue)
        if self.head is not None:
            self.head.paint(tissue)
        for bone in (*self.others, *self.femurs):
            bone.paint_bone(tissue)
        self.mother.paint_front(tissue, range_mm)


def draw_ga_weeks(rng: np.random.Generator, planes: frozenset[Plane]) -> float:
    """A gestational age; before 14 weeks only where nothing but a head is wanted."""
    if planes <= {Plane.HEAD, Plane.OTHER} and rng.uniform() < 0.2:
        return float(rng.uniform(SMALLEST_HC_WEEK, FIRST_TABLE_WEEK))
    return float(rng.uniform(14.0, 25.0) if rng.uniform() < 0.6 else rng.uniform(25.0, 40.0))


def build_world(rng: np.random.Generator, planes: frozenset[Plane], ga_weeks: float | None = None) -> World:
    """A random world whose wanted bodies can be reached from the skin."""
    sizes = draw_sizes(rng, draw_ga_weeks(rng, planes) if ga_weeks is None else ga_weeks)
    trunk_axes = _lying_axes(rng)
    trunk = Trunk(rng, sizes, np.zeros(3), trunk_axes)
    head = _head(rng, sizes, trunk)
    femurs = _femurs(rng, sizes, trunk, level=Plane.FEMUR in planes)
    others = [*_shins(rng, femurs), *_arms(rng, sizes, trunk)]
    layers_mm = float(np.clip(rng.gamma(4.0, 5.0), 7.0, 48.0))
    _sink(rng, layers_mm, head, trunk, femurs, others)
    mother = _mother(rng, sizes, head, trunk, layers_mm)
    world = World(sizes, mother, head, trunk, femurs, others)
    if rng.uniform() < 0.7:
        start = trunk.centre_mm + trunk_axes @ (np.array([1.0, 0.0, -0.3]) * trunk.semi_mm)
        steps = rng.normal(size=(6, 3)) * 14.0 + trunk_axes[:, 0] * 8.0
        world.cord_mm = np.vstack([start, start + np.cumsum(steps, axis=0)])
        world.cord_radius_mm = float((1.5 + 0.12 * sizes.ga_weeks) * rng.uniform(0.8, 1.2))
    return world


def _lying_axes(rng: np.random.Generator) -> Array:
    """Trunk axes: the long axis near the horizontal, any roll about it."""
    heading, rise = rng.uniform(0, 360), rng.normal(0, 10)
    z = Rotation.from_euler("ZY", [heading, np.clip(rise, -22, 22)], degrees=True).apply([1.0, 0.0, 0.0])
    down = unit(np.array([0.0, 0.0, 1.0]) - z[2] * z)
    x = Rotation.from_rotvec(np.radians(rng.uniform(0, 360)) * z).apply(down)
    return np.stack([x, np.cross(z, x), z], axis=1)


def _head(rng: np.random.Generator, sizes: FetalSizes, trunk: Trunk) -> Head:
    """A head on the trunk, bent and turned; the midline lies across the beam more often than along it."""
    z = unit(Rotation.from_rotvec(np.radians(rng.normal(0, 14, 3))).apply(trunk.axes[:, 2]))
    down = unit(np.array([0.0, 0.0, 1.0]) - z[2] * z)
    roll = rng.choice([rng.normal(0, 22), rng.uniform(-180, 180)], p=[0.75, 0.25]) + rng.choice([90.0, -90.0])
    x = Rotation.from_rotvec(np.radians(roll) * z).apply(down)
    head = Head(rng, sizes, np.zeros(3), np.stack([x, np.cross(z, x), z], axis=1))
    gap_mm = trunk.semi_mm[2] * 0.93 + head.semi_mm[2] * rng.uniform(0.95, 1.15)
    head.centre_mm = (
        trunk.centre_mm + trunk.axes[:, 2] * gap_mm + trunk.axes[:, 0] * rng.uniform(-0.1, 0.4) * head.semi_mm[0]
    )
    return head


def _femurs(rng: np.random.Generator, sizes: FetalSizes, trunk: Trunk, *, level: bool) -> list[LongBone]:
    a, b, c = trunk.semi_mm
    radius_mm = (0.42 + 0.021 * sizes.fl_mm) * float(rng.uniform(0.75, 1.35))
    look = BoneLook.drawn(rng)
    femurs: list[LongBone] = []
    for side in (-1.0, 1.0):
        hip = trunk.centre_mm + trunk.axes @ np.array([0.1 * a, side * 0.5 * b, -0.8 * c])
        wanted = np.array([rng.uniform(0.2, 1.0), side * rng.uniform(0.0, 0.7), rng.uniform(-1.0, 0.3)])
        direction = unit(trunk.axes @ wanted)
        if level and (not femurs or rng.uniform() < 0.4):
            direction[2] = np.clip(direction[2], -0.35, 0.35) * rng.uniform(0.2, 1.0)
            direction = unit(direction)
        centre = hip + direction * (0.5 * sizes.fl_mm + 0.1 * a)
        femurs.append(LongBone(centre, limb_axes(direction, rng), sizes.fl_mm, radius_mm, look))
    return femurs


def _shins(rng: np.random.Generator, femurs: list[LongBone]) -> list[LongBone]:
    bones: list[LongBone] = []
    for femur in femurs:
        if rng.uniform() < 0.25:
            continue
        bent = unit(femur.axes[:, 0] * rng.uniform(-0.9, 0.6) + rng.normal(size=3) * 0.6)
        length_mm = femur.length_mm * 0.85
        centre = femur.ends_mm[1] + femur.axes[:, 0] * 0.1 * length_mm + bent * 0.6 * length_mm
        bones += _pair(rng, centre, bent, length_mm, femur.radius_mm * 0.85)
    return bones


def _arms(rng: np.random.Generator, sizes: FetalSizes, trunk: Trunk) -> list[LongBone]:
    """Forearms (two bones) and hands (short bones) before the chest or beside the head."""
    bones: list[LongBone] = []
    for side in (-1.0, 1.0):
        if rng.uniform() < 0.3:
            continue
        place = np.array([rng.uniform(0.9, 1.4), side * rng.uniform(0.2, 1.3), rng.uniform(0.2, 1.1)])
        centre = trunk.centre_mm + trunk.axes @ (place * trunk.semi_mm)
        direction = unit(rng.normal(size=3))
        length_mm = 0.78 * sizes.fl_mm
        bones += _pair(rng, centre, direction, length_mm, 0.4 + 0.016 * sizes.fl_mm)
        hand = centre + direction * 0.8 * length_mm
        across = limb_axes(direction, rng)[:, 1]
        look = BoneLook.drawn(rng)
        for finger in range(4):
            at = hand + across * (finger - 1.5) * 0.09 * sizes.fl_mm
            axes = limb_axes(direction + rng.normal(size=3) * 0.15, rng)
            bones.append(LongBone(at, axes, 0.22 * sizes.fl_mm, 0.5 + 0.006 * sizes.fl_mm, look, joints=False))
    return bones


def _pair(
    rng: np.random.Generator, centre: Array, direction: Array, length_mm: float, radius_mm: float
) -> list[LongBone]:
    look = BoneLook.drawn(rng)
    axes = limb_axes(direction, rng)
    apart = axes[:, 1] * (0.07 * length_mm + radius_mm)
    return [
        LongBone(centre + apart, axes, length_mm, radius_mm, look),
        LongBone(centre - apart, axes, length_mm * 0.95, radius_mm * 0.8, look, joints=False),
    ]


def _sink(
    rng: np.random.Generator,
    layers_mm: float,
    head: Head,
    trunk: Trunk,
    femurs: list[LongBone],
    others: list[LongBone],
) -> None:
    """Lower the fetus until the shallowest body lies just below the abdominal wall."""
    tops = [body.centre_mm[2] - _reach_up_mm(body) for body in (head, trunk)]
    tops += [min(end[2] for end in bone.ends_mm) - 0.25 * bone.length_mm for bone in femurs]
    lower = np.array([0.0, 0.0, layers_mm + float(rng.gamma(1.5, 5.0)) - min(tops)])
    bodies: list[Head | Trunk | LongBone] = [head, trunk, *femurs, *others]
    for body in bodies:
        body.centre_mm = body.centre_mm + lower


def _reach_up_mm(body: Head | Trunk) -> float:
    """Half-height of a tilted ellipsoid along the world's z."""
    return float(np.linalg.norm(body.axes[2] * np.asarray(body.semi_mm)))


def _mother(rng: np.random.Generator, sizes: FetalSizes, head: Head, trunk: Trunk, layers_mm: float) -> Mother:
    """A womb around the fetus, roomy or tight: in a tight one the body presses into wall and placenta."""
    low, high = ((0.5, 0.8), (0.8, 1.1), (1.1, 1.6))[int(rng.choice(3, p=[0.42, 0.3, 0.28]))]
    roomy = float(rng.uniform(low, high))
    top = head.centre_mm + head.axes[:, 2] * head.semi_mm[2]
    bottom = trunk.centre_mm - trunk.axes[:, 2] * trunk.semi_mm[2] * 1.1
    long_mm = float(np.linalg.norm(top - bottom)) / 2
    wide_mm = max(head.semi_mm[0], *trunk.semi_mm[:2])
    centre = (top + bottom) / 2 + trunk.axes[:, 0] * 0.3 * wide_mm + rng.normal(size=3) * 0.15 * wide_mm
    semi = np.array([1.25 * wide_mm * roomy + 4.0, 1.1 * wide_mm * roomy + 4.0, 1.05 * long_mm * max(roomy, 0.9)])
    return Mother(rng, centre, trunk.axes, semi, layers_mm)
