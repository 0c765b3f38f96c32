"""A whole source through the network: frames are decoded, predicted, examined and let go, one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from fetalnet.analysis.examination import STILL, Examination
from fetalnet.analysis.quality import DEFAULT_LIMITS, QualityLimits
from fetalnet.analysis.result import Analysis, FrameResult
from fetalnet.core.errors import InputError
from fetalnet.core.scale.calibration import OUTSIDE, Calibration
from fetalnet.core.scale.scale import Scale
from fetalnet.core.scale.track import ScaleTrack, common_scale
from fetalnet.inference.judges.recording import Judgement
from fetalnet.inference.stream import FramePredictor, predicted
from fetalnet.screen.change.detector import Change
from fetalnet.screen.fan.sector import Sector
from fetalnet.screen.fan.sector_search import search_sector
from fetalnet.sources import Frame, Source

if TYPE_CHECKING:
    from fetalnet.core.geometry import Geometry, MmPerPixel
    from fetalnet.core.prediction import ModelRef, Prediction

CalibrationOf = Callable[[Frame, Source], Calibration]
"""What is known about the size of the pixels of a frame from this source."""

OnFrame = Callable[[Frame, "Prediction", Scale], None]
"""Told each frame, what was predicted for it, and the scale of what is measured in it."""

Progress = Callable[[int, int], None]
"""Told after each frame how many are done, and of how many."""


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
    return track.parted(change.index, change.sentence, change.ruler)


def _scale_of_all(calibrations: Iterable[Calibration], frames: Sequence[FrameResult]) -> Scale:
    """The one scale of the whole source, or none, with what is known about why some frame has none."""
    scale = common_scale(calibration.scale for calibration in calibrations)
    outside = sum(1 for frame in frames if frame.scale.note == OUTSIDE)
    if not outside:
        return scale
    note = f"{outside} of {len(frames)} frames: what was found does not lie in one calibrated region, so pixels only."
    return replace(scale, note=note if scale.note is None else f"{scale.note} {note}")
