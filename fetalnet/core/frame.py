"""The value every source hands out, and the face every source shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fetalnet.core.errors import InputError
from fetalnet.core.scale.calibration import Calibration


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of a source.

    ``pixels`` is ``(height, width)`` grey or ``(height, width, 3)`` RGB, uint8, C-contiguous and read-only:
    it is shared between threads and with the screen, never reused.
    """

    index: int
    time_s: float | None
    pixels: NDArray[np.uint8]
    file: str | None = None

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])


class BrokenFrameError(InputError):
    """A frame that cannot be read although the recording goes on behind it."""


class Source(Protocol):
    """A finite series of frames. Frame ``i`` is the same frame however it is reached.

    Raises ``InputError`` with a sentence for a person where something cannot be read, ``BrokenFrameError`` where only
    this frame or a few around it cannot. One thread at a time.
    """

    path: Path
    name: str
    width: int
    height: int
    frame_rate_hz: float
    calibration: Calibration
    """What the source itself says about the size of its pixels."""
    notice: str | None
    """What is wrong with a source that plays all the same, in a sentence: cut off, damaged. It may come late."""

    remark: str | None
    """What to know of a source that is whole, in a sentence: that its times are nominal."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Frame: ...

    def __iter__(self) -> Iterator[Frame]:
        """All frames in order, decoded one by one and never held; broken ones are left out."""
        ...

    def time_s(self, index: int) -> float | None:
        """Seconds since the first frame; None for stills."""
        ...

    def close(self) -> None: ...


def frames_from(source: Source, start: int = 0) -> Iterator[Frame]:
    """The frames from ``start`` on, without those that are broken; a source may turn out shorter than it seemed.

    Raises ``InputError`` where the recording cannot be read on.
    """
    index = start
    while index < len(source):
        try:
            frame = source[index]
        except BrokenFrameError:
            pass
        except InputError:
            if index == start or index < len(source):
                raise
            return
        else:
            yield frame
        index += 1


def broken_text(broken: int, total: int) -> str:
    """How many frames of a recording are left out, without a full stop."""
    return f"{broken} of {total} frames {'is' if broken == 1 else 'are'} damaged and left out"
