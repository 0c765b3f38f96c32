"""The thread that may hang: it opens a live source and reads it, and nobody ever waits for it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from fetalnet.live.links.base import Arrival, Link, LinkError, LiveSource, VideoForm

log = logging.getLogger(__name__)

WAITING_BYTES = 256 << 20
"""What may wait for disk and processor; what comes on top is lost, and counted."""


class LinkReader(threading.Thread):
    """Opens a source and reads it into a box, of which a capture takes. It may hang in a driver: then it is left.

    ``busy_since_s`` is when the call now running began; ``form`` is None until the link is open. ``on_lost`` is told of
    each arrival for which there was no room, because disk or processor are too slow.
    """

    def __init__(self, source: LiveSource, on_lost: Callable[[], None]) -> None:
        super().__init__(name="live reader", daemon=True)
        self.form: VideoForm | None = None
        self.error: LinkError | None = None
        self.ended = False
        self.busy_since_s = time.monotonic()
        self._source, self._on_lost = source, on_lost
        self._changed = threading.Condition()
        self._box: list[Arrival] = []
        self._box_bytes = 0
        self._left = False
        self._link: Link | None = None

    def take(self, timeout_s: float) -> list[Arrival]:
        """All that arrived since; waits for a moment where there is nothing."""
        with self._changed:
            self._changed.wait_for(lambda: self._box or self.ended, timeout_s)
            taken, self._box, self._box_bytes = self._box, [], 0
            return taken

    def leave(self) -> None:
        """Nobody takes any more; the link is closed as soon as nothing is read from it."""
        with self._changed:
            self._left = True
        if self.ended:
            self.close()

    def close(self) -> None:
        with self._changed:
            link, self._link = self._link, None
        if link is not None:
            link.close()

    def run(self) -> None:
        try:
            self._read()
        except LinkError as error:
            self.error = error
        except Exception:
            log.exception("the live source failed")
            self.error = LinkError(f"{self._source.name} failed inside the program; details are in the log.")
        with self._changed:
            self.ended = True
            self._changed.notify_all()
            left = self._left
        if left:
            self.close()

    def _read(self) -> None:
        link = self._source.open()
        with self._changed:
            self._link, self.form = link, link.form
        while not self._left:
            self.busy_since_s = time.monotonic()
            arrival = link.read()
            if arrival is None:
                return
            self._put(arrival)

    def _put(self, arrival: Arrival) -> None:
        with self._changed:
            if self._box_bytes > WAITING_BYTES:
                self._on_lost()
                return
            self._box.append(arrival)
            self._box_bytes += arrival.size_bytes
            self._changed.notify_all()
