"""The capture thread of a recording: decodes what the clock asks for and hands the newest frame to the screen."""

from __future__ import annotations

import logging
import sys
import threading
import time
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QObject, QThread, Signal

from app.session.picture_folders import FolderJudge, Restore, picture_folders_of
from fetalnet.core.errors import InputError
from fetalnet.core.printable import printable
from fetalnet.core.scale.track import ScaleTrack
from fetalnet.core.system.latest import Latest
from fetalnet.exam.identity import recording_ref
from fetalnet.exam.records import Exam
from fetalnet.screen.device.layout import Layout, first_screen
from fetalnet.screen.fan.sector import Sector
from fetalnet.sources import BrokenFrameError, Clip, Frame, Source, clips_of, file_of
from fetalnet.sources.pictures.folder import TakenFor

log = logging.getLogger(__name__)

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0)

MAX_LAG_S = 0.25
"""Where decoding cannot keep up with the clock, the clock gives way: playing slower beats jumping."""

STILL_INTERVAL_S = 0.2
"""How long each picture of a folder is shown while playing: stills have no time of their own."""


@dataclass(frozen=True, slots=True)
class RecordingInfo:
    """What the window needs to know of an opened recording, without touching its source."""

    path: Path
    name: str
    width: int
    height: int
    frame_rate_hz: float
    times_s: tuple[float, ...]
    has_clock: bool

    def __len__(self) -> int:
        return len(self.times_s)


@dataclass(frozen=True, slots=True)
class Opened:
    """An opened recording with its exam; ``notice`` is a sentence for a person, where there is something to say.

    ``fan`` and ``layout`` are what the first frame shows: text can be hidden before anything is on screen.
    """

    recording: RecordingInfo
    exam: Exam
    notice: str | None
    fan: Sector
    layout: Layout | None


@dataclass(frozen=True, slots=True)
class Listing:
    """The clips that a folder, a DICOMDIR or an archive holds, or the folder's own; the first of them opens."""

    path: Path
    clips: tuple[Clip, ...]


@dataclass(frozen=True, slots=True)
class PlayState:
    """What the transport shows."""

    playing: bool
    speed: float
    loop: bool


def info_of(source: Source) -> RecordingInfo:
    """Collect the facts of a source once, so that no other thread has to ask it."""
    times = [source.time_s(index) for index in range(len(source))]
    has_clock = all(time_s is not None for time_s in times)
    if not has_clock:
        times = [index * STILL_INTERVAL_S for index in range(len(source))]
    return RecordingInfo(
        path=source.path,
        name=source.name,
        width=source.width,
        height=source.height,
        frame_rate_hz=source.frame_rate_hz,
        times_s=tuple(time_s or 0.0 for time_s in times),
        has_clock=has_clock,
    )


class Player(QThread):
    """Plays one recording by the clock. Owns its source: nobody else reads from it.

    Attributes:
        screen: where the newest frame lies until the UI takes it.

    Signals:
        listed(Listing), opened(Opened), state_changed(PlayState), failed(str): one sentence for a person.

    """

    listed = Signal(object)
    opened = Signal(object)
    state_changed = Signal(object)
    failed = Signal(str)

    def __init__(
        self,
        path: Path,
        open_source: Callable[[Path], Source],
        restore: Restore,
        said: dict[Path, TakenFor] | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.screen: Latest[Frame] = Latest()
        self._restore = restore
        self._folders = FolderJudge(said or {}, restore)
        self._path = path
        self._open_source = open_source
        self._changed = threading.Condition()
        self._stopping = False
        self._target: int | None = 0
        self._overtaken = False
        self._playing = False
        self._nothing_shown = True
        self._speed = 1.0
        self._loop = False
        self._info: RecordingInfo | None = None
        # Known before it is decoded, so that a step counts from the last wish.
        self._index = -1
        self._clock_start_s = 0.0
        self._media_start_s = 0.0

    # Called from the UI thread: each sets a wish and wakes the loop; the lock is held for moments only.

    def play(self) -> None:
        with self._changed:
            at_end = self._info is not None and self._position() == len(self._info) - 1
            if at_end:
                self._target = 0
            self._playing = True
            self._restart_clock()
            self._changed.notify_all()
        self._tell()

    def pause(self) -> None:
        with self._changed:
            self._playing = False
            self._changed.notify_all()
        self._tell()

    def toggle(self) -> None:
        if self._playing:
            self.pause()
        else:
            self.play()

    def seek(self, index: int) -> None:
        """Show frame ``index`` next; of many wishes only the newest is decoded."""
        with self._changed:
            last = len(self._info) - 1 if self._info else 0
            self._target = min(max(index, 0), last)
            self._restart_clock()
            self._changed.notify_all()

    def show(self, index: int) -> None:
        """Pause on frame ``index``. No other frame reaches the screen before it, not even one now being decoded."""
        with self._changed:
            self._playing = False
            self._overtaken = True
            self.screen.take()
            self.seek(index)
        self._tell()

    def step(self, frames: int) -> None:
        """Pause and move by ``frames`` from where the last wish points."""
        self.pause()
        self.seek(self._position() + frames)

    def set_speed(self, speed: float) -> None:
        with self._changed:
            self._speed = speed
            self._restart_clock()
            self._changed.notify_all()
        self._tell()

    def set_loop(self, loop: bool) -> None:
        with self._changed:
            self._loop = loop
        self._tell()

    def stop(self) -> None:
        """Ask the thread to end; it does within one frame's decoding."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    @property
    def state(self) -> PlayState:
        return PlayState(self._playing, self._speed, self._loop)

    # The thread's own side.

    def run(self) -> None:
        try:
            self._run()
        except Exception:  # noqa: BLE001  what is opening must not stay so; the error hook logs it and tells the person
            sys.excepthook(*sys.exc_info())
            self.failed.emit(f"{self._path.name} cannot be shown because of an error inside the program.")

    def _run(self) -> None:
        try:
            clips = clips_of(self._path, self._folders.judge)
            folder = picture_folders_of(clips).get(clips[0].path)
            listing = Listing(self._path, tuple(clips))
            if clips[0].path != self._path:
                self.listed.emit(listing)
                self._path = clips[0].path
            source = self._open_source(self._path)
            if folder is not None and listing.path == self._path:
                self.listed.emit(listing)  # once it is one recording: else its stills stay listed
        except InputError as error:
            self.failed.emit(str(error))
            return
        try:
            self._info = info_of(source)
            try:
                scales = ScaleTrack.of(source.calibration)
                recording = recording_ref(file_of(self._path), len(source), scales)
                recording = replace(recording, path=printable(self._path.absolute()))
                exam, notice = self._restore(recording, self._path)
                told = [notice, *self._folders.notices, self._folders.sentence(folder)]
                notice = " ".join(sentence for sentence in told if sentence) or None
            except InputError as error:
                self.failed.emit(str(error))
                return
            self.opened.emit(Opened(self._info, exam, notice, *first_screen(source)))
            while (index := self._next_index()) is not None:
                self._show(source, index)
        finally:
            source.close()

    def _show(self, source: Source, index: int) -> None:
        try:
            frame = source[index]
        except BrokenFrameError as error:
            # Playing goes on over it; whoever opens a recording that begins with damage sees what comes after it.
            with self._changed:
                if self._nothing_shown and index + 1 < len(source):
                    self._target = index + 1
                elif not self._playing:
                    self.failed.emit(str(error))
            return
        except InputError as error:
            self.pause()
            self.failed.emit(str(error))
            return
        with self._changed:
            if not self._overtaken:
                self._nothing_shown = False
                self.screen.put(frame)

    def _next_index(self) -> int | None:
        """Wait until a frame is due; None when asked to stop."""
        with self._changed:
            while not self._stopping:
                if self._target is not None:
                    self._index, self._target, self._overtaken = self._target, None, False
                    return self._index
                if not self._playing:
                    self._changed.wait()
                    continue
                due, wait_s = self._due()
                if due != self._index:
                    self._index = due
                    return due
                if wait_s is None:
                    if not self._loop:
                        self._playing = False
                        self._tell()
                        continue
                    self._target = 0
                    self._restart_clock()
                    continue
                self._changed.wait(wait_s)
        return None

    def _due(self) -> tuple[int, float | None]:
        """The frame the clock asks for, and seconds until the next; None for these past the end."""
        assert self._info is not None
        times = self._info.times_s
        media_s = self._media_start_s + (time.monotonic() - self._clock_start_s) * self._speed
        follows = self._index + 1
        if 0 < follows < len(times) and media_s - times[follows] > MAX_LAG_S * self._speed:
            media_s = times[follows]
            self._media_start_s, self._clock_start_s = media_s, time.monotonic()
        index = max(bisect_right(times, media_s + 1e-6) - 1, 0)
        if index < len(times) - 1:
            return index, (times[index + 1] - media_s) / self._speed
        last_interval_s = 1.0 / self._info.frame_rate_hz if self._info.has_clock else STILL_INTERVAL_S
        left_s = (times[-1] + last_interval_s - media_s) / self._speed
        return index, left_s if left_s > 0 else None

    def _restart_clock(self) -> None:
        if self._info is not None:
            self._media_start_s = self._info.times_s[self._position()]
        self._clock_start_s = time.monotonic()

    def _position(self) -> int:
        return self._target if self._target is not None else max(self._index, 0)

    def _tell(self) -> None:
        self.state_changed.emit(self.state)
