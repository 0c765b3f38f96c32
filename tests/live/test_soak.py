"""A minute of a link on which something goes wrong every few seconds. Run it with -m slow."""

from __future__ import annotations

import random
import socket
import threading
import time
from pathlib import Path

import pytest
from support.loopback import free_port
from support.senders import WAIT_S, Sender, wait_for

from fetalnet.live import Capture, LinkState, LiveFrame, Recorder, network_source
from fetalnet.sources import VideoFile

SECONDS = 60.0
SIZES = ((320, 240), (160, 128), (256, 192))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["udp", "tcp"])
def test_that_a_minute_of_faults_is_survived_and_all_files_play(kind: str, tmp_path: Path) -> None:
    dice = random.Random(5)
    port = free_port(socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
    to = f"udp://127.0.0.1:{port}?pkt_size=1316" if kind == "udp" else ("listen", port)
    newest: list[LiveFrame] = []
    recorder = Recorder(tmp_path, free_bytes=lambda _: 1 << 40)
    capture = Capture(
        network_source(f"{kind}://127.0.0.1:{port}"), recorder, lambda live: newest.__setitem__(slice(1), [live])
    )
    threads = threading.active_count()
    capture.start()
    slowest_s, faults, end_s = 0.0, 0, time.monotonic() + SECONDS
    while time.monotonic() < end_s:
        sizes = tuple(dice.sample(SIZES, dice.choice((1, 2))))
        with Sender(to, sizes=sizes, frames=60):
            begun_s = time.monotonic()
            assert wait_for(lambda begun_s=begun_s: bool(newest) and newest[0].arrived_s > begun_s)
            threading.Event().wait(dice.uniform(1.0, 3.0))
            if kind == "udp":
                _garbage(port, dice)
        faults += 1
        asked_s = time.monotonic()
        assert capture.status.state is not LinkState.STOPPED
        slowest_s = max(slowest_s, time.monotonic() - asked_s)
    capture.stop()
    assert capture.join(WAIT_S)
    assert faults > 5
    assert slowest_s < 0.5
    assert recorder.problem is None
    for segment in recorder.segments:
        recording = VideoFile(segment.path)
        assert sum(1 for _ in recording) > 0
        recording.close()
    assert wait_for(lambda: threading.active_count() <= threads + 1)


def _garbage(port: int, dice: random.Random) -> None:
    """Packets that are none, and some that look like MPEG-TS."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(20):
            noise = dice.randbytes(188 * 7)
            sender.sendto(noise if dice.random() < 0.5 else b"\x47" + noise[1:], ("127.0.0.1", port))
