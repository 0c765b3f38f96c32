"""How a hand moves the probe: ideal poses, poses beside them, and smooth paths through them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.spatial.transform import Rotation, Slerp

from fetalnet.core.planes import Plane
from fetalnet.research.phantom.anatomy.head import Head
from fetalnet.research.phantom.anatomy.limbs import LongBone
from fetalnet.research.phantom.anatomy.trunk import Trunk
from fetalnet.research.phantom.anatomy.world import World
from fetalnet.research.phantom.scanner.pose import Pose, axes_from, unit

_DOWN = np.array([0.0, 0.0, 1.0])
Body = Head | Trunk | LongBone


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """A pose through a body's centre. ``depth_mm``: of that centre; ``longest_mm``: the body's size in the plane."""

    plane: Plane
    pose: Pose
    depth_mm: float
    longest_mm: float
    tolerance_mm: float
    """Out-of-plane distance that costs about as much standardness as ``tolerance_deg``."""
    tolerance_deg: float


def body_of(world: World, plane: Plane) -> Body | None:
    """The body a plane is taken through; of the femurs the one that lies flatter."""
    match plane:
        case Plane.HEAD:
            return world.head
        case Plane.ABDOMEN:
            return world.trunk
        case Plane.FEMUR:
            return min(world.femurs, key=lambda bone: abs(bone.axes[2, 0]), default=None)
        case Plane.OTHER:
            return None


def ideal_target(rng: np.random.Generator, world: World, plane: Plane) -> Target:
    """The ideal pose for a plane, from the skin above, held a little aslant. Raises ``ValueError`` without a body."""
    body = body_of(world, plane)
    if body is None:
        raise ValueError(f"the world has no body for {plane}")
    slant = Rotation.from_rotvec(np.radians(rng.normal(0, 13, 3))).apply(_DOWN)
    if isinstance(body, LongBone):
        normal = unit(np.cross(body.axes[:, 0], slant))
        size, tolerance_mm = body.length_mm, 1.05 * (body.radius_mm + 1.0)
        tolerance_deg = math.degrees(2.0 * tolerance_mm / body.length_mm)
    else:
        normal = body.axes[:, 2]
        size, tolerance_mm, tolerance_deg = body.longest_mm, 0.075 * body.longest_mm, 10.0
    axes = axes_from(normal * rng.choice([-1.0, 1.0]), slant)
    depth_mm = float(body.centre_mm[2] / max(axes[2, 1], 0.5))
    pose = Pose(body.centre_mm - depth_mm * axes[:, 1], axes)
    return Target(plane, pose, depth_mm, size, tolerance_mm, tolerance_deg)


def beside(rng: np.random.Generator, target: Target, off: float) -> Pose:
    """A pose about ``off`` tolerances away from the ideal one, by shift and turn together, and anywhere sideways."""
    part = rng.uniform(0.15, 0.95)
    shift_mm = off * math.sqrt(part) * target.tolerance_mm * rng.choice([-1.0, 1.0])
    turn_deg = off * math.sqrt(1.0 - part) * target.tolerance_deg
    about = rng.uniform(0, 2 * math.pi)
    turn = np.array([turn_deg * math.cos(about), turn_deg * math.sin(about), rng.normal(0, 4)])
    if target.plane is Plane.FEMUR:
        turn = np.array([rng.normal(0, 8), turn_deg * rng.choice([-1.0, 1.0]), rng.normal(0, 8)])
    sideways_mm = (rng.normal(0, 0.05) if off < 0.9 or rng.uniform() < 0.7 else rng.normal(0, 0.4)) * target.longest_mm
    return target.pose.moved(np.array([sideways_mm, 0.0, shift_mm]), turn, target.depth_mm)


def elsewhere(rng: np.random.Generator, world: World) -> Pose:
    """A pose that aims at no plane: anywhere over the womb, at any angle the wrist allows."""
    towards = world.mother.centre_mm + world.mother.axes @ (rng.uniform(-0.9, 0.9, 3) * world.mother.semi_mm)
    slant = Rotation.from_rotvec(np.radians(rng.normal(0, 16, 3))).apply(_DOWN)
    axes = axes_from(unit(np.cross(slant, unit(rng.normal(size=3)))), slant)
    depth_mm = max(float(towards[2]), 20.0) / max(axes[2, 1], 0.5)
    return Pose(towards - depth_mm * axes[:, 1], axes).on_skin()


def across_body(rng: np.random.Generator, world: World, body: Body) -> Pose:
    """A cut through a body in a wrong direction: lengthwise, a coronal face, kidneys or heart, a bone end on."""
    size_mm = body.length_mm / 2 if isinstance(body, LongBone) else float(np.mean(body.semi_mm))
    slant = Rotation.from_rotvec(np.radians(rng.normal(0, 13, 3))).apply(_DOWN)
    if isinstance(body, Trunk) and rng.uniform() < 0.5:
        normal = body.axes[:, 2]
        level = rng.choice([rng.uniform(-0.85, -0.3), rng.uniform(0.3, 0.8)]) * body.semi_mm[2]
        through = body.centre_mm + normal * level
    elif isinstance(body, LongBone) and body not in world.femurs and rng.uniform() < 0.6:
        # Along both bones of a shin or forearm: one alone could not be told from a femur.
        normal = body.axes[:, 2] + rng.normal(0, 0.05, 3)
        through = body.centre_mm
    else:
        normal = rng.normal(size=3)
        through = body.centre_mm + rng.normal(0, 0.25, 3) * size_mm
    axes = axes_from(unit(normal), slant)
    depth_mm = float(through[2]) / max(axes[2, 1], 0.5)
    return Pose(through - depth_mm * axes[:, 1], axes).on_skin()


class Path:
    """A smooth way through timed poses with a hand's tremor on top."""

    def __init__(self, rng: np.random.Generator, times_s: list[float], poses: list[Pose], tremor_mm: float) -> None:
        times = np.asarray(times_s)
        self._times = times
        self._origin = PchipInterpolator(times, np.stack([pose.origin_mm for pose in poses]))
        self._turn = Slerp(times, Rotation.from_matrix(np.stack([pose.axes for pose in poses])))
        self._amount = rng.normal(0, 1.0, (6, 3)) * np.array([[tremor_mm]] * 3 + [[0.5 * tremor_mm]] * 3)
        self._rate_hz = rng.uniform(0.15, 1.6, (6, 3))
        self._phase = rng.uniform(0, 2 * math.pi, (6, 3))

    def at(self, time_s: float) -> Pose:
        time_s = float(np.clip(time_s, self._times[0], self._times[-1]))
        k = int(np.clip(np.searchsorted(self._times, time_s, side="right") - 1, 0, len(self._times) - 2))
        start, end = self._times[k], self._times[k + 1]
        part = (time_s - start) / (end - start)
        eased = start + part * part * (3.0 - 2.0 * part) * (end - start)
        pose = Pose(self._origin(time_s), self._turn(eased).as_matrix())
        tremor = (self._amount * np.sin(2 * math.pi * self._rate_hz * time_s + self._phase)).sum(axis=1) * 0.5
        return pose.moved(tremor[:3], tremor[3:], pivot_mm=50.0)


def nearest_facing(pose: Pose, before: Pose) -> Pose:
    """The same image plane seen from the side that needs the smaller turn from the pose before."""
    flipped = Pose(pose.origin_mm, pose.axes * np.array([-1.0, 1.0, -1.0]))
    return pose if np.trace(pose.axes.T @ before.axes) >= np.trace(flipped.axes.T @ before.axes) else flipped
