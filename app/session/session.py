"""What is open: the recording, the shown frame, the predictions, the exam and its undo stack."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoStack

from app.session.analysis import OngoingAnalysis
from app.session.autosave import Journal
from app.session.edits import swapped
from app.session.picture_folders import PictureFolder, PictureFolders
from app.session.playback import Deck
from app.session.reception import Reception
from app.session.review import Review
from app.session.scanner import Device
from app.session.watch import Ended, Watch
from app.workers.hanging import wait_or_leave
from app.workers.player import Listing, Opened, Player, RecordingInfo
from app.workers.same_recording import SameRecording
from fetalnet.analysis.batch import parted
from fetalnet.analysis.caliper_quality import with_caliper
from fetalnet.analysis.estimate import Estimate
from fetalnet.analysis.findings import DescribedPredictor, Findings
from fetalnet.analysis.quality import DEFAULT_LIMITS, Criterion, Quality, QualityLimits, State, quality_of
from fetalnet.core.planes import KINDS_OF, STANDARD_PLANES, Kind, Plane
from fetalnet.core.prediction import Prediction
from fetalnet.core.scale.calibration import Calibration
from fetalnet.core.scale.scale import NO_SCALE, Scale
from fetalnet.core.scale.track import NO_SCALE_TRACK, ScaleTrack
from fetalnet.exam import records
from fetalnet.exam.records import CriterionDecision, Exam, Measurement, Status, criteria_of
from fetalnet.screen.fan.sector import Sector
from fetalnet.screen.fan.shape import FanShape
from fetalnet.sources import Frame, Source

log = logging.getLogger(__name__)

UNDO_LIMIT = 500
"""Decisions are small values; the limit only keeps a forgotten window from growing for ever."""


JOURNAL_PATIENCE_MS = 30_000
"""For what is being saved when the program ends; a window asks before."""


class Session(QObject):
    """The one owner of what is open. Views read it, listen to it, and ask it for verbs.

    Signals:
        clips_found(Listing), recording_opened(RecordingInfo), fan_changed(), frame_shown(Frame), exam_changed(),
        play_state_changed(PlayState), selection_changed(Kind), saved_changed(bool), notice(str),
        quality_limits_changed(), take_over_asked(str): whether an exam is to be taken from a computer that may be gone.
    """

    clips_found = Signal(object)
    recording_opened = Signal(object)
    fan_changed = Signal()
    frame_shown = Signal(object)
    exam_changed = Signal()
    play_state_changed = Signal(object)
    selection_changed = Signal(object)
    saved_changed = Signal(bool)
    notice = Signal(str)
    quality_limits_changed = Signal()
    take_over_asked = Signal(str)

    def __init__(
        self,
        *,
        open_source: Callable[[Path], Source],
        load_predictor: Callable[[], DescribedPredictor],
        exam_folder: Path,
        preset_folder: Path,
        live_folder: Path,
        receive_folder: Path,
        given_scale: Scale = NO_SCALE,
        screen_rate_hz: float = 60.0,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.undo_stack = QUndoStack(self)
        self.undo_stack.setUndoLimit(UNDO_LIMIT)
        self.review = Review(self)
        self.device = Device(preset_folder, self)
        self.recording: RecordingInfo | None = None
        self.fan: Sector | None = None
        self.selected = Kind.HC
        self.chosen_planes: set[Plane] = set()
        self.read_only: str | None = None
        self.quality_limits = DEFAULT_LIMITS
        self.saved = True
        self.save_failed = False
        self._exam: Exam | None = None
        self._folders = PictureFolders()
        self._saved_in_need: Exam | None = None
        self._given_scale = given_scale
        self._impossible: str | None = None

        self.journal = Journal(exam_folder, self)
        self.journal.saved.connect(self._on_saved)
        self.journal.failed.connect(self._on_save_failed)
        self.journal.start()

        self._deck = Deck(open_source, self.journal.restore, screen_rate_hz, self)
        self._deck.listed.connect(self._on_listed)
        self._deck.opened.connect(self._on_opened)
        self._deck.frame_shown.connect(self.frame_shown)
        self._deck.frame_shown.connect(lambda _: self._look_first_where_it_rests())
        self._deck.state_changed.connect(self.play_state_changed)
        self._deck.state_changed.connect(lambda _: self._look_first_where_it_rests())
        self._deck.failed.connect(self.notice)

        self.open_again = SameRecording(open_source)
        self.analysis = OngoingAnalysis(load_predictor, self.open_again, self)
        self.analysis.findings_changed.connect(self._on_findings)
        self.analysis.fan_found.connect(self._on_fan)
        self.analysis.screen_changed.connect(lambda change: self.set_scales(parted(self.scales, change)))
        self.analysis.notice.connect(self.notice)
        self.watch = Watch(self.analysis.analyst, live_folder, screen_rate_hz, lambda: self.device.presets, self)
        self.watch.began.connect(self._on_watch_began)
        self.watch.ended.connect(self._on_watch_ended)
        self.watch.notice.connect(self.notice)
        self.reception = Reception(receive_folder, self)
        self.reception.failed.connect(self.notice)
        self._live_scales: dict[Path, ScaleTrack] = {}
        self.analysis.analyst.start()

    # Opening and closing.

    def open(self, path: Path) -> None:
        """Begin to open a recording; the one now open stays until the new one is."""
        self._deck.open(path, self._folders.said)

    @property
    def picture_folder(self) -> PictureFolder | None:
        """The folder of pictures that the open recording is, or is a still of."""
        return self._folders.of(self.recording.path) if self.recording is not None else None

    def switch_picture_folder(self) -> None:
        """Take the folder of pictures for the other: each picture alone, or all of them for one recording."""
        if (folder := self.picture_folder) is not None:
            self._deck.open(folder.path, self._folders.switched(folder))

    def _on_listed(self, listing: Listing) -> None:
        self._folders.learn(listing.clips)
        self.clips_found.emit(listing)

    def close(self) -> None:
        """Stop every thread and wait for it. Decisions not yet on disk are written first; what hangs is left behind."""
        self.watch.close()
        self.reception.close()
        for each in (self._deck, self.analysis.analyst, self.journal):
            each.stop()
        if not self.journal.wait(JOURNAL_PATIENCE_MS):
            log.warning("the disk takes no decisions")
        self._deck.wait()
        for thread in (self.analysis.analyst, self.journal):
            wait_or_leave(thread)
        self.journal.close()

    def save_now(self) -> None:
        """Write the exam on this thread: for the crash handler, when no other thread can be trusted."""
        if self._exam is not None and not self.saved and not self.read_only and self.journal.save_now(self._exam):
            self._saved_in_need = self._exam

    @property
    def is_on_disk(self) -> bool:
        """Whether the disk holds every decision, whoever wrote it."""
        return self.saved or (self._exam is not None and self._saved_in_need is self._exam)

    @property
    def exam(self) -> Exam:
        """The open exam. Raises where nothing is open: callers ask ``is_open`` first."""
        if self._exam is None:
            raise RuntimeError("no exam is open")
        return self._exam

    @property
    def is_open(self) -> bool:
        return self._exam is not None

    @property
    def is_free(self) -> bool:
        """Whether a recording may be opened unasked: nothing is open, being opened or watched."""
        return self._exam is None and not self._deck.opening and not self.watch.watching

    @property
    def recording_id(self) -> str:
        return self.exam.recordings[0].id

    @property
    def scales(self) -> ScaleTrack:
        """The scale along the open recording."""
        return self.exam.recordings[0].scale_track if self._exam is not None else NO_SCALE_TRACK

    @property
    def calibration(self) -> Calibration:
        """What is known about the scale of the shown frame."""
        return self.scales.at(self.frame.index if self.frame is not None else 0)

    @property
    def scale(self) -> Scale:
        """The one scale of the shown frame."""
        return self.calibration.scale

    @property
    def drawn_fan(self) -> FanShape | None:
        """Where a person drew the fan of the recording."""
        return self.exam.recordings[0].fan if self._exam is not None else None

    @property
    def known_fan(self) -> Sector | None:
        """The fan that a person drew, for the recording or for its device; None where it is to be found."""
        if self.drawn_fan is None or self.recording is None:
            return self.device.drawn_fan
        return Sector.of_fan(self.drawn_fan, (self.recording.height, self.recording.width))

    @property
    def searched_fan(self) -> Sector | None:
        """The fan once it was drawn, or searched in frames spread over the recording; None before."""
        if self.known_fan is not None:
            return self.known_fan
        return self.fan if self.fan is not None and self.fan.fan is not None else None

    def _on_opened(self, opened: Opened) -> None:
        self.undo_stack.clear()
        self.recording, self._exam, self.fan = opened.recording, opened.exam, opened.fan
        self._folders.opened(opened.recording.path)
        self.open_again.know(opened.recording.path, opened.exam.recordings[0].content_sha256)
        refusal = self.journal.refusal(opened.exam.recordings[0])
        self.read_only = None if refusal is None else refusal.sentence
        self.journal.release_others(opened.exam.recordings[0])
        self.analysis.forget()
        self.chosen_planes = {
            each.plane
            for each in self._exam.measurements
            if not each.decisions
            and any(other.kind is each.kind and other.decisions for other in self._exam.measurements)
        }
        self.recording_opened.emit(opened.recording)
        self.device.look(opened.layout, opened.fan)
        self.fan = self.known_fan or opened.fan
        self.fan_changed.emit()
        if self.player is not None:
            self.play_state_changed.emit(self.player.state)
        if self._given_scale.mm_per_pixel is not None:
            given = ScaleTrack.of(Calibration.of_whole(self._given_scale))
            self._exam = records.with_scale_track(self._exam, self.recording_id, given)
        live = self._live_scales.pop(opened.recording.path, None)
        if live is not None and self._given_scale.mm_per_pixel is None:
            self._exam = records.with_scale_track(self._exam, self.recording_id, live)
            self._save()
        if said := self.read_only or opened.notice:
            self.notice.emit(said)
        if refusal is not None and refusal.is_question:
            self.take_over_asked.emit(refusal.sentence)
        self.exam_changed.emit()
        self._look_at_saving()
        self.select(self.selected)
        self.analyse()

    def _on_watch_began(self) -> None:
        if self.player is not None:
            self.player.pause()
        self.analysis.interrupted()
        if self._given_scale.mm_per_pixel is not None:
            self.watch.set_scale(self._given_scale)

    def _on_watch_ended(self, ended: Ended) -> None:
        """What a person said of the scale while watching goes on in the recordings."""
        for segment, scales in zip(ended.segments, ended.scales, strict=True):
            if scales.changes or scales.at(0).is_known:
                self._live_scales[segment.path] = scales

    # The shown frame.

    @property
    def player(self) -> Player | None:
        return self._deck.player

    @property
    def frame(self) -> Frame | None:
        """The frame now on screen."""
        return self._deck.frame

    def seek(self, index: int) -> None:
        if self.player is not None:
            self.player.seek(index)
            self.analysis.look_first(index)

    def show(self, index: int) -> None:
        """Pause and show frame ``index``."""
        if self.player is not None:
            self.player.show(index)
            self.analysis.look_first(index)

    @property
    def shown_prediction(self) -> Prediction | None:
        return self.analysis.predictions.get(self.frame.index) if self.frame is not None else None

    def measurements_in(self, index: int) -> tuple[Measurement, ...]:
        """What counts of each measure in frame ``index``: the last that is not rejected, else the last."""
        if self._exam is None:
            return ()
        of_frame = [each for each in self._exam.measurements if each.frame_index == index]
        counts = (_last([each for each in of_frame if each.kind is kind]) for kind in Kind)
        return tuple(each for each in counts if each is not None)

    @property
    def shown_measurements(self) -> tuple[Measurement, ...]:
        """What counts of each measure in the shown frame."""
        return self.measurements_in(self.frame.index) if self.frame is not None else ()

    def shown_measurement(self, plane: Plane) -> Measurement | None:
        """The measurement of ``plane`` in the shown frame that is not rejected."""
        of_plane = (each for each in self.shown_measurements if each.plane is plane)
        return next((each for each in of_plane if each.status is not Status.REJECTED), None)

    # The analysis.

    def analyse(self, *, anew: bool = False) -> None:
        """Analyse the open recording: what is kept is reused, what is missing added; all of it where ``anew``."""
        if self.recording is None or self.watch.watching:
            return
        self.analysis.begin(
            self.recording.path, len(self.recording), self.known_fan, self.scales, self._kept, anew=anew
        )

    def set_quality_limits(self, limits: QualityLimits) -> None:
        """Where the criteria of quality turn green, from now on."""
        self.quality_limits = limits
        self.quality_limits_changed.emit()

    def _look_first_where_it_rests(self) -> None:
        if self.frame is not None and self.player is not None and not self.player.state.playing:
            self.analysis.look_first(self.frame.index)

    @property
    def _kept(self) -> Path | None:
        """Where the analysis is kept; the window that may not write keeps none."""
        return None if self.read_only else self.journal.frames_path_of(self.exam.recordings[0])

    def _on_fan(self, fan: Sector) -> None:
        self.fan = fan
        if self.known_fan is None:
            self.device.set_fan(fan)
        self.fan_changed.emit()

    def _on_findings(self, findings: Findings) -> None:
        """Propose what was found; what a person chose stays."""
        model = self.analysis.model
        if self._exam is None or model is None:
            return
        chosen = [each for plane in self.chosen_planes for each in self.open_measurements(plane)]
        best = [each for each in findings.best.values() if each.kind.plane not in self.chosen_planes]
        exam = records.propose(self._exam, self.recording_id, best, model)
        lost = [each for each in chosen if each not in exam.measurements]
        self._exam = replace(exam, measurements=(*exam.measurements, *lost))
        if findings.complete:
            self._save()
            if best and self.measurement_of(self.selected) is None:
                # The person shall see what there is to decide, not that there is nothing of another measure.
                self.select(best[0].kind)
        self.exam_changed.emit()
        if findings.impossible is not None and findings.impossible != self._impossible:
            self.notice.emit(findings.impossible)
        self._impossible = findings.impossible

    # Reading the exam.

    def measurement_of(self, kind: Kind) -> Measurement | None:
        """The measurement of ``kind`` that counts: the last that is not rejected, else the last."""
        if self._exam is None:
            return None
        return _last([each for each in self._exam.measurements if each.kind is kind])

    def quality_of_shown(self) -> tuple[Quality, dict[Criterion, State]] | None:
        """The machine's view of the shown frame's plane, and what a person said of it; None without a plane."""
        prediction = self.shown_prediction
        return None if prediction is None else self.quality_of(prediction)

    def quality_of(self, prediction: Prediction) -> tuple[Quality, dict[Criterion, State]] | None:
        """The same of any frame, with the caliper of its plane as it stands now."""
        if self._exam is None or self.recording is None:
            return None
        for each in self.measurements_in(prediction.index):
            if each.plane is prediction.plane and each.status is not Status.REJECTED:
                shape = self.recording.height, self.recording.width
                prediction = with_caliper(prediction, each.geometry, self.fan or Sector.whole(shape), shape)
                break
        size = self.scales.scale_for(prediction.index, prediction.geometry).mm_per_pixel
        quality = quality_of(prediction, size, self.quality_limits)
        return None if quality is None else (quality, criteria_of(self._exam, self.recording_id, prediction.index))

    def estimate_of(self, kind: Kind) -> Estimate | None:
        """The value from the whole exam; None while it is not said in the scales of now."""
        findings = self.analysis.findings
        return findings.estimates.get(kind) if findings.scales == self.scales else None

    def open_measurements(self, plane: Plane) -> tuple[Measurement, ...]:
        return tuple(each for each in self.exam.measurements if each.plane is plane and not each.decisions)

    @property
    def to_review(self) -> int:
        return sum(1 for each in self._exam.measurements if not each.decisions) if self._exam is not None else 0

    def best_frames(self) -> list[tuple[Plane, int]]:
        """Plane and frame of every measurement that counts, in the order of the frames."""
        found = {
            (plane, each.frame_index)
            for plane in STANDARD_PLANES
            for kind in KINDS_OF[plane]
            if (each := self.measurement_of(kind)) is not None
        }
        return sorted(found, key=lambda item: item[1])

    def select(self, kind: Kind) -> None:
        self.selected = kind
        self.selection_changed.emit(kind)

    def go_to(self, kind: Kind) -> None:
        """Select a measure and show the frame of its measurement."""
        self.select(kind)
        measurement = self.measurement_of(kind)
        if measurement is not None:
            self.show(measurement.frame_index)

    # What commands do, and what the recording itself tells: a change of its scale.

    def replace_measurements(self, by_id: dict[str, Measurement]) -> None:
        self._changed(swapped(self.exam, by_id))

    def set_open_measurements(self, plane: Plane, measurements: tuple[Measurement, ...], *, chosen: bool) -> None:
        (self.chosen_planes.add if chosen else self.chosen_planes.discard)(plane)
        kept = tuple(each for each in self.exam.measurements if each.plane is not plane or each.decisions)
        self._changed(replace(self.exam, measurements=(*kept, *measurements)))

    def set_measurements(self, measurements: tuple[Measurement, ...]) -> None:
        self._changed(replace(self.exam, measurements=measurements))

    def set_criteria(self, criteria: tuple[CriterionDecision, ...]) -> None:
        self._changed(replace(self.exam, criteria=criteria))

    def set_scales(self, scales: ScaleTrack) -> None:
        """Measure what is open by these scales from now on. Decisions keep theirs."""
        if scales != self.scales:
            self._changed(records.with_scale_track(self.exam, self.recording_id, scales))
            self.analysis.set_scales(scales)

    def draw_fan(self, fan: FanShape | None) -> None:
        self._changed(records.with_fan(self.exam, self.recording_id, fan))
        self.analyse()

    def _changed(self, exam: Exam) -> None:
        self._exam = exam
        self._save()
        self.exam_changed.emit()

    def _save(self) -> None:
        if self.read_only:
            return
        self._set_saved(False)
        self.journal.put(self.exam)

    def _on_saved(self, _: Exam) -> None:
        failed_before = self.save_failed
        self._look_at_saving()
        if failed_before and self.saved:
            self.notice.emit("Your decisions are saved now.")

    def _on_save_failed(self, sentence: str) -> None:
        self.save_failed = True
        self.notice.emit(sentence)
        self.saved_changed.emit(False)

    def _look_at_saving(self) -> None:
        """Saved is what this exam and those before it have on disk."""
        self._set_saved(self.journal.all_saved)

    def _set_saved(self, saved: bool) -> None:
        self.saved = saved
        self.save_failed = not saved and self.journal.failure is not None
        self.saved_changed.emit(saved)

    def take_over(self) -> None:
        """Take the open exam from the computer that had it, and open it again as it is there now."""
        if self._exam is not None and self.recording is not None:
            self.journal.take_over(self._exam.recordings[0])
            self.open(self.recording.path)


def _last(of_kind: list[Measurement]) -> Measurement | None:
    """The last that is not rejected, else the last."""
    live = [each for each in of_kind if each.status is not Status.REJECTED]
    return next(reversed(live or of_kind), None)
