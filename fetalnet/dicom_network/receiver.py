"""A DICOM receiver: scanners and archives send their ultrasound, which is written to a folder and opened from there.

The storage service (C-STORE) and verification (C-ECHO), PS3.4 annexes B and A. What is no ultrasound, or in a form that
could not be opened, is refused. Nothing that is said or logged here holds anything of a patient.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast
from weakref import WeakKeyDictionary, WeakSet

from pydicom import uid
from pydicom.dataset import Dataset

from fetalnet.core.errors import InputError
from fetalnet.core.system.files import cannot_write
from fetalnet.core.system.leftovers import remove_leftovers
from fetalnet.dicom_network.connection import Connection, close
from fetalnet.dicom_network.received import Received
from fetalnet.dicom_network.settings import ReceiverSettings, why_not_listening
from fetalnet.dicom_network.storage import RefusedError, Status, Storage
from fetalnet.sources.dicom.file import STORAGE_CLASSES, SYNTAXES

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
_QUIET_S, _NEGOTIATION_S, _MESSAGE_S = 60.0, 5.0, 20.0
"""How long a sender may say nothing, until it has said who it is, and from the beginning to the end of a message."""
_STOP_S = 2.0
"""How long a stop waits for what is being written; then connections are closed under it."""
_ASSOCIATE = 0x01
_TITLES = (("us", 10), ("itself", 26))
"""Where a request for an association names the two sides, 16 bytes each (PS3.8 9.3.2)."""
_ABORTS, _OUR_ABORT = ("AA-1", "AA-8"), "Evt15"
"""What ends an association by an abort, and the event where that was asked for on this side (PS3.8 9.2)."""
_NEEDED = {
    0x0001: ("MessageID", "AffectedSOPClassUID", "AffectedSOPInstanceUID"),
    0x0030: ("MessageID", "AffectedSOPClassUID"),
}
"""Of C-STORE and C-ECHO (PS3.7 9.3)."""
_KEPT_REASONS = 1000
_LEAST_OBJECT_BYTES = 200
_SYNTAXES = [uid.ExplicitVRLittleEndian, *sorted(SYNTAXES - {uid.ExplicitVRLittleEndian})]
"""The first that a sender offers too is taken: without compression where it can."""


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
        self._storage = Storage(folder)
        self._sending: WeakSet[Association] = WeakSet()
        self._told: WeakSet[Association] = WeakSet()
        self._broken_off: WeakSet[Association] = WeakSet()
        self._refused: Counter[str] = Counter()
        self._server: AssociationServer | None = None

    def start(self) -> None:
        """Begin to listen. Raises ``InputError`` where the folder or the port cannot be used."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            remove_leftovers(self.folder)
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
        """Stop listening and break off what is being received; takes up to two or three seconds, whatever peers do."""
        server, self._server = self._server, None
        if server is None:
            return
        server.shutdown()
        open_ones = server.active_associations
        with self._lock:
            self._told.update(open_ones)
        for association in open_ones:
            if association.is_established:
                association.abort(block=False)
            else:
                close(association)
        until_s = time.monotonic() + _STOP_S
        for association in open_ones:
            association.join(max(until_s - time.monotonic(), 0.0))
            close(association)
        self._say("No longer listening.")

    def _make_server(self) -> AssociationServer:
        from pynetdicom import AE, _config, evt
        from pynetdicom.service_class import StorageServiceClass
        from pynetdicom.sop_class import register_uid, uid_to_service_class

        from fetalnet.dicom_network.server import LimitedServer

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
                (evt.EVT_DIMSE_RECV, self._on_command),
                (evt.EVT_FSM_TRANSITION, self._on_transition),
                (evt.EVT_CONN_CLOSE, self._on_closed),
            ],
            server_class=LimitedServer,
        )
        assert isinstance(server, LimitedServer)
        server.begin(2 * MAX_ASSOCIATIONS, lambda: self._refuse("Too many connections at once were closed"))
        return server

    # What peers do, each on a thread of its own.

    def _on_opened(self, event: Event) -> None:
        peer = event.assoc

        def failed(error: Exception) -> None:
            log.warning("a peer's connection failed: %s", type(error).__name__)
            self._turn_away(peer, "sent what no DICOM sender sends: closed")

        def message_s() -> float:
            return _MESSAGE_S if peer in self._sending else _NEGOTIATION_S

        Connection(peer, MAX_PDU_BYTES, message_s, lambda why: self._turn_away(peer, why), failed)

    def _on_transition(self, event: Event) -> None:
        """Pynetdicom ends an association for many reasons, and tells none of them."""
        if event.action not in _ABORTS:
            return
        if event.fsm_event != _OUR_ABORT:
            self._turn_away(event.assoc, "sent what is no DICOM message, or none that may come now: broken off")
        elif event.assoc not in self._told:
            self._turn_away(event.assoc, "asks for what is not served here, or said nothing for long: broken off")

    def _on_command(self, event: Event) -> None:
        """Pynetdicom leaves a request that lacks something without an answer."""
        command = event.message.command_set
        lacking = [each for each in _NEEDED.get(command.get("CommandField"), ()) if not command.get(each)]
        if lacking:
            self._turn_away(event.assoc, f"sent a request without {' and '.join(lacking)}: broken off")
            event.assoc.abort()

    def _on_store(self, event: Event) -> int | Dataset:
        request, peer = cast("C_STORE", event.request), _peer(event)
        try:
            if event.assoc in self._broken_off:
                # It may come whole before the end that it was told is on its way.
                raise RefusedError(Status.NO_ROOM, "too much came at once.")
            stored = self._storage.take(
                request.AffectedSOPInstanceUID, event.file_meta, request.DataSet, LEAST_FREE_BYTES
            )
        except RefusedError as error:
            self._refuse(f"An object of {peer} was refused: {error}")
            answer = Dataset()
            answer.Status, answer.ErrorComment = error.status, str(error)[:64]
            return answer
        except Exception:
            log.exception("an object could not be taken")
            self._refuse(f"An object of {peer} was refused: it failed inside the program; look into the log")
            return Status.FAILED
        finally:
            self._forget(event)
        if not stored.is_new:
            self._say(f"An object of {peer} is here already; the first is kept.")
            return Status.SUCCESS
        if stored.is_beside:
            self._say(f"{peer} sent another picture under the number of one that is here; both are kept.")
        self._say(f"Received {stored.frames} frames from {peer}.")
        self._on_received(Received(stored.path, stored.frames))
        return Status.SUCCESS

    def _on_echo(self, event: Event) -> int:
        self._forget(event)
        self._say(f"{_peer(event)} asked whether anybody listens.")
        return Status.SUCCESS

    def _on_accepted(self, event: Event) -> None:
        self._forget(event)
        with self._lock:
            self._sending.add(event.assoc)
        refused = len(event.assoc.rejected_contexts)
        if refused:
            self._refuse(f"{_peer(event)} also offers what is no ultrasound or cannot be read here ({refused} ways)")

    def _on_rejected(self, event: Event) -> None:
        with self._lock:
            self._told.add(event.assoc)
        allowed = self.settings.allowed
        if allowed and event.assoc.requestor.ae_title not in allowed:
            self._refuse(f"{_peer(event)} is not on the list of those that may send")
        else:
            self._refuse(f"{_peer(event)} was told to come later: {MAX_ASSOCIATIONS} others are sending")

    def _on_data(self, event: Event) -> None:
        if event.data[:1] == bytes([_ASSOCIATE]):
            self._look_at_titles(event)
        with self._lock:
            self._on_way[event.assoc] = self._on_way.get(event.assoc, 0) + len(event.data)
            too_much = sum(size for each, size in self._on_way.items() if each.is_alive()) > MAX_BYTES
            if too_much:
                self._broken_off.add(event.assoc)
                self._told.add(event.assoc)
        if too_much:
            self._refuse(f"More than {MAX_BYTES >> 20} MB at once from {_peer(event)}: broken off")
            self._forget(event)
            # It waits for the thread that this is called on.
            threading.Thread(target=event.assoc.abort, name="break off", daemon=True).start()

    def _look_at_titles(self, event: Event) -> None:
        """The library aborts associations of blank AE titles or control characters without an event."""
        for whom, at in _TITLES:
            title = event.data[at : at + 16].strip(b" ")
            if not title or any(each < 0x20 or each == 0x7F for each in title):
                kind = "blank" if not title.strip(b"\0") else "one with control characters"
                self._turn_away(event.assoc, f"calls {whom} by no AE title, but {kind}: correct it at the sender")

    def _on_closed(self, event: Event) -> None:
        size = self._forget(event)
        with self._lock:
            was_sending = event.assoc in self._sending
            was_told = event.assoc in self._told
            self._sending.discard(event.assoc)
        if was_sending and size > _LEAST_OBJECT_BYTES:
            self._refuse(f"{_peer(event)} broke off in the middle of an object; nothing of it is kept")
        elif not was_sending and not was_told:
            self._refuse(f"{event.assoc.requestor.address} connected and did not say who it is: closed")

    def _turn_away(self, peer: Association, why: str) -> None:
        with self._lock:
            self._told.add(peer)
        self._refuse(f"{_named(peer)} {why}")

    def _forget(self, event: Event) -> int:
        with self._lock:
            return self._on_way.pop(event.assoc, 0)

    def _refuse(self, what: str) -> None:
        """Say it the first time, the tenth, the hundredth: a flood must not fill the log."""
        with self._lock:
            if len(self._refused) > _KEPT_REASONS:
                self._refused.clear()
            self._refused[what] += 1
            count = self._refused[what]
        if count in (1, 10, 100) or count % 1000 == 0:
            times = "" if count == 1 else f" ({count} times)"
            self._say(f"{what.rstrip('.')}{times}.", logging.WARNING)

    def _say(self, sentence: str, level: int = logging.INFO) -> None:
        log.log(level, "%s", sentence)
        self._on_event(sentence)


def _peer(event: Event) -> str:
    return _named(event.assoc)


def _named(peer: Association) -> str:
    """Who it is, without what a stranger might have put into the name."""
    title = "".join(sign for sign in peer.requestor.ae_title if sign.isprintable())
    return f"{title.strip() or 'somebody'} ({peer.requestor.address})"
