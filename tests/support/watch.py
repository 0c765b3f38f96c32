"""A capture in a test's hand, and sources that send when the test lets them."""

from __future__ import annotations

import io
import threading
import time
from pathlib import Path

import av

from fetalnet.live import Capture, LiveFrame, Recorder
from fetalnet.live.links.base import Arrival, LinkError, VideoForm
from fetalnet.live.links.network import NetworkLink
from support.senders import WAIT_S, picture, wait_for


class Watch:
    """A capture and all that it showed."""

    def __init__(self, source: object, folder: Path, **more: object) -> None:
        self.frames: list[LiveFrame] = []
        # A source that waits for its test is no hanging driver, however slow the machine is.
        more.setdefault("stalled_s", WAIT_S)
        self.recorder = Recorder(folder, free_bytes=more.pop("free_bytes", lambda _: 1 << 40))
        self.capture = Capture(source, self.recorder, self.frames.append, **more)
        self.capture.start()

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self.capture.stop()
        assert self.capture.join(WAIT_S)

    def wait_frames(self, count: int) -> None:
        assert wait_for(lambda: len(self.frames) >= count), self.capture.status

    @property
    def delivered(self) -> int:
        return self.capture.doctor.report().delivered


class Packets:
    """A stream whose packets come when a test lets them."""

    name = "a stream"

    def __init__(self, content: bytes) -> None:
        self.due = threading.Semaphore(0)
        self._content = content

    def open(self) -> Packets:
        self._link = NetworkLink(av.open(io.BytesIO(self._content), format="mpegts"), self.name)
        self.form = self._link.form
        return self

    def read(self) -> Arrival | None:
        self.due.acquire()
        return self._link.read()

    def close(self) -> None:
        self._link.close()


class Pictures:
    """A source of pictures that a test puts in; it hangs where there is none, as a stalled driver does."""

    name = "a grabber"

    def __init__(self, size: tuple[int, int] = (64, 48)) -> None:
        self.opened = 0
        self.form = VideoForm(*size, 30.0, "rgb24", "raw")
        self.due = threading.Semaphore(0)
        self.hang = threading.Event()
        self.sizes = [size]

    def open(self) -> Pictures:
        self.opened += 1
        self.hang = threading.Event()
        self.mine = self.hang
        return self

    def read(self) -> Arrival | None:
        hang = self.mine
        while not self.due.acquire(timeout=0.01):
            if hang.is_set():
                raise LinkError("gone")
        return Arrival(time.monotonic(), picture=picture(0, self.sizes[-1]))

    def close(self) -> None:
        pass
