"""Threads that are waited for, but not for ever: one may hang in a dead share, a device or a driver."""

from __future__ import annotations

import logging

from PySide6.QtCore import QThread

log = logging.getLogger(__name__)

PATIENCE_S = 4.0
"""Far more than a frame takes to decode and to predict."""
_LITTLE_PATIENCE_S = 0.2
"""Where one hangs already, the others hang on the same."""

left_behind: list[QThread] = []
"""Held until the process ends: a running thread must not be deleted."""


def wait_or_leave(thread: QThread) -> None:
    """Wait until a thread that was asked to stop has ended, or leave it behind."""
    hanging = [each for each in left_behind if each.isRunning()]
    if thread in hanging or thread.wait(round(1000 * (_LITTLE_PATIENCE_S if hanging else PATIENCE_S))):
        return
    log.warning("%s hangs and is left behind", type(thread).__name__)
    thread.setParent(None)
    left_behind.append(thread)
