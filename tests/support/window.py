"""The real window in a person's hands, with a quick predictor and short clips."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from pytestqt.qtbot import QtBot

from app.__main__ import Program
from app.actions.table import Do
from app.canvas.hit import Handle, Point, handles_of
from fetalnet.core.geometry import Ellipse, Geometry, Line
from fetalnet.core.planes import Kind, Plane
from fetalnet.core.prediction import ModelRef, Prediction, StreamState
from fetalnet.exam.records import Measurement
from fetalnet.sources import Frame

WIDTH, HEIGHT, FRAMES, RATE = 160, 120, 48, 25
WAIT_MS = 60_000
HEAD = Ellipse.of(80, 60, 36, 28, 20)
ABDOMEN = Ellipse.of(78, 62, 30, 27, 80)
FEMUR = Line.of(55, 60, 95, 72)
GEOMETRIES: dict[Plane, Geometry | None] = {
    Plane.HEAD: HEAD, Plane.ABDOMEN: ABDOMEN, Plane.FEMUR: FEMUR, Plane.OTHER: None,
}  # fmt: skip
BEST = {Plane.HEAD: 6, Plane.ABDOMEN: 18, Plane.FEMUR: 30}
"""Twelve frames each of head, abdomen, femur and nothing; the best in the middle of each."""


class FakePredictor:
    """Answers by the frame's index. ``gate`` holds it back until a test opens it."""

    model = ModelRef("fake", "0" * 64, "none")
    state = StreamState(np.zeros(1, np.float32), None)

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.started = threading.Event()

    def describe(self) -> str:
        return "fake network, none"

    def look_at(self, crop: object, fan: object) -> None:
        pass

    def predict(self, frame: Frame) -> Prediction:
        self.started.set()
        assert self.gate.wait(WAIT_MS / 1000)
        plane = list(Plane)[frame.index // 12 % 4]
        standardness = math.exp(-(((frame.index % 12) - 6) ** 2) / 40) if plane is not Plane.OTHER else 0.0
        probability = 0.7 + 0.25 * standardness
        probabilities = dict.fromkeys(Plane, (1 - probability) / 3) | {plane: probability}
        geometry = GEOMETRIES[plane]
        outline = geometry.points(60).astype(np.float32) if geometry is not None else None
        return Prediction(
            frame.index, frame.time_s, plane, probabilities, standardness, outline, geometry, file=frame.file
        )

    predict_still = predict

    def submit(self, frame: Frame) -> Callable[[], Prediction]:
        prediction = self.predict(frame)
        return lambda: prediction


def write_clip(path: Path, frames: int = FRAMES, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Path:
    """A short video in which each frame has its own grey."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for index in range(frames):
            pixels = np.full((size[1], size[0], 3), 30 + 4 * (index % 48), np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


class Person:
    """Someone at the window: each method is what they would say they did."""

    def __init__(self, bot: QtBot, program: Program) -> None:
        self.bot, self.program = bot, program
        self.window, self.session = program.window, program.session
        self.canvas = program.window.canvas

    def do(self, do: Do) -> None:
        action = self.window.actions_[do]
        assert action.isEnabled(), f"{do} is disabled"
        action.trigger()

    def can(self, do: Do) -> bool:
        return self.window.actions_[do].isEnabled()

    def open_clip(self, path: Path, *, analysed: bool = True) -> None:
        self.window.open_path(path)
        self.wait(lambda: self.session.recording is not None and self.session.recording.path == path)
        self.wait(lambda: self.session.frame is not None)
        if analysed:
            self.wait(lambda: self.session.analysis.state.complete)

    def drop(self, *paths: Path) -> None:
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
        event = QDropEvent(
            QPointF(50, 50), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        )
        self.window.dropEvent(event)

    def go_to(self, index: int) -> None:
        self.session.show(index)
        self.wait_frame(index)

    def wait(self, condition: Callable[[], bool]) -> None:
        self.bot.waitUntil(condition, timeout=WAIT_MS)

    def wait_frame(self, index: int) -> None:
        self.wait(lambda: self.shown == index)

    def wait_saved(self) -> None:
        self.wait(lambda: self.session.saved)

    def press(self, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        self.canvas.setFocus()
        self.bot.keyClick(self.canvas, key, modifier)

    def select(self, kind: Kind) -> None:
        self.session.select(kind)

    def go_to_measure(self, kind: Kind) -> None:
        self.session.select(kind)
        self.go_to(self.measurement(kind).frame_index)

    def accept(self, kind: Kind) -> None:
        self.go_to_measure(kind)
        self.do(Do.ACCEPT)

    def reject(self, kind: Kind) -> None:
        self.go_to_measure(kind)
        self.do(Do.REJECT)

    def drag(self, handle: Handle, dx: float, dy: float) -> None:
        """Pull a handle of the selected caliper, else of the first, by pixels of the picture."""
        at = handles_of(self.canvas.overlay.calipers[self.canvas.grip.selected or 0].geometry)[handle]
        start, end = self.on_screen(at), self.on_screen(Point(at.x + dx, at.y + dy))
        self.bot.mouseMove(self.canvas, QPoint(0, 0))
        self.bot.mousePress(self.canvas, Qt.MouseButton.LeftButton, pos=start)
        self.bot.mouseMove(self.canvas, (start + end) / 2)
        self.bot.mouseMove(self.canvas, end)
        self.bot.mouseRelease(self.canvas, Qt.MouseButton.LeftButton, pos=end)

    def click(self, point: Point) -> None:
        self.bot.mouseClick(self.canvas, Qt.MouseButton.LeftButton, pos=self.on_screen(point))

    def on_screen(self, point: Point) -> QPoint:
        return self.canvas.viewport.to_screen().map(QPointF(point.x, point.y)).toPoint()

    def measurement(self, kind: Kind) -> Measurement:
        measurement = self.session.measurement_of(kind)
        assert measurement is not None, f"no {kind}"
        return measurement

    @property
    def shown(self) -> int:
        return self.session.frame.index if self.session.frame is not None else -1

    @property
    def message(self) -> str:
        return self.window.notification.text
