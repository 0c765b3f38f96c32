"""Scores of labelled recordings: every frame's plane, the frame that is proposed for measuring, and its measure."""

from __future__ import annotations

from dataclasses import dataclass, field

from fetalnet.analysis.examination import BestFrame, Examination
from fetalnet.core.frame import Frame
from fetalnet.core.geometry import Ellipse, MmPerPixel
from fetalnet.core.measurement import Length
from fetalnet.core.planes import KINDS_OF, Kind, Plane
from fetalnet.core.prediction import Prediction
from fetalnet.inference.judges.recording import Judgement
from fetalnet.research.datasets.still import RecordedFrame, Recording
from fetalnet.research.evaluation.stills import Answer, Predicts, answer
from fetalnet.research.metrics.biometry import MeasureError
from fetalnet.research.metrics.overlap import dice, filled
from fetalnet.research.metrics.selection import Selection, judge, weighted_frame_selection
from fetalnet.screen.fan.sector import Sector
from fetalnet.screen.fan.sector_search import search_sector

_PICTURES_FOR_SECTOR = 5
_GAP = 100
"""Frames that are taken to be missing between two parts: what lies in one says nothing of the next."""


@dataclass(frozen=True, slots=True)
class ChoiceScore:
    """What was proposed for one plane of one recording.

    ``weighted`` is ACOUSLIC-AI's score of the frame and ``overlap`` that of its mask, both 0 to 1; None where the plane
    is never standard.
    """

    plane: Plane
    selection: Selection
    weighted: float | None
    overlap: float | None
    measures: tuple[MeasureError, ...]


@dataclass(frozen=True, slots=True)
class RecordingScore:
    """One recording: an answer a frame, a choice a plane."""

    name: str
    group: str
    answers: tuple[Answer, ...]
    choices: tuple[ChoiceScore, ...]


@dataclass(slots=True)
class _Seen:
    """What is kept of a recording, by place in the stream: a frame's part, and frames with a drawn outline."""

    sector: Sector
    lengths_mm: tuple[dict[Kind, float], ...]
    mm_per_pixel: MmPerPixel | None = None
    parts: dict[int, int] = field(default_factory=dict)
    marked: dict[int, RecordedFrame] = field(default_factory=dict)


def score_recording(predictor: Predicts, recording: Recording, told: frozenset[Plane]) -> RecordingScore:
    """Scores of one recording for the planes that its data set tells. Raises ``InputError``."""
    sector = search_sector(*recording.pictures(every=max(len(recording) // _PICTURES_FOR_SECTOR, 1)))
    seen = _Seen(sector, recording.lengths_mm)
    predictions: list[Prediction] = []
    planes: list[Plane | None] = []
    judgement = Judgement()
    stream: list[Prediction] = []
    part: int | None = None
    for frame in recording.frames():
        pixels = frame.still.pixels()
        if part is None:
            predictor.look_at(sector.box, sector.mask(pixels.shape))
        elif frame.part != part:
            predictor.reset()
            predictions += judgement.again() or stream
            judgement, stream = Judgement(), []
        part = frame.part
        place = frame.index + part * _GAP
        seen.parts[place] = part
        seen.mm_per_pixel = frame.still.mm_per_pixel
        stream.append(judgement.judged(predictor.predict(Frame(place, None, pixels))))
        planes.append(frame.still.plane)
        if frame.mask is not None:
            seen.marked[place] = frame
    predictions += judgement.again() or stream
    labelled = [(plane, each) for plane, each in zip(planes, predictions, strict=True) if plane is not None]
    answers = [answer(plane, prediction, told) for plane, prediction in labelled]
    best = Examination.of(predictions).best(seen.mm_per_pixel)
    choices = tuple(_choice(plane, seen, best) for plane in Plane if plane in told)
    return RecordingScore(recording.name, recording.group, tuple(answers), choices)


def _choice(plane: Plane, seen: _Seen, best: dict[Kind, BestFrame]) -> ChoiceScore:
    marked = {index: frame for index, frame in seen.marked.items() if frame.still.plane is plane}
    optimal = {index for index, frame in marked.items() if frame.optimal}
    chosen = best.get(KINDS_OF[plane][0])
    index = None if chosen is None else chosen.index
    if not marked:
        return ChoiceScore(plane, judge(index, ()), None, None, ())
    errors = (_measure(kind, seen, best.get(kind)) for kind in KINDS_OF[plane])
    return ChoiceScore(
        plane,
        judge(index, optimal or marked.keys()),
        weighted_frame_selection(index, optimal, marked.keys() - optimal),
        _overlap(chosen, marked, seen.sector),
        tuple(error for error in errors if error is not None),
    )


def _overlap(chosen: BestFrame | None, marked: dict[int, RecordedFrame], sector: Sector) -> float:
    """Of the part of the ellipse that lies in the fan, for masks end there too; 0 on a frame without a mask."""
    mask = marked[chosen.index].mask if chosen is not None and chosen.index in marked else None
    if chosen is None or mask is None or not isinstance(chosen.geometry, Ellipse):
        return 0.0
    return dice(filled(chosen.geometry, mask.shape) & sector.mask(mask.shape), mask)


def _measure(kind: Kind, seen: _Seen, chosen: BestFrame | None) -> MeasureError | None:
    """Against the reference of the part that the chosen frame lies in; without one there, nothing is measured."""
    references = [lengths[kind] for lengths in seen.lengths_mm if kind in lengths]
    if not references:
        return None
    own = None if chosen is None else seen.lengths_mm[seen.parts[chosen.index]].get(kind)
    mm = references[0] if own is None else own
    px = float("nan") if seen.mm_per_pixel is None else mm / seen.mm_per_pixel.x
    return MeasureError(kind, Length(px, mm), None if own is None or chosen is None else chosen.value)
