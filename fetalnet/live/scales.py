"""The scale along a watch: what a person, the sender, a known device and the ruler say of it, and where it ends."""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_left
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from fetalnet.core.scale.calibration import Calibration
from fetalnet.core.scale.scale import Scale, ScaleOrigin
from fetalnet.core.scale.track import NO_SCALE_TRACK, ScaleTrack

if TYPE_CHECKING:
    from fetalnet.core.geometry import MmPerPixel
    from fetalnet.live.recorder import Segment
    from fetalnet.screen.change.detector import Change

NEW_PICTURE = "The picture of the live link is another: the scale from before need not hold any more."
BY_SENDER = "As the sender of the stream says with each picture."
_TOLD_NEAR = 6
"""Frames around a change of the screen within which the sender's word may change with it."""


class LiveScales:
    """By the number of the frames looked at. Every thread may tell it and ask it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._track = NO_SCALE_TRACK
        self._number = 0
        self._told: MmPerPixel | None = None
        # Number, segment and index of each frame, flat.
        self._places = array("q")

    @property
    def track(self) -> ScaleTrack:
        with self._lock:
            return self._track

    def look(self, number: int, segment: int, index: int, told: MmPerPixel | None) -> None:
        """The next frame is this one of that segment, and its sender says how large its pixels are, or does not.

        The sender's word counts where there is no other, and wherever it changes: the scanner was set anew.
        """
        with self._lock:
            another_link = bool(self._places) and self._places[-2] != segment
            self._number = number
            self._places.extend((number, segment, index))
            if another_link:
                self._end(number, NEW_PICTURE)
            if told == self._told and (told is None or not another_link):
                return
            began = self._told is None
            self._told = told
            if told is None:
                self._end(number, "The sender does not say any more how large a pixel is.")
            elif not (began and self._track.at(number).is_known):
                said = Calibration(ScaleOrigin.PIXEL_SPACING, whole=told, note=BY_SENDER)
                self._track = self._track.changed(number, said)

    def give(self, scale: Scale) -> None:
        """A person says how large a pixel is, from the last change of the screen on."""
        with self._lock:
            self._set(self._number, scale)

    def offer(self, from_number: int, scale: Scale) -> None:
        """What a preset makes of the screen at this frame: used where nothing is known and the screen is still that."""
        with self._lock:
            step = self._track.step_at(self._number)
            if step.from_index <= from_number and not step.calibration.is_known:
                self._set(from_number, scale)

    def change(self, change: Change) -> None:
        """The screen changed; told again once it is known what became of its ruler."""
        with self._lock:
            step = self._track.step_at(change.index)
            if not step.calibration.origin.is_of_the_file:
                self._track = self._track.parted(change.index, change.sentence, change.ruler)
            elif change.index - step.from_index > _TOLD_NEAR and self._track.step_at(self._number) is step:
                # A sender may go on with a calibration of another depth.
                self._end(change.index, f"{change.sentence} The sender goes on with the size it said before.")

    def of_segment(self, segment: Segment) -> ScaleTrack:
        """The scale along one file of the recording, by the frames of that file."""
        with self._lock:
            looked_at = np.array(self._places, np.int64).reshape(-1, 3)
            after_first = looked_at[:, 2] - segment.first_index
            of_file = (looked_at[:, 1] == segment.part) & (after_first >= 0) & (after_first < segment.frames)
            numbers, _, indices = looked_at[of_file].T.tolist()
            if not numbers:
                return NO_SCALE_TRACK
            first = self._track.at(numbers[0])
            if first.followed_from is not None and self._track.step_at(numbers[0]).from_index < numbers[0]:
                first = replace(first, followed_from=0, note="Ruler, followed from the file before.")
            track = ScaleTrack.of(first)
            for step in self._track.steps:
                at = bisect_left(numbers, step.from_index)
                if not 0 < at < len(numbers):
                    continue
                index = indices[at] - segment.first_index
                # What follows from the scale before is worked out again: it tells from which frame on.
                if step.is_open and step.reason is not None:
                    track = track.parted(index, step.reason, step.rulers)
                else:
                    track = track.changed(index, step.calibration)
            return track

    def _set(self, number: int, scale: Scale) -> None:
        step = self._track.step_at(number)
        self._track = self._track.changed(step.from_index, Calibration.of_whole(scale))

    def _end(self, number: int, reason: str) -> None:
        """No scale from before holds from this frame on, the sender's neither."""
        before = self._track.at(number)
        if before.origin.is_of_the_file:
            self._track = self._track.changed(number, before.withdrawn(reason))
        else:
            self._track = self._track.parted(number, reason)
