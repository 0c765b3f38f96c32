"""Real senders on this computer, each in a thread of its own: they encode and send until they are told to stop."""

from __future__ import annotations

import contextlib
import io
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import av
import numpy as np

RATE_HZ = 30
WAIT_S = 60.0


def picture(index: int, size: tuple[int, int] = (320, 240)) -> np.ndarray:
    """A bright block that moves to the right, one step a frame."""
    width, height = size
    pixels = np.full((height, width, 3), 40, np.uint8)
    left = index * 8 % (width - 40)
    pixels[height // 4 : height // 2, left : left + 40] = 220
    return pixels


class Sender:
    """Sends MPEG-TS at its own pace: to a UDP address, a file, or ("listen" or "connect", port).

    ``sizes`` follow each other, ``frames`` of each; then it ends.
    """

    def __init__(
        self,
        to: object,
        *,
        codec: str = "libx264",
        sizes: tuple[tuple[int, int], ...] = ((320, 240),),
        frames: int = 100_000,
        sound_only: bool = False,
        b_frames: bool = False,
        paced: bool = True,
    ) -> None:
        self.sent = 0
        self._interval_s = 1 / RATE_HZ if paced else 0.0
        self._to, self._codec, self._sizes, self._frames = to, codec, sizes, frames
        self._sound_only, self._b_frames = sound_only, b_frames
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)

    def __enter__(self) -> Sender:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(WAIT_S)

    def _run(self) -> None:
        try:
            with self._opened() as out, av.open(out, "w", format="mpegts") as container:
                if self._sound_only:
                    self._send_sound(container)
                else:
                    self._send_pictures(container)
        except (av.FFmpegError, OSError):
            return  # who received has left

    @contextlib.contextmanager
    def _opened(self) -> Iterator[object]:
        """PyAV holds Python's lock while a socket of its own waits for the other side: TCP goes by Python's."""
        if not isinstance(self._to, tuple):
            yield self._to
            return
        how, port = self._to
        if how == "listen":
            with socket.create_server(("127.0.0.1", port)) as server:
                server.settimeout(0.05)
                while not self._stop.is_set():
                    with contextlib.suppress(TimeoutError):
                        connection = server.accept()[0]
                        break
                else:
                    raise OSError("nobody came")
        else:
            while not self._stop.wait(0.05):
                with contextlib.suppress(ConnectionRefusedError):
                    connection = socket.create_connection(("127.0.0.1", port))
                    break
            else:
                raise OSError("nobody was there")
        with connection, connection.makefile("wb", buffering=0) as file:
            connection.settimeout(10)
            yield file

    def _send_pictures(self, container: av.container.OutputContainer) -> None:
        stream = container.add_stream(self._codec, rate=RATE_HZ)
        stream.width, stream.height = self._sizes[0]
        stream.pix_fmt = "yuv420p"
        number = 0
        for size in self._sizes:
            encoder = self._encoder(size)
            for index in range(self._frames):
                if self._stop.wait(self._interval_s):
                    return
                frame = av.VideoFrame.from_ndarray(picture(index, size), format="rgb24")
                frame.pts = number
                number += 1
                for packet in encoder.encode(frame):
                    packet.stream = stream
                    container.mux(packet)
                    self.sent += 1
        for packet in encoder.encode(None):
            packet.stream = stream
            container.mux(packet)
            self.sent += 1

    def _encoder(self, size: tuple[int, int]) -> av.VideoCodecContext:
        encoder = av.CodecContext.create(self._codec, "w")
        encoder.width, encoder.height = size
        encoder.pix_fmt, encoder.time_base, encoder.framerate = "yuv420p", av.utils.Fraction(1, RATE_HZ), RATE_HZ
        encoder.gop_size = 5
        encoder.thread_count = 1
        if self._codec == "libx264":
            encoder.options = {"preset": "ultrafast", "threads": "1"}
            encoder.options |= {"bf": "2"} if self._b_frames else {"tune": "zerolatency"}
        return encoder

    def _send_sound(self, container: av.container.OutputContainer) -> None:
        stream = container.add_stream("mp2", rate=44100)
        while not self._stop.wait(0.02):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1152), np.int16), format="s16", layout="mono")
            frame.sample_rate = 44100
            container.mux(stream.encode(frame))


def encoded(frames: int, *, b_frames: bool = False) -> bytes:
    """MPEG-TS of so many pictures."""
    out = io.BytesIO()
    sender = Sender(out, frames=frames, b_frames=b_frames, paced=False)
    with av.open(out, "w", format="mpegts") as container:
        sender._send_pictures(container)
    return out.getvalue()


class WebServer:
    """Answers every request with what ``answer`` does."""

    def __init__(self, answer: Callable[[BaseHTTPRequestHandler], None]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                with contextlib.suppress(OSError):
                    answer(self)

            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/live"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> WebServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(WAIT_S)


def wait_for(condition: Callable[[], bool], changed: threading.Condition | None = None) -> bool:
    """Whether it becomes true in time; looked at whenever something changes, at the least twenty times a second."""
    never = threading.Event()
    for _ in range(int(WAIT_S * 20)):
        if condition():
            return True
        never.wait(0.05)
    return False


def frames_in(path: object) -> Iterator[av.VideoFrame]:
    with av.open(str(path)) as container:
        yield from container.decode(video=0)
