"""Real streams on this computer: what arrives is on disk whole, faults are said and survived."""

from __future__ import annotations

import io
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import av
import numpy as np
import pytest
from loopback import free_port
from senders import WAIT_S, Sender, WebServer, encoded, picture, wait_for

from fetalnet.errors import InputError
from fetalnet.live import Capture, LinkState, LiveFrame, Recorder, Replay, cut_clip, network_source
from fetalnet.live.network import NetworkLink
from fetalnet.live.source import Arrival, LinkError, VideoForm
from fetalnet.sources import VideoFile


class Watch:
    """A capture and all that it showed."""

    def __init__(self, source: object, folder: Path, **more: object) -> None:
        self.frames: list[LiveFrame] = []
        # A source that waits for its test is no hanging driver, however slow the machine is.
        more.setdefault("stalled_s", WAIT_S)
        self.recorder = Recorder(folder, free_bytes=more.pop("free_bytes", lambda _: 1 << 40))
        self.capture = Capture(source, self.recorder, self.frames.append, **more)
        self.capture.start()

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self.capture.stop()
        assert self.capture.join(WAIT_S)

    def wait_frames(self, count: int) -> None:
        assert wait_for(lambda: len(self.frames) >= count), self.capture.status

    @property
    def delivered(self) -> int:
        return self.capture.doctor.report().delivered


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


class Packets:
    """A stream whose packets come when a test lets them."""

    name = "a stream"

    def __init__(self, content: bytes) -> None:
        self.due = threading.Semaphore(0)
        self._content = content

    def open(self) -> Packets:
        self._link = NetworkLink(av.open(io.BytesIO(self._content), format="mpegts"), self.name)
        self.form = self._link.form
        return self

    def read(self) -> Arrival | None:
        self.due.acquire()
        return self._link.read()

    def close(self) -> None:
        self._link.close()


class Pictures:
    """A source of pictures that a test puts in; it hangs where there is none, as a stalled driver does."""

    name = "a grabber"

    def __init__(self, size: tuple[int, int] = (64, 48)) -> None:
        self.opened = 0
        self.form = VideoForm(*size, 30.0, "rgb24", "raw")
        self.due = threading.Semaphore(0)
        self.hang = threading.Event()
        self.sizes = [size]

    def open(self) -> Pictures:
        self.opened += 1
        self.hang = threading.Event()
        self.mine = self.hang
        return self

    def read(self) -> Arrival | None:
        import time

        hang = self.mine
        while not self.due.acquire(timeout=0.01):
            if hang.is_set():
                raise LinkError("gone")
        return Arrival(time.monotonic(), picture=picture(0, self.sizes[-1]))

    def close(self) -> None:
        pass


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


def test_that_pictures_are_recorded_without_loss_and_a_new_size_begins_a_file(tmp_path: Path) -> None:
    source = Pictures()
    with Watch(source, tmp_path) as watch:
        for _ in range(5):
            source.due.release()
        assert wait_for(lambda: watch.delivered == 5)
        source.sizes.append((80, 48))
        source.due.release(3)
        assert wait_for(lambda: watch.delivered == 8)
    source.hang.set()
    first, second = (VideoFile(segment.path) for segment in watch.recorder.segments)
    assert (len(first), len(second)) == (5, 3)
    assert (first.width, second.width) == (64, 80)
    assert np.array_equal(second[2].pixels, picture(0, (80, 48)))


def test_that_a_full_disk_stops_the_recording_in_time_and_not_the_watch(tmp_path: Path) -> None:
    source = Pictures()
    free = [1 << 40]
    with Watch(source, tmp_path, free_bytes=lambda _: free[0]) as watch:
        source.due.release()
        watch.wait_frames(1)
        free[0] = 1 << 20
        watch.recorder._looked_s = 0.0
        source.due.release(2)
        assert wait_for(lambda: watch.delivered == 3)
        assert "GB are free" in watch.capture.status.sentence
    source.hang.set()
    (segment,) = watch.recorder.segments
    assert len(VideoFile(segment.path)) == segment.frames == 1


def test_that_a_recording_is_split_at_a_size(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, split_bytes=1, free_bytes=lambda _: 1 << 40)
    recorder.begin(VideoForm(64, 48, 30.0, "rgb24", "raw"))
    rng = np.random.default_rng(3)
    for index in range(40):
        pixels = rng.integers(0, 255, (48, 64, 3), np.uint8)
        assert recorder.write(Arrival(100 + index / 30, picture=pixels))
    recorder.close()
    assert len(recorder.segments) > 1
    assert sum(len(VideoFile(each.path)) for each in recorder.segments) == 40


def test_that_what_just_happened_is_cut_out_while_it_is_recorded(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "recordings", free_bytes=lambda _: 1 << 40)
    recorder.begin(VideoForm(64, 48, 30.0, "rgb24", "raw"))
    for index in range(120):
        recorder.write(Arrival(100 + index / 30, picture=np.full((48, 64, 3), index, np.uint8)))
    clip = VideoFile(cut_clip(recorder.segments, 101.0, 102.0, tmp_path / "clip.mkv"))
    assert [clip[0].pixels[0, 0, 0], clip[len(clip) - 1].pixels[0, 0, 0]] == [30, 60]
    recorder.close()
    with pytest.raises(InputError, match="Nothing was recorded"):
        cut_clip(recorder.segments, 300.0, 301.0, tmp_path / "none.mkv")
    assert not (tmp_path / "none.mkv").exists()


def test_that_a_recording_is_played_as_if_live(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "first", free_bytes=lambda _: 1 << 40)
    recorder.begin(VideoForm(64, 48, 30.0, "rgb24", "raw"))
    for index in range(6):
        recorder.write(Arrival(index / 30, picture=np.full((48, 64, 3), 40 * index, np.uint8)))
    recorder.close()
    watch = Watch(Replay(recorder.segments[0].path, loop=False), tmp_path / "second")
    assert watch.capture.join(WAIT_S)
    again = VideoFile(watch.recorder.segments[0].path)
    assert [frame.pixels[0, 0, 0] for frame in again] == [0, 40, 80, 120, 160, 200]


KILLED = """
import sys, numpy as np
from pathlib import Path
from fetalnet.live import Recorder
from fetalnet.live.source import Arrival, VideoForm
recorder = Recorder(Path(sys.argv[1]), free_bytes=lambda _: 1 << 40)
recorder.begin(VideoForm(64, 48, 30.0, "rgb24", "raw"))
for index in range(10_000):
    recorder.write(Arrival(index / 30, picture=np.full((48, 64, 3), index % 250, np.uint8)))
    print(index, flush=True)
    sys.stdin.readline()
"""


def test_that_a_kill_takes_no_more_than_the_last_second(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    for _ in range(100):
        assert process.stdout.readline()
        process.stdin.write("\n")
        process.stdin.flush()
    process.kill()
    process.communicate()
    (path,) = tmp_path.glob("*.mkv")
    recording = VideoFile(path)
    assert len(recording) > 100 - 30
    assert [recording[index].pixels[0, 0, 0] for index in (0, 35, 69)] == [0, 35, 69]
