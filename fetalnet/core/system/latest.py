"""The box that carries the newest value from one thread to another. No Qt here.

Where every frame counts, ``fetalnet.inference.stream.predicted`` hands them on in order instead.
"""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class BoxClosedError(Exception):
    """The box was closed: nothing more will come, and nothing more is wanted."""


class Latest(Generic[T]):
    """Holds the newest value only: a slow consumer skips what it missed."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._value: T | None = None
        self._closed = False

    def put(self, value: T) -> None:
        with self._changed:
            self._value = value
            self._changed.notify_all()

    def take(self) -> T | None:
        """The newest value not taken yet, or None; never waits."""
        with self._changed:
            value, self._value = self._value, None
            return value

    def get(self, timeout_s: float | None = None) -> T:
        """Wait for the newest value. Raises ``BoxClosedError``, or ``TimeoutError`` where nothing came in time."""
        with self._changed:
            while self._value is None:
                if self._closed:
                    raise BoxClosedError
                if not self._changed.wait(timeout_s):
                    raise TimeoutError
            value, self._value = self._value, None
            return value

    def close(self) -> None:
        """Wake the consumer. A value put before is still handed out."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
