"""Keeps a link to a live source: reads, records, decodes, and makes the link again when it breaks."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from fetalnet.core.frame import Frame
from fetalnet.core.geometry import MmPerPixel
from fetalnet.live.decoding import LiveDecoder, headers, reformed
from fetalnet.live.link_monitor import Doctor
from fetalnet.live.link_reader import LinkReader
from fetalnet.live.links.base import Arrival, LinkError, LiveSource, VideoForm
from fetalnet.live.recorder import Recorder

NO_SIGNAL_S = 1.0
"""Without a frame for so long a person is told."""
STALLED_S = 8.0
"""A call into the driver that took longer is given up, with its thread. Longer than FFmpeg's own time limits."""
BACK_OFF_S = (0.25, 0.5, 1.0, 2.0, 4.0)
LATE_S = 0.5
"""Where decoding is so late it goes on at the next key frame: what was skipped is on disk."""
_LOOK_S = 0.1
"""How often the capture looks whether it is to stop."""
_BUSY_S = 0.5
"""A look that comes back so much later than it was to has been kept waiting by a busy computer."""
ABANDONED_LIMIT = 4
"""Threads that may hang in a driver before the program asks for help."""


class LinkState(StrEnum):
    """How the link stands."""

    CONNECTING = "connecting"
    LIVE = "live"
    NO_SIGNAL = "no signal"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """``sentence`` says what is wrong and what to do; empty where nothing is."""

    state: LinkState
    sentence: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class LiveFrame:
    """The newest frame. ``frame.index`` counts those decoded in this segment, ``segment`` the files before this one.

    ``arrived_s`` is when it came, by ``time.monotonic``; ``mm_per_pixel`` what its sender says of it.
    """

    frame: Frame
    arrived_s: float
    segment: int
    mm_per_pixel: MmPerPixel | None = None

    @property
    def key(self) -> tuple[int, int]:
        """What tells it from every other frame of the watch."""
        return self.segment, self.frame.index


class Capture:
    """Watches one source until it is stopped. Nothing here waits for the source but a thread that can be left behind.

    ``on_frame`` is called by the capture's own thread with each newest frame; it must be quick.
    """

    def __init__(
        self,
        source: LiveSource,
        recorder: Recorder,
        on_frame: Callable[[LiveFrame], None],
        doctor: Doctor | None = None,
        *,
        stalled_s: float = STALLED_S,
        back_off_s: tuple[float, ...] = BACK_OFF_S,
    ) -> None:
        self.source, self.recorder = source, recorder
        self.doctor = doctor or Doctor()
        self._on_frame = on_frame
        self._stalled_s, self._back_off_s = stalled_s, back_off_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="capture", daemon=True)
        self._sentence = ""
        self._stopped = False
        self._begun_s = time.monotonic()
        self._newest_s: float | None = None
        self._arrived_s = -math.inf
        self._taking_since_s: float | None = None
        self._disk_s = 0.0
        self._arrived_s = -math.inf
        self._segment = -1
        self._index = 0
        self._keyed = False
        self._mark: bytes | tuple[int, ...] = ()
        self._form: VideoForm | None = None
        self._decoder: LiveDecoder | None = None
        self._abandoned: list[LinkReader] = []

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask for the end; never waits."""
        self._stop.set()

    def join(self, timeout_s: float | None = None) -> bool:
        """Wait until the recording is finished. Whether it is."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    @property
    def status(self) -> LinkStatus:
        """How the link stands now; asked at any time by any thread."""
        if self._stopped:
            return LinkStatus(LinkState.STOPPED, self._sentence)
        now_s = time.monotonic()
        if self._newest_s is not None and now_s - self._newest_s < NO_SIGNAL_S:
            return LinkStatus(LinkState.LIVE, self.recorder.problem or self.recorder.warning or "")
        if self._newest_s is None and not self._sentence and now_s - self._begun_s < NO_SIGNAL_S:
            return LinkStatus(LinkState.CONNECTING, f"Connecting to {self.source.name}.")
        return LinkStatus(LinkState.NO_SIGNAL, self._why_nothing(now_s))

    def _why_nothing(self, now_s: float) -> str:
        name, taking_since_s = self.source.name, self._taking_since_s
        if taking_since_s is not None and now_s - taking_since_s > NO_SIGNAL_S:
            return f"Pictures of {name} arrive, but this computer cannot take them in time; close other programs."
        if now_s - self._arrived_s < NO_SIGNAL_S:
            return f"{name} sends, but nothing that can be shown; waiting for its next whole picture."
        return self._sentence or f"Nothing comes from {name}; look at sender and cable."

    # The capture thread.

    def _run(self) -> None:
        failures = 0
        try:
            while not self._stop.is_set():
                reader = LinkReader(self.source, self.doctor.lost)
                reader.start()
                got_frames, lasting = self._follow(reader)
                failures = 0 if got_frames else failures + 1
                if lasting or self._stop.is_set() or not self._may_try_again():
                    return
                self.doctor.link_broke()
                self._stop.wait(self._back_off_s[min(failures, len(self._back_off_s) - 1)])
        finally:
            self.recorder.close()
            self._stopped = True

    def _follow(self, reader: LinkReader) -> tuple[bool, bool]:
        """Record and decode what a reader brings. Whether anything came, and whether its end is the end of all."""
        began = False
        while not self._stop.is_set():
            ended = reader.ended
            looked_s = time.monotonic()
            arrivals = reader.take(_LOOK_S)
            now_s = time.monotonic()
            if now_s - looked_s > _LOOK_S + _BUSY_S:
                self.doctor.computer_was_busy()
            if arrivals:
                self._arrived_s = now_s
            if arrivals and not began and reader.form is not None:
                began, self._mark = True, ()
                self._begin(reader.form)
            if arrivals and self._form is not None:
                self._taking_since_s = now_s
                self._take(arrivals, self._form)
                self._taking_since_s = None
                if time.monotonic() - now_s - self._disk_s > NO_SIGNAL_S:
                    self.doctor.computer_was_busy()
            elif ended:
                self._sentence = self._why_ended(reader.error)
                reader.close()
                return began, reader.error is None or self._lasts(reader.error)
            elif time.monotonic() - reader.busy_since_s > self._stalled_s:
                self._sentence = f"{self.source.name} does not answer; unplug it and plug it in again."
                self._leave(reader)
                return began, False
        if self._form is not None and began:
            self._take(reader.take(0.0), self._form)
        self._leave(reader)
        return began, True

    def _why_ended(self, error: LinkError | None) -> str:
        if error is None:
            return "The recording is at its end."
        if self.doctor.computer_is_busy and not self._lasts(error):
            return f"The link to {self.source.name} broke while this computer was too busy; close other programs."
        return str(error)

    def _lasts(self, error: LinkError) -> bool:
        return error.lasting or (error.misaddressed and self._newest_s is None)

    def _may_try_again(self) -> bool:
        self._abandoned = [reader for reader in self._abandoned if reader.is_alive()]
        if len(self._abandoned) < ABANDONED_LIMIT:
            return True
        self._sentence = f"{self.source.name} hangs again and again; restart this program when it is plugged in anew."
        return False

    def _leave(self, reader: LinkReader) -> None:
        """Let go of a reader that may hang: it closes its link when it returns, if ever."""
        reader.leave()
        if reader.is_alive():
            self._abandoned.append(reader)

    def _begin(self, form: VideoForm) -> None:
        """A new segment: the form of the picture is another, or the link is."""
        self._form = form
        self.recorder.begin(form)
        self.doctor.begin(form)
        self._decoder = None if form.stream is None else LiveDecoder(form)
        self._segment += 1
        self._index = 0
        self._keyed = False

    def _take(self, arrivals: list[Arrival], form: VideoForm) -> None:
        """Write all of it to disk, then decode it and show the newest."""
        pending: list[Arrival] = []
        self._disk_s = 0.0
        for arrival in arrivals:
            mark = _mark(arrival, form.codec)
            if mark and self._mark and mark != self._mark:
                changed = reformed(form, arrival, mark if isinstance(mark, bytes) else b"")
                if changed is None:
                    self.recorder.leave_out()
                    self.doctor.damaged()
                    continue
                self._show_newest(pending)
                pending = []
                self._begin(changed)
            self._mark = mark or self._mark
            self._keyed |= arrival.packet is None or arrival.packet.is_keyframe
            if not self._keyed:
                continue  # a link begins between two key frames: nothing of this can be shown
            begun_s = time.monotonic()
            written = self.recorder.write(arrival)
            if arrival.packet is not None:  # pictures are encoded first, which is the processor's work
                self._disk_s += time.monotonic() - begun_s
            if not written and self.recorder.problem is None:
                self.doctor.damaged()
                continue  # what is shown is what is recorded, frame by frame
            self.doctor.arrived(arrival.arrived_s)
            pending.append(arrival)
        self._show_newest(pending)

    def _show_newest(self, pending: list[Arrival]) -> None:
        """Decode what is on disk already; what is too late is left out."""
        late = time.monotonic() - pending[0].arrived_s > LATE_S if pending else False
        keys = [at for at, each in enumerate(pending) if each.packet is not None and each.packet.is_keyframe]
        if late and keys and keys[-1] > 0 and self._decoder is not None:
            self._decoder.skip()
            self._index += keys[-1]
            pending = pending[keys[-1] :]
        newest: tuple[VideoFrame | NDArray[np.uint8], Arrival] | None = None
        shown = 0
        for arrival in pending:
            if arrival.picture is not None:
                newest, shown = (arrival.picture, arrival), shown + 1
            elif arrival.packet is not None and self._decoder is not None:
                for decoded in self._decoder.decode(arrival.packet):
                    newest, shown = (decoded, arrival), shown + 1
        if newest is None:
            return
        self._index += shown
        picture, arrival = newest
        if isinstance(picture, VideoFrame):
            assert self._decoder is not None
            picture = self._decoder.shown(picture)
        pixels = picture
        self._newest_s = time.monotonic()
        self._sentence = ""
        self.doctor.decoded(pixels)
        frame = Frame(self._index - 1, arrival.arrived_s - self._begun_s, pixels)
        self._on_frame(LiveFrame(frame, arrival.arrived_s, self._segment, arrival.mm_per_pixel))


def _mark(arrival: Arrival, codec: str) -> bytes | tuple[int, ...]:
    """What changes with the form of the picture; empty where this one does not say."""
    if arrival.picture is not None:
        return arrival.picture.shape
    return b"" if arrival.packet is None else headers(arrival.packet, codec)
