"""How well weights follow clips made of real stills: the best frame, the value of all frames and its interval."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from fetalnet.analysis.examination import Examination
from fetalnet.core.geometry import size_px
from fetalnet.core.measurement import measure
from fetalnet.core.planes import KINDS_OF, STANDARD_PLANES, Kind, Plane
from fetalnet.core.prediction import Prediction
from fetalnet.inference.engines import Device
from fetalnet.inference.judges.recording import Judgement
from fetalnet.research.datasets.plane_annotations import Caliper
from fetalnet.research.datasets.readers.fetal_planes import PlaneStill
from fetalnet.research.datasets.readers.hc18 import HeadStill, head_stills
from fetalnet.research.evaluation.phantom_scores import predictor_of
from fetalnet.research.evaluation.plane_scores import validation_stills
from fetalnet.research.processes import spread
from fetalnet.research.training.data.still_clips import RATE_HZ, StillClip
from fetalnet.screen.fan.sector_search import search_sector
from fetalnet.sources import frames_from, open_source

Labelled = tuple[PlaneStill, Caliper | None]


@dataclass(frozen=True, slots=True)
class ClipScore:
    """One clip. ``found`` are the planes with a best frame; errors are shares of the annotated size, None where there
    is none; ``half_width`` is that of the interval as a share of its value, ``holds`` whether the annotated value lies
    in it.
    """

    name: str
    truth: Plane
    label: str
    found: tuple[Plane, ...]
    best_error: float | None = None
    estimate_error: float | None = None
    half_width: float | None = None
    holds: bool | None = None


@dataclass(frozen=True, slots=True)
class MeasuredStill:
    """A still of the validation split and what a person measured in it, in native pixels."""

    still: PlaneStill | HeadStill
    sizes_px: dict[Kind, float]


def measured_stills(data: Path) -> list[MeasuredStill]:
    """The heads of HC18, and the abdomens and femurs with calipers that count. Raises ``InputError``."""
    found = []
    for head in head_stills(data / "hc18"):
        if head.kept_back:
            sizes = {kind: length.px for kind, length in measure(head.truth(), Plane.HEAD).items()}
            found.append(MeasuredStill(head, sizes))
    for still, caliper in validation_stills(data):
        if caliper is not None and caliper.scored and caliper.geometry is not None and still.plane is not None:
            sizes = {kind: length.px for kind, length in measure(caliper.geometry, still.plane).items()}
            found.append(MeasuredStill(still, sizes))
    return found


def clip_predictions(
    weights: Path, still: PlaneStill | HeadStill, seed: int = 0, rate_hz: float = RATE_HZ, device: str = Device.AUTO
) -> list[Prediction]:
    """Predictions of the network for the frames of a still's clip, before any judge."""
    cv2.setNumThreads(1)
    clip, predictor = StillClip(still.pixels(), seed, rate_hz), predictor_of(weights, device)
    sector = search_sector(clip.pixels)
    predictor.look_at(sector.box, sector.mask(clip.pixels.shape))
    return [predictor.predict(frame) for frame in clip]


def score_clips(weights: Path, stills: Sequence[Labelled], device: str = Device.AUTO) -> list[ClipScore]:
    """Scores of the stills' clips, each analysed by a process of its own on one thread."""
    return list(spread(partial(_score, weights, device), stills, "Analysing clips of real stills"))


def _score(weights: Path, device: str, still: Labelled) -> ClipScore:
    return score_predictions(still, clip_predictions(weights, still[0], device=device))


def score_predictions(labelled: Labelled, predictions: Sequence[Prediction]) -> ClipScore:
    """The score of a clip whose frames the network has seen."""
    still, caliper = labelled
    assert still.plane is not None
    judgement = Judgement()
    stream = [judgement.judged(each) for each in predictions]
    examination = Examination.of(judgement.again() or stream)
    best, estimates = examination.best(), examination.estimates()
    found = tuple(plane for plane in STANDARD_PLANES if KINDS_OF[plane][0] in best)
    score = ClipScore(still.name, still.plane, still.label, found)
    if caliper is None or not caliper.scored or caliper.geometry is None or still.plane not in found:
        return score
    truth = size_px(caliper.geometry)
    value = estimates[caliper.kind]
    return ClipScore(
        still.name,
        still.plane,
        still.label,
        found,
        best[caliper.kind].value.px / truth - 1.0,
        value.value.px / truth - 1.0,
        (value.high.px - value.low.px) / 2 / value.value.px,
        value.low.px <= truth <= value.high.px,
    )


def measured_frames(weights: Path, recording: Path, device: str = Device.AUTO) -> tuple[int, int]:
    """Count of measured frames after the judge has read the whole recording, and of all its frames."""
    cv2.setNumThreads(1)
    predictor, judgement = predictor_of(weights, device), Judgement()
    with closing(open_source(recording)) as source:
        frames = list(frames_from(source))
    sector = search_sector(*(frame.pixels for frame in frames[:: max(len(frames) // 5, 1)]))
    predictor.look_at(sector.box, sector.mask(frames[0].pixels.shape))
    stream = [judgement.judged(predictor.predict(frame)) for frame in frames]
    return sum(each.geometry is not None for each in judgement.again() or stream), len(frames)


def false_alarms(weights: Path, recordings: Sequence[Path], device: str = Device.AUTO) -> str:
    """Of recordings without any of our planes, how many have a measured frame, and which."""
    counts = list(spread(partial(measured_frames, weights, device=device), recordings, "Analysing lung clips"))
    named = [f"{path.name}: {n} of {of}" for path, (n, of) in zip(recordings, counts, strict=True) if n]
    return f"{len(named)} of {len(counts)} clips have a measured frame{': ' if named else ''}{', '.join(named)}"


def clip_table(scores: Sequence[ClipScore]) -> str:
    """A Markdown table by plane."""
    lines = [
        "| plane | clips | best frame of the plane | of another plane | best frame off by %, mean, median "
        "| value of all frames off by %, mean, median | interval holds | mean half width % |",
        "|---|---|---|---|---|---|---|---|",
    ]
    groups: dict[str, list[ClipScore]] = {}
    for each in scores:
        groups.setdefault(each.label if each.truth is Plane.OTHER else str(each.truth), []).append(each)
    for name, part in groups.items():
        right = sum(each.truth in each.found for each in part)
        wrong = sum(any(plane is not each.truth for plane in each.found) for each in part)
        known = [each for each in part if each.holds is not None]
        cells = ["–"] * 4
        if known:
            best, value = (
                100 * np.abs([getattr(each, name) for each in known]) for name in ("best_error", "estimate_error")
            )
            cells = [
                f"{best.mean():.2f}, {np.median(best):.2f}",
                f"{value.mean():.2f}, {np.median(value):.2f}",
                f"{sum(bool(each.holds) for each in known)} of {len(known)}",
                f"{100 * float(np.mean([each.half_width for each in known if each.half_width is not None])):.1f}",
            ]
        ours = "–" if part[0].truth is Plane.OTHER else str(right)
        lines.append(f"| {name} | {len(part)} | {ours} | {wrong} | {' | '.join(cells)} |")
    return "\n".join(lines)
