"""One watch at the scanner, as the window knows it: it begins, shows the newest, freezes, catches planes and ends."""

from __future__ import annotations

import logging
import math
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, SignalInstance

from app.workers.analysis_thread import Analyst
from fetalnet.core.errors import InputError
from fetalnet.core.scale.scale import Scale
from fetalnet.core.scale.track import NO_SCALE_TRACK, ScaleTrack
from fetalnet.core.system.latest import Latest
from fetalnet.live import (
    Capture,
    Caught,
    Doctor,
    LinkReport,
    LinkState,
    LinkStatus,
    LiveAnalysis,
    LiveFrame,
    LivePrediction,
    LiveSource,
    Recorder,
    Segment,
    cut_clip,
)
from fetalnet.screen.device.preset import Preset
from fetalnet.screen.fan.sector import Sector

log = logging.getLogger(__name__)

KEPT_S = 60.0
"""How much 'keep what just happened' keeps."""
CLIP_S = 2.0
"""How much of the recording before and after a caught plane is its clip."""
PICTURE_WAITS_S = 0.055
"""How long a new picture waits to be painted with the next answer: painting each twice would slow the network."""
ANSWERS_FLOW_S = 0.2
"""Answers that are this old do not flow any more: no picture waits for the next."""
_END_MS = 50
CLOSE_S = 5.0
"""How long a closing window waits until the end of the recording is on disk."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What a watch leaves: its recordings with the scale along each, and clips of the planes that were caught."""

    segments: tuple[Segment, ...]
    scales: tuple[ScaleTrack, ...]
    clips: tuple[Path, ...]
    sentence: str


class Watch(QObject):
    """At most one link at a time; nothing here ever waits for it.

    Signals:
        began(), frame_shown(LiveFrame), predicted(LivePrediction), caught_changed(tuple of Caught),
        status_changed(LinkStatus), freeze_changed(bool), ended(Ended), kept(Path), notice(str).
    """

    began = Signal()
    frame_shown = Signal(object)
    predicted = Signal(object)
    caught_changed = Signal(object)
    status_changed = Signal(object)
    freeze_changed = Signal(bool)
    ended = Signal(object)
    kept = Signal(object)
    notice = Signal(str)
    _finished = Signal(object)

    def __init__(
        self,
        analyst: Analyst,
        folder: Path,
        screen_rate_hz: float,
        presets: Callable[[], tuple[Preset, ...]],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.folder = folder
        self._presets = presets
        self._preset: Preset | None = None
        self.frozen = False
        self.frame: LiveFrame | None = None
        self.prediction: LivePrediction | None = None
        self.caught: tuple[Caught, ...] = ()
        self.status = LinkStatus(LinkState.STOPPED)
        self._analyst = analyst
        self._capture: Capture | None = None
        self._analysis: LiveAnalysis | None = None
        self._screen: Latest[LiveFrame] = Latest()
        self._frames: Latest[LiveFrame] = Latest()
        self._unpainted_s: float | None = None
        self._shown_s = self._answered_s = -math.inf
        self._scale: Scale | None = None
        self._generation = 0
        self._watching = False
        self._recorder: Recorder | None = None
        self._cutters: list[threading.Thread] = []
        self._display = QTimer(self)
        self._display.setInterval(max(round(1000 / screen_rate_hz), 4))
        self._display.timeout.connect(self._look)
        self._ending = QTimer(self)
        self._ending.setInterval(_END_MS)
        self._ending.timeout.connect(self._look_for_end)
        self._finished.connect(self._on_finished)
        analyst.live_began.connect(self._on_analysis)
        analyst.live_predicted.connect(self._on_predicted)
        analyst.live_caught.connect(self._on_caught)

    # Verbs.

    @property
    def watching(self) -> bool:
        """From the beginning until the recording and its clips are finished."""
        return self._watching

    def begin(self, source: LiveSource, drawn_fan: Sector | None = None, connection: str = "") -> None:
        """Begin to watch; what was watched before has ended."""
        if self.watching:
            raise InputError("A watch is running; stop it first.")
        self._screen, self._frames = Latest(), Latest()
        self.frame = self.prediction = self._analysis = self._scale = self._unpainted_s = self._preset = None
        self.caught, self.frozen = (), False
        self._recorder = Recorder(self.folder)
        self._capture = Capture(source, self._recorder, self._put, Doctor(source.name, connection))
        self._generation = self._analyst.watch(self._frames, drawn_fan, self._presets())
        self._watching = True
        self._capture.start()
        self._display.start()
        log.info("watch began")
        self.began.emit()
        self._look()

    def stop(self) -> None:
        """Ask for the end; ``ended`` follows when the recording is finished."""
        if self._capture is not None:
            self._capture.stop()
            self._ending.start()

    def freeze(self) -> None:
        """Hold the frame that was analysed last, or go on with the newest. Recording and analysis go on."""
        if not self.frozen and self.prediction is None and self.frame is None:
            return
        self.frozen = not self.frozen
        if self.frozen and self.prediction is not None:
            self.frame = self.prediction.live
            self.frame_shown.emit(self.frame)
        self.freeze_changed.emit(self.frozen)

    def set_scale(self, scale: Scale) -> None:
        self._scale = scale
        if self._analysis is not None:
            self._analysis.set_scale(scale)

    def keep(self) -> None:
        """Put the last minute into a file of its own."""
        if self._recorder is None or self.frame is None:
            return
        now_s = time.monotonic()
        out = self.folder / f"kept {time.strftime('%Y-%m-%d %H.%M.%S')}.mkv"
        segments = self._recorder.segments
        self._beside(lambda: cut_clip(segments, now_s - KEPT_S, now_s, out), self.kept)

    def report(self) -> LinkReport | None:
        """The truth about the link; None where there was none yet."""
        if self._capture is None:
            return None
        return self._capture.doctor.report(self.status.sentence)

    def painted(self) -> None:
        """The screen shows the newest overlay now."""
        arrived_s, self._unpainted_s = self._unpainted_s, None
        if arrived_s is not None and self._capture is not None:
            self._capture.doctor.painted(arrived_s)

    def close(self) -> None:
        """Finish the recording; waits for the disk, not for the link."""
        self._display.stop()
        self._ending.stop()
        self._frames.close()
        if self._capture is not None:
            self._capture.stop()
            if not self._capture.join(CLOSE_S):
                log.warning("the end of the recording was not waited for")
        for cutter in self._cutters:
            cutter.join(CLOSE_S)

    # What comes from the threads.

    def _put(self, live: LiveFrame) -> None:
        """On the capture's thread: the newest goes to the screen and to the network."""
        self._screen.put(live)
        self._frames.put(live)

    def _look(self) -> None:
        if self._capture is None:
            return
        if not self._answer_is_due():
            self._show_newest()
        status = self._capture.status
        if status != self.status:
            self.status = status
            self.status_changed.emit(status)
            if status.state is LinkState.LIVE and status.sentence:
                self.notice.emit(status.sentence)
            if status.state is LinkState.STOPPED:
                self.stop()

    def _show_newest(self) -> None:
        live = self._screen.take()
        if live is not None and not self.frozen:
            self.frame, self._shown_s = live, time.monotonic()
            self.frame_shown.emit(live)

    def _answer_is_due(self) -> bool:
        """Whether the next answer of the network will come so soon that the picture can be painted with it, once."""
        now_s = time.monotonic()
        return now_s - self._shown_s < PICTURE_WAITS_S and now_s - self._answered_s < ANSWERS_FLOW_S

    def _on_analysis(self, generation: int, analysis: LiveAnalysis) -> None:
        if generation == self._generation:
            self._analysis = analysis
            if self._scale is not None:
                analysis.set_scale(self._scale)

    def _on_predicted(self, generation: int, prediction: LivePrediction) -> None:
        if generation != self._generation or self._capture is None:
            return
        self._capture.doctor.processed()
        if prediction.preset is not None and prediction.preset is not self._preset:
            self._preset = prediction.preset
            self.notice.emit(f"This looks like {self._preset.name}: what is remembered of it is used.")
        if self.frozen:
            return
        self.prediction = prediction
        self._unpainted_s = prediction.live.arrived_s
        self._show_newest()
        self._shown_s = self._answered_s = time.monotonic()
        self.predicted.emit(prediction)

    def _on_caught(self, generation: int, caught: tuple[Caught, ...]) -> None:
        if generation == self._generation:
            self.caught = caught
            self.caught_changed.emit(caught)

    # The end.

    def _look_for_end(self) -> None:
        capture, recorder = self._capture, self._recorder
        if capture is None or recorder is None or not capture.join(0):
            return
        self._ending.stop()
        self._display.stop()
        self._frames.close()
        self._analyst.cancel()
        segments, analysis = recorder.segments, self._analysis
        scales = tuple(NO_SCALE_TRACK if analysis is None else analysis.scales_of(each) for each in segments)
        sentence = capture.status.sentence or recorder.problem or ""
        caught = self.caught
        self._capture = self._recorder = None
        self.status = LinkStatus(LinkState.STOPPED, sentence)
        self.status_changed.emit(self.status)
        log.info("watch ended, %d files", len(segments))

        def cut() -> Ended:
            stamp = time.strftime("%Y-%m-%d %H.%M.%S")
            clips = []
            for each in caught:
                at_s = each.live.arrived_s
                out = self.folder / f"{each.plane} {stamp}.mkv"
                clips.append(cut_clip(segments, at_s - CLIP_S, at_s + CLIP_S, out))
            return Ended(segments, scales, tuple(clips), sentence)

        self._beside(cut, self._finished, otherwise=Ended(segments, scales, (), sentence))

    def _on_finished(self, ended: Ended) -> None:
        self._watching = False
        self.ended.emit(ended)

    def _beside(self, work: Callable[[], object], done: SignalInstance, otherwise: object | None = None) -> None:
        """Do work that reads and writes the disk on a thread of its own, and tell its answer by a signal."""

        def run() -> None:
            try:
                answer = work()
            except InputError as error:
                self.notice.emit(str(error))
                answer = otherwise
            except Exception:  # noqa: BLE001  the error hook logs it and tells the person
                sys.excepthook(*sys.exc_info())
                answer = otherwise
            if answer is not None:
                done.emit(answer)

        self._cutters = [each for each in self._cutters if each.is_alive()]
        thread = threading.Thread(target=run, name="live clips")
        self._cutters.append(thread)
        thread.start()
