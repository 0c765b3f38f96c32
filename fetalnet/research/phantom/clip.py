"""Single random frames and short clips, drawn afresh for training."""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from fetalnet.core.frame import Frame
from fetalnet.core.planes import STANDARD_PLANES, Plane
from fetalnet.research.phantom.anatomy.limbs import LongBone
from fetalnet.research.phantom.anatomy.world import World, build_world
from fetalnet.research.phantom.recording import draw_fan
from fetalnet.research.phantom.scanner.beam import Scanner, Settings
from fetalnet.research.phantom.scanner.pose import Pose
from fetalnet.research.phantom.scanner.screen import Layout, draw_calipers, draw_screen, place_view
from fetalnet.research.phantom.scanner.view import View
from fetalnet.research.phantom.sweep import Body, Target, across_body, beside, elsewhere, ideal_target
from fetalnet.research.phantom.truth import FrameTruth, frame_truth

_ATTEMPTS = 20


class Aim(StrEnum):
    """How well a clip's middle frame is to hit its plane: s >= 0.65, from 0.05 to 0.65, or below 0.05."""

    STANDARD = "standard"
    NEAR = "near"
    FAR = "far"


_OFF = {Aim.STANDARD: (0.0, 0.9), Aim.NEAR: (0.9, 2.6), Aim.FAR: (2.6, 7.0)}


def render_clip(
    seed: int,
    n_frames: int = 1,
    plane: Plane | None = None,
    *,
    aim: Aim | None = None,
    size: tuple[int, int] = (800, 540),
    layout: Layout | None = None,
    frame_rate_hz: float = 25.0,
    calipers: bool = False,
    colour: bool = False,
) -> list[tuple[Frame, FrameTruth]]:
    """``n_frames`` successive frames of a new world, aimed at a plane; the truth says what each frame really shows.

    ``plane`` None draws one (a quarter OTHER); ``Plane.OTHER`` gives frames without any labelled plane: wrong cuts
    through bodies, other bones, the womb. ``aim`` None draws 65 % STANDARD, 20 % NEAR, 15 % FAR. ``calipers``: now
    and then burned into a single frame, as in saved stills. Pixels are ``(h, w)`` grey, or RGB with ``colour``.
    """
    rng = np.random.default_rng((seed, 7))
    if plane is None:
        plane = tuple(Plane)[int(rng.integers(4))]
    rng = np.random.default_rng((seed, 8, list(Plane).index(plane)))
    if aim is None:
        aim = (Aim.STANDARD, Aim.NEAR, Aim.FAR)[int(rng.choice(3, p=[0.65, 0.20, 0.15]))]
    if layout is None:
        layout = tuple(Layout)[int(rng.choice(4, p=[0.4, 0.25, 0.15, 0.2]))]
    for _ in range(_ATTEMPTS):
        world, view, poses = _draw(rng, plane, aim, layout, size, n_frames, frame_rate_hz)
        truths = [frame_truth(world, pose, view, k, k / frame_rate_hz) for k, pose in enumerate(poses)]
        if _fits(truths[n_frames // 2], plane, aim):
            break
    else:
        if plane is Plane.OTHER:
            for standard in STANDARD_PLANES:
                world.remove(standard)
            truths = [frame_truth(world, pose, view, k, k / frame_rate_hz) for k, pose in enumerate(poses)]
    screen = draw_screen(rng, layout, view)
    scanner = Scanner(Settings.drawn(rng, view), view)
    scanner.adjust_gain(world, poses[n_frames // 2])
    clip = []
    for pose, truth in zip(poses, truths, strict=True):
        pixels = screen.compose(scanner.render(world, pose, truth.index), colour=colour)
        if calipers and n_frames == 1 and truth.geometry is not None and rng.uniform() < 0.15:
            draw_calipers(rng, pixels, truth.geometry)
        pixels.flags.writeable = False
        clip.append((Frame(truth.index, truth.time_s, pixels), truth))
    return clip


def _fits(truth: FrameTruth, plane: Plane, aim: Aim) -> bool:
    if plane is Plane.OTHER:
        return truth.standardness < 0.2
    s = truth.standardness_of[plane]
    match aim:
        case Aim.STANDARD:
            return s >= 0.65 and truth.plane is plane
        case Aim.NEAR:
            return 0.05 <= s < 0.65
        case Aim.FAR:
            return s < 0.05


def _draw(
    rng: np.random.Generator,
    plane: Plane,
    aim: Aim,
    layout: Layout,
    size: tuple[int, int],
    n_frames: int,
    frame_rate_hz: float,
) -> tuple[World, View, list[Pose]]:
    world = build_world(rng, frozenset({plane}))
    if plane is Plane.OTHER:
        pose, depth_mm, longest_mm = _other_pose(rng, world)
    else:
        target: Target = ideal_target(rng, world, plane)
        pose = beside(rng, target, float(rng.uniform(*_OFF[aim])))
        depth_mm, longest_mm = target.depth_mm, target.longest_mm
    view = _clip_view(rng, layout, size, depth_mm, longest_mm, plane)
    speed_mm_s = rng.normal(0, 6.0, 3) * np.array([0.6, 0.1, 1.0])
    turn_deg_s = rng.normal(0, 5.0, 3)
    if plane is Plane.FEMUR:
        speed_mm_s, turn_deg_s = 0.4 * speed_mm_s, 0.6 * turn_deg_s
    middle = n_frames // 2
    times_s = [(k - middle) / frame_rate_hz for k in range(n_frames)]
    return world, view, [pose.moved(speed_mm_s * t, turn_deg_s * t, depth_mm) for t in times_s]


def _other_pose(rng: np.random.Generator, world: World) -> tuple[Pose, float, float]:
    """A pose without a plane, with the depth and size of what it looks at."""
    bodies: list[Body] = [body for body in (world.head, world.trunk) if body is not None]
    kind = rng.uniform()
    if kind < 0.3:
        if rng.uniform() < 0.4:
            world.remove_fetus()
        return elsewhere(rng, world), float(rng.uniform(50.0, 110.0)), float(rng.uniform(40.0, 90.0))
    if kind < 0.55 and world.others:
        bone = world.others[int(rng.integers(len(world.others)))]
        pose = across_body(rng, world, bone)
        depth_mm = min(float(np.linalg.norm(bone.centre_mm - pose.origin_mm)), 190.0)
        return pose, depth_mm, max(1.5 * bone.length_mm, 30.0)
    body = bodies[int(rng.integers(2))] if rng.uniform() < 0.85 else world.femurs[0]
    pose = across_body(rng, world, body)
    size_mm = body.length_mm if isinstance(body, LongBone) else body.longest_mm
    return pose, min(float(np.linalg.norm(body.centre_mm - pose.origin_mm)), 190.0), size_mm


def _clip_view(
    rng: np.random.Generator, layout: Layout, size: tuple[int, int], depth_mm: float, longest_mm: float, plane: Plane
) -> View:
    """A view in which the body fills a good part; stills are often zoomed so that the fan's top is cut off."""
    room = rng.uniform(1.3, 3.2) if plane is Plane.FEMUR else 1.02 + 0.9 * rng.uniform() ** 1.7
    bottom_mm = depth_mm + longest_mm * (0.46 + 0.3 * (room - 1.0)) + 3.0
    fan = draw_fan(rng, bottom_mm * float(rng.uniform(1.0, 1.2)), [(depth_mm, 1.1 * longest_mm)])
    top_mm = 0.0
    if layout in (Layout.BARE, Layout.CONSOLE) and rng.uniform() < 0.75:
        top_mm = max(depth_mm - 0.5 * longest_mm * room, 0.0) * float(rng.uniform(0.5, 1.0))
    return place_view(rng, layout, size, fan, (top_mm, bottom_mm), 1.08 * longest_mm)
