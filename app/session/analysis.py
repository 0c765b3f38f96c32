"""The analysis of what is open, as the window knows it: how far it is and what it found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.workers.analysis_thread import Analyst
from fetalnet.analysis.findings import Batch, DescribedPredictor, Findings, PredictorInfo
from fetalnet.core.prediction import ModelRef, Prediction
from fetalnet.core.scale.track import ScaleTrack
from fetalnet.screen.change.detector import Change
from fetalnet.screen.fan.sector import Sector
from fetalnet.sources import Source


@dataclass(frozen=True, slots=True)
class AnalysisState:
    """How far the analysis is. ``running`` is False before it starts and after it ended or was cancelled."""

    running: bool = False
    done: int = 0
    total: int = 0
    frames_per_s: float = 0.0
    complete: bool = False


class OngoingAnalysis(QObject):
    """Asks the inference thread, and hears only what it says of the recording that was asked for last.

    Signals:
        changed(AnalysisState), predictions_arrived(tuple of Prediction), findings_changed(Findings),
        predictor_changed(PredictorInfo), fan_found(Sector), screen_changed(Change), notice(str),
        outdated(str): a sentence that offers to analyse again.
    """

    changed = Signal(object)
    predictions_arrived = Signal(object)
    findings_changed = Signal(object)
    predictor_changed = Signal(object)
    fan_found = Signal(object)
    screen_changed = Signal(object)
    notice = Signal(str)
    outdated = Signal(str)

    def __init__(
        self,
        load_predictor: Callable[[], DescribedPredictor],
        open_source: Callable[[Path], Source],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.state = AnalysisState()
        self.predictions: dict[int, Prediction] = {}
        self.findings = Findings(0)
        self.predictor: PredictorInfo | None = None
        self.predictor_failed = False
        self._is_outdated = False
        self._is_kept = False
        self._generation = 0
        self.analyst = Analyst(load_predictor, open_source, self)
        self.analyst.ready.connect(self._on_predictor)
        self.analyst.predicted.connect(self._on_batch)
        self.analyst.found.connect(self._on_findings)
        self.analyst.finished_analysis.connect(self._on_finished)
        self.analyst.failed.connect(self._on_failed)
        self.analyst.fan_found.connect(self._on_fan)
        self.analyst.screen_changed.connect(self._on_screen_changed)
        self.analyst.noticed.connect(self.notice)
        self.analyst.outdated.connect(self._on_outdated)

    @property
    def model(self) -> ModelRef | None:
        """What made the predictions that are shown."""
        return self.findings.model or (self.predictor.model if self.predictor is not None else None)

    @property
    def goes_on(self) -> bool:
        """Whether the next analysis adds to a stopped one."""
        stopped = not self.state.complete and not self.state.running and self.state.done > 0
        return stopped and not self._is_outdated and self._is_kept

    def forget(self) -> None:
        """Another recording is open."""
        self.predictions, self.findings = {}, Findings(0)

    def begin(
        self,
        path: Path,
        frames: int,
        fan: Sector | None,
        scales: ScaleTrack,
        kept: Path | None,
        *,
        anew: bool = False,
    ) -> None:
        """Analyse a recording of so many ``frames``: see ``Analyst.analyse``."""
        self._is_outdated, self._is_kept = False, kept is not None
        self.analyst.set_scales(scales)
        self._generation = self.analyst.analyse(path, fan, kept, anew=anew)
        self._set(AnalysisState(True, 0, frames))

    def cancel(self) -> None:
        self.analyst.cancel()
        self.interrupted()

    def interrupted(self) -> None:
        """Something else is asked of the inference thread."""
        if self.state.running:
            self._set(replace(self.state, running=False))

    def set_scales(self, scales: ScaleTrack) -> None:
        self.analyst.set_scales(scales)

    def look_first(self, index: int) -> None:
        """Somebody goes to a place that is not analysed yet: it comes before the rest."""
        if self.state.running and index not in self.predictions:
            self.analyst.look_first(index)

    def _on_predictor(self, info: PredictorInfo) -> None:
        self.predictor, self.predictor_failed = info, False
        self.predictor_changed.emit(info)

    def _on_screen_changed(self, generation: int, change: Change) -> None:
        if generation == self._generation:
            self.screen_changed.emit(change)

    def _on_fan(self, generation: int, fan: Sector) -> None:
        if generation == self._generation:
            self.fan_found.emit(fan)

    def _on_batch(self, batch: Batch) -> None:
        if batch.generation != self._generation:
            return
        for each in batch.predictions:
            self.predictions[each.index] = each
        self._set(replace(self.state, done=batch.reached, frames_per_s=batch.frames_per_s))
        self.predictions_arrived.emit(batch.predictions)

    def _on_findings(self, findings: Findings) -> None:
        if findings.generation == self._generation:
            self.findings = findings
            self.findings_changed.emit(findings)

    def _on_outdated(self, generation: int, sentence: str) -> None:
        if generation == self._generation:
            self._is_outdated = True
            self.outdated.emit(sentence)

    def _on_finished(self, generation: int, complete: bool) -> None:
        if generation == self._generation:
            self._set(replace(self.state, running=False, complete=complete))

    def _on_failed(self, generation: int, sentence: str) -> None:
        if generation == 0:
            self.predictor_failed = True
        if generation in (0, self._generation):
            self._set(replace(self.state, running=False))
            self.notice.emit(sentence)

    def _set(self, state: AnalysisState) -> None:
        self.state = state
        self.changed.emit(state)
