"""What the window wants of the inference thread: the newest wish counts, and each can be asked for at any time."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from fetalnet.analysis.recording import RecordingJob
from fetalnet.core.scale.track import NO_SCALE_TRACK, ScaleTrack
from fetalnet.core.system.latest import BoxClosedError, Latest
from fetalnet.live import LiveFrame
from fetalnet.screen.device.preset import Preset
from fetalnet.screen.fan.sector import Sector


@dataclass(frozen=True, slots=True, eq=False)
class LiveJob:
    """A live picture to be followed; see ``Analyst.watch``."""

    generation: int
    frames: Latest[LiveFrame]
    fan: Sector | None
    presets: tuple[Preset, ...]


class Wishes:
    """One thread asks, the other takes."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._stopping = False
        self._wanted: RecordingJob | LiveJob | None = None
        self._generation = 0
        self._cancelled = 0
        self._scales = NO_SCALE_TRACK
        self._scales_are_new = False
        self._place: int | None = None

    # Called by the thread that asks.

    def analyse(self, path: Path, fan: Sector | None, kept: Path | None, anew: bool) -> int:
        with self._changed:
            self._generation += 1
            self._wanted, self._place = RecordingJob(self._generation, path, fan, kept, anew), None
            self._changed.notify_all()
            return self._generation

    def watch(self, frames: Latest[LiveFrame], fan: Sector | None, presets: tuple[Preset, ...]) -> int:
        with self._changed:
            self._generation += 1
            self._wanted = LiveJob(self._generation, frames, fan, presets)
            self._changed.notify_all()
            return self._generation

    def cancel(self) -> None:
        with self._changed:
            self._cancelled = self._generation
            self._wanted = self._place = None
            self._changed.notify_all()

    def look_first(self, index: int) -> None:
        with self._changed:
            self._place = index

    def set_scales(self, scales: ScaleTrack) -> None:
        with self._changed:
            self._scales = scales
            self._scales_are_new = True
            self._changed.notify_all()

    def stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    # Called by the thread that takes.

    def next(self) -> RecordingJob | LiveJob | None:
        """Wait for the next job, or for scales that are new: then None. Raises ``BoxClosedError`` at the end."""
        with self._changed:
            while not (self._stopping or self._wanted or self._scales_are_new):
                self._changed.wait()
            if self._stopping:
                raise BoxClosedError
            job, self._wanted = self._wanted, None
            return job

    def scales(self) -> ScaleTrack:
        """The newest scales; they are new no longer."""
        with self._changed:
            self._scales_are_new = False
            return self._scales

    def place_beyond(self, index: int) -> int | None:
        """The place that somebody waits at, once, if it lies beyond ``index``."""
        with self._changed:
            place, self._place = self._place, None
        return place if place is not None and place > index else None

    def is_wanted(self, job: RecordingJob | LiveJob) -> bool:
        """Whether the job shall go on."""
        with self._changed:
            return not (self._stopping or self._cancelled == job.generation or self._wanted is not None)

    def is_overtaken(self) -> bool:
        """Whether something else shall be done at once: what was found is of no use any more."""
        with self._changed:
            return self._stopping or self._wanted is not None
