"""A simulated recording: a seeded hand sweep over one fetus, frame by frame."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from fetalnet.core.errors import InputError
from fetalnet.core.frame import Frame
from fetalnet.core.geometry import MmPerPixel
from fetalnet.core.planes import STANDARD_PLANES, Kind, Plane
from fetalnet.research.phantom.anatomy.world import World, build_world
from fetalnet.research.phantom.scanner.beam import Scanner, Settings
from fetalnet.research.phantom.scanner.pose import Pose
from fetalnet.research.phantom.scanner.screen import COMMON_SIZES, Layout, draw_screen, place_view
from fetalnet.research.phantom.scanner.view import Fan, View
from fetalnet.research.phantom.sweep import Path, Target, beside, elsewhere, ideal_target, nearest_facing
from fetalnet.research.phantom.truth import STANDARD_LEVEL, FrameTruth, frame_truth

_ATTEMPTS = 12
_ABSENT_LEVEL = 0.2
"""A plane that was not asked for may come this near by chance; nearer, and its body is taken out of the world."""


class PhantomRecording:
    """Simulated ultrasound video with its truth. Frames are rendered one by one and never held.

    ``planes``: the planes the sweep finds (default: a random subset, sometimes none); no other plane is ever
    standard or labelled. ``size``: (width, height) in pixels. The same seed and options give the same pixels.
    Raises ``InputError`` for a duration, rate or size that cannot be rendered.
    """

    def __init__(
        self,
        seed: int,
        *,
        planes: Sequence[Plane] | None = None,
        duration_s: float = 20.0,
        frame_rate_hz: float = 25.0,
        size: tuple[int, int] | None = None,
        layout: Layout | None = None,
    ) -> None:
        _check(duration_s, frame_rate_hz, size)
        self.seed, self.duration_s, self.frame_rate_hz = seed, duration_s, frame_rate_hz
        rng = np.random.default_rng((seed, 1))
        if planes is None:
            planes = [plane for plane in STANDARD_PLANES if rng.uniform() < 0.7]
        self.planes = tuple(plane for plane in STANDARD_PLANES if plane in planes)
        self.size = size or COMMON_SIZES[int(rng.integers(len(COMMON_SIZES)))]
        layouts = (Layout.CONSOLE, Layout.SIDE_TEXT, Layout.PORTABLE)
        self.layout = layout or layouts[int(rng.integers(len(layouts)))]
        self._truths: list[FrameTruth] = []
        for attempt in range(_ATTEMPTS):
            if self._plan(np.random.default_rng((seed, 2, attempt))):
                break
        rng = np.random.default_rng((seed, 3))
        self._screen = draw_screen(rng, self.layout, self.view)
        self._scanner = Scanner(Settings.drawn(rng, self.view), self.view)
        best = max(self._truths, key=lambda truth: truth.standardness)
        self._scanner.adjust_gain(self.world, self._path.at(best.time_s))
        self._colour = self.layout is not Layout.BARE

    def _plan(self, rng: np.random.Generator) -> bool:
        """Draw a world, a view and a path; whether each wanted plane becomes standard in it."""
        world = build_world(rng, frozenset(self.planes))
        targets = [ideal_target(rng, world, plane) for plane in rng.permutation(np.array(self.planes, dtype=object))]
        self.world, self.view = world, _recording_view(rng, world, targets, self.layout, self.size)
        self._path = _draw_path(rng, world, targets, self.duration_s)
        self._truths = [self._truth(index) for index in range(len(self))]
        for plane in STANDARD_PLANES:
            if plane not in self.planes and max(t.standardness_of[plane] for t in self._truths) > _ABSENT_LEVEL:
                world.remove(plane)
                self._truths = [self._truth(index) for index in range(len(self))]
        return all(
            any(t.plane is plane and t.standardness >= STANDARD_LEVEL for t in self._truths) for plane in self.planes
        )

    def _truth(self, index: int) -> FrameTruth:
        time_s = index / self.frame_rate_hz
        return frame_truth(self.world, self._path.at(time_s), self.view, index, time_s)

    @property
    def name(self) -> str:
        return f"phantom-{self.seed:05d}"

    @property
    def sizes_mm(self) -> dict[Kind, float]:
        """The fetus's true measures: perimeters of the ideal planes' ellipses, skull and skin outer edges."""
        return self.world.sizes.by_kind()

    @property
    def ga_weeks(self) -> float:
        return self.world.sizes.ga_weeks

    @property
    def mm_per_pixel(self) -> MmPerPixel:
        return self.view.mm_per_pixel

    @property
    def truths(self) -> tuple[FrameTruth, ...]:
        """The truth of every frame, without rendering any."""
        return tuple(self._truths)

    def __len__(self) -> int:
        return max(1, round(self.duration_s * self.frame_rate_hz))

    def __getitem__(self, index: int) -> tuple[Frame, FrameTruth]:
        truth = self._truths[index]
        fan = self._scanner.render(self.world, self._path.at(truth.time_s), truth.index)
        pixels = self._screen.compose(fan, colour=self._colour)
        pixels.flags.writeable = False
        return Frame(truth.index, truth.time_s, pixels), truth

    def __iter__(self) -> Iterator[tuple[Frame, FrameTruth]]:
        for index in range(len(self)):
            yield self[index]


def _check(duration_s: float, frame_rate_hz: float, size: tuple[int, int] | None) -> None:
    if not 0 < duration_s <= 3600:
        raise InputError(f"A phantom cannot last {duration_s:g} s; give a duration above 0 and up to 3600 s.")
    if not 1 <= frame_rate_hz <= 120:
        raise InputError(f"A phantom cannot run at {frame_rate_hz:g} frames a second; give a rate from 1 to 120.")
    if size is not None and not (160 <= size[0] <= 4096 and 120 <= size[1] <= 4096):
        raise InputError(f"A phantom of {size[0]}x{size[1]} pixels cannot be drawn; give 160x120 up to 4096x4096.")


def draw_fan(rng: np.random.Generator, depth_mm: float, wide_at: Sequence[tuple[float, float]]) -> Fan:
    """A probe that shows ``wide_at``: widths in mm wanted at depths in mm."""
    radius_mm = float(rng.choice([rng.uniform(38.0, 62.0), rng.uniform(90.0, 260.0)], p=[0.85, 0.15]))
    half = math.radians(rng.uniform(26.0, 38.0)) if radius_mm < 80 else 32.0 / radius_mm + math.radians(4.0)
    for at_mm, width_mm in wide_at:
        need = min(width_mm / (2.0 * (radius_mm + at_mm)), 0.72)
        half = max(half, math.asin(need))
    return Fan(radius_mm, min(half, math.radians(44.0)), depth_mm)


def _recording_view(
    rng: np.random.Generator, world: World, targets: list[Target], layout: Layout, size: tuple[int, int]
) -> View:
    wanted = [(t.depth_mm, t.longest_mm) for t in targets] or [(float(world.mother.centre_mm[2]), 60.0)]
    depth_mm = max(depth + longest * 0.56 for depth, longest in wanted) * float(rng.uniform(1.02, 1.2)) + 5.0
    fan = draw_fan(rng, depth_mm, [(depth, 1.12 * longest) for depth, longest in wanted])
    wide_mm = max(1.15 * max(longest for _, longest in wanted), fan.width_mm * float(rng.uniform(0.6, 1.0)))
    return place_view(rng, layout, size, fan, (0.0, depth_mm), wide_mm)


def _draw_path(rng: np.random.Generator, world: World, targets: list[Target], duration_s: float) -> Path:
    """Approach each target, stay near it, leave; between them anything."""
    weights: list[float] = [0.0]
    poses: list[Pose] = [elsewhere(rng, world)]

    def go(pose: Pose, weight: float) -> None:
        poses.append(nearest_facing(pose, poses[-1]))
        weights.append(weights[-1] + weight)

    for target in targets:
        go(beside(rng, target, rng.uniform(3.0, 6.0)), rng.uniform(1.0, 2.0))
        go(beside(rng, target, rng.uniform(1.0, 2.0)), rng.uniform(0.5, 1.2))
        for _ in range(int(rng.integers(2, 5))):
            go(beside(rng, target, abs(rng.normal(0.0, 0.35))), rng.uniform(0.5, 1.2))
        go(beside(rng, target, rng.uniform(1.0, 2.5)), rng.uniform(0.4, 1.0))
        go(beside(rng, target, rng.uniform(3.0, 6.0)), rng.uniform(0.5, 1.2))
        if rng.uniform() < 0.6:
            go(elsewhere(rng, world), rng.uniform(1.0, 2.0))
    if not targets:
        for _ in range(4):
            go(elsewhere(rng, world), rng.uniform(1.0, 2.0))
    times = [weight / weights[-1] * duration_s for weight in weights]
    return Path(rng, times, poses, tremor_mm=0.45)
