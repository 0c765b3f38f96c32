"""``fetalnet receive``: a DICOM receiver without a window."""

from __future__ import annotations

import queue
import signal
from pathlib import Path
from typing import Annotated

import typer

from fetalnet.cli.progress import notice

_LOOK_S = 0.5
"""How often Windows lets a stop through."""


def receive(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for what arrives.")],
    port: Annotated[int, typer.Option(help="Where to listen.")] = 11112,
    aet: Annotated[str, typer.Option(help="Our AE title, as the sender calls it.")] = "FETALNET",
    allow: Annotated[
        list[str] | None, typer.Option(help="AE title that may send; once for each. All, when absent.")
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen at; 0.0.0.0 for other computers, which needs --allow.")
    ] = "127.0.0.1",
    count: Annotated[int | None, typer.Option(min=1, help="Leave after so many objects.")] = None,
) -> None:
    """Receive ultrasound from scanners and archives by DICOM until it is stopped (Ctrl+C).

    Prints the path of each object that arrived. File names tell nothing of the patient, the objects themselves do.
    """
    from fetalnet.dicom_network import Received, ReceiverSettings
    from fetalnet.dicom_network.receiver import Receiver

    settings = ReceiverSettings(port, aet, tuple(allow or ()), host)
    arrived: queue.SimpleQueue[Received | None] = queue.SimpleQueue()
    receiver = Receiver(settings, out, arrived.put, notice)
    # A stop may come as soon as it listens.
    previous = [(each, signal.signal(each, lambda *_: arrived.put(None))) for each in (signal.SIGINT, signal.SIGTERM)]
    try:
        receiver.start()
        while count is None or count > 0:
            try:
                received = arrived.get(timeout=_LOOK_S)
            except queue.Empty:
                continue
            if received is None:
                break
            typer.echo(received.path)
            count = None if count is None else count - 1
    finally:
        receiver.stop()
        for each, handler in previous:
            signal.signal(each, handler)
