"""Ports of this computer for servers of tests."""

from __future__ import annotations

import random
import socket

_PORTS = range(20_000, 30_000)
"""Below those that the system gives to connections: nobody is given one of these before the server listens at it."""

_choose = random.SystemRandom()


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port that nothing listens at."""
    while True:
        port = _choose.choice(_PORTS)
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
