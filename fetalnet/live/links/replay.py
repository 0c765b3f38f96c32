"""A recording played as if it were live: for practice, demonstrations and tests."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from fetalnet.core.errors import InputError
from fetalnet.live.links.base import Arrival, LinkError, VideoForm
from fetalnet.sources import Frame, Source, open_source


class Replay:
    """Plays a recording once at its own pace; ``loop`` begins again at its end."""

    def __init__(self, path: Path, *, loop: bool = True, open_: Callable[[Path], Source] = open_source) -> None:
        # File names may tell who the patient is.
        self.name = "a recording played as if live"
        self._path, self._loop, self._open = path, loop, open_

    def open(self) -> ReplayLink:
        try:
            return ReplayLink(self._open(self._path), self._loop)
        except InputError as error:
            raise LinkError(str(error), lasting=True) from error


class ReplayLink:
    """A recording that is being played."""

    def __init__(self, source: Source, loop: bool) -> None:
        self._source, self._loop = source, loop
        self.form = VideoForm(source.width, source.height, source.frame_rate_hz, "rgb24", "a recording")
        self._frames = self._paced()
        self._closed = threading.Event()

    def read(self) -> Arrival | None:
        try:
            frame = next(self._frames, None)
        except InputError as error:
            raise LinkError(str(error), lasting=True) from error
        return None if frame is None else Arrival(time.monotonic(), picture=frame.pixels)

    def close(self) -> None:
        self._closed.set()
        self._source.close()

    def _paced(self) -> Iterator[Frame]:
        interval_s = 1.0 / self._source.frame_rate_hz
        while True:
            begun_s = time.monotonic()
            for index, frame in enumerate(self._source):
                at_s = frame.time_s if frame.time_s is not None else index * interval_s
                self._closed.wait(max(begun_s + at_s - time.monotonic(), 0.0))
                yield frame
            if not self._loop:
                return
            self._closed.wait(interval_s)
