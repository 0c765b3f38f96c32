"""How well weights follow simulated recordings whose seeds were never trained on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

import cv2
import numpy as np

from fetalnet.analysis.examination import Examination
from fetalnet.core.planes import KINDS_OF, STANDARD_PLANES, Kind, Plane
from fetalnet.inference.engines import Device
from fetalnet.inference.judges.recording import Judgement
from fetalnet.inference.predictor import Predictor
from fetalnet.research.metrics.classification import Confusion
from fetalnet.research.phantom import PhantomRecording
from fetalnet.research.processes import spread
from fetalnet.screen.fan.sector_search import search_sector

EVALUATION_SEEDS = range(20)
NEAR_FRAMES = 3
"""A best frame is right when it is standard or this near to one (docs/definitions.md)."""

_REPORTED = (Kind.HC, Kind.AC, Kind.FL)


@dataclass(slots=True)
class PhantomScores:
    """Counts over recordings. ``frames``: (truth, prediction) of unambiguous frames; errors are shares of the truth."""

    recordings: int = 0
    frames: Counter[tuple[Plane, Plane]] = field(default_factory=Counter)
    errors: dict[Kind, list[float]] = field(default_factory=lambda: {kind: [] for kind in Kind})
    right_best: int = 0
    wrong_best: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    false_measures: list[str] = field(default_factory=list)

    def add(self, other: PhantomScores) -> None:
        """Take the counts of further recordings."""
        self.recordings += other.recordings
        self.frames.update(other.frames)
        for kind, errors in other.errors.items():
            self.errors[kind] += errors
        self.right_best += other.right_best
        self.wrong_best += other.wrong_best
        self.missed += other.missed
        self.false_measures += other.false_measures

    def f1(self, plane: Plane) -> float:
        """Harmonic mean of precision and recall over frames; NaN where the plane neither came nor was seen."""
        return Confusion(self.frames).f1(plane)

    def report(self) -> str:
        """Markdown: planes, errors of the best frame, false measures."""
        scores = {plane: self.f1(plane) for plane in Plane}
        lines = [
            f"{self.recordings} recordings, {self.frames.total()} unambiguous frames",
            "F1: " + ", ".join(f"{plane} {score:.3f}" for plane, score in scores.items())
            + f", mean {np.nanmean(list(scores.values())):.3f}",
            "| measure | n | mean absolute error % | bias % | worst % |",
            "|---|---|---|---|---|",
        ]  # fmt: skip
        for kind in _REPORTED:
            errors = 100 * np.array(self.errors[kind])
            if len(errors):
                lines.append(
                    f"| {kind} | {len(errors)} | {np.abs(errors).mean():.2f} | {errors.mean():+.2f} "
                    f"| {np.abs(errors).max():.2f} |"
                )
        lines += [
            f"best frame right: {self.right_best}; wrong: {', '.join(self.wrong_best) or 'none'}",
            f"missed planes: {', '.join(self.missed) or 'none'}",
            f"false measures: {', '.join(self.false_measures) or 'none'}",
        ]
        return "\n".join(lines)


def score_phantom(
    weights: Path,
    seeds: Iterable[int] = EVALUATION_SEEDS,
    duration_s: float = 20.0,
    single_frames: bool = False,
    device: str = Device.AUTO,
) -> PhantomScores:
    """Scores over recordings, each rendered and analysed by a process of its own on one thread.

    ``single_frames`` forgets the past before each frame, to see what the memory is worth.
    """
    score = partial(_score_seed, weights, duration_s, single_frames, device)
    scores = PhantomScores()
    for part in spread(score, list(seeds), "Analysing phantom recordings"):
        scores.add(part)
    return scores


@cache
def predictor_of(weights: Path, device: str = Device.AUTO) -> Predictor:
    """One for all recordings of a process, on one thread: to make its engine takes as long as a recording."""
    return Predictor(weights, device, threads=1)


def look_at_fan(predictor: Predictor, recording: PhantomRecording) -> None:
    """Let the predictor see the fan alone, searched as the program does, on five frames spread over the recording."""
    places = np.linspace(0, len(recording) - 1, 5).round().astype(int)
    sector = search_sector(*(recording[int(place)][0].pixels for place in places))
    width, height = recording.size
    predictor.look_at(sector.box, sector.mask((height, width)))


def _score_seed(weights: Path, duration_s: float, single_frames: bool, device: str, seed: int) -> PhantomScores:
    cv2.setNumThreads(1)
    scores = PhantomScores(recordings=1)
    recording = PhantomRecording(seed, duration_s=duration_s)
    _score_recording(predictor_of(weights, device), recording, scores, single_frames)
    return scores


def _score_recording(
    predictor: Predictor, recording: PhantomRecording, scores: PhantomScores, single_frames: bool
) -> None:
    look_at_fan(predictor, recording)
    judgement, truths = Judgement(), []
    stream = []
    for frame, truth in recording:
        if single_frames:
            predictor.reset()
        stream.append(judgement.judged(predictor.predict(frame)))
        truths.append(truth)
    predictions = judgement.again() or stream
    for truth, prediction in zip(truths, predictions, strict=True):
        if not truth.ambiguous:
            scores.frames[truth.plane, prediction.plane] += 1
    _score_best(Examination.of(predictions), recording, scores)


def _score_best(examination: Examination, recording: PhantomRecording, scores: PhantomScores) -> None:
    truths = recording.truths
    best = examination.best(recording.mm_per_pixel)
    for plane in STANDARD_PLANES:
        standard = [truth.index for truth in truths if truth.plane is plane and truth.standard]
        kinds = KINDS_OF[plane]
        name = f"{recording.name} {plane}"
        if not standard:
            if kinds[0] in best:
                scores.false_measures.append(name)
            continue
        if kinds[0] not in best:
            scores.missed.append(name)
            continue
        if min(abs(best[kinds[0]].index - index) for index in standard) <= NEAR_FRAMES:
            scores.right_best += 1
        else:
            scores.wrong_best.append(name)
        for kind in kinds:
            found = best[kind].value.mm
            assert found is not None
            scores.errors[kind].append(found / recording.sizes_mm[kind] - 1.0)
