"""Real streams on this computer: what arrives is on disk whole, faults are said and survived."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import numpy as np
import pytest
from support.loopback import free_port
from support.senders import WAIT_S, Sender, WebServer, encoded, wait_for
from support.watch import Packets, Pictures, Watch

from fetalnet.core.errors import InputError
from fetalnet.live import LinkState, network_source
from fetalnet.sources import VideoFile


@pytest.fixture(params=["udp", "tcp", "tcp listen", "http"])
def stream(request: pytest.FixtureRequest) -> Iterator[tuple[str, Sender | None]]:
    if request.param == "http":
        with WebServer(stream_over_http) as server:
            yield server.url
        return
    if request.param == "udp":
        port = free_port(socket.SOCK_DGRAM)
        to, at = f"udp://127.0.0.1:{port}?pkt_size=1316", f"udp://127.0.0.1:{port}"
    else:
        port = free_port()
        listens = request.param == "tcp listen"
        to = ("connect" if listens else "listen", port)
        at = f"tcp://127.0.0.1:{port}{'?listen=1' if listens else ''}"
    with Sender(to):
        yield at


def stream_over_http(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Type", "video/mp2t")
    request.end_headers()
    Sender(request.wfile)._run()


def test_that_all_that_arrives_is_recorded_and_shown(stream: str, tmp_path: Path) -> None:
    with Watch(network_source(stream), tmp_path) as watch:
        watch.wait_frames(8)
        assert watch.capture.status.state is LinkState.LIVE
    (segment,) = watch.recorder.segments
    recording = VideoFile(segment.path)
    assert recording.notice is None
    assert segment.frames == watch.delivered == len(recording)
    assert sum(1 for _ in recording) == segment.frames
    shown = watch.frames[-1].frame
    assert np.array_equal(recording[shown.index].pixels, shown.pixels)
    recording.close()


def test_that_frames_out_of_order_are_recorded_in_the_order_they_are_shown(tmp_path: Path) -> None:
    source = Packets(encoded(40, b_frames=True))
    with Watch(source, tmp_path) as watch:
        for sent in range(1, 5):
            # One by one, so that the decoder has shown nothing yet when the packets behind the first come.
            source.due.release()
            assert wait_for(lambda sent=sent: watch.delivered == sent)
        source.due.release(28)
        assert wait_for(lambda: watch.delivered == 32)
    source.due.release()
    (segment,) = watch.recorder.segments
    recording = VideoFile(segment.path)
    assert segment.frames == len(recording) == 32
    left = [int(np.argmax(recording[index].pixels[80, :, 0] > 130)) for index in range(30)]
    assert left == [index * 8 for index in range(30)]
    recording.close()


def test_that_a_picture_cut_by_the_end_of_its_sender_costs_no_other(tmp_path: Path) -> None:
    ts_packet_bytes = 188
    source = Packets(encoded(11)[:-ts_packet_bytes])
    source.due.release(12)
    watch = Watch(source, tmp_path, back_off_s=(60.0,))
    assert wait_for(lambda: "ended the stream" in watch.capture.status.sentence)
    watch.stop()
    (segment,) = watch.recorder.segments
    recording = VideoFile(segment.path)
    assert segment.frames == 11
    assert [each.index for each in recording] == list(range(10))
    assert "1 of 11 frames is damaged and left out" in recording.notice
    recording.close()


def test_that_another_size_begins_another_file(tmp_path: Path) -> None:
    port = free_port()
    with (
        Sender(("listen", port), sizes=((320, 240), (160, 128)), frames=20),
        Watch(network_source(f"tcp://127.0.0.1:{port}"), tmp_path) as watch,
    ):
        assert wait_for(lambda: any(each.frame.width == 160 for each in watch.frames))
    assert watch.recorder.problem is None
    first, second = watch.recorder.segments[:2]
    sizes = []
    for segment in (first, second):
        recording = VideoFile(segment.path)
        sizes.append((recording.width, recording.height))
        assert sum(1 for _ in recording) == segment.frames
        recording.close()
    assert sizes == [(320, 240), (160, 128)]
    assert {(each.segment, each.frame.width) for each in watch.frames} == {(0, 320), (1, 160)}


def test_that_a_sender_that_comes_again_is_followed(tmp_path: Path) -> None:
    port = free_port(socket.SOCK_DGRAM)
    to = f"udp://127.0.0.1:{port}?pkt_size=1316"
    with Watch(network_source(f"udp://127.0.0.1:{port}"), tmp_path, back_off_s=(0.05,)) as watch:
        with Sender(to):
            watch.wait_frames(3)
        assert wait_for(lambda: watch.capture.status.state is LinkState.NO_SIGNAL)
        assert "cable" in watch.capture.status.sentence
        seen = len(watch.frames)
        with Sender(to):
            watch.wait_frames(seen + 3)
            assert watch.capture.status.state is LinkState.LIVE
    for segment in watch.recorder.segments:
        assert sum(1 for _ in VideoFile(segment.path)) == segment.frames


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda request: answer_page(request, 200), "no video"),
        (lambda request: answer_page(request, 401), "password"),
        (lambda request: answer_page(request, 404), "no stream of this name"),
    ],
)
def test_that_a_server_without_a_video_ends_the_watch_with_a_sentence(
    answer: object, words: str, tmp_path: Path
) -> None:
    with WebServer(answer) as server:
        watch = Watch(network_source(server.url), tmp_path)
        assert watch.capture.join(WAIT_S)
    assert watch.capture.status.state is LinkState.STOPPED
    assert words in watch.capture.status.sentence
    assert not watch.recorder.segments


def answer_page(request: BaseHTTPRequestHandler, status: int) -> None:
    request.send_response(status)
    page = b"<html><body>Settings of the grabber</body></html>" * 50
    request.send_header("Content-Type", "text/html")
    request.send_header("Content-Length", str(len(page)))
    request.end_headers()
    request.wfile.write(page)


def test_that_a_sender_that_worked_is_waited_for_whatever_it_answers_meanwhile(tmp_path: Path) -> None:
    answers = iter([stream_two_seconds, lambda request: answer_page(request, 404)] * 2)
    with (
        WebServer(lambda request: next(answers, stream_over_http)(request)) as server,
        Watch(network_source(server.url), tmp_path, back_off_s=(0.05,)) as watch,
    ):
        assert wait_for(lambda: watch.frames and watch.frames[-1].segment == 2)
    assert len(watch.recorder.segments) == 3


def stream_two_seconds(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Type", "video/mp2t")
    request.end_headers()
    Sender(request.wfile, frames=60, paced=False)._run()


def test_that_a_stream_of_sound_alone_is_refused(tmp_path: Path) -> None:
    port = free_port()
    with Sender(("listen", port), sound_only=True):
        watch = Watch(network_source(f"tcp://127.0.0.1:{port}"), tmp_path)
        assert watch.capture.join(WAIT_S)
    assert "only sound" in watch.capture.status.sentence


def test_that_a_closed_port_is_said_and_tried_again(tmp_path: Path) -> None:
    port = free_port()
    with Watch(network_source(f"tcp://127.0.0.1:{port}"), tmp_path, back_off_s=(0.05,)) as watch:
        assert wait_for(lambda: "Nothing listens" in watch.capture.status.sentence)
        with Sender(("listen", port)):
            watch.wait_frames(2)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("", "Type the address"),
        ("192.168.1.20:5000", "what kind"),
        ("udp://@", "port"),
        ("tcp://host:99999", "65535"),
        ("rtsp:///stream", "names no computer"),
        ("ftp://host/file", "not received"),
        ("file:///home/a.mp4", "File, Open"),
        ("rtsp://host/a b", "blank"),
        ("rtsp://[host/", "cannot be read"),
    ],
)
def test_that_a_wrong_address_is_told_in_a_sentence(address: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        network_source(address)


def test_that_a_password_is_never_shown() -> None:
    assert network_source("rtsp://user:secret@10.0.0.2:554/stream?token=abc").name == "rtsp://10.0.0.2:554/stream"


def test_that_a_stalled_driver_neither_holds_the_end_nor_the_next_try(tmp_path: Path) -> None:
    source = Pictures()
    watch = Watch(source, tmp_path, stalled_s=0.3, back_off_s=(0.01,))
    source.due.release()
    watch.wait_frames(1)
    first = source.hang
    assert wait_for(lambda: source.opened == 2)
    first.set()
    watch.stop()
    source.hang.set()
    assert watch.recorder.segments[0].frames == 1
