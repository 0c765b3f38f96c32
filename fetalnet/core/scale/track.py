"""The scale along a recording: it holds from one frame until the scanner's depth or zoom, or a person, changes it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise

from fetalnet.core.geometry import Geometry, MmPerPixel
from fetalnet.core.scale.calibration import NO_CALIBRATION, Calibration
from fetalnet.core.scale.ruler_change import RulerChange
from fetalnet.core.scale.scale import NO_SCALE, Scale, ScaleOrigin


@dataclass(frozen=True, slots=True)
class ScaleStep:
    """What holds from frame ``from_index`` on, until the next step.

    ``reason``, where the screen changed here: why no scale from before holds. ``rulers``: what the ruler tells of it.
    ``seen_at``: the frame that a person looked at when they gave the scale.
    """

    from_index: int
    calibration: Calibration
    reason: str | None = None
    rulers: RulerChange | None = None
    seen_at: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether it follows from the scale before it: no person decided about it, nor does the file."""
        known = self.calibration.is_known and self.calibration.followed_from is None
        return self.reason is not None and not known

    def after(self, before: Calibration) -> ScaleStep:
        """The same after another calibration. A ruler's scale is followed where its ticks leave no doubt."""
        assert self.reason is not None
        if before.origin.is_of_the_file:
            calibration = before
        elif not before.is_known:
            calibration = replace(NO_CALIBRATION, note=self.reason)
        else:
            calibration = self._followed(before) or before.withdrawn(self.reason)
        return replace(self, calibration=calibration, seen_at=None)

    def _followed(self, before: Calibration) -> Calibration | None:
        if before.origin is not ScaleOrigin.RULER or before.whole is None or self.rulers is None:
            return None
        spacing_mm = self.rulers.spacing_after_mm(before.whole)
        if spacing_mm is None:
            return None
        size = spacing_mm / self.rulers.after_px
        note = f"Ruler, followed from frame {self.from_index}: {spacing_mm:g} mm from tick to tick."
        return Calibration(
            ScaleOrigin.RULER, whole=MmPerPixel(size, size), note=note, followed_from=self.from_index
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ScaleTrack:
    """The calibration of every frame of a recording. The steps rise, and the first is at frame 0."""

    steps: tuple[ScaleStep, ...]

    def __post_init__(self) -> None:
        starts = [step.from_index for step in self.steps]
        if not starts or starts[0] != 0 or any(after <= before for before, after in pairwise(starts)):
            raise ValueError("the steps of a scale track rise from frame 0")

    @staticmethod
    def of(calibration: Calibration) -> ScaleTrack:
        """One calibration for every frame."""
        return ScaleTrack((ScaleStep(0, calibration),))

    def step_at(self, index: int) -> ScaleStep:
        """The step that holds for frame ``index``."""
        return self.steps[max(bisect_right(self.steps, index, key=lambda step: step.from_index) - 1, 0)]

    def at(self, index: int) -> Calibration:
        """The calibration of frame ``index``."""
        return self.step_at(index).calibration

    def scale_for(self, index: int, geometry: Geometry | None) -> Scale:
        """The scale of a caliper in frame ``index``; none, with the reason, where it has none."""
        return self.at(index).scale_for(geometry)

    def changed(self, from_index: int, calibration: Calibration, seen_at: int | None = None) -> ScaleTrack:
        """The same with another calibration from this frame until the next step, and what follows from it later."""
        step = self.step_at(from_index)
        held = step if step.from_index == from_index else ScaleStep(from_index, calibration)
        return self._with(replace(held, calibration=calibration, seen_at=seen_at))

    def taken_back(self, seen_at: int, before: ScaleStep) -> ScaleTrack:
        """The same without what a person gave looking at frame ``seen_at``, where ``before`` held then.

        A change of the screen that has become known since stays known.
        """
        steps = (
            each.after(before.calibration) if each.seen_at == seen_at and each.from_index > before.from_index else each
            for each in self.steps
        )
        return ScaleTrack(tuple(steps)).changed(before.from_index, before.calibration, before.seen_at)

    def parted(self, from_index: int, reason: str, rulers: RulerChange | None = None) -> ScaleTrack:
        """The same after the screen changed at this frame: no scale from before holds there, but the file's own does,
        and a ruler's is followed where ``rulers`` leave no doubt.

        Without a scale the frames from there on are set apart all the same, so that one given later ends there, or is
        followed. What a person decided about this frame stays.
        """
        step = self.step_at(from_index)
        if from_index == 0 or (step.from_index == from_index and not step.is_open):
            return self
        before = self.at(from_index - 1)
        if before.origin.is_of_the_file:
            return self
        if step.from_index < from_index and step.seen_at is not None and step.seen_at >= from_index:
            # It was given for a frame after the change, which was not known then.
            why = f"It was set in frame {step.seen_at}, and the screen changed in frame {from_index}."
            earlier = replace(step, calibration=before.withdrawn(why), seen_at=None)
            return self._with(earlier)._with(ScaleStep(from_index, before, reason, rulers, step.seen_at))
        return self._with(ScaleStep(from_index, before, reason, rulers).after(before))

    def _with(self, step: ScaleStep) -> ScaleTrack:
        steps = {each.from_index: each for each in self.steps} | {step.from_index: step}
        found: list[ScaleStep] = []
        for start in sorted(steps):
            each = steps[start]
            found.append(each.after(found[-1].calibration) if start > step.from_index and each.is_open else each)
        return ScaleTrack(tuple(found))

    @property
    def changes(self) -> tuple[ScaleStep, ...]:
        """The steps after which another calibration holds than before."""
        return tuple(after for before, after in pairwise(self.steps) if after.calibration != before.calibration)

    @property
    def scale(self) -> Scale:
        """The one scale of the whole recording; none, with what is known about why, where there is not exactly one."""
        return common_scale(step.calibration.scale for step in self.steps)


NO_SCALE_TRACK = ScaleTrack.of(NO_CALIBRATION)


def common_scale(scales: Iterable[Scale]) -> Scale:
    """The one scale that all of them are; none, with all their notes, where they differ."""
    distinct = list(dict.fromkeys(scales)) or [NO_SCALE]
    note = " ".join(dict.fromkeys(scale.note for scale in distinct if scale.note is not None)) or None
    if len({scale.mm_per_pixel for scale in distinct}) == 1:
        return replace(distinct[0], note=note)
    origins = {scale.origin for scale in distinct if scale.mm_per_pixel is not None}
    return Scale(None, origins.pop() if len(origins) == 1 else ScaleOrigin.NONE, note)
