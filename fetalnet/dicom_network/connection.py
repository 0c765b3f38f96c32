"""One connection of a peer: read for a limited time only, on threads that end with the program and fail aloud."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from pynetdicom.association import Association

_CHUNK_BYTES = 1 << 16
_HEAD_BYTES = 6
"""Of a message: what it is, and how long the rest of it is (PS3.8 9.3)."""


class Connection:
    """Stands between a peer's socket and pynetdicom, which reads a message whole however long it says that it is, and
    however long that takes.

    ``message_s`` is asked how long the message that now begins may take. ``on_refused`` is told why it was broken off,
    ``on_failed`` of what pynetdicom does not catch itself: it must not reach the hook for errors of this program.
    """

    def __init__(
        self,
        association: Association,
        max_bytes: int,
        message_s: Callable[[], float],
        on_refused: Callable[[str], None],
        on_failed: Callable[[Exception], None],
    ) -> None:
        # The connection of an accepted association is made by then.
        self._connection = cast("Any", association.dul.socket)
        self._max_bytes, self._message_s = max_bytes, message_s
        self._on_refused, self._on_failed = on_refused, on_failed
        self._until_s = 0.0
        self._connection.recv = self._recv
        # Its own does not close what the peer has closed already.
        self._connection._shutdown_socket = self._shut
        threads: tuple[Any, ...] = association, association.dul
        for thread in threads:
            # Nothing of a peer keeps a closed program alive.
            thread.daemon = True
            thread.run = self._guarded(association, thread.run)

    def _guarded(self, association: Association, run: Callable[[], None]) -> Callable[[], None]:
        def guarded() -> None:
            try:
                run()
            except Exception as error:  # noqa: BLE001  what a peer sent is no error of this program: it is told
                self._on_failed(error)
                association.is_established = False
                association.dul.kill_dul()
                close(association)

        return guarded

    def _recv(self, count: int) -> bytearray:
        """So many bytes, or fewer where the peer has closed. Raises ``OSError`` where it takes too long."""
        if count == _HEAD_BYTES:
            self._until_s = time.monotonic() + self._message_s()
        if count > self._max_bytes:
            self._refuse("announced a message too long for DICOM: broken off")
        content = bytearray()
        wire: socket.socket = self._connection.socket
        usual_s = wire.gettimeout()
        try:
            while len(content) < count:
                left_s = self._until_s - time.monotonic()
                if left_s <= 0:
                    self._refuse("began a message and did not end it in time: closed")
                wire.settimeout(left_s)
                try:
                    more = wire.recv(min(count - len(content), _CHUNK_BYTES))
                except TimeoutError:
                    continue
                if not more:
                    break
                content.extend(more)
        finally:
            wire.settimeout(usual_s)
        return content

    def _shut(self) -> None:
        wire: socket.socket | None = self._connection.socket
        if wire is not None:
            with contextlib.suppress(OSError):
                wire.shutdown(socket.SHUT_RDWR)
            wire.close()

    def _refuse(self, why: str) -> None:
        self._on_refused(why)
        raise OSError(why)


def close(association: Association) -> None:
    """Close the connection under an association: whoever reads from it or writes to it comes back."""
    wire = getattr(association.dul.socket, "socket", None)
    if wire is not None:
        with contextlib.suppress(OSError):  # it is closed already
            wire.shutdown(socket.SHUT_RDWR)
