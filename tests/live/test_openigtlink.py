"""OpenIGTLink from a real server: pictures and their size in mm arrive, what is no picture is said, nothing crashes."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyigtl
import pytest
from support.loopback import free_port
from support.senders import picture, wait_for
from support.watch import Watch

from fetalnet.core.errors import InputError
from fetalnet.core.geometry import MmPerPixel
from fetalnet.live import LinkState, network_source
from fetalnet.live.links import openigtlink
from fetalnet.live.links.base import LinkError
from fetalnet.live.links.openigtlink import pixel_size
from fetalnet.sources import VideoFile

SIZE = (64, 48)


class Server:
    """pyigtl's own server. What is put in goes to the client in its order."""

    def __init__(self) -> None:
        self.port = free_port()
        # It announces itself by a thread that sleeps, and takes the signals of the process: neither is wanted here.
        self._server = pyigtl.OpenIGTLinkServer(self.port, start_now=False)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"igtl://127.0.0.1:{self.port}"

    def send(self, *messages: pyigtl.MessageBase) -> None:
        assert wait_for(self._server.is_connected)
        for message in messages:
            self._server.send_message(message, wait=True)

    def close(self) -> None:
        self._server.communication_thread_stop_requested = True
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr("signal.signal", lambda *_: None)
    server = Server()
    yield server
    server.close()


def image(
    number: int = 0, *, size: tuple[int, int] = SIZE, mm: tuple[float, float] = (1.0, 1.0), name: str = "Image"
) -> pyigtl.ImageMessage:
    return pyigtl.ImageMessage(
        picture(number, size)[None], ijk_to_world_matrix=np.diag([*mm, 1.0, 1.0]), device_name=name
    )


def test_that_every_picture_is_recorded_and_all_else_is_passed_over(server: Server, tmp_path: Path) -> None:
    with Watch(network_source(server.url), tmp_path) as watch:
        for number in range(12):
            server.send(
                pyigtl.TransformMessage(np.eye(4), device_name="ProbeToReference"),
                image(number),
                image(number, size=(80, 60), name="another stream"),
                pyigtl.StringMessage("frame", device_name="Remark"),
                pyigtl.ImageMessage(np.zeros((4, 20, 20), np.uint8), device_name="a volume"),
            )
        assert wait_for(lambda: watch.delivered == 12), watch.capture.status
    (segment,) = watch.recorder.segments
    recording = VideoFile(segment.path)
    assert [int(np.argmax(recording[index].pixels[20, :, 0] > 130)) for index in range(3)] == [0, 8, 16]
    assert np.array_equal(recording[11].pixels, picture(11, SIZE))
    assert watch.frames[0].mm_per_pixel is None


def test_that_the_stream_in_the_address_is_the_one_that_is_watched(server: Server, tmp_path: Path) -> None:
    with Watch(network_source(f"{server.url}/Second%20probe"), tmp_path) as watch:
        server.send(image(), image(size=(80, 60), name="Second probe"))
        watch.wait_frames(1)
        assert (watch.frames[0].frame.width, watch.frames[0].frame.height) == (80, 60)


def test_that_the_size_of_a_pixel_comes_along(server: Server, tmp_path: Path) -> None:
    with Watch(network_source(server.url), tmp_path) as watch:
        server.send(image(mm=(0.25, 0.3)))
        watch.wait_frames(1)
        assert watch.frames[0].mm_per_pixel == MmPerPixel(0.25, 0.3)
        server.send(image(mm=(0.2, 0.2)))
        watch.wait_frames(2)
        assert watch.frames[1].mm_per_pixel == MmPerPixel(0.2, 0.2)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ([[0.0, 0.2], [-0.3, 0.0], [0.0, 0.0]], MmPerPixel(0.3, 0.2)),  # turned in space
        ([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]], None),  # a sender that knows no size
        ([[0.3, 0.3], [0.0, 0.3], [0.0, 0.0]], None),  # sheared
        ([[1e-9, 0.0], [0.0, 0.3], [0.0, 0.0]], None),
        ([[np.nan, 0.0], [0.0, np.inf], [0.0, 0.0]], None),
    ],
)
def test_that_only_a_scale_is_taken_for_one(columns: list[list[float]], expected: MmPerPixel | None) -> None:
    assert pixel_size(np.array(columns)) == expected


def test_that_a_server_that_closes_is_said(server: Server, tmp_path: Path) -> None:
    with Watch(network_source(server.url), tmp_path, back_off_s=(0.05,)) as watch:
        server.send(image())
        watch.wait_frames(1)
        server.close()
        assert wait_for(lambda: watch.capture.status.state is LinkState.NO_SIGNAL)
        assert "start the OpenIGTLink server" in watch.capture.status.sentence
    assert len(VideoFile(watch.recorder.segments[0].path)) == 1


def header(kind: bytes, body: int, version: int = 1) -> bytes:
    return struct.pack(">H12s20sIIQQ", version, kind, b"Image", 0, 0, body, 0)


def picture_of(width: int, height: int, depth: int = 1, scalar: int = 3, content: bytes = bytes(4096)) -> bytes:
    shape = struct.pack(">HBBBBhhh", 1, 1, scalar, 2, 1, width, height, depth)
    vectors = struct.pack(">12f", 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0)
    body = shape + vectors + struct.pack(">HHHhhh", 0, 0, 0, width, height, depth) + content
    return header(b"IMAGE", len(body)) + body


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (picture_of(-64, 64), "does not fit"),
        (picture_of(-1, -1, -1), "does not fit"),
        (picture_of(0, 0, content=b""), "does not fit|0 x 0"),
        (picture_of(2048, 2), "cannot be shown"),
        (picture_of(64, 63), "does not fit"),
        (picture_of(32, 64, scalar=5), "uint16"),
        (picture_of(64, 64, scalar=77), "does not fit"),
        (header(b"IMAGE", 1 << 62), "MB"),
        (header(b"IMAGE", 5) + b"short", "does not fit"),
        (header(b"\xff\xfe\xff", 5), "does not speak"),
        (b"SSH-2.0-OpenSSH_9.2p1 Debian, and what else such a server says at once", "does not speak"),
        (b"SSH-2.0", "ended the stream"),
        (b"", "ended the stream"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_that_what_is_no_picture_is_told_in_a_sentence(sent: bytes, words: str) -> None:
    with Peer(sent) as peer, pytest.raises(LinkError, match=words):
        network_source(peer.url).open()


class Peer:
    """Sends these bytes to who comes, and closes, or waits."""

    def __init__(self, sent: bytes, *, closes: bool = True) -> None:
        self._sent, self._closes = sent, closes
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"igtl://127.0.0.1:{self._server.getsockname()[1]}"
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Peer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join(10)
        self._server.close()

    def _run(self) -> None:
        connection = self._server.accept()[0]
        with connection:
            connection.sendall(self._sent)
            if not self._closes:
                self._done.wait(30)


@pytest.mark.parametrize(
    ("sent", "words"),
    [(b"", "Nothing comes"), (header(b"STATUS", 0), "STATUS, but no picture"), (header(b"IMAGE", 9)[:30], "Nothing")],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_that_a_silent_server_does_not_hold_the_reader(
    sent: bytes, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openigtlink, "QUIET_S", 0.2)
    with Peer(sent, closes=False) as peer, pytest.raises(LinkError, match=words):
        network_source(peer.url).open()


def test_that_the_address_may_leave_out_the_port() -> None:
    assert network_source("igtl://scanner").name == "igtl://scanner"
    with pytest.raises(InputError, match="names no computer"):
        network_source("igtl://:18944")
