"""Peers that send nonsense, nothing, or the wrong picture: told or logged, closed in time, never a dialog."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, JPEGBaseline8Bit
from pynetdicom.pdu import A_ASSOCIATE_RQ, P_DATA_TF
from pynetdicom.pdu_items import PresentationDataValueItem
from support.dicom_files import dataset, grey
from support.loopback import free_port
from test_receiver import PENDING_S, SUCCESS, Listening, listen, scan, wait_for  # noqa: F401

from fetalnet.dicom_network import receiver
from fetalnet.sources import open_source

Listen = Callable[..., Listening]


def connected(listening: Listening) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", listening.settings.port))
    connection.settimeout(PENDING_S)
    return connection


def is_closed(connection: socket.socket) -> bool:
    with contextlib.suppress(ConnectionResetError):
        while connection.recv(1 << 16):
            pass
    return True


def test_that_another_picture_under_the_same_number_is_kept_beside_and_told(listen: Listen) -> None:  # noqa: F811
    listening = listen()
    other = scan(4, PatientName="SOMEBODY^ELSE")
    other.PixelData = (255 - np.frombuffer(other.PixelData, np.uint8)).tobytes()
    association = listening.association()
    for made in (scan(4), other, other, scan(4)):
        assert association.send_c_store(made).Status == SUCCESS
    association.release()
    listening.hears("another picture under the number")
    pictures = []
    for path in listening.files:
        with contextlib.closing(open_source(path)) as source:
            pictures.append(source[0].pixels)
    assert len(pictures) == listening.arrived.qsize() == 2
    assert not np.array_equal(*pictures)


def test_that_what_never_opens_is_a_failure_and_not_kept(listen: Listen) -> None:  # noqa: F811
    listening = listen()
    broken = scan(4)
    broken.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    broken.PixelData = encapsulate([b"no JPEG at all " * 40] * int(broken.NumberOfFrames))
    broken["PixelData"].is_undefined_length = True
    association = listening.association(syntaxes=(JPEGBaseline8Bit,))
    assert association.send_c_store(broken).Status == 0xC000
    association.release()
    assert "cannot be opened" in listening.hears("was refused")
    assert not listening.files
    assert listening.arrived.empty()


def request(calling: bytes = b"SCANNER", called: bytes = b"FETALNET", pad: bytes = b" ") -> bytes:
    """An A-ASSOCIATE-RQ with these titles."""
    titles = called.ljust(16, pad) + calling.ljust(16, pad)
    body = b"\0\x01\0\0" + titles + bytes(32) + b"\x10\0\0\x151.2.840.10008.3.1.1.1"
    return b"\x01\0" + len(body).to_bytes(4, "big") + body


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (request(calling=b""), "itself by no AE title, but blank"),
        (request(calling=b"", pad=b"\0"), "itself by no AE title, but blank"),
        (request(calling=b"SCAN\0NER"), "itself by no AE title, but one with control characters"),
        (request(called=b""), "us by no AE title, but blank"),
        (b"GET / HTTP/1.1\r\n\r\n", "no DICOM message"),
        (b"\x01\0\0\0\0\x04\xff\xff\xff\xff", "no DICOM message"),
    ],
)
def test_that_every_peer_that_is_turned_away_is_in_the_log_with_the_reason(
    listen: Listen,  # noqa: F811
    sent: bytes,
    words: str,
) -> None:
    listening = listen()
    with connected(listening) as connection:
        connection.sendall(sent)
        listening.hears(words)
        assert is_closed(connection)


def test_that_connections_that_send_one_byte_and_wait_keep_nobody_out(
    listen: Listen,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listening = listen()
    monkeypatch.setattr(receiver, "_NEGOTIATION_S", 0.2)
    idle = [connected(listening) for _ in range(2 * receiver.MAX_ASSOCIATIONS)]
    for each in idle:
        each.sendall(b"\x01")
    listening.hears("did not end it in time")
    assert all(is_closed(each) for each in idle)
    assert wait_for(lambda: not listening.served)
    for each in idle:
        each.close()
    monkeypatch.setattr(receiver, "_NEGOTIATION_S", PENDING_S)
    association = listening.association()
    assert association.send_c_store(scan()).Status == SUCCESS
    association.release()


def test_that_half_a_message_is_not_waited_for(listen: Listen, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr(receiver, "_MESSAGE_S", 0.2)
    listening = listen()
    association = listening.association()
    association.dul.socket.socket.sendall(b"\x04\0\0\0\x10\0half")
    listening.hears("did not end it in time")
    assert wait_for(lambda: not listening.served)
    association.abort()


def command(**elements: object) -> bytes:
    """A P-DATA-TF with a command of these elements, or of bytes that are none."""
    from pynetdicom.dsutils import encode

    held = Dataset()
    for name, value in elements.items():
        setattr(held, name, value)
    content = encode(held, True, True) or b""
    return message(b"\x03" + b"\0\0\0\0" + b"\x04\0\0\0" + len(content).to_bytes(4, "little") + content)


def message(content: bytes, context: int = 1) -> bytes:
    item = PresentationDataValueItem()
    item.presentation_context_id, item.presentation_data_value = context, content
    pdu = P_DATA_TF()
    pdu.presentation_data_value_items = [item]
    return pdu.encode()


@pytest.mark.parametrize(
    "sent",
    [
        message(b"\x03" + b"\xff" * 40),
        message(b"\x03"),
        message(b"\x03" + b"\0\0\0\1" + b"\x02\0\0\0" + b"\x01\0" + b"garbage" * 9),
        command(CommandField=0x0001, CommandDataSetType=0x0101),
        command(CommandField=0x0001, MessageID=1, AffectedSOPClassUID="1.2.3", CommandDataSetType=0x0101),
        command(CommandField=0x7777, MessageID=1, CommandDataSetType=0x0101),
        command(CommandField=0x0030, MessageID=1, AffectedSOPClassUID="1.2.3", CommandDataSetType=0x0101),
        command(MessageID=1),
        b"\x04\0\0\0\0\x02\0\0",
        b"\x02\0\0\0\0\x04abcd",
        b"\x01\0\0\0\0\x02\0\x01",
    ],
)
def test_that_a_malformed_command_is_no_error_of_the_program(
    listen: Listen,  # noqa: F811
    sent: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raised: list[object] = []
    monkeypatch.setattr(threading, "excepthook", raised.append)
    listening = listen()
    association = listening.association()
    association.dul.socket.socket.sendall(sent)
    listening.hears("SCANNER")
    assert wait_for(lambda: not listening.served)
    assert raised == []
    association.abort()
    again = listening.association()
    assert again.send_c_store(scan()).Status == SUCCESS
    again.release()


def test_that_a_stop_ends_whatever_peers_hold_open(listen: Listen) -> None:  # noqa: F811
    listening = listen()
    silent, slow = connected(listening), connected(listening)
    slow.sendall(b"\x01")
    association = listening.association()
    association.dul.socket.socket.sendall(b"\x04\0\0\0\x10\0half")
    assert wait_for(lambda: len(listening.served) == 3)
    served = listening.served
    listening.receiver.stop()
    assert wait_for(lambda: not any(each.is_alive() or each.dul.is_alive() for each in served))
    assert all(each.daemon and each.dul.daemon for each in served)
    assert is_closed(silent)
    assert is_closed(slow)
    association.abort()
    silent.close()
    slow.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
def test_that_a_terminated_command_ends_with_a_peer_that_hangs(tmp_path: Path) -> None:
    port = free_port()
    words = [sys.executable, "-m", "fetalnet.cli", "receive", str(tmp_path / "out"), "--port", str(port)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "Listening" in process.stderr.readline()
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"\x01")
            process.send_signal(signal.SIGTERM)
            assert process.wait(PENDING_S) == 0


def test_that_the_request_of_this_page_is_a_good_one() -> None:
    pdu = A_ASSOCIATE_RQ()
    pdu.decode(request())
    assert (pdu.calling_ae_title, pdu.called_ae_title) == ("SCANNER", "FETALNET")
    assert dataset(grey(), "MONOCHROME2").file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
