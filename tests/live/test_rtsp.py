"""RTSP from GStreamer's own server, where it is installed: recorded whole, a password asked for, a restart followed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.senders import WAIT_S, wait_for
from support.watch import Watch

from fetalnet.live import LinkState, network_source
from fetalnet.sources import VideoFile

SERVER = Path(__file__).parents[1] / "support" / "rtsp_server.py"
PYTHON = shutil.which("python3", path="/usr/bin")


def _installed() -> bool:
    """Whether the system's Python has GStreamer's server, and GStreamer an encoder."""
    if PYTHON is None or shutil.which("gst-inspect-1.0") is None:
        return False
    look = "import gi; gi.require_version('GstRtspServer', '1.0')"
    tries = ([PYTHON, "-c", look], ["gst-inspect-1.0", "--exists", "x264enc"])
    return all(subprocess.run(each, capture_output=True, check=False).returncode == 0 for each in tries)


pytestmark = pytest.mark.skipif(not _installed(), reason="GStreamer's RTSP server is not installed")


@contextmanager
def rtsp_server() -> Iterator[int]:
    """It serves at this port until the end."""
    process = subprocess.Popen([PYTHON, str(SERVER)], stdout=subprocess.PIPE, text=True)
    try:
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def test_that_all_that_arrives_is_recorded_and_plays(tmp_path: Path) -> None:
    with rtsp_server() as port, Watch(network_source(f"rtsp://127.0.0.1:{port}/scan"), tmp_path) as watch:
        watch.wait_frames(60)
        assert watch.capture.status.state is LinkState.LIVE
        assert watch.frames[-1].frame.pixels.max() > 200
    (segment,) = watch.recorder.segments
    recording = VideoFile(segment.path)
    assert segment.frames == watch.delivered == len(recording)
    assert sum(1 for _ in recording) == segment.frames
    recording.close()


def test_that_a_password_is_asked_for_and_taken_from_the_address(tmp_path: Path) -> None:
    with rtsp_server() as port:
        refused = Watch(network_source(f"rtsp://127.0.0.1:{port}/locked"), tmp_path / "refused")
        assert refused.capture.join(WAIT_S)
        assert "asks for a password" in refused.capture.status.sentence
        with Watch(network_source(f"rtsp://doctor:echo@127.0.0.1:{port}/locked"), tmp_path / "open") as watch:
            watch.wait_frames(5)
            assert "echo" not in watch.capture.status.sentence


def test_that_an_unknown_path_is_said(tmp_path: Path) -> None:
    with rtsp_server() as port:
        watch = Watch(network_source(f"rtsp://127.0.0.1:{port}/liver"), tmp_path)
        assert watch.capture.join(WAIT_S)
    assert "no stream of this name" in watch.capture.status.sentence


def test_that_a_server_that_ends_is_no_signal(tmp_path: Path) -> None:
    with rtsp_server() as port:
        watch = Watch(network_source(f"rtsp://127.0.0.1:{port}/scan"), tmp_path, back_off_s=(0.05,))
        watch.wait_frames(5)
    assert wait_for(lambda: watch.capture.status.state is LinkState.NO_SIGNAL)
    watch.stop()
    (segment,) = watch.recorder.segments
    played = [each.index for each in VideoFile(segment.path)]
    # A server that is killed may be killed amid its last picture.
    assert played in (list(range(segment.frames)), list(range(segment.frames - 1)))
