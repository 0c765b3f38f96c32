"""The analysis of one recording: every frame is predicted once, kept, and said in batches. No Qt here."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from fetalnet.analysis.cache import DamagedAnalysisError, KeptAnalysis, fan_key, keep_analysis, kept_analysis
from fetalnet.analysis.examination import STILL, Examination
from fetalnet.analysis.findings import Batch, DescribedPredictor, Findings
from fetalnet.core.errors import InputError
from fetalnet.core.geometry import Geometry, MmPerPixel
from fetalnet.core.planes import STANDARD_PLANES
from fetalnet.core.prediction import Prediction
from fetalnet.core.scale.track import ScaleTrack
from fetalnet.inference.judges.recording import Judgement
from fetalnet.inference.stream import predicted
from fetalnet.screen.change.detector import Change
from fetalnet.screen.fan.sector import Sector
from fetalnet.screen.fan.sector_search import sector_of
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


_KEPT_DAMAGED = "What was kept of an earlier analysis is damaged; the recording is analysed again. Decisions stay."


@dataclass(frozen=True, slots=True)
class RecordingJob:
    """A recording to be analysed: its fan where a person drew it, and the file that keeps the analysis.

    ``anew`` begins again, whatever was kept. Answers carry ``generation``, so that late ones of another job are known.
    """

    generation: int
    path: Path
    fan: Sector | None
    kept: Path | None = None
    anew: bool = False


class Requests(Protocol):
    """What whoever wants the analysis may ask while it runs; each is called from the thread of the analysis."""

    def scales(self) -> ScaleTrack:
        """Return the newest scales."""
        ...

    def place_beyond(self, index: int) -> int | None:
        """Return the frame that somebody waits at, once, if it lies beyond ``index``."""
        ...

    def is_wanted(self, job: RecordingJob) -> bool:
        """Whether the job shall go on."""
        ...

    def is_overtaken(self) -> bool:
        """Whether something else shall be done at once, so that what was found is of no use any more."""
        ...


@dataclass(frozen=True, slots=True)
class Told:
    """Who is told what, see the signals of ``Analyst``; ``seen`` after each frame."""

    predicted: Callable[[Batch], None]
    found: Callable[[Findings], None]
    fan_found: Callable[[int, Sector], None]
    screen_changed: Callable[[int, Change], None]
    outdated: Callable[[int, str], None]
    noticed: Callable[[str], None]
    seen: Callable[[], None]


class RecordingAnalysis:
    """Does one job with a predictor, as long as it is wanted."""

    def __init__(
        self,
        job: RecordingJob,
        predictor: DescribedPredictor,
        open_source: Callable[[Path], Source],
        requests: Requests,
        told: Told,
    ) -> None:
        self._job, self._predictor, self._open_source = job, predictor, open_source
        self._requests, self._told = requests, told
        self._examination = Examination()
        self._judgement = Judgement()
        self._reached, self._frames_per_s = 0, 0.0
        self._model = predictor.model

    def run(self) -> bool:
        """Predict every frame that was not yet; whether that came to the end. Raises ``InputError``."""
        job = self._job
        with closing(self._open_source(job.path)) as source:
            self._begin(source)
            sector = job.fan or sector_of(source)
            self._told.fan_found(job.generation, sector)
            kept = None if job.kept is None or job.anew else self._taken_up(source, job.kept)
            if kept is not None and kept.model.sha256 != self._predictor.model.sha256:
                self._finish()
                told = f"This was analysed with other weights ({kept.model.name}). Decisions stay."
                self._told.outdated(job.generation, told)
                return kept.complete
            complete = kept is not None and kept.complete
            if not complete:
                try:
                    complete = self._go_on(source, sector, kept)
                except InputError:
                    raise
                except Exception:
                    if kept is None or self._reached > kept.reached:
                        raise
                    # What the network is said to have known it cannot take: it begins anew.
                    self._told.noticed(_KEPT_DAMAGED)
                    self._begin(source)
                    complete = self._go_on(source, sector, None)
            notice = " ".join(each for each in (source.notice, source.remark) if each)
        self._finish()
        if notice:
            self._told.noticed(notice)
        return complete

    def summarise(self, complete: bool) -> None:
        """Say what was found so far, in the scales of now; estimates only of what is ``complete``."""
        scales = self._requests.scales()

        def mm_per_pixel_of(index: int, geometry: Geometry) -> MmPerPixel | None:
            return scales.scale_for(index, geometry).mm_per_pixel

        of = self._examination
        estimates = of.estimates(mm_per_pixel_of) if complete else {}
        bests = {plane: of.bests(plane) for plane in STANDARD_PLANES}
        best = of.best(mm_per_pixel_of)
        broken = of.broken(self._reached)
        found = Findings(
            self._job.generation, best, estimates, complete, bests, of.segments(), of.frozen(), broken, self._model,
            scales,
            of.impossible(mm_per_pixel_of),
        )  # fmt: skip
        self._told.found(found)

    def _go_on(self, source: Source, sector: Sector, kept: KeptAnalysis | None) -> bool:
        """Predict the frames from where the analysis stands, and keep them; whether it came to the end.

        Decoding runs beside in a thread of its own.
        """
        job, predictor = self._job, self._predictor
        started_s = batch_s = summary_s = time.monotonic()
        summary_cost_s, count, complete = 0.0, 0, False
        batch: list[Prediction] = []
        pairs = predicted(
            source,
            predictor,
            sector,
            lambda change: self._told.screen_changed(job.generation, change),
            0 if kept is None else kept.reached,
            None if kept is None else kept.state,
        )
        try:
            for _, raw in pairs:
                prediction = self._judgement.judged(_for_screen(raw))
                self._examination.add(prediction)
                self._reached, self._model = prediction.index + 1, predictor.model
                self._told.seen()
                batch.append(prediction)
                count += 1
                now_s = time.monotonic()
                if now_s - batch_s >= BATCH_S:
                    self._send(batch, count / (now_s - started_s))
                    batch, batch_s = [], now_s
                # Looking at everything again grows with the recording: at most a tenth of the time goes there.
                if now_s - summary_s >= max(SUMMARY_S, 10 * summary_cost_s):
                    self.summarise(complete=False)
                    summary_s = time.monotonic()
                    summary_cost_s = summary_s - now_s
                self._look_first(sector)
                if not self._requests.is_wanted(job):
                    break
            else:
                self._reached, complete = max(len(source), self._reached), True
        finally:
            # Waits for the decoding thread, so that nobody reads from the source when it is closed.
            pairs.close()
            self._send(batch, count / max(time.monotonic() - started_s, 1e-3))
            if count or complete:
                state = None if complete else predictor.state
                self._keep(KeptAnalysis(predictor.model, self._judgement.seen, self._reached, complete, state))
        return complete

    def _look_first(self, sector: Sector) -> None:
        """Where somebody waits at a place, predict a little of it, and come back as if nothing had been.

        What is said of it is shown until the analysis itself gets there, and never kept.
        """
        place = self._next_place()
        if place is None:
            return
        state = self._predictor.state
        # What cannot be read there the player says, and the analysis when it gets there.
        with suppress(InputError), closing(self._open_source(self._job.path)) as source:
            fan = sector.mask((source.height, source.width))
            while place is not None:
                self._predictor.look_at(sector.box, fan)
                judgement, last = Judgement(), place + round(AHEAD_S * source.frame_rate_hz)
                batch: list[Prediction] = []
                batch_s, now = 0.0, place
                place = None
                for frame in frames_from(source, max(now - LEAD_IN, self._reached)):
                    prediction = judgement.judged(_for_screen(self._predictor.predict(frame)))
                    if frame.index >= now:
                        batch.append(prediction)
                    if batch and time.monotonic() - batch_s >= BATCH_S:
                        # The place itself is shown at once.
                        self._send(batch, self._frames_per_s)
                        batch, batch_s = [], time.monotonic()
                    place = self._next_place()
                    if place is not None or frame.index + 1 >= last or not self._requests.is_wanted(self._job):
                        break
                self._send(batch, self._frames_per_s)
        self._predictor.state = state

    def _next_place(self) -> int | None:
        """The place to be looked at first, if any that will not be reached at once."""
        return self._requests.place_beyond(self._reached + LEAD_IN)

    def _begin(self, source: Source) -> None:
        alone = len(source) == 1
        self._examination = Examination(STILL if alone else None)
        self._judgement = Judgement(alone=alone, outlines=True)
        self._reached, self._model = 0, self._predictor.model

    def _taken_up(self, source: Source, path: Path) -> KeptAnalysis | None:
        """What was kept, its frames named again and sent; None where there is nothing, or it is damaged and goes."""
        try:
            kept = kept_analysis(path, fan_key(self._job.fan))
            if kept is None:
                return None
            named = [self._judgement.judged(prediction) for prediction in kept.predictions]
            for prediction in named:
                self._examination.add(prediction)
            if kept.predictions and kept.predictions[-1].index >= len(source):
                raise DamagedAnalysisError("More frames were kept than there are.")
        except Exception as error:  # noqa: BLE001  it only saves time
            log.warning("a kept analysis is thrown away: %s", type(error).__name__)
            with suppress(OSError):
                path.unlink()
            self._told.noticed(_KEPT_DAMAGED)
            self._begin(source)
            return None
        self._reached, self._model = kept.reached, kept.model
        self._send_all(named)
        return kept

    def _finish(self) -> None:
        """Name every frame again, knowing all others, and say what was found."""
        if self._requests.is_overtaken():
            return
        again = self._judgement.again()
        if again is not None:
            self._examination = Examination.of(again)
            self._send_all(again)
        self.summarise(complete=True)

    def _send_all(self, predictions: list[Prediction]) -> None:
        for first in range(0, len(predictions), REUSED_BATCH):
            self._send(predictions[first : first + REUSED_BATCH], self._frames_per_s)

    def _send(self, batch: list[Prediction], frames_per_s: float) -> None:
        if batch:
            self._frames_per_s = frames_per_s
            self._told.predicted(Batch(self._job.generation, tuple(batch), frames_per_s, self._reached))

    def _keep(self, kept: KeptAnalysis) -> None:
        job = self._job
        if job.kept is None:
            return
        if job.anew and not kept.complete:
            before = None
            with suppress(DamagedAnalysisError):
                before = kept_analysis(job.kept, fan_key(job.fan))
            if before is not None and before.complete and before.model.sha256 == kept.model.sha256:
                return  # all that these weights say is there already
        try:
            job.kept.parent.mkdir(parents=True, exist_ok=True)
            keep_analysis(job.kept, fan_key(job.fan), kept)
        except (InputError, OSError):
            # The decisions' own file says so to the person; this one only saves time.
            log.warning("the analysis cannot be kept")


def _for_screen(prediction: Prediction) -> Prediction:
    """The same with an outline of at most ``OUTLINE_POINTS``: it is kept for every frame."""
    outline = prediction.outline
    if outline is None or len(outline) <= OUTLINE_POINTS:
        return prediction
    return replace(prediction, outline=outline[:: -(-len(outline) // OUTLINE_POINTS)].copy())
