"""Following a live picture: the network looks at the newest frame while the one before it is fitted beside."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from fetalnet.core.system.latest import BoxClosedError, Latest
from fetalnet.live import Caught, LiveAnalysis, LiveFrame, LivePrediction

WAIT_S = 0.2
"""How long a frame is waited for before looking whether it is still wanted."""

SUMMARY_S = 0.5
"""How often what was caught is looked at again."""


@dataclass(slots=True)
class Following:
    """Tells each answer with ``on_prediction`` and now and then what was caught with ``on_caught``, from a thread of
    its own.
    """

    analysis: LiveAnalysis
    on_prediction: Callable[[LivePrediction], None]
    on_caught: Callable[[tuple[Caught, ...]], None]
    _next_summary_s: float = field(default_factory=lambda: time.monotonic() + SUMMARY_S)

    def run(self, frames: Latest[LiveFrame], is_wanted: Callable[[], bool]) -> None:
        """Until the frames end or are not wanted any more. What comes meanwhile is on disk, and skipped here."""
        with ThreadPoolExecutor(1, "fitting") as fitting:
            before: Future[None] | None = None
            while is_wanted():
                try:
                    live = frames.get(WAIT_S)
                except TimeoutError:
                    continue
                except BoxClosedError:
                    break
                found = self.analysis.look(live)
                if before is not None:
                    # One frame at the most waits to be fitted; and an error there is raised here.
                    before.result()
                before = fitting.submit(self._tell, found)
            if before is not None:
                before.result()
        self.on_caught(self.analysis.caught())

    def _tell(self, found: Callable[[], LivePrediction]) -> None:
        self.on_prediction(found())
        begun_s = time.monotonic()
        if begun_s >= self._next_summary_s:
            self.on_caught(self.analysis.caught())
            # It grows with the watch, and the overlay waits for it: one frame in a few seconds at the most.
            now_s = time.monotonic()
            self._next_summary_s = now_s + max(SUMMARY_S, 50 * (now_s - begun_s))
