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
from fetalnet.examination import STILL, BestFrame, Estimate, Examination
from fetalnet.measurement import Length, measure
from fetalnet.picture.letterbox import Box
from fetalnet.picture.scale import NO_SCALE, Scale, ScaleOrigin
from fetalnet.picture.sector import Sector, find_sector, sector_of
from fetalnet.planes import Kind, Plane
from fetalnet.sources import Frame, Source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fetalnet.geometry import MmPerPixel
    from fetalnet.prediction import Prediction
    from fetalnet.records import ModelRef

DECODED_AHEAD = 4
"""Frames decoded before the network asks for them: enough to overlap, little memory at 1080p (6 MB each)."""

ScaleOf = Callable[[str], Scale]
"""The scale of a file, by its base name."""

Progress = Callable[[int, int], None]
"""Told after each frame how many are done, and of how many."""


class FramePredictor(Protocol):
    """What the analysis asks of a predictor."""

    def predict(self, frame: Frame) -> Prediction: ...

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
    mm_per_pixel: MmPerPixel | None = None
    error: str | None = None

    @property
    def measurements(self) -> dict[Kind, Length]:
        if self.prediction is None or self.prediction.geometry is None:
            return {}
        return measure(self.prediction.geometry, self.prediction.plane, self.mm_per_pixel)

    def to_json(self) -> FrameJson:
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
                "mm_per_pixel": _mm_json(self.mm_per_pixel),
                "measurements": {
                    kind.value: {"px": length.px, "mm": length.mm} for kind, length in self.measurements.items()
                },
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
                "frames": [frame.to_json() for frame in self.frames],
                "best": {
                    kind.value: {"frame": best.index, "value_px": best.value.px, "value_mm": best.value.mm}
                    for kind, best in self.best.items()
                },
                "estimate": {kind.value: _estimate_json(estimate) for kind, estimate in self.estimates.items()},
            },
        )


def analyze(
    source: Source,
    predictor: FramePredictor,
    model: ModelRef,
    scale_of: ScaleOf,
    *,
    on_progress: Progress = lambda done, total: None,
    on_frame: Callable[[Frame, Prediction], None] = lambda frame, prediction: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Analysis:
    """Analyse a recording from its first frame to its last, or until ``cancelled`` says so.

    A source that breaks off after some frames gives what was read, with the reason in ``failures``; so does what the
    source itself noticed. Raises
    ``InputError`` where not one frame can be read.
    """
    total = len(source)
    examination = Examination(STILL if total == 1 else None)
    frames: list[FrameResult] = []
    scales: list[Scale] = []
    failures: tuple[str, ...] = ()
    try:
        with closing(predicted(source, predictor)) as pairs:
            for frame, prediction in pairs:
                # Outlines are for the screen; held for every frame they would fill the memory.
                prediction_kept = replace(prediction, outline=None)
                scale = scale_of(frame.file or source.name)
                scales.append(scale)
                frames.append(FrameResult(frame.index, frame.time_s, frame.file, prediction_kept, scale.mm_per_pixel))
                examination.add(prediction_kept)
                on_frame(frame, prediction)
                on_progress(len(frames), total)
                if cancelled():
                    break
    except InputError as error:
        if not frames:
            raise
        failures = (str(error),)
    if source.notice is not None and source.notice not in failures:
        failures = (*failures, source.notice)
    scale = _common(scales)
    best = {kind: _in_own_mm(best, frames) for kind, best in examination.best(scale.mm_per_pixel).items()}
    estimates = examination.estimates(scale.mm_per_pixel)
    return Analysis(str(source.path), model, scale, tuple(frames), best, estimates, failures)


def analyze_stills(
    source: str,
    files: Sequence[Path],
    read: Callable[[Path], Frame],
    predictor: FramePredictor,
    model: ModelRef,
    scale_of: ScaleOf,
    *,
    on_progress: Progress = lambda done, total: None,
    on_frame: Callable[[Frame, Prediction], None] = lambda frame, prediction: None,
) -> Analysis:
    """Analyse each image as a case of its own. An image that cannot be read is named and the rest is done."""
    results: list[FrameResult] = []
    scales: list[Scale] = []
    failures: list[str] = []
    for index, file in enumerate(files):
        try:
            frame = replace(read(file), index=index)
        except InputError as error:
            failures.append(str(error))
            results.append(FrameResult(index, None, file.name, None, error=str(error)))
        else:
            sector = find_sector(frame.pixels)
            predictor.look_at(sector.box, sector.mask(frame.pixels.shape))
            prediction = predictor.predict(frame)
            scale = scale_of(file.name)
            scales.append(scale)
            results.append(FrameResult(index, None, file.name, replace(prediction, outline=None), scale.mm_per_pixel))
            on_frame(frame, prediction)
        on_progress(index + 1, len(files))
    return Analysis(source, model, _common(scales), tuple(results), {}, {}, tuple(failures))


def predicted(
    source: Source, predictor: FramePredictor, sector: Sector | None = None
) -> Generator[tuple[Frame, Prediction]]:
    """Each frame with its prediction; a thread of its own decodes ahead while the network works.

    ``sector``: where a person has drawn the fan; else it is looked for.

    Close the iterator to stop early: the decoder is told, and waited for.
    """
    sector = sector or sector_of(source)
    predictor.look_at(sector.box, sector.mask((source.height, source.width)))
    ahead: queue.Queue[Frame | Exception | None] = queue.Queue(DECODED_AHEAD)
    stop = threading.Event()
    decoder = threading.Thread(target=_decode, args=(source, ahead, stop), name="decode")
    decoder.start()
    try:
        while (item := ahead.get()) is not None:
            if isinstance(item, Exception):
                raise item
            yield item, predictor.predict(item)
    finally:
        stop.set()
        # One free place wakes a decoder that waits for it.
        while not ahead.empty():
            ahead.get_nowait()
        decoder.join()


def _decode(source: Iterable[Frame], ahead: queue.Queue[Frame | Exception | None], stop: threading.Event) -> None:
    last: Exception | None = None
    try:
        for frame in source:
            ahead.put(frame)
            if stop.is_set():
                return
    except Exception as error:  # noqa: BLE001  it is raised again where the frames are taken
        last = error
    ahead.put(last)


def _common(scales: Sequence[Scale]) -> Scale:
    """The one scale of the whole source, or none with what is known about why."""
    if not scales:
        return NO_SCALE
    notes = list(dict.fromkeys(scale.note for scale in scales if scale.note is not None))
    note = " ".join(notes) or None
    if len({scale.mm_per_pixel for scale in scales}) == 1:
        return replace(scales[0], note=note)
    origins = {scale.origin for scale in scales if scale.mm_per_pixel is not None}
    return Scale(None, origins.pop() if len(origins) == 1 else ScaleOrigin.NONE, note)


def _in_own_mm(best: BestFrame, frames: Sequence[FrameResult]) -> BestFrame:
    """The best frame measured with the scale of that frame, which the whole source may not share."""
    own = next(frame for frame in frames if frame.index == best.index)
    return replace(best, value=measure(best.geometry, best.kind.plane, own.mm_per_pixel)[best.kind])


def _mm_json(value: MmPerPixel | None) -> dict[str, float] | None:
    return None if value is None else {"x": value.x, "y": value.y}


def _estimate_json(estimate: Estimate) -> dict[str, float | None]:
    in_mm = estimate.value.mm is not None
    return {
        "value_px": estimate.value.px,
        "value_mm": estimate.value.mm,
        "low": estimate.low.mm if in_mm else estimate.low.px,
        "high": estimate.high.mm if in_mm else estimate.high.px,
        "n": estimate.n,
    }
