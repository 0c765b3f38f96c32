"""The inference thread: does what the window wants of the network, and says what was found."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from PySide6.QtCore import QObject, QThread, Signal

from app.workers.analysis_requests import LiveJob, Wishes
from fetalnet.analysis.findings import DescribedPredictor, PredictorInfo
from fetalnet.analysis.recording import RecordingAnalysis, RecordingJob, Told
from fetalnet.core.errors import InputError
from fetalnet.core.scale.track import ScaleTrack
from fetalnet.core.system.latest import BoxClosedError, Latest
from fetalnet.live import LiveAnalysis, LiveFrame
from fetalnet.live.following import Following
from fetalnet.screen.device.preset import Preset
from fetalnet.screen.fan.sector import Sector
from fetalnet.sources import Source


class Analyst(QThread):
    """Loads the predictor once, then analyses one recording, or follows one live picture, at a time.

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
        self._wishes = Wishes()
        self._notice: str | None = None

    # Called from the UI thread.

    def analyse(self, path: Path, fan: Sector | None = None, kept: Path | None = None, *, anew: bool = False) -> int:
        """Begin with ``path`` as soon as the analysis now running has let go. Returns the generation of its answers.

        ``fan`` is where a person said that it is; else it is found. ``kept`` is where the answers are kept: they are
        taken from there where the fan is the same, and with the same weights what is missing is added; but for
        ``anew``.
        """
        return self._wishes.analyse(path, fan, kept, anew)

    def watch(self, frames: Latest[LiveFrame], fan: Sector | None = None, presets: tuple[Preset, ...] = ()) -> int:
        """Look at the newest of ``frames`` until they end or something else is wanted. Returns the generation."""
        return self._wishes.watch(frames, fan, presets)

    def cancel(self) -> None:
        """Leave the analysis now running; what was found so far stays."""
        self._wishes.cancel()

    def look_first(self, index: int) -> None:
        """Look at this place before the analysis goes on; of many wishes the newest counts."""
        self._wishes.look_first(index)

    def set_scales(self, scales: ScaleTrack) -> None:
        """Give the findings in mm of other scales."""
        self._wishes.set_scales(scales)

    def stop(self) -> None:
        """Ask the thread to end; it does within one frame's prediction."""
        self._wishes.stop()

    # The thread's own side.

    def run(self) -> None:
        predictor = self._load()
        analysis: RecordingAnalysis | None = None
        while True:
            try:
                job = self._wishes.next()
            except BoxClosedError:
                return
            if job is None:
                if analysis is None:
                    self._wishes.scales()  # seen, and nothing to say in them
                else:
                    analysis.summarise(complete=True)
                continue
            analysis = None
            predictor = predictor or self._load()
            if predictor is None:
                continue
            complete = False
            try:
                if isinstance(job, LiveJob):
                    self._watch(job, predictor)
                    continue
                analysis = self._analysis_of(job, predictor)
                complete = analysis.run()
            except InputError as error:
                self.failed.emit(job.generation, str(error))
                if analysis is not None:
                    analysis.summarise(complete=True)
            except Exception:  # noqa: BLE001  the thread must live on; the error hook logs it and tells the person
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

    def _analysis_of(self, job: RecordingJob, predictor: DescribedPredictor) -> RecordingAnalysis:
        told = Told(
            predicted=self.predicted.emit,
            found=self.found.emit,
            fan_found=self.fan_found.emit,
            screen_changed=self.screen_changed.emit,
            outdated=self.outdated.emit,
            noticed=self.noticed.emit,
            seen=lambda: self._tell_notice(predictor),
        )
        return RecordingAnalysis(job, predictor, self._open_source, self._wishes, told)

    def _watch(self, job: LiveJob, predictor: DescribedPredictor) -> None:
        def is_wanted() -> bool:
            self._tell_notice(predictor)
            return self._wishes.is_wanted(job)

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
        if notice is not None and notice != self._notice:
            self._notice = notice
            self.noticed.emit(notice)
            self.ready.emit(PredictorInfo(predictor.describe(), predictor.model))
