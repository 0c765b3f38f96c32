"""The face of everything that pictures arrive from while the probe moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import av
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

from fetalnet.core.geometry import MmPerPixel


class LinkError(Exception):
    """The link cannot be made, or broke. The message is one sentence for a person.

    ``lasting`` where trying again cannot help. ``misaddressed`` where it cannot unless the link has worked before: a
    wrong password, a page instead of a video. What worked may answer so while it starts anew, or after a disturbance.
    """

    def __init__(self, sentence: str, *, lasting: bool = False, misaddressed: bool = False) -> None:
        super().__init__(sentence)
        self.lasting, self.misaddressed = lasting, misaddressed


@dataclass(frozen=True, slots=True, eq=False)
class Arrival:
    """What arrived, and when by ``time.monotonic``: an encoded packet, or a picture.

    ``picture`` is ``(height, width)`` grey or ``(height, width, 3)`` RGB, uint8, C-contiguous and read-only.
    ``mm_per_pixel`` is what the sender says of this very picture.
    """

    arrived_s: float
    packet: av.Packet[VideoStream] | None = None
    picture: NDArray[np.uint8] | None = None
    mm_per_pixel: MmPerPixel | None = None

    @property
    def size_bytes(self) -> int:
        if self.picture is not None:
            return self.picture.nbytes
        return 0 if self.packet is None else self.packet.size


@dataclass(frozen=True, slots=True, eq=False)
class VideoForm:
    """What a link delivers; for packets the stream they are of, and the headers that took the place of its own."""

    width: int
    height: int
    frame_rate_hz: float | None
    pixel_format: str
    codec: str
    stream: VideoStream | None = None
    extradata: bytes | None = None


class Link(Protocol):
    """An open connection. One thread reads; ``close`` is called when none does any more."""

    form: VideoForm

    def read(self) -> Arrival | None:
        """Wait for what comes next; None at the end of what can end. Raises ``LinkError``."""
        ...

    def close(self) -> None: ...


class LiveSource(Protocol):
    """Where live pictures can be had."""

    @property
    def name(self) -> str:
        """For the screen; holds no password."""
        ...

    def open(self) -> Link:
        """Connect, which may take seconds. Raises ``LinkError``."""
        ...
