"""A data set from its folder to scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fetalnet.core.prediction import ModelRef
from fetalnet.research.datasets.still import Dataset
from fetalnet.research.evaluation.recordings import RecordingScore, score_recording
from fetalnet.research.evaluation.stills import Answer, Predicts, StillScore, score_still


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What weights made of one split of a data set."""

    dataset: Dataset
    model: ModelRef
    stills: tuple[StillScore, ...]
    recordings: tuple[RecordingScore, ...]

    @property
    def answers(self) -> list[Answer]:
        """One a picture whose plane is known, frames of recordings included."""
        of_stills = [score.answer for score in self.stills if score.answer is not None]
        return of_stills + [each for score in self.recordings for each in score.answers]


def evaluate_dataset(
    predictor: Predicts, dataset: Dataset, on_progress: Callable[[int, int], None] = lambda done, total: None
) -> Evaluation:
    """Scores of all that ``dataset`` holds: give it the split that is meant. Raises ``InputError``."""
    total = len(dataset.stills) + len(dataset.recordings)
    stills: list[StillScore] = []
    recordings: list[RecordingScore] = []
    for still in dataset.stills:
        stills.append(score_still(predictor, still, dataset.told))
        on_progress(len(stills), total)
    for recording in dataset.recordings:
        recordings.append(score_recording(predictor, recording, dataset.told))
        on_progress(len(stills) + len(recordings), total)
    return Evaluation(dataset, predictor.model, tuple(stills), tuple(recordings))
