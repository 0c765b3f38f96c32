"""A whole source through the network: frames are decoded, predicted, examined and let go, one by one."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from fetalnet.analysis_json import SCHEMA_VERSION, AnalysisJson, FrameJson
from fetalnet.errors import InputError
from fetalnet.estimate import Estimate
from fetalnet.examination import STILL, BestFrame, Examination
from fetalnet.measurement import Length, measure
from fetalnet.picture.calibration import OUTSIDE, Calibration
from fetalnet.picture.drift import Change
from fetalnet.picture.letterbox import Box
from fetalnet.picture.scale import NO_SCALE, Scale
from fetalnet.picture.scale_track import ScaleTrack, common_scale
from fetalnet.picture.screen_watch import ScreenWatch
from fetalnet.picture.sector import Sector
from fetalnet.picture.sector_search import search_sector, sector_of
from fetalnet.planes import Kind, Plane
from fetalnet.quality import DEFAULT_LIMITS, QualityLimits, quality_of
from fetalnet.recording_judge import Judgement
from fetalnet.segments import Broken, Frozen, Segment
from fetalnet.sources import Frame, Source, frames_from
from fetalnet.wording import screen_change_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fetalnet.geometry import Geometry, MmPerPixel
    from fetalnet.prediction import Prediction, StreamState
    from fetalnet.records import ModelRef

DECODED_AHEAD = 4
"""Frames decoded before the network asks for them: enough to overlap, little memory at 1080p (6 MB each)."""

WATCHED_BEFORE = 120
"""Frames that the watch over the screen looks at again where an earlier pass ended: it learns in half as many."""

CalibrationOf = Callable[[Frame, Source], Calibration]
"""What is known about the size of the pixels of a frame from this source."""

OnChange = Callable[[Change], None]
"""Told of each change of the scanner's depth, zoom or layout."""

OnFrame = Callable[[Frame, "Prediction", Scale], None]
"""Told each frame, what was predicted for it, and the scale of what is measured in it."""

Progress = Callable[[int, int], None]
"""Told after each frame how many are done, and of how many."""


class FramePredictor(Protocol):
    """What the analysis asks of a predictor."""

    state: StreamState
    """What it carries from frame to frame: a copy when it is read."""

    def predict(self, frame: Frame) -> Prediction: ...

    def predict_still(self, frame: Frame) -> Prediction:
        """The answer for a picture alone."""
        ...

    def look_at(self, crop: Box, fan: NDArray[np.bool_]) -> None:
        """Look only at this part of the frames, and forget the frames seen so far."""
        ...


@dataclass(frozen=True, slots=True)
class FrameResult:
    """What one frame gave; ``prediction`` is None where it could not be read, with the reason in ``error``."""

    index: int
    time_s: float | None
    file: str | None
    prediction: Prediction | None
    scale: Scale = NO_SCALE
    error: str | None = None

    @property
    def measurements(self) -> dict[Kind, Length]:
        if self.prediction is None or self.prediction.geometry is None:
            return {}
        return measure(self.prediction.geometry, self.prediction.plane, self.scale.mm_per_pixel)

    def to_json(self, limits: QualityLimits = DEFAULT_LIMITS) -> FrameJson:
        """The entry of one frame in the JSON; ``limits`` of its quality."""
        plane = Plane.OTHER if self.prediction is None else self.prediction.plane
        # Softmax in 32 bits may end a hair outside [0, 1].
        probabilities = {
            str(each): 0.0 if self.prediction is None else min(max(self.prediction.probabilities[each], 0.0), 1.0)
            for each in Plane
        }
        geometry = None if self.prediction is None else self.prediction.geometry
        return cast(
            "FrameJson",
            {
                "index": self.index,
                "time_s": self.time_s,
                "file": self.file,
                "plane": plane.value,
                "probabilities": probabilities,
                "probability": probabilities[plane],
                "geometry": None if geometry is None else geometry.to_json(),
                "mm_per_pixel": _mm_json(self.scale.mm_per_pixel),
                "measurements": {
                    kind.value: {"px": length.px, "mm": length.mm} for kind, length in self.measurements.items()
                },
                "quality": _quality_json(self.prediction, self.scale, limits),
                "error": self.error,
            },
        )


@dataclass(frozen=True, slots=True)
class Analysis:
    """All that was found in one source; ``failures`` names what could not be read, in sentences."""

    source: str
    model: ModelRef
    scale: Scale
    frames: tuple[FrameResult, ...]
    best: dict[Kind, BestFrame]
    estimates: dict[Kind, Estimate]
    failures: tuple[str, ...] = ()
    segments: tuple[Segment, ...] = ()
    frozen: tuple[Frozen, ...] = ()
    broken: tuple[Broken, ...] = ()
    limits: QualityLimits = DEFAULT_LIMITS

    @property
    def scale_warnings(self) -> tuple[str, ...]:
        """A sentence for each scale that may be right but hardly ever is."""
        return tuple(dict.fromkeys(frame.scale.warning for frame in self.frames if frame.scale.warning is not None))

    def to_json(self) -> AnalysisJson:
        """The JSON of ``docs/analysis.schema.json``."""
        return cast(
            "AnalysisJson",
            {
                "schema_version": SCHEMA_VERSION,
                "source": self.source,
                "model": {"name": self.model.name, "sha256": self.model.sha256, "engine": self.model.engine},
                "mm_per_pixel": _mm_json(self.scale.mm_per_pixel),
                "scale_origin": self.scale.origin.value,
                "scale_note": self.scale.note,
                "frames": [frame.to_json(self.limits) for frame in self.frames],
                "best": {
                    kind.value: {"frame": best.index, "value_px": best.value.px, "value_mm": best.value.mm}
                    for kind, best in self.best.items()
                },
                "estimate": {kind.value: _estimate_json(estimate) for kind, estimate in self.estimates.items()},
                "segments": [
                    {
                        "plane": each.plane.value,
                        "start": each.start,
                        "end": each.stop - 1,
                        "start_s": each.start_s,
                        "end_s": each.end_s,
                    }
                    for each in self.segments
                ],
                "frozen": [_stretch_json(each) for each in self.frozen],
                "broken": [_stretch_json(each) for each in self.broken],
                "min_plane_size": self.limits.min_size,
            },
        )


def own_calibration(frame: Frame, source: Source) -> Calibration:
    """What the source itself says."""
    return source.calibration


def analyze(
    source: Source,
    predictor: FramePredictor,
    model: ModelRef,
    calibration_of: CalibrationOf = own_calibration,
    *,
    sector: Sector | None = None,
    limits: QualityLimits = DEFAULT_LIMITS,
    on_progress: Progress = lambda done, total: None,
    on_frame: OnFrame = lambda frame, prediction, scale: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Analysis:
    """Analyse a recording from its first frame to its last, or until ``cancelled`` says so; ``sector`` is its fan.

    The network looks at ``sector``, or at the one that is found.

    Broken frames have an ``error`` and the rest is analysed. A source that breaks off after some frames gives what was
    read, with the reason in ``failures``; so does what the source itself noticed. Raises ``InputError`` where not one
    frame can be read.
    """
    total = len(source)
    examination, judgement = Examination(STILL if total == 1 else None), Judgement(alone=total == 1)
    frames: list[FrameResult] = []
    calibrations: dict[Calibration, None] = {}
    changes: list[Change] = []
    tracks: dict[Calibration, ScaleTrack] = {}
    failures: tuple[str, ...] = ()

    def calibrated(frame: FrameResult, given: Calibration) -> FrameResult:
        """The frame with its scale; one given for the whole recording ends or is followed at a change of the screen."""
        if given.is_known:
            if given not in tracks:
                tracks[given] = ScaleTrack.of(given)
                for change in changes:
                    tracks[given] = parted(tracks[given], change)
            given = tracks[given].at(frame.index)
        calibrations[given] = None
        assert frame.prediction is not None
        return replace(frame, scale=given.scale_for(frame.prediction.geometry))

    def on_change(change: Change) -> None:
        """A change is confirmed a few frames after it: those between get another scale, or none."""
        changes.append(change)
        tracks.clear()
        late = next((at for at, frame in enumerate(frames) if frame.index >= change.index), len(frames))
        frames[late:] = [calibrated(frame, given) for frame, given in zip(frames[late:], givens[late:], strict=True)]

    givens: list[Calibration] = []
    stopped = False
    try:
        with closing(predicted(source, predictor, sector, on_change)) as pairs:
            for frame, raw in pairs:
                prediction = judgement.judged(raw)
                # Outlines are for the screen; held for every frame they would fill the memory.
                prediction_kept = replace(prediction, outline=None)
                givens.append(calibration_of(frame, source))
                result = FrameResult(frame.index, frame.time_s, frame.file, prediction_kept)
                frames.append(calibrated(result, givens[-1]))
                scale = frames[-1].scale
                examination.add(prediction_kept)
                on_frame(frame, prediction, scale)
                on_progress(frame.index + 1, total)
                if cancelled():
                    stopped = True
                    break
    except InputError as error:
        if not frames:
            raise
        failures = (str(error),)
        stopped = True
    if not frames:
        raise InputError(source.notice or f"No picture of {source.name} can be read; copy or export it again.")
    if source.notice is not None and source.notice not in failures:
        failures = (*failures, source.notice)
    again = judgement.again()
    if again is not None:
        renamed = [replace(frame, prediction=prediction) for frame, prediction in zip(frames, again, strict=True)]
        frames[:] = [calibrated(frame, given) for frame, given in zip(renamed, givens, strict=True)]
        examination = Examination.of(again)
    scales = {frame.index: frame.scale for frame in frames}

    def mm_per_pixel_of(index: int, geometry: Geometry) -> MmPerPixel | None:
        return scales[index].mm_per_pixel

    best, estimates = examination.best(mm_per_pixel_of), examination.estimates(mm_per_pixel_of)
    scale = _scale_of_all(calibrations, frames)
    broken = examination.broken(frames[-1].index + 1 if stopped else len(source))
    lost = [
        FrameResult(index, source.time_s(index), None, None, error=f"Frame {index} is damaged and was left out.")
        for each in broken
        for index in range(each.start, each.stop)
    ]
    return Analysis(
        str(source.path),
        model,
        scale,
        tuple(sorted((*frames, *lost), key=lambda frame: frame.index)),
        best,
        estimates,
        failures,
        examination.segments(),
        examination.frozen(),
        broken,
        limits,
    )


def analyze_stills(
    source: str,
    files: Sequence[Path],
    open_still: Callable[[Path], Source],
    predictor: FramePredictor,
    model: ModelRef,
    calibration_of: CalibrationOf = own_calibration,
    *,
    fan_of: Callable[[Source], Sector | None] = lambda source: None,
    limits: QualityLimits = DEFAULT_LIMITS,
    on_progress: Progress = lambda done, total: None,
    on_frame: OnFrame = lambda frame, prediction, scale: None,
) -> Analysis:
    """Analyse each image as a case of its own. An image that cannot be read is named and the rest is done.

    ``fan_of`` says where the fan is; where it does not, the fan is found.
    """
    results: list[FrameResult] = []
    calibrations: dict[Calibration, None] = {}
    failures: list[str] = []
    for index, file in enumerate(files):
        try:
            with closing(open_still(file)) as still:
                frame = _only_frame(still, file.name)
                calibration, fan = calibration_of(frame, still), fan_of(still)
        except InputError as error:
            failures.append(str(error))
            results.append(FrameResult(index, None, file.name, None, error=str(error)))
        else:
            frame = replace(frame, index=index)
            sector = fan or search_sector(frame.pixels)
            predictor.look_at(sector.box, sector.mask(frame.pixels.shape))
            prediction = predictor.predict_still(frame)
            calibrations[calibration] = None
            scale = calibration.scale_for(prediction.geometry)
            results.append(FrameResult(index, None, file.name, replace(prediction, outline=None), scale))
            on_frame(frame, prediction, scale)
        on_progress(index + 1, len(files))
    scale = _scale_of_all(calibrations, results)
    return Analysis(source, model, scale, tuple(results), {}, {}, tuple(failures), limits=limits)


def _only_frame(still: Source, name: str) -> Frame:
    """The frame of an image. Raises ``InputError`` for a recording of many frames."""
    if len(still) > 1:
        raise InputError(f"{name} holds {len(still)} frames; analyse it alone, without --stills.")
    return replace(still[0], time_s=None, file=name)


def parted(track: ScaleTrack, change: Change) -> ScaleTrack:
    """The scales of a recording after a change of its screen."""
    return track.parted(change.index, screen_change_text(change), change.ruler)


def predicted(
    source: Source,
    predictor: FramePredictor,
    sector: Sector | None = None,
    on_change: OnChange | None = None,
    start: int = 0,
    state: StreamState | None = None,
) -> Generator[tuple[Frame, Prediction]]:
    """Each frame with its prediction; a thread of its own decodes ahead while the network works.

    The network looks at ``sector``, or at the one that is found, and forgets what it saw before a broken stretch.
    ``on_change`` is told of each change of the scanner's depth, zoom or layout, before the frame that confirms it.
    ``start`` is where an earlier pass ended, and ``state`` what the predictor knew then: what follows is as if that
    pass had gone on.

    Close the iterator to stop early: the decoder is told, and waited for.
    """
    sector = sector or sector_of(source)
    fan = sector.mask((source.height, source.width))
    predictor.look_at(sector.box, fan)
    if state is not None:
        predictor.state = state
    expected = start
    ahead: queue.Queue[tuple[Frame, Change | None] | Exception | None] = queue.Queue(DECODED_AHEAD)
    stop = threading.Event()
    watch = ScreenWatch(sector) if on_change is not None and len(source) > 1 else None
    predict = predictor.predict_still if len(source) == 1 else predictor.predict
    decoder = threading.Thread(target=_decode, args=(source, start, watch, ahead, stop), name="decode")
    decoder.start()
    try:
        while (item := ahead.get()) is not None:
            if isinstance(item, Exception):
                raise item
            frame, change = item
            if change is not None and on_change is not None:
                on_change(change)
            if frame.index != expected:
                predictor.look_at(sector.box, fan)
            yield frame, predict(frame)
            expected = frame.index + 1
    finally:
        stop.set()
        # One free place wakes a decoder that waits for it.
        while not ahead.empty():
            ahead.get_nowait()
        decoder.join()


def _decode(
    source: Source,
    start: int,
    watch: ScreenWatch | None,
    ahead: queue.Queue[tuple[Frame, Change | None] | Exception | None],
    stop: threading.Event,
) -> None:
    last: Exception | None = None
    try:
        # The watch has to have seen what was on the screen before; what it told then, it need not tell again.
        first = max(start - WATCHED_BEFORE, 0) if watch is not None else start
        for frame in source if first == 0 else frames_from(source, first):
            change = None if watch is None else watch.look(frame)
            if frame.index >= start:
                ahead.put((frame, change))
            if stop.is_set():
                return
    except Exception as error:  # noqa: BLE001  it is raised again where the frames are taken
        last = error
    ahead.put(last)


def _scale_of_all(calibrations: Iterable[Calibration], frames: Sequence[FrameResult]) -> Scale:
    """The one scale of the whole source, or none, with what is known about why some frame has none."""
    scale = common_scale(calibration.scale for calibration in calibrations)
    outside = sum(1 for frame in frames if frame.scale.note == OUTSIDE)
    if not outside:
        return scale
    note = f"{outside} of {len(frames)} frames: what was found does not lie in one calibrated region, so pixels only."
    return replace(scale, note=note if scale.note is None else f"{scale.note} {note}")


def _mm_json(value: MmPerPixel | None) -> dict[str, float] | None:
    return None if value is None else {"x": value.x, "y": value.y}


def _stretch_json(stretch: Frozen | Broken) -> dict[str, float | None]:
    return {"start": stretch.start, "end": stretch.stop - 1, "start_s": stretch.start_s, "end_s": stretch.end_s}


def _quality_json(prediction: Prediction | None, scale: Scale, limits: QualityLimits) -> dict[str, object] | None:
    quality = None if prediction is None else quality_of(prediction, scale.mm_per_pixel, limits)
    if quality is None:
        return None
    states = {criterion.value: state.value for criterion, state in quality.states.items()}
    return {"score": quality.score, "of": quality.of, "criteria": states}


def _estimate_json(estimate: Estimate) -> dict[str, float | None]:
    in_mm = estimate.value.mm is not None
    return {
        "value_px": estimate.value.px,
        "value_mm": estimate.value.mm,
        "low": estimate.low.mm if in_mm else estimate.low.px,
        "high": estimate.high.mm if in_mm else estimate.high.px,
        "n": estimate.n,
    }
