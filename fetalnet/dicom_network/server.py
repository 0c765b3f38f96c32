"""The receiver's server: pynetdicom's, which listens to so many connections at once and closes the rest unheard."""

from __future__ import annotations

import socket
from collections.abc import Callable
from socketserver import TCPServer
from typing import Any

from pynetdicom.transport import AssociationServer


class LimitedServer(AssociationServer):
    """pynetdicom makes threads for each connection before it looks at its limit of associations.

    Not its threaded server: each association has a thread of its own anyway, and is counted as soon as it is accepted.
    """

    request_queue_size = 64
    _limit = 0

    def begin(self, limit: int, on_refused: Callable[[], None]) -> None:
        """From now on at most ``limit`` at once; ``on_refused`` is told of each that was closed."""
        self._limit, self._on_refused = limit, on_refused

    def verify_request(self, request: Any, client_address: Any) -> bool:
        if len(self.active_associations) < self._limit:
            return True
        self._on_refused()
        return False

    def shutdown(self) -> None:
        """Stop listening; what is being received goes on."""
        TCPServer.shutdown(self)
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that failed at once is the peer's affair: nothing is printed."""
        if isinstance(request, socket.socket):
            request.close()
