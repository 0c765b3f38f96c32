"""Where the receiver listens, under which name, and to whom."""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass

from fetalnet.core.errors import InputError

PORT = 11112
"""Registered for DICOM without encryption."""
_LOCAL = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class ReceiverSettings:
    """Where to listen, under which name, and to whom; ``allowed`` are the AE titles that may send, all where empty.

    Raises ``InputError`` with what cannot be.
    """

    port: int = PORT
    ae_title: str = "FETALNET"
    allowed: tuple[str, ...] = ()
    host: str = "127.0.0.1"

    def __post_init__(self) -> None:
        if not 1 <= self.port <= 65535:
            raise InputError(f"{self.port} is no port; give a number from 1 to 65535, usually {PORT} or 104.")
        for title in (self.ae_title, *self.allowed):
            _check_title(title)
        if self.host not in _LOCAL and not self.allowed:
            raise InputError(
                "Other computers may send only where their AE titles are listed; list those of scanner and archive."
            )


def _check_title(title: str) -> None:
    fine = title.isascii() and title.isprintable() and title == title.strip() and "\\" not in title
    if not fine or not 1 <= len(title) <= 16:
        raise InputError(f"{title!r} is no AE title; give 1 to 16 letters, digits or signs, without a backslash.")


def why_not_listening(settings: ReceiverSettings, error: Exception) -> str:
    """The sentence for a port that cannot be opened."""
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return f"Port {settings.port} is taken by another program; choose another, and tell the scanner."
    if isinstance(error, PermissionError):
        return f"The system does not allow port {settings.port}; choose one from 1024 on, such as {PORT}."
    if isinstance(error, socket.gaierror | UnicodeError) or getattr(error, "errno", None) == errno.EADDRNOTAVAIL:
        return f"{settings.host} is no address of this computer; take 127.0.0.1, or 0.0.0.0 for all of them."
    return f"Nothing can be received on port {settings.port} of {settings.host}; choose another port."
