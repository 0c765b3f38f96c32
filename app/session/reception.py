"""The DICOM receiver as the window knows it: switched on and off beside, and what arrives is told by signals."""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.session.settings import Settings
from fetalnet.core.errors import InputError
from fetalnet.dicom_network import ReceiverSettings

if TYPE_CHECKING:
    from fetalnet.dicom_network.receiver import Receiver

OFF = "Off: nothing is received."
KEPT_EVENTS = 100
CLOSE_S = 5.0
"""How long a closing window waits until the port is free again."""


class Reception(QObject):
    """Off until it is begun. Nothing here waits for the network.

    Signals:
        changed(): ``state`` is another; received(Received): an object is on disk; happened(str): a line about a sender;
        failed(str): why nothing can be received, in a sentence.
    """

    changed = Signal()
    received = Signal(object)
    happened = Signal(str)
    failed = Signal(str)
    _began = Signal(int, str)

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.folder = folder
        self.state = OFF
        self.listening = False
        self.events: deque[str] = deque(maxlen=KEPT_EVENTS)
        self._order = 0
        self._one_at_a_time = threading.Lock()
        self._receiver: Receiver | None = None
        self._workers: list[threading.Thread] = []
        self._began.connect(self._on_began)
        self.happened.connect(self._on_happened)

    def begin(self, settings: ReceiverSettings) -> None:
        """Listen by these settings from now on; by others no more."""
        self._apply(settings, "Beginning to listen…")

    def end(self) -> None:
        """Listen no more; what was received stays."""
        self._apply(None, OFF)

    def close(self) -> None:
        """Free the port; waits a little for that."""
        self.end()
        for worker in self._workers:
            worker.join(CLOSE_S)

    def _apply(self, settings: ReceiverSettings | None, state: str) -> None:
        self._order += 1
        order = self._order
        self.state, self.listening = state, False
        self.changed.emit()
        self._workers = [each for each in self._workers if each.is_alive()]
        worker = threading.Thread(target=self._work, args=(order, settings), name="reception", daemon=True)
        self._workers.append(worker)
        worker.start()

    def _work(self, order: int, settings: ReceiverSettings | None) -> None:
        try:
            with self._one_at_a_time:
                if self._receiver is not None:
                    self._receiver.stop()
                    self._receiver = None
                if settings is None or order != self._order:
                    return
                from fetalnet.dicom_network.receiver import Receiver

                receiver = Receiver(settings, self.folder, self.received.emit, self.happened.emit)
                receiver.start()
                self._receiver = receiver
            self._began.emit(order, "")
        except InputError as error:
            self._began.emit(order, str(error))
        except Exception:  # noqa: BLE001  the error hook logs it and tells the person
            sys.excepthook(*sys.exc_info())
            self._began.emit(order, "The receiver failed inside the program; details are in the log.")

    def _on_began(self, order: int, problem: str) -> None:
        if order != self._order:
            return
        self.listening = not problem
        self.state = problem or "Listening; the sender needs this title, this port and the address of this computer."
        self.changed.emit()
        if problem:
            self.failed.emit(problem)

    def _on_happened(self, sentence: str) -> None:
        self.events.append(f"{time.strftime('%H:%M:%S')}  {sentence}")


def receiver_settings(settings: Settings) -> ReceiverSettings:
    """What a person chose. Raises ``InputError``."""
    return ReceiverSettings(
        settings.receive_port, settings.receive_ae_title, tuple(settings.receive_from), settings.receive_host
    )
