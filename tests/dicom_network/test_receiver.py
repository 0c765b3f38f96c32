"""A DICOM receiver as senders meet it: ultrasound arrives and opens, all else is refused, nothing names a patient."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import uid
from pydicom.dataset import Dataset
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.pdu import A_ASSOCIATE_RJ
from support.dicom_files import FORMS, PATIENT, dataset, grey, write
from support.loopback import free_port

from fetalnet.core.errors import InputError
from fetalnet.dicom_network import Received, ReceiverSettings, receiver
from fetalnet.dicom_network.receiver import Receiver
from fetalnet.sources import open_source
from fetalnet.sources.dicom.file import STORAGE_CLASSES, SYNTAXES

CT = "1.2.840.10008.5.1.4.1.1.2"
VERIFICATION = "1.2.840.10008.1.1"
US = uid.UltrasoundMultiFrameImageStorage
SUCCESS, PENDING_S = 0x0000, 60

_ELSEWHERE = (each for each in os.get_exec_path() if Path(each) != Path(sys.prefix) / "bin")
DCMTK_STORESCU = shutil.which("storescu", path=os.pathsep.join(_ELSEWHERE))
"""Not pynetdicom's program of the same name, which an activated environment puts first."""


class Listening:
    """A receiver that listens, and what it said and received."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.folder = folder
        self.arrived: queue.Queue[Received] = queue.Queue()
        self.said: list[str] = []
        self._events: queue.Queue[str] = queue.Queue()
        self.settings = ReceiverSettings(port=free_port(), **settings)
        self.receiver = Receiver(self.settings, folder, self.arrived.put, self._events.put)
        self.receiver.start()

    def hears(self, words: str) -> str:
        """Wait until something is said with these words in it."""
        while True:
            if found := next((each for each in self.said if words in each), None):
                return found
            self.said.append(self._events.get(timeout=PENDING_S))

    @property
    def files(self) -> list[Path]:
        return sorted(self.folder.iterdir())

    @property
    def served(self) -> list[object]:
        """The connections that are listened to."""
        return self.receiver._server.active_associations

    def association(self, *kinds: str, **more: Any) -> Association:
        return associated(self.settings.port, *kinds, **more)


def associated(
    port: int,
    *kinds: str,
    title: str = "SCANNER",
    syntaxes: Sequence[str] = (uid.ExplicitVRLittleEndian,),
    handlers: Sequence[Any] = (),
) -> Association:
    """A sender that has come to the receiver at this port."""
    entity = AE(title)
    entity.acse_timeout = entity.dimse_timeout = PENDING_S
    for kind in kinds or (US,):
        for syntax in syntaxes:
            entity.add_requested_context(kind, syntax)
    association = entity.associate("127.0.0.1", port, evt_handlers=list(handlers))
    # On a busy machine its own thread may take the answer that the sender waits for.
    take = association.dimse.get_msg
    association.dimse.get_msg = lambda block=False: take(block) if block else (None, None)
    return association


def established(port: int) -> Association:
    """A sender that tried until it was heard."""
    return next(each for each in (associated(port) for _ in range(PENDING_S)) if each.is_established)


def refused(port: int, title: str = "SCANNER") -> bool:
    """Whether a sender that comes to this port is told that it is not taken."""
    told = threading.Event()

    def look(event: evt.Event) -> None:
        if isinstance(event.pdu, A_ASSOCIATE_RJ):
            told.set()

    # On a busy machine the association forgets that it was refused, so that the message itself is looked for.
    association = associated(port, title=title, handlers=[(evt.EVT_PDU_RECV, look)])
    return told.wait(PENDING_S) and not association.is_established


def wait_for(condition: Callable[[], bool]) -> bool:
    never = threading.Event()
    return any(condition() or never.wait(0.05) for _ in range(PENDING_S * 20))


@pytest.fixture
def listen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Listening]]:
    # Nothing here is to depend on how fast the machine is.
    monkeypatch.setattr(receiver, "_NEGOTIATION_S", PENDING_S)
    begun: list[Listening] = []

    def begin(**settings: object) -> Listening:
        begun.append(Listening(tmp_path / "received", **settings))
        return begun[-1]

    yield begin
    for each in begun:
        each.receiver.stop()


def scan(number: int = 4, **elements: object) -> Dataset:
    made = dataset(grey(), "MONOCHROME2", SOPInstanceUID=f"1.2.3.{number}", **elements)
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    return made


def one_of_each_syntax() -> dict[str, Dataset]:
    made = {}
    for form in FORMS:
        with contextlib.suppress(pytest.skip.Exception):
            if form.name in ONE_OF_EACH:
                each = form.make()
                made[each.file_meta.TransferSyntaxUID] = each
    return made


ONE_OF_EACH = {
    "implicit MONOCHROME2", "explicit RGB", "big endian MONOCHROME2", "deflated MONOCHROME2", "RLE RGB",
    "JPEG baseline YBR_FULL_422", "JPEG extended 8 bit", "JPEG lossless SV1",
    "JPEG lossless process 14", "JPEG-LS MONOCHROME2", "JPEG-LS near-lossless", "JPEG 2000 RGB",
    "JPEG 2000 lossy MONOCHROME2", "MPEG-2 main", "AVC 4.1", "HEVC",
}  # fmt: skip


def test_that_every_syntax_arrives_as_it_was_sent_and_opens(
    listen: Callable[..., Listening], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    listening = listen()
    objects = one_of_each_syntax()
    assert SYNTAXES - set(objects) <= set(uid.MPEGTransferSyntaxes)
    association = listening.association(syntaxes=list(objects))
    for number, (syntax, made) in enumerate(objects.items()):
        made.SOPInstanceUID = f"1.2.3.{number}"
        sent = write(tmp_path / f"{number}.dcm", made)
        assert association.send_c_store(sent).Status == SUCCESS, syntax
        received = listening.arrived.get(timeout=PENDING_S)
        with closing(open_source(sent)) as before, closing(open_source(received.path)) as after:
            assert received.frames == len(after) == len(before)
            assert np.array_equal(after[1].pixels, before[1].pixels), syntax
    association.release()
    told = f"{caplog.text} {listening.said} {listening.files}"
    assert PATIENT not in told
    assert "SECRET" not in told
    assert all(path.stat().st_mode & 0o077 == 0 for path in listening.files)


def test_that_every_kind_of_ultrasound_object_is_taken(listen: Callable[..., Listening]) -> None:
    listening = listen()
    association = listening.association(*STORAGE_CLASSES)
    for number, kind in enumerate(sorted(STORAGE_CLASSES)):
        assert association.send_c_store(scan(number, SOPClassUID=kind)).Status == SUCCESS, kind
    association.release()
    assert len(listening.files) == len(STORAGE_CLASSES)


def test_that_a_ct_is_refused_and_said(listen: Callable[..., Listening]) -> None:
    listening = listen()
    association = listening.association(CT, US)
    assert [cx.abstract_syntax for cx in association.rejected_contexts] == [CT]
    # A screen capture may be of anything; its modality tells.
    association.release()
    listening.hears("offers what is no ultrasound")
    capture = scan(SOPClassUID=uid.SecondaryCaptureImageStorage, Modality="CT")
    association = listening.association(uid.SecondaryCaptureImageStorage)
    assert association.send_c_store(capture).Status == 0xA900
    association.release()
    listening.hears("not of ultrasound")
    assert not listening.files


def test_that_an_echo_is_answered(listen: Callable[..., Listening]) -> None:
    association = listen().association(VERIFICATION)
    assert association.send_c_echo().Status == SUCCESS
    association.release()


def test_that_only_those_on_the_list_may_send(listen: Callable[..., Listening]) -> None:
    listening = listen(allowed=("SCANNER", "ARCHIVE"))
    assert refused(listening.settings.port, "STRANGER")
    assert "STRANGER" in listening.hears("not on the list")
    with socket.create_connection(("127.0.0.1", listening.settings.port)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n" * 50)
    association = listening.association(title="ARCHIVE")
    assert association.send_c_store(scan()).Status == SUCCESS
    association.release()
    listening.hears("Received 4 frames")
    assert not any("in the middle" in each for each in listening.said)


def test_that_too_many_are_told_to_come_later(
    listen: Callable[..., Listening], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiver, "MAX_ASSOCIATIONS", 2)
    listening = listen()
    first, second = listening.association(), listening.association()
    assert refused(listening.settings.port)
    listening.hears("come later")
    assert first.send_c_store(scan()).Status == SUCCESS
    first.release()
    second.release()


def test_that_a_flood_of_connections_is_closed_unheard_and_fills_no_log(
    listen: Callable[..., Listening], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiver, "_NEGOTIATION_S", 1.0)
    monkeypatch.setattr(receiver, "MAX_ASSOCIATIONS", 2)
    listening = listen()
    flood = [socket.create_connection(("127.0.0.1", listening.settings.port)) for _ in range(60)]
    listening.hears("(10 times)")
    assert len(listening.served) <= 4
    for each in flood:
        each.close()
    assert wait_for(lambda: not listening.served)
    assert len(listening.said) < 10
    association = established(listening.settings.port)
    assert association.send_c_store(scan()).Status == SUCCESS
    association.release()


def test_that_nothing_is_kept_of_what_breaks_off_in_the_middle(listen: Callable[..., Listening]) -> None:
    listening = listen()
    sent = 0

    def cut(event: evt.Event) -> None:
        nonlocal sent
        sent += len(event.data)
        if sent > 50_000:
            event.assoc.dul.socket.socket.shutdown(socket.SHUT_RDWR)

    association = listening.association(handlers=[(evt.EVT_DATA_SENT, cut)])
    association.send_c_store(scan())
    listening.hears("broke off in the middle")
    assert not listening.files
    association = listening.association()
    assert association.send_c_store(scan()).Status == SUCCESS
    association.release()
    assert len(listening.files) == 1


def test_that_what_is_too_much_for_the_memory_is_broken_off(
    listen: Callable[..., Listening], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiver, "MAX_BYTES", 50_000)
    listening = listen()
    assert "Status" not in listening.association().send_c_store(scan())
    listening.hears("at once")
    assert not listening.files


def test_that_what_was_broken_off_is_not_kept_where_it_comes_whole_before_it_ends(
    listen: Callable[..., Listening], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiver, "MAX_BYTES", 50_000)
    listening = listen()
    association = listening.association()
    # As on a busy machine: what is to end the association has not begun to.
    (served,) = listening.served
    monkeypatch.setattr(served, "_abort_blocking", lambda block=True: None)
    assert association.send_c_store(scan()).Status == 0xA700
    association.release()
    listening.hears("at once")
    assert not listening.files


def test_that_a_message_of_two_gigabytes_is_not_waited_for(listen: Callable[..., Listening]) -> None:
    listening = listen()
    with socket.create_connection(("127.0.0.1", listening.settings.port)) as connection:
        connection.sendall(b"\x01\0" + (1 << 31).to_bytes(4, "big") + bytes(1000))
        listening.hears("too long for DICOM")
        connection.settimeout(PENDING_S)
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(1) == b""
    association = listening.association()
    assert association.send_c_store(scan()).Status == SUCCESS
    association.release()


def test_that_a_full_disk_is_told_to_the_sender(
    listen: Callable[..., Listening], monkeypatch: pytest.MonkeyPatch
) -> None:
    listening = listen()
    monkeypatch.setattr(receiver, "LEAST_FREE_BYTES", 1 << 60)
    association = listening.association()
    assert association.send_c_store(scan()).Status == 0xA700
    association.release()
    listening.hears("too little space")
    assert not listening.files


def test_that_what_is_sent_again_leaves_the_first_as_it_is(listen: Callable[..., Listening]) -> None:
    listening = listen()
    association = listening.association()
    for _ in range(2):
        assert association.send_c_store(scan()).Status == SUCCESS
    association.release()
    listening.hears("here already")
    assert len(listening.files) == listening.arrived.qsize() == 1


@pytest.mark.skipif(DCMTK_STORESCU is None, reason="DCMTK is not installed")
@pytest.mark.parametrize(
    ("syntax", "option"),
    [
        ("explicit MONOCHROME2", "-xe"),
        ("JPEG baseline YBR_FULL_422", "-xy"),
        ("JPEG 2000 RGB", "-xv"),
        ("RLE RGB", "-xr"),
    ],
)
def test_that_dcmtk_sends_to_it(listen: Callable[..., Listening], tmp_path: Path, syntax: str, option: str) -> None:
    listening = listen(allowed=("STORESCU",))
    form = next(form for form in FORMS if form.name == syntax)
    sent = write(tmp_path / "a.dcm", form.make())
    assert DCMTK_STORESCU is not None
    command = [DCMTK_STORESCU, option, "127.0.0.1", str(listening.settings.port), str(sent)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PENDING_S)
    assert done.returncode == 0, done.stderr
    with (
        closing(open_source(sent)) as before,
        closing(open_source(listening.arrived.get(timeout=PENDING_S).path)) as after,
    ):
        assert np.array_equal(after[2].pixels, before[2].pixels)


def test_that_a_port_that_is_taken_is_said(listen: Callable[..., Listening], tmp_path: Path) -> None:
    port = listen().settings.port
    with pytest.raises(InputError, match="taken by another program"):
        Receiver(ReceiverSettings(port=port), tmp_path / "other", print).start()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"port": 0}, "is no port"),
        ({"port": 70000}, "is no port"),
        ({"ae_title": ""}, "no AE title"),
        ({"ae_title": "MUCH TOO LONG A TITLE"}, "no AE title"),
        ({"allowed": ("GOOD", "BÄD")}, "no AE title"),
        ({"allowed": ("BACK\\SLASH",)}, "no AE title"),
        ({"host": "0.0.0.0"}, "list those of scanner"),
    ],
)
def test_that_settings_that_cannot_be_are_told(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        ReceiverSettings(**settings)


def test_that_an_address_of_another_computer_is_told(tmp_path: Path) -> None:
    settings = ReceiverSettings(host="192.0.2.7", allowed=("SCANNER",))
    with pytest.raises(InputError, match="no address of this computer"):
        Receiver(settings, tmp_path, print).start()


def test_that_what_a_killed_program_left_half_is_removed(listen: Callable[..., Listening], tmp_path: Path) -> None:
    (tmp_path / "received").mkdir()
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    (tmp_path / "received" / f".fetalnet-{gone.stdout.strip()}-abc.part").write_bytes(b"half")
    theirs = tmp_path / "received" / ".download.part"
    theirs.write_bytes(b"of another program")
    assert listen().files == [theirs]
