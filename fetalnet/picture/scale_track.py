"""The scale along a recording: it holds from one frame until the scanner's depth or zoom, or a person, changes it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise

from fetalnet.geometry import Geometry
from fetalnet.picture.calibration import NO_CALIBRATION, Calibration
from fetalnet.picture.scale import NO_SCALE, Scale, ScaleOrigin


@dataclass(frozen=True, slots=True)
class ScaleStep:
    """What holds from frame ``from_index`` on, until the next step."""

    from_index: int
    calibration: Calibration


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

    def changed(self, from_index: int, calibration: Calibration) -> ScaleTrack:
        """The same with another calibration from this frame until the next step."""
        steps = {step.from_index: step for step in self.steps} | {from_index: ScaleStep(from_index, calibration)}
        return ScaleTrack(tuple(steps[start] for start in sorted(steps)))

    def withdrawn(self, from_index: int, reason: str) -> ScaleTrack:
        """The same when the scale is no longer believed from this frame on; ``reason`` is a sentence for a person.

        A change already known at this frame stays: a person may have decided about it.
        """
        step = self.step_at(from_index)
        if not step.calibration.is_known or step.from_index == from_index != 0:
            return self
        return self.changed(from_index, step.calibration.withdrawn(reason))

    def parted(self, from_index: int, reason: str) -> ScaleTrack:
        """The same after the screen changed at this frame: no scale from before holds there, but the file's own does.

        Without a scale the frames from there on are set apart all the same, so that one given later ends there.
        """
        step = self.step_at(from_index)
        if step.from_index == from_index or step.calibration.origin.is_of_the_file:
            return self
        if step.calibration.is_known:
            return self.withdrawn(from_index, reason)
        return self.changed(from_index, replace(NO_CALIBRATION, note=reason))

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
