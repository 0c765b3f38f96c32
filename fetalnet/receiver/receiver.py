"""A DICOM receiver: scanners and archives send their ultrasound, which is written to a folder and opened from there.

The storage service (C-STORE) and verification (C-ECHO), PS3.4 annexes B and A. What is no ultrasound, or in a form that
could not be opened, is refused. Nothing that is said or logged here holds anything of a patient.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import threading
from collections import Counter
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary, WeakSet

from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_file_meta_info

from fetalnet.atomic_file import cannot_write, whole_file
from fetalnet.errors import InputError
from fetalnet.receiver.received import Received
from fetalnet.receiver.settings import ReceiverSettings, why_not_listening
from fetalnet.sources.dicom import STORAGE_CLASSES, SYNTAXES, check_ultrasound, promised_frames
from fetalnet.sources.dicom_header import quiet, read_header
from fetalnet.sources.dicom_signature import PREAMBLE_BYTES

if TYPE_CHECKING:
    from pynetdicom.ae import ApplicationEntity
    from pynetdicom.association import Association
    from pynetdicom.dimse_primitives import C_STORE
    from pynetdicom.events import Event
    from pynetdicom.transport import AssociationServer

log = logging.getLogger(__name__)

MAX_ASSOCIATIONS = 8
"""Further ones are told to come later; twice as many connections are not even listened to."""
MAX_BYTES = 1 << 30
"""What may be on its way at once, of all senders together: it is held in memory until it is whole."""
MAX_PDU_BYTES = 1 << 20
"""Of one message on the wire; senders are asked for pieces of 16 KB (PS3.8 D.1)."""
LEAST_FREE_BYTES = 1 << 30
_VERIFICATION = "1.2.840.10008.1.1"
_QUIET_S, _NEGOTIATION_S = 60.0, 5.0
_LEAST_OBJECT_BYTES = 200
_HEAD_BYTES = 64 << 20
"""Within these stands what tells of the pixels."""
_SYNTAXES = [uid.ExplicitVRLittleEndian, *sorted(SYNTAXES - {uid.ExplicitVRLittleEndian})]
"""The first that a sender offers too is taken: without compression where it can."""


class _Status:
    """Answers to C-STORE (PS3.4 B.2.3)."""

    SUCCESS, NO_ROOM, NO_ULTRASOUND, NO_UID = 0x0000, 0xA700, 0xA900, 0x0117


class Receiver:
    """Listens until it is stopped. ``on_received`` and ``on_event`` are called by its threads and must be quick.

    ``on_event`` is told what happened or was refused, and why, in a sentence without patient data.
    """

    def __init__(
        self,
        settings: ReceiverSettings,
        folder: Path,
        on_received: Callable[[Received], None],
        on_event: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.settings, self.folder = settings, folder
        self._on_received, self._on_event = on_received, on_event
        self._lock = threading.Lock()
        self._on_way: WeakKeyDictionary[Association, int] = WeakKeyDictionary()
        self._sending: WeakSet[Association] = WeakSet()
        self._refused: Counter[str] = Counter()
        self._server: AssociationServer | None = None

    def start(self) -> None:
        """Begin to listen. Raises ``InputError`` where the folder or the port cannot be used."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            for left in self.folder.glob(".*.part"):
                left.unlink()  # of an end that nobody expected
        except OSError as error:
            raise cannot_write(self.folder, error) from error
        settings = self.settings
        try:
            server = self._make_server()
        except (OSError, UnicodeError, OverflowError) as error:
            raise InputError(why_not_listening(settings, error)) from error
        self._server = server
        threading.Thread(target=lambda: server.serve_forever(0.1), name="DICOM receiver", daemon=True).start()
        self._say(f"Listening as {settings.ae_title} on port {settings.port} of {settings.host}.")

    def stop(self) -> None:
        """Stop listening and break off what is being received; takes up to a second or two."""
        server, self._server = self._server, None
        if server is None:
            return
        server.shutdown()
        for association in server.active_associations:
            association.abort()
        self._say("No longer listening.")

    def _make_server(self) -> AssociationServer:
        from pynetdicom import AE, _config, evt
        from pynetdicom.service_class import StorageServiceClass
        from pynetdicom.sop_class import register_uid, uid_to_service_class

        from fetalnet.receiver.server import LimitedServer

        # Its log quotes what peers send.
        _config.LOG_HANDLER_LEVEL = "none"
        logging.getLogger("pynetdicom").propagate = False
        entity: ApplicationEntity = AE(self.settings.ae_title)
        entity.maximum_associations = MAX_ASSOCIATIONS
        entity.require_calling_aet = list(self.settings.allowed)
        entity.network_timeout = entity.dimse_timeout = _QUIET_S
        entity.acse_timeout = _NEGOTIATION_S
        entity.add_supported_context(_VERIFICATION)
        for kind in sorted(STORAGE_CLASSES):
            if uid_to_service_class(kind) is not StorageServiceClass:
                # Retired kinds, which it does not know.
                register_uid(kind, f"Retired{kind.rpartition('.')[2]}Storage", StorageServiceClass)
            entity.add_supported_context(kind, _SYNTAXES)
        server = entity.make_server(
            (self.settings.host, self.settings.port),
            evt_handlers=[
                (evt.EVT_CONN_OPEN, self._on_opened),
                (evt.EVT_C_STORE, self._on_store),
                (evt.EVT_C_ECHO, self._on_echo),
                (evt.EVT_ACCEPTED, self._on_accepted),
                (evt.EVT_REJECTED, self._on_rejected),
                (evt.EVT_DATA_RECV, self._on_data),
                (evt.EVT_CONN_CLOSE, self._on_closed),
            ],
            server_class=LimitedServer,
        )
        assert isinstance(server, LimitedServer)
        server.begin(2 * MAX_ASSOCIATIONS, lambda: self._refuse("Too many connections at once were closed"))
        return server

    # What peers do, each on a thread of its own.

    def _on_opened(self, event: Event) -> None:
        """Pynetdicom reads a message whole, however long it says that it is, before it tells of it."""
        connection: Any = event.assoc.dul.socket
        read = connection.recv

        def read_limited(count: int) -> Any:
            if count > MAX_PDU_BYTES:
                self._refuse(f"{event.assoc.requestor.address} announced a message too long for DICOM: broken off")
                raise OSError
            return read(count)

        connection.recv = read_limited

    def _on_store(self, event: Event) -> int | Dataset:
        try:
            received = self._stored(event)
        except _RefusedError as error:
            self._refuse(f"An object of {_peer(event)} was refused: {error}")
            answer = Dataset()
            answer.Status, answer.ErrorComment = error.status, str(error)[:64]
            return answer
        finally:
            self._forget(event)
        if received is not None:
            self._say(f"Received {received.frames} frames from {_peer(event)}.")
            self._on_received(received)
        return _Status.SUCCESS

    def _stored(self, event: Event) -> Received | None:
        """Write what came; None where it is on disk already, and may be open."""
        request = cast("C_STORE", event.request)
        content, instance = request.DataSet, request.AffectedSOPInstanceUID
        if content is None or not instance:
            raise _RefusedError(_Status.NO_UID, "it holds nothing, or does not say which object it is.")
        written = DicomBytesIO()
        with quiet():
            written.write(bytes(PREAMBLE_BYTES) + b"DICM")
            write_file_meta_info(written, event.file_meta)
        head = written.getvalue()
        frames = _frames_of(head, content)
        # Neither the name of the file nor its folder tells whom it shows.
        path = self.folder / f"{hashlib.sha256(instance.encode()).hexdigest()[:20]}.dcm"
        if path.exists():
            self._say(f"An object of {_peer(event)} is here already; the first is kept.")
            return None
        try:
            if shutil.disk_usage(self.folder).free < LEAST_FREE_BYTES + content.getbuffer().nbytes:
                raise _RefusedError(_Status.NO_ROOM, "too little space is left on the disk; free some.")
            with whole_file(path, mode=0o600) as file:
                file.write(head)
                file.write(content.getbuffer())
        except (InputError, OSError) as error:
            raise _RefusedError(_Status.NO_ROOM, "it cannot be written; look at disk and folder.") from error
        return Received(path, frames)

    def _on_echo(self, event: Event) -> int:
        self._forget(event)
        self._say(f"{_peer(event)} asked whether anybody listens.")
        return _Status.SUCCESS

    def _on_accepted(self, event: Event) -> None:
        self._forget(event)
        with self._lock:
            self._sending.add(event.assoc)
        refused = len(event.assoc.rejected_contexts)
        if refused:
            self._refuse(f"{_peer(event)} also offers what is no ultrasound or cannot be read here ({refused} ways)")

    def _on_rejected(self, event: Event) -> None:
        allowed = self.settings.allowed
        if allowed and event.assoc.requestor.ae_title not in allowed:
            self._refuse(f"{_peer(event)} is not on the list of those that may send")
        else:
            self._refuse(f"{_peer(event)} was told to come later: {MAX_ASSOCIATIONS} others are sending")

    def _on_data(self, event: Event) -> None:
        with self._lock:
            self._on_way[event.assoc] = self._on_way.get(event.assoc, 0) + len(event.data)
            too_much = sum(size for each, size in self._on_way.items() if each.is_alive()) > MAX_BYTES
        if too_much:
            self._refuse(f"More than {MAX_BYTES >> 20} MB at once from {_peer(event)}: broken off")
            self._forget(event)
            # It waits for the thread that this is called on.
            threading.Thread(target=event.assoc.abort, name="break off", daemon=True).start()

    def _on_closed(self, event: Event) -> None:
        size = self._forget(event)
        with self._lock:
            was_sending = event.assoc in self._sending
            self._sending.discard(event.assoc)
        if was_sending and size > _LEAST_OBJECT_BYTES:
            self._refuse(f"{_peer(event)} broke off in the middle of an object; nothing of it is kept")

    def _forget(self, event: Event) -> int:
        with self._lock:
            return self._on_way.pop(event.assoc, 0)

    def _refuse(self, what: str) -> None:
        """Say it the first time, the tenth, the hundredth: a flood must not fill the log."""
        with self._lock:
            self._refused[what] += 1
            count = self._refused[what]
        if count in (1, 10, 100) or count % 1000 == 0:
            times = "" if count == 1 else f" ({count} times)"
            self._say(f"{what.rstrip('.')}{times}.", logging.WARNING)

    def _say(self, sentence: str, level: int = logging.INFO) -> None:
        log.log(level, "%s", sentence)
        self._on_event(sentence)


class _RefusedError(Exception):
    """The object is not taken, for this reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def _frames_of(head: bytes, content: BytesIO) -> int:
    """How many frames the object has. Raises ``_RefusedError`` where it could not be opened."""
    try:
        header = read_header(BytesIO(head + content.getbuffer()[:_HEAD_BYTES]), "it")
        try:
            check_ultrasound(header, "it")
            return promised_frames(header) or 1
        finally:
            header.file.close()
    except InputError as error:
        raise _RefusedError(_Status.NO_ULTRASOUND, str(error)) from error


def _peer(event: Event) -> str:
    """Who it is, without what a stranger might have put into the name."""
    title = "".join(sign for sign in event.assoc.requestor.ae_title if sign.isprintable())
    return f"{title.strip() or 'somebody'} ({event.assoc.requestor.address})"
