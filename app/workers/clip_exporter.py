"""Short clips around the best frames, written on a thread of their own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PySide6.QtCore import QObject, QThread, Signal

from fetalnet.core.errors import InputError
from fetalnet.core.letterbox import Box
from fetalnet.core.planes import Plane
from fetalnet.core.timing import USUAL_RATE_HZ
from fetalnet.export.overlay import OverlayWriter
from fetalnet.export.wording import TEXT_KEPT, TEXT_NOT_FOUND
from fetalnet.screen.burned_in import FanOnly
from fetalnet.screen.fan.sector import Sector
from fetalnet.screen.fan.sector_search import sector_of
from fetalnet.sources import BrokenFrameError, Source

CLIP_S = 2.0


@dataclass(frozen=True, slots=True)
class ClipsWanted:
    """Which frames of a recording to cut clips around, and into which folder."""

    recording: Path
    folder: Path
    frames: tuple[tuple[Plane, int], ...]
    keep_text: bool = False
    fan: Sector | None = None
    masks: tuple[Box, ...] = ()


class ClipExporter(QThread):
    """Writes a clip of two seconds around each frame and ends.

    Signals:
        progress(int, int): clips written, of how many; failed(str): one sentence for a person.
        done(int, str): clips written, with what is to be said about text in them.
    """

    progress = Signal(int, int)
    done = Signal(int, str)
    failed = Signal(str)

    def __init__(
        self, wanted: ClipsWanted, open_source: Callable[[Path], Source], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._wanted = wanted
        self._open_source = open_source

    def run(self) -> None:
        try:
            with closing(self._open_source(self._wanted.recording)) as source:
                self._write(source)
        except InputError as error:
            self.failed.emit(str(error))

    def _write(self, source: Source) -> None:
        wanted = self._wanted
        rate_hz = source.frame_rate_hz or USUAL_RATE_HZ
        sector = wanted.fan or sector_of(source)
        fan = FanOnly.of(sector, (source.height, source.width), wanted.masks)
        about = TEXT_KEPT if wanted.keep_text else "" if fan.hides else TEXT_NOT_FOUND
        half = max(round(rate_hz * CLIP_S / 2), 1)
        for count, (plane, index) in enumerate(wanted.frames):
            if self.isInterruptionRequested():
                return
            self.progress.emit(count, len(wanted.frames))
            first, last = max(index - half, 0), min(index + half, len(source))
            path = wanted.folder / f"{plane}-frame-{index}.mp4"
            with OverlayWriter(path, (source.width, source.height), rate_hz) as writer:
                for at in range(first, last):
                    try:
                        pixels = source[at].pixels
                    except BrokenFrameError:
                        continue
                    pixels = pixels if wanted.keep_text else fan.shown(pixels)
                    writer.write(pixels if pixels.ndim == 3 else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB)))
        self.done.emit(len(wanted.frames), about)
