"""The frames of a source with their predictions, in order: decoded beside, predicted one by one, and let go."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Protocol

from fetalnet.core.letterbox import Box
from fetalnet.screen.change.detector import Change
from fetalnet.screen.change.watch import ScreenWatch
from fetalnet.screen.fan.sector import Sector
from fetalnet.screen.fan.sector_search import sector_of
from fetalnet.sources import Frame, Source, frames_from

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fetalnet.core.prediction import Prediction, StreamState

DECODED_AHEAD = 4
"""Frames decoded before the network asks for them: enough to overlap, little memory at 1080p (6 MB each)."""

WATCHED_BEFORE = 120
"""Frames that the watch over the screen looks at again where an earlier pass ended: it learns in half as many."""

OnChange = Callable[[Change], None]
"""Told of each change of the scanner's depth, zoom or layout."""


class FramePredictor(Protocol):
    """What the analysis asks of a predictor."""

    state: StreamState
    """What it carries from frame to frame: a copy when it is read."""

    def predict(self, frame: Frame) -> Prediction: ...

    def submit(self, frame: Frame) -> Callable[[], Prediction]:
        """``predict`` in two parts: what is returned may be called by another thread while the next frame begins."""
        ...

    def predict_still(self, frame: Frame) -> Prediction:
        """The answer for a picture alone."""
        ...

    def look_at(self, crop: Box, fan: NDArray[np.bool_]) -> None:
        """Look only at this part of the frames, and forget the frames seen so far."""
        ...


def predicted(
    source: Source,
    predictor: FramePredictor,
    sector: Sector | None = None,
    on_change: OnChange | None = None,
    start: int = 0,
    state: StreamState | None = None,
) -> Generator[tuple[Frame, Prediction]]:
    """Each frame with its prediction; a thread of its own decodes ahead while the network works.

    The network looks at ``sector``, or at the one that is found, and forgets what it saw before a broken stretch.
    ``on_change`` is told of each change of the scanner's depth, zoom or layout, before the frame that confirms it.
    ``start`` is where an earlier pass ended, and ``state`` what the predictor knew then: what follows is as if that
    pass had gone on.

    Close the iterator to stop early: the decoder is told, and waited for.
    """
    sector = sector or sector_of(source)
    fan = sector.mask((source.height, source.width))
    predictor.look_at(sector.box, fan)
    if state is not None:
        predictor.state = state
    expected = start
    ahead: queue.Queue[tuple[Frame, Change | None] | Exception | None] = queue.Queue(DECODED_AHEAD)
    stop = threading.Event()
    watch = ScreenWatch(sector) if on_change is not None and len(source) > 1 else None
    predict = predictor.predict_still if len(source) == 1 else predictor.predict
    # Where a read hangs for ever the program can end all the same.
    decoder = threading.Thread(target=_decode, args=(source, start, watch, ahead, stop), name="decode", daemon=True)
    decoder.start()
    try:
        while (item := ahead.get()) is not None:
            if isinstance(item, Exception):
                raise item
            frame, change = item
            if change is not None and on_change is not None:
                on_change(change)
            if frame.index != expected:
                predictor.look_at(sector.box, fan)
            yield frame, predict(frame)
            expected = frame.index + 1
    finally:
        stop.set()
        # One free place wakes a decoder that waits for it.
        while not ahead.empty():
            ahead.get_nowait()
        decoder.join()


def _decode(
    source: Source,
    start: int,
    watch: ScreenWatch | None,
    ahead: queue.Queue[tuple[Frame, Change | None] | Exception | None],
    stop: threading.Event,
) -> None:
    last: Exception | None = None
    try:
        # The watch has to have seen what was on the screen before; what it told then, it need not tell again.
        first = max(start - WATCHED_BEFORE, 0) if watch is not None else start
        for frame in source if first == 0 else frames_from(source, first):
            change = None if watch is None else watch.look(frame)
            if frame.index >= start:
                ahead.put((frame, change))
            if stop.is_set():
                return
    except Exception as error:  # noqa: BLE001  it is raised again where the frames are taken
        last = error
    ahead.put(last)
