"""Watches a paced stream in the real window and says what it measured: ``python tests/support/live_figures.py -h``.

A process of its own sends the demo recording, already encoded, 30 times a second; with ``--faults`` something goes
wrong on the link every few seconds (a stall, a hole, a cut connection, garbage, another size). Afterwards every
recorded file is played. Told are losses, percentiles from arrival to overlay painted, how late an 8 ms timer of the
window is, and the slope of memory after three minutes. Needs a screen, such as Xvfb.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import socket
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT)]

RATE_HZ = 30
TIMER_MS = 8
WARM_S = 180.0
"""Memory is looked at from here on."""
SETTLED_S = 20.0
"""Ages and lateness count from here on: the network is loaded by then."""
MEAN_FAULT_S = 10.0
DATAGRAM = 188 * 7


def encode(path: Path, width: int, height: int) -> None:
    """The demo recording in this size, H.264 of 8 Mbit/s with a whole picture each second."""
    with av.open(str(ROOT / "resources/demo/demo.mp4")) as demo, av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=RATE_HZ, options={"preset": "veryfast", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.bit_rate, stream.gop_size = 8_000_000, RATE_HZ
        for number, frame in enumerate(demo.decode(video=0)):
            pixels = frame.to_ndarray(format="rgb24")
            scale = min(width / pixels.shape[1], height / pixels.shape[0])
            small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            left, top = (width - small.shape[1]) // 2, (height - small.shape[0]) // 2
            canvas = np.zeros((height, width, 3), np.uint8)
            canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
            shown = av.VideoFrame.from_ndarray(canvas, format="rgb24")
            shown.pts = number
            out.mux(stream.encode(shown))
        out.mux(stream.encode(None))


class Link:
    """Where the muxed bytes go: datagrams, or a connection that is accepted anew whenever it was cut."""

    def __init__(self, kind: str, port: int) -> None:
        self.kind, self.port = kind, port
        self.hole = False
        self._server = socket.create_server(("127.0.0.1", port)) if kind == "tcp" else None
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM) if kind == "udp" else None

    def write(self, data: bytes) -> int:
        if not self.hole:
            self.send(bytes(data))
        return len(data)

    def send(self, data: bytes) -> None:
        if self._server is None and self._socket is not None:
            for at in range(0, len(data), DATAGRAM):
                self._socket.sendto(data[at : at + DATAGRAM], ("127.0.0.1", self.port))
            return
        try:
            if self._socket is None and self._server is not None:
                self._server.settimeout(0.01)
                self._socket = self._server.accept()[0]
                self._socket.settimeout(5)
            if self._socket is not None:
                self._socket.sendall(data)
        except TimeoutError:
            pass
        except OSError:
            self.cut()

    def cut(self) -> None:
        if self.kind == "tcp" and self._socket is not None:
            self._socket.close()
            self._socket = None


def send(kind: str, port: int, files: list[Path], seconds: float, *, faults: bool) -> None:
    """Send the files, one at a time, until the time is over; tells what it sent as JSON."""
    dice, link = random.Random(5), Link(kind, port)
    sent = 0
    counts: dict[str, int] = {}
    chosen, end_s = files[0], time.monotonic() + seconds
    fault_s = time.monotonic() + (SETTLED_S if faults else seconds)
    while time.monotonic() < end_s:
        with av.open(str(chosen)) as first, av.open(link, "w", format="mpegts", options={"flush_packets": "1"}) as out:
            stream = out.add_stream_from_template(first.streams.video[0])
            due_s = time.monotonic()
            for pts, packet in zip(itertools.count(), _packets(chosen), strict=False):
                packet.stream, packet.time_base = stream, av.utils.Fraction(1, RATE_HZ)
                packet.pts = packet.dts = pts
                out.mux(packet)
                sent += 1
                due_s += 1 / RATE_HZ
                time.sleep(max(due_s - time.monotonic(), 0.0))
                if time.monotonic() >= end_s:
                    break
                if time.monotonic() < fault_s:
                    continue
                fault = dice.choice(["stall", "hole", "cut", "garbage", "size"])
                counts[fault] = counts.get(fault, 0) + 1
                fault_s = time.monotonic() + dice.expovariate(1 / MEAN_FAULT_S)
                if fault == "size":
                    chosen = dice.choice([each for each in files if each is not chosen])
                    break
                _disturb(link, fault, dice)
                due_s = time.monotonic()
    print(json.dumps({"sent": sent, "faults": counts}))


def _packets(path: Path) -> Iterator[av.Packet]:
    while True:
        with av.open(str(path)) as file:
            yield from (packet for packet in file.demux(video=0) if packet.size)


def _disturb(link: Link, fault: str, dice: random.Random) -> None:
    if fault == "garbage":
        for _ in range(40):
            noise = dice.randbytes(DATAGRAM)
            link.send(noise if dice.random() < 0.5 else b"\x47" + noise[1:])
        return
    link.hole = fault == "hole" and not link.hole
    if fault == "cut":
        link.cut()
    time.sleep(dice.uniform(0.2, 4.0))


def watch(kind: str, port: int, seconds: float, device: str, folder: Path) -> dict[str, object]:
    """The window watches for so long; the figures of it."""
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from app.__main__ import ENGINE_MEMORY, start
    from app.workers.predictor_loading import predictor_loader
    from fetalnet.core.system.folders import Folders
    from fetalnet.live import network_source

    app = QApplication(sys.argv[:1])
    folders = Folders()
    program = start(
        app,
        load_predictor=predictor_loader(None, device, folders.data / ENGINE_MEMORY, folders.cache),
        folders=Folders(folder / "config", folder / "data", folder / "log", folders.cache),
    )
    live = program.session.watch
    begun_s = time.monotonic()
    # Not lists: half an hour of a list's floats would be a third of the memory that is measured.
    ages_ms, late_ms = array("d"), array("d")
    memory: list[tuple[float, float]] = []
    reports: list[object] = []
    last_s = [begun_s]

    def tick() -> None:
        now_s = time.monotonic()
        if now_s - begun_s > SETTLED_S:
            late_ms.append((now_s - last_s[0]) * 1000 - TIMER_MS)
        last_s[0] = now_s

    painted = live.painted

    def note_age() -> None:
        arrived_s = live._unpainted_s
        if arrived_s is not None and time.monotonic() - begun_s > SETTLED_S:
            ages_ms.append((time.monotonic() - arrived_s) * 1000)
        painted()

    live.painted = note_age
    timer, sampler = QTimer(), QTimer()
    timer.setInterval(TIMER_MS)
    timer.timeout.connect(tick)
    sampler.setInterval(2000)
    sampler.timeout.connect(lambda: memory.append((time.monotonic() - begun_s, resident_mb())))
    live.begin(network_source(f"{kind}://127.0.0.1:{port}"))
    timer.start()
    sampler.start()

    def end() -> None:
        timer.stop()
        program.window.grab().save(str(folder / "window.png"))
        reports.append(live.report())
        live.stop()

    QTimer.singleShot(round(seconds * 1000), end)
    ends: list[str] = []
    live.ended.connect(lambda ended: (ends.append(ended.sentence), app.quit()))
    app.exec()
    files = sorted((folder / "data" / "live recordings").glob("[0-9]*.mkv"))
    model = program.session.analysis.model
    engine = model.engine if model is not None else "none"
    program.stop()
    if not reports:
        raise SystemExit(f"The watch ended by itself: {ends[0]}")
    (report,) = reports
    warm = [each for each in memory if each[0] > WARM_S] or memory
    slope = float(np.polyfit(*np.array(warm).T, 1)[0]) * 60 if len(warm) > 2 else float("nan")
    return {
        "engine": engine,
        "arrived": report.delivered,
        "analysed": report.processed,
        "lost": report.lost,
        "breaks": report.breaks,
        "age_ms_p50_p95_p99": np.percentile(ages_ms, [50, 95, 99]).round(1).tolist(),
        "timer_late_ms_p50_p95_p99_max": np.percentile(late_ms, [50, 95, 99, 100]).round(1).tolist(),
        "memory_mb": [round(each[1]) for each in memory[:: max(len(memory) // 12, 1)]],
        "memory_mb_a_minute": round(slope, 2),
        "files": len(files),
        "recorded": [playable(each) for each in files],
    }


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def playable(path: Path) -> int:
    """How many frames of it play."""
    with av.open(str(path)) as file:
        return sum(1 for packet in file.demux(video=0) for _ in packet.decode())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--kind", choices=["udp", "tcp"], default="udp")
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--faults", action="store_true")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--send", nargs="+", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.send:
        send(arguments.kind, arguments.port, arguments.send, arguments.seconds, faults=arguments.faults)
        return
    folder = Path(tempfile.mkdtemp(prefix="live-figures-"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    sizes = [arguments.size, *(["640x480", "1024x768"] if arguments.faults else [])]
    files = [folder / f"{size}.mp4" for size in sizes]
    for size, file in zip(sizes, files, strict=True):
        encode(file, *(int(each) for each in size.split("x")))
    command = [sys.executable, __file__, "--kind", arguments.kind, "--port", str(port)]
    command += ["--seconds", str(arguments.seconds + 5), *(["--faults"] if arguments.faults else [])]
    sender = subprocess.Popen([*command, "--send", *map(str, files)], stdout=subprocess.PIPE, text=True)
    figures = watch(arguments.kind, port, arguments.seconds, arguments.device, folder)
    figures["sender"] = json.loads(sender.communicate()[0])
    recorded = figures.pop("recorded")
    figures["recorded_frames"], figures["unplayable"] = sum(recorded), sum(not each for each in recorded)
    figures["folder"] = str(folder)
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
