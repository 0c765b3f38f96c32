"""The inference thread: reads a recording from start to end, predicts every frame and says what was found."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QObject, QThread, Signal

from app.findings import Batch, DescribedPredictor, Findings, PredictorInfo
from app.live.following import Following
from app.pipeline import Latest
from fetalnet.errors import InputError
from fetalnet.examination import STILL, Examination
from fetalnet.frame_stream import predicted
from fetalnet.geometry import Geometry, MmPerPixel
from fetalnet.kept_analysis import KeptAnalysis, fan_key, keep_analysis, kept_analysis
from fetalnet.live import LiveAnalysis, LiveFrame
from fetalnet.picture.preset import Preset
from fetalnet.picture.scale_track import NO_SCALE_TRACK, ScaleTrack
from fetalnet.picture.sector import Sector
from fetalnet.picture.sector_search import sector_of
from fetalnet.planes import STANDARD_PLANES
from fetalnet.prediction import Prediction
from fetalnet.recording_judge import Judgement
from fetalnet.records import ModelRef
from fetalnet.sources import Source, frames_from

log = logging.getLogger(__name__)

BATCH_S = 0.05
"""Results travel in batches: a queued signal a frame would flood the UI thread."""

OUTLINE_POINTS = 96
"""Enough for a smooth tint; whole outlines of ten minutes would take 50 MB and more."""

REUSED_BATCH = 500
"""Answers that are there already travel in batches the UI thread takes in a few milliseconds."""

SUMMARY_S = 0.5
"""How often what was found so far is looked at again."""

LEAD_IN = 8
"""Frames before a place that is looked at first: the network has to have seen something move."""

AHEAD_S = 2.0
"""How much of a place is looked at first."""


@dataclass(frozen=True, slots=True, eq=False)
class _LiveJob:
    generation: int
    frames: Latest[LiveFrame]
    fan: Sector | None
    presets: tuple[Preset, ...]


@dataclass(frozen=True, slots=True)
class _Job:
    generation: int
    path: Path
    fan: Sector | None
    kept: Path | None = None
    anew: bool = False


class Analyst(QThread):
    """Loads the predictor once, then analyses one recording at a time.

    Signals:
        ready(PredictorInfo): the predictor is loaded.
        predicted(Batch), found(Findings).
        finished_analysis(int, bool): generation, and whether every frame was looked at.
        outdated(int, str): generation, and a sentence: what is shown was found with other weights.
        failed(int, str): generation (0 while loading) and one sentence for a person.
        fan_found(int, Sector): generation and the fan that the network looks at.
        screen_changed(int, Change): generation and where the scanner's depth, zoom or layout changed.
        live_began(int, LiveAnalysis), live_predicted(int, LivePrediction), live_caught(int, tuple of Caught):
            generation and what is said while watching.
        noticed(str): a sentence about a recording that is analysed all the same, as far as it goes.
    """

    ready = Signal(object)
    predicted = Signal(object)
    found = Signal(object)
    finished_analysis = Signal(int, bool)
    outdated = Signal(int, str)
    failed = Signal(int, str)
    fan_found = Signal(int, object)
    screen_changed = Signal(int, object)
    live_began = Signal(int, object)
    live_predicted = Signal(int, object)
    live_caught = Signal(int, object)
    noticed = Signal(str)

    def __init__(
        self,
        load_predictor: Callable[[], DescribedPredictor],
        open_source: Callable[[Path], Source],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._load_predictor = load_predictor
        self._open_source = open_source
        self._changed = threading.Condition()
        self._stopping = False
        self._wanted: _Job | _LiveJob | None = None
        self._generation = 0
        self._cancelled = 0
        self._scales = NO_SCALE_TRACK
        self._summary_due = False
        self._told: str | None = None
        self._examination = Examination()
        self._reached, self._frames_per_s = 0, 0.0
        self._model: ModelRef | None = None
        self._place: int | None = None

    # Called from the UI thread.

    def analyse(self, path: Path, fan: Sector | None = None, kept: Path | None = None, *, anew: bool = False) -> int:
        """Begin with ``path`` as soon as the analysis now running has let go. Returns the generation of its answers.

        ``fan`` is where a person said that it is; else it is found. ``kept`` is where the answers are kept: they are
        taken from there where the fan is the same, and with the same weights what is missing is added; but for
        ``anew``.
        """
        with self._changed:
            self._generation += 1
            self._wanted, self._place = _Job(self._generation, path, fan, kept, anew), None
            self._changed.notify_all()
            return self._generation

    def watch(self, frames: Latest[LiveFrame], fan: Sector | None = None, presets: tuple[Preset, ...] = ()) -> int:
        """Look at the newest of ``frames`` until they end or something else is wanted. Returns the generation."""
        with self._changed:
            self._generation += 1
            self._wanted = _LiveJob(self._generation, frames, fan, presets)
            self._changed.notify_all()
            return self._generation

    def cancel(self) -> None:
        """Leave the analysis now running; what was found so far stays."""
        with self._changed:
            self._cancelled = self._generation
            self._wanted = self._place = None
            self._changed.notify_all()

    def look_first(self, index: int) -> None:
        """Look at this place before the analysis goes on; of many wishes the newest counts."""
        with self._changed:
            self._place = index

    def set_scales(self, scales: ScaleTrack) -> None:
        """Give the findings in mm of other scales."""
        with self._changed:
            self._scales = scales
            self._summary_due = True
            self._changed.notify_all()

    def stop(self) -> None:
        """Ask the thread to end; it does within one frame's prediction."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    # The thread's own side.

    def run(self) -> None:
        predictor = self._load()
        current = 0
        while True:
            with self._changed:
                while not (self._stopping or self._wanted or self._summary_due):
                    self._changed.wait()
                if self._stopping:
                    return
                job, self._wanted = self._wanted, None
            if job is None:
                self._summarise(current, complete=True)
                continue
            current = job.generation
            predictor = predictor or self._load()
            if predictor is None:
                continue
            try:
                if isinstance(job, _LiveJob):
                    self._watch(job, predictor)
                    continue
                complete = self._analyse(job, predictor)
            except InputError as error:
                complete = False
                self.failed.emit(job.generation, str(error))
                self._summarise(job.generation, complete=True)
            except Exception:  # noqa: BLE001  the thread must live on; the error hook logs it and tells the person
                complete = False
                sys.excepthook(*sys.exc_info())
                self.failed.emit(job.generation, "The analysis stopped at an error inside the program; try it again.")
            self.finished_analysis.emit(job.generation, complete)

    def _load(self) -> DescribedPredictor | None:
        try:
            predictor = self._load_predictor()
        except InputError as error:
            self.failed.emit(0, str(error))
            return None
        except Exception:  # noqa: BLE001  as above: a player without a network is worth more than none
            sys.excepthook(*sys.exc_info())
            self.failed.emit(0, "The network could not be loaded because of an error inside the program.")
            return None
        self.ready.emit(PredictorInfo(predictor.describe(), predictor.model))
        return predictor

    def _analyse(self, job: _Job, predictor: DescribedPredictor) -> bool:
        """Predict every frame that was not yet; whether that came to the end."""
        with closing(self._open_source(job.path)) as source:
            alone = len(source) == 1
            self._examination, judgement = Examination(STILL if alone else None), Judgement(alone=alone, outlines=True)
            self._reached, self._frames_per_s, self._model = 0, 0.0, predictor.model
            sector = job.fan or sector_of(source)
            self.fan_found.emit(job.generation, sector)
            kept = None if job.kept is None or job.anew else kept_analysis(job.kept, fan_key(job.fan))
            if kept is not None:
                self._take_up(job, kept, judgement)
                if kept.model.sha256 != predictor.model.sha256:
                    self._finish(job, judgement)
                    told = f"This was analysed with other weights ({kept.model.name}). Decisions stay."
                    self.outdated.emit(job.generation, told)
                    return kept.complete
            complete = kept is not None and kept.complete
            if not complete:
                complete = self._go_on(job, predictor, source, sector, judgement, kept)
            notice = source.notice or source.remark
        self._finish(job, judgement)
        if notice:
            self.noticed.emit(notice)
        return complete

    def _go_on(
        self,
        job: _Job,
        predictor: DescribedPredictor,
        source: Source,
        sector: Sector,
        judgement: Judgement,
        kept: KeptAnalysis | None,
    ) -> bool:
        """Predict the frames from where the analysis stands, and keep them; whether it came to the end.

        Decoding runs beside in a thread of its own.
        """
        self._model = predictor.model
        started_s = batch_s = summary_s = time.monotonic()
        summary_cost_s, count, complete = 0.0, 0, False
        batch: list[Prediction] = []
        pairs = predicted(
            source,
            predictor,
            sector,
            lambda change: self.screen_changed.emit(job.generation, change),
            0 if kept is None else kept.reached,
            None if kept is None else kept.state,
        )
        try:
            for _, raw in pairs:
                prediction = judgement.judged(_for_screen(raw))
                self._examination.add(prediction)
                self._reached = prediction.index + 1
                self._tell_notice(predictor)
                batch.append(prediction)
                count += 1
                now_s = time.monotonic()
                if now_s - batch_s >= BATCH_S:
                    self._send(job, batch, count / (now_s - started_s))
                    batch, batch_s = [], now_s
                # Looking at everything again grows with the recording: at most a tenth of the time goes there.
                if now_s - summary_s >= max(SUMMARY_S, 10 * summary_cost_s):
                    self._summarise(job.generation, complete=False)
                    summary_s = time.monotonic()
                    summary_cost_s = summary_s - now_s
                self._look_first(job, predictor, sector)
                if self._unwanted(job):
                    break
            else:
                self._reached, complete = max(len(source), self._reached), True
        finally:
            # Waits for the decoding thread, so that nobody reads from the source when it is closed.
            pairs.close()
            self._send(job, batch, count / max(time.monotonic() - started_s, 1e-3))
            if count or complete:
                state = None if complete else predictor.state
                self._keep(job, KeptAnalysis(predictor.model, judgement.seen, self._reached, complete, state))
        return complete

    def _look_first(self, job: _Job, predictor: DescribedPredictor, sector: Sector) -> None:
        """Where somebody waits at a place, predict a little of it, and come back as if nothing had been.

        What is said of it is shown until the analysis itself gets there, and never kept.
        """
        place = self._next_place()
        if place is None:
            return
        state = predictor.state
        # What cannot be read there the player says, and the analysis when it gets there.
        with suppress(InputError), closing(self._open_source(job.path)) as source:
            fan = sector.mask((source.height, source.width))
            while place is not None:
                predictor.look_at(sector.box, fan)
                judgement, last = Judgement(), place + round(AHEAD_S * source.frame_rate_hz)
                batch: list[Prediction] = []
                batch_s, now = 0.0, place
                place = None
                for frame in frames_from(source, max(now - LEAD_IN, self._reached)):
                    prediction = judgement.judged(_for_screen(predictor.predict(frame)))
                    if frame.index >= now:
                        batch.append(prediction)
                    if batch and time.monotonic() - batch_s >= BATCH_S:
                        # The place itself is shown at once.
                        self._send(job, batch, self._frames_per_s)
                        batch, batch_s = [], time.monotonic()
                    place = self._next_place()
                    if place is not None or frame.index + 1 >= last or self._unwanted(job):
                        break
                self._send(job, batch, self._frames_per_s)
        predictor.state = state

    def _next_place(self) -> int | None:
        """The place to be looked at first, if any that will not be reached at once."""
        with self._changed:
            place, self._place = self._place, None
        return place if place is not None and place > self._reached + LEAD_IN else None

    def _take_up(self, job: _Job, kept: KeptAnalysis, judgement: Judgement) -> None:
        """Name again what was kept, and send it."""
        self._reached, self._model = kept.reached, kept.model
        named = [judgement.judged(prediction) for prediction in kept.predictions]
        for prediction in named:
            self._examination.add(prediction)
        self._send_all(job, named)

    def _finish(self, job: _Job, judgement: Judgement) -> None:
        """Name every frame again, knowing all others, and say what was found."""
        if self._overtaken():
            return
        again = judgement.again()
        if again is not None:
            self._examination = Examination.of(again)
            self._send_all(job, again)
        self._summarise(job.generation, complete=True)

    def _send_all(self, job: _Job, predictions: list[Prediction]) -> None:
        for first in range(0, len(predictions), REUSED_BATCH):
            self._send(job, predictions[first : first + REUSED_BATCH], self._frames_per_s)

    def _keep(self, job: _Job, kept: KeptAnalysis) -> None:
        if job.kept is None:
            return
        if job.anew and not kept.complete:
            before = kept_analysis(job.kept, fan_key(job.fan))
            if before is not None and before.complete and before.model.sha256 == kept.model.sha256:
                return  # all that these weights say is there already
        try:
            job.kept.parent.mkdir(parents=True, exist_ok=True)
            keep_analysis(job.kept, fan_key(job.fan), kept)
        except (InputError, OSError):
            # The decisions' own file says so to the person; this one only saves time.
            log.warning("the analysis cannot be kept")

    def _watch(self, job: _LiveJob, predictor: DescribedPredictor) -> None:
        def is_wanted() -> bool:
            self._tell_notice(predictor)
            return not self._unwanted(job)

        with closing(LiveAnalysis(predictor, job.fan, job.presets)) as analysis:
            self.live_began.emit(job.generation, analysis)
            following = Following(
                analysis,
                lambda prediction: self.live_predicted.emit(job.generation, prediction),
                lambda caught: self.live_caught.emit(job.generation, caught),
            )
            following.run(job.frames, is_wanted)

    def _tell_notice(self, predictor: DescribedPredictor) -> None:
        """The engine had to change: once, in a sentence, and its name from now on."""
        notice = getattr(predictor, "notice", None)
        if notice is not None and notice != self._told:
            self._told, self._model = notice, predictor.model
            self.noticed.emit(notice)
            self.ready.emit(PredictorInfo(predictor.describe(), predictor.model))

    def _unwanted(self, job: _Job | _LiveJob) -> bool:
        with self._changed:
            return self._stopping or self._cancelled == job.generation or self._wanted is not None

    def _overtaken(self) -> bool:
        with self._changed:
            return self._stopping or self._wanted is not None

    def _send(self, job: _Job, batch: list[Prediction], frames_per_s: float) -> None:
        if batch:
            self._frames_per_s = frames_per_s
            self.predicted.emit(Batch(job.generation, tuple(batch), frames_per_s, self._reached))

    def _summarise(self, generation: int, complete: bool) -> None:
        with self._changed:
            scales, self._summary_due = self._scales, False

        def mm_per_pixel_of(index: int, geometry: Geometry) -> MmPerPixel | None:
            return scales.scale_for(index, geometry).mm_per_pixel

        of = self._examination
        estimates = of.estimates(mm_per_pixel_of) if complete else {}
        bests = {plane: of.bests(plane) for plane in STANDARD_PLANES}
        best = of.best(mm_per_pixel_of)
        broken = of.broken(self._reached)
        found = Findings(
            generation, best, estimates, complete, bests, of.segments(), of.frozen(), broken, self._model
        )  # fmt: skip
        self.found.emit(found)


def _for_screen(prediction: Prediction) -> Prediction:
    """The same with an outline of at most ``OUTLINE_POINTS``: it is kept for every frame."""
    outline = prediction.outline
    if outline is None or len(outline) <= OUTLINE_POINTS:
        return prediction
    return replace(prediction, outline=outline[:: -(-len(outline) // OUTLINE_POINTS)].copy())
