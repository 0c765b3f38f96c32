"""Sessions with decisions of every kind on a slow disk, killed at any moment, or on one that is full for a while.

Run by ``test_kills.py``: prints how many were killed, how many found the disk full, and one line for each fault.
"""

from __future__ import annotations

import errno
import hashlib
import os
import random
import select
import signal
import sys
import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import cv2
from PySide6.QtCore import QCoreApplication, QTimer

import fetalnet.network.frame_judge  # noqa: F401  loads torch once, before the forks
from app.session.session import Session
from fetalnet.analysis import recording as recording_analysis
from fetalnet.analysis.quality import Criterion, State
from fetalnet.core.errors import InputError
from fetalnet.core.geometry import Ellipse, Geometry
from fetalnet.core.planes import KINDS_OF, STANDARD_PLANES, Kind
from fetalnet.core.scale.scale import given_scale
from fetalnet.exam import store
from fetalnet.exam.records import Exam
from fetalnet.screen.fan.sector_search import sector_of
from fetalnet.sources import open_source
from support.window import BEST, FakePredictor, write_clip

FSYNC_S, FULL_S, MOVE_MS, PAUSE_MS, BURST = 2.0, 3.0, 40, 4500, 6
MOVES, TOGETHER, LONGEST_S = 30, 12, 14.0


def key(exam: Exam) -> str:
    return hashlib.sha256(store._content(exam)).hexdigest()[:16]


def beside(geometry: Geometry, by: float) -> Geometry:
    if isinstance(geometry, Ellipse):
        return replace(geometry, cx=geometry.cx + by)
    return replace(geometry, x1=geometry.x1 + by)


class Slow:
    """``os.fsync`` of a disk that takes two seconds, and of one that is full at first."""

    def __init__(self, chance: random.Random, *, full: bool) -> None:
        self.chance, self.full, self.plain, self.start_s = chance, full, os.fsync, time.monotonic()

    def __call__(self, handle: int) -> None:
        if self.full and time.monotonic() - self.start_s < FULL_S:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        threading.Event().wait(self.chance.uniform(0, FSYNC_S) if self.full else FSYNC_S)
        self.plain(handle)


class Hand:
    """Somebody who decides without a pause, and tells through a pipe what is shown to them."""

    def __init__(self, folder: Path, clip: Path, seed: int, tell: int, *, full: bool) -> None:
        self.app, self.chance, self.pipe = QCoreApplication([]), random.Random(seed), tell
        self.session = Session(
            open_source=open_source, load_predictor=FakePredictor, exam_folder=folder, preset_folder=folder / "presets",
            live_folder=folder / "live", receive_folder=folder / "received", given_scale=given_scale(0.5),
        )  # fmt: skip
        self.full, self.moves, self.begun, self.last = full, 0, False, ""
        self.session.exam_changed.connect(self.on_changed)
        self.session.saved_changed.connect(self.on_saved)
        self.timer = QTimer(interval=MOVE_MS)
        self.timer.timeout.connect(self.move)
        self.session.open(clip)
        self.timer.start()

    def tell(self, what: str) -> None:
        os.write(self.pipe, f"{what}\n".encode())

    def on_changed(self) -> None:
        now = key(self.session.exam)
        if now != self.last:
            self.last = now
            self.tell(f"state {now}")

    def on_saved(self, saved: bool) -> None:
        if saved and self.begun:
            self.on_changed()
            self.tell(f"saved {self.last}")
            if key(store.load_exam(self.session.journal.path_of(self.session.exam.recordings[0]))) != self.last:
                self.tell("early")

    def move(self) -> None:
        session = self.session
        if not session.analysis.state.complete or session.frame is None:
            return
        if not self.begun:
            self.begun = True
            os.fsync = Slow(self.chance, full=self.full)
            self.tell("begin")
        self.moves += 1
        # A pause now and then, long enough for all to be saved.
        self.timer.setInterval(PAUSE_MS if self.moves % BURST == 0 else MOVE_MS)
        if self.moves > MOVES:
            if self.full and session.saved:
                session.close()
                self.app.exit()
            return
        review, kind = session.review, self.chance.choice(list(Kind))
        plane = self.chance.choice(STANDARD_PLANES)
        match self.chance.randrange(8):
            case 0 | 1:
                review.accept(kind)
            case 2:
                review.reject(kind)
            case 3:
                session.show(BEST[plane])
                shown = session.shown_measurement(plane)
                if shown is not None:
                    review.correct(plane, beside(shown.geometry, self.chance.uniform(-3, 3)))
            case 4:
                review.set_scale(given_scale(self.chance.uniform(0.1, 0.5)))
            case 5:
                review.set_criterion(self.chance.choice(list(Criterion)), self.chance.choice(list(State)))
            case 6:
                session.undo_stack.undo()
            case 7:
                review.accept(*KINDS_OF[plane])


def born(folder: Path, clip: Path, seed: int, *, full: bool) -> tuple[int, int]:
    """A child's number and the end of its pipe. No thread runs here, so a fork is safe."""
    reads, tells = os.pipe()
    child = os.fork()
    if child:
        os.close(tells)
        return child, reads
    try:
        os.close(reads)
        hand = Hand(folder, clip, seed, tells, full=full)
        hand.app.exec()
    finally:
        os._exit(0)


def faults(lines: list[str], folder: Path, *, full: bool) -> list[str]:
    """What the disk lacks of what was shown as saved."""
    states = [line.split()[1] for line in lines if line.startswith("state")]
    shown = [at for at, line in enumerate(lines) if line.startswith("saved")]
    found = ["shown as saved before it was"] if "early" in lines else []
    if not states or (not shown and not full):
        return found
    files = list(folder.glob("*.fnexam"))
    try:
        disk = key(store.load_exam(files[0])) if files else ""
    except InputError as error:
        return [*found, f"the exam cannot be read: {error}"]
    if full:
        return found if disk == states[-1] else [*found, "not all saved at the end"]
    later = {line.split()[1] for line in lines[shown[-1] :] if " " in line}
    return found if disk in later else [*found, "lost what was shown as saved"]


def main(folder: Path, kills: int, fulls: int) -> None:
    clip = write_clip(folder / "clip.mp4")
    # Searched once: it takes longer than all else a session does.
    cv2.setNumThreads(1)
    with closing(open_source(clip)) as source:
        fan = sector_of(source)
    recording_analysis.sector_of = lambda _: fan
    wanted = [(seed, seed >= kills) for seed in range(kills + fulls)]
    chance, killed, saves = random.Random(1), 0, 0
    while wanted:
        batch, wanted = wanted[:TOGETHER], wanted[TOGETHER:]
        living = {}
        for seed, full in batch:
            child, pipe = born(folder / str(seed), clip, seed, full=full)
            living[child] = [pipe, folder / str(seed), full, b"", None]
        while living:
            ready, _, _ = select.select([each[0] for each in living.values()], [], [], 0.02)
            for child, each in list(living.items()):
                pipe, home, full, told, end_s = each
                if pipe in ready:
                    more = os.read(pipe, 65536)
                    each[3] = told = told + more
                    if not more:
                        os.waitpid(child, 0)
                        os.close(pipe)
                        del living[child]
                        killed += not full
                        lines = told.decode().splitlines()
                        saves += sum(line.startswith("saved") for line in lines)
                        for fault in faults(lines, home, full=full):
                            print(f"{home.name}: {fault}", flush=True)
                        continue
                if end_s is None and b"begin" in told:
                    each[4] = time.monotonic() + chance.uniform(0, LONGEST_S)
                elif end_s is not None and not full and time.monotonic() > end_s:
                    os.kill(child, signal.SIGKILL)
                    each[4] = float("inf")
    print(f"{killed} killed, {fulls} full, {saves} times shown as saved", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
