"""Fits the probability from which a structure counts as seen, and finds which structures are seen well enough.

``python -m fetalnet.research.training.judges.criteria`` writes resources/criteria.json from the shipped weights, the
real planes of FETAL_PLANES_DB and our notes of what they show: thresholds on the training women, counts on the
validation women. Both networks answer, the one for stills and the one for streams; some minutes on two cores.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise

import cv2
import numpy as np

from fetalnet.core.frame import Frame
from fetalnet.core.planes import Plane, Structure
from fetalnet.core.prediction import Prediction
from fetalnet.core.system.files import write_file
from fetalnet.core.system.resources import resource
from fetalnet.inference.predictor import Predictor
from fetalnet.research.datasets.catalogue import data_folder
from fetalnet.research.datasets.plane_annotations import Seen, read_criteria
from fetalnet.research.datasets.readers.fetal_planes import PlaneStill
from fetalnet.research.evaluation.criteria_scores import Answer, StructureScore, answers_of, score_answers
from fetalnet.research.evaluation.plane_scores import PlaneScore
from fetalnet.research.training.data.real_planes import stills_in
from fetalnet.screen.fan.sector_search import search_sector

Answers = dict[Structure, list[Answer]]

FEWEST = 5
"""Pictures of each kind below which no threshold is fitted."""
USUAL_THRESHOLD = 0.5


def fit_threshold(answers: Sequence[Answer]) -> float:
    """Return the threshold of the highest balanced accuracy; in the middle of the widest gap where several have it."""
    if min(sum(each.shown for each in answers), sum(not each.shown for each in answers)) < FEWEST:
        return USUAL_THRESHOLD
    edges = [0.0, *sorted(each.probability for each in answers), 1.0]
    gaps = [(before, after) for before, after in pairwise(edges) if after > before]

    def goodness(gap: tuple[float, float]) -> tuple[float, float]:
        score = score_answers(Structure.CAVUM, answers, sum(gap) / 2)
        accuracy = score.balanced_accuracy
        assert accuracy is not None
        return round(accuracy, 6), gap[1] - gap[0]

    return round(float(np.mean(max(gaps, key=goodness))), 3)


def rules_of(training: Sequence[Answers], validation: Mapping[str, Answers]) -> dict[str, dict[str, object]]:
    """Return threshold, counts and whether it is assessed, by structure.

    Args:
        training: answers of each network on the training women, which share one threshold.
        validation: answers on the validation women by the name of the network; a structure is assessed only where
            every network sees it well enough.

    """
    rules: dict[str, dict[str, object]] = {}
    for structure in Structure:
        fitted_on = [answer for answers in training for answer in answers.get(structure, [])]
        if not fitted_on:
            continue
        threshold = fit_threshold(fitted_on)
        scores = {
            name: score_answers(structure, each.get(structure, []), threshold) for name, each in validation.items()
        }
        rules[structure.value] = {
            "threshold": threshold,
            "assessed": all(score.counts for score in scores.values()),
            "training": _counts(score_answers(structure, fitted_on, threshold)),
            **{name: _counts(score) for name, score in scores.items()},
        }
    return rules


def _counts(score: StructureScore) -> dict[str, float | int | None]:
    accuracy = score.balanced_accuracy
    counts = {name: value for name, value in asdict(score).items() if name != "structure"}
    return counts | {"balanced_accuracy": None if accuracy is None else round(accuracy, 3)}


def _answers(predict: Callable[[Frame], Prediction], predictor: Predictor, stills: Sequence[PlaneStill],
             criteria: Mapping[str, Seen]) -> Answers:  # fmt: skip
    scores = []
    for still in stills:
        assert still.plane is not None
        pixels = still.pixels()
        sector = search_sector(pixels)
        predictor.look_at(sector.box, sector.mask(pixels.shape))
        seen = predict(Frame(0, None, pixels))
        structures = () if seen.structures is None else tuple(seen.structures.tolist())
        scores.append(
            PlaneScore(still.name, still.plane, still.label, still.machine, False, seen.plane, seen.probability, False,
                       None, structures=structures)
        )  # fmt: skip
    return answers_of(scores, criteria)


def main() -> None:
    """Fit the rules to the shipped weights and write them where the program looks for them."""
    cv2.setNumThreads(1)
    criteria, predictor = read_criteria(), Predictor()
    stills = [
        each for each in stills_in(data_folder()) if each.name in criteria and each.plane not in (None, Plane.OTHER)
    ]
    asked = {"stills": predictor.predict_still, "streams": predictor.predict}
    training, validation = [], {}
    for name, predict in asked.items():
        for is_kept_back in (False, True):
            answers = _answers(
                predict, predictor, [each for each in stills if each.kept_back is is_kept_back], criteria
            )
            if is_kept_back:
                validation[name] = answers
            else:
                training.append(answers)
    written = {
        "fitted_on": "training women of FETAL_PLANES_DB; counted on its validation women",
        "weights_sha256": predictor.model.sha256,
        "structures": rules_of(training, validation),
    }
    write_file(resource("criteria.json"), (json.dumps(written, indent=2) + "\n").encode())
    print(json.dumps(written, indent=2))


if __name__ == "__main__":
    main()
