"""How well the anatomy that a network suggests in real planes agrees with what a person saw in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from fetalnet.analysis.quality import structure_rules
from fetalnet.core.planes import Structure
from fetalnet.research.datasets.plane_annotations import Seen
from fetalnet.research.evaluation.plane_scores import PlaneScore

LEAST_ACCURACY, LEAST_PICTURES = 0.8, 10
"""Least balanced accuracy, and least number of real pictures of each kind, for a criterion to be suggested."""


@dataclass(frozen=True, slots=True)
class StructureScore:
    """Of the pictures that show a structure so many are said to, and of those that do not so many are said not to."""

    structure: Structure
    found: int
    shown: int
    denied: int
    absent: int

    @property
    def balanced_accuracy(self) -> float | None:
        """Mean of sensitivity and specificity; None where there are pictures of one kind alone."""
        if not (self.shown and self.absent):
            return None
        return (self.found / self.shown + self.denied / self.absent) / 2

    @property
    def counts(self) -> bool:
        """Whether it is good enough to be suggested."""
        accuracy = self.balanced_accuracy
        return accuracy is not None and accuracy >= LEAST_ACCURACY and min(self.shown, self.absent) >= LEAST_PICTURES


class Answer(NamedTuple):
    """Whether a person saw a structure in a picture, and the probability that the network gives it."""

    shown: bool
    probability: float


def answers_of(scores: Sequence[PlaneScore], criteria: Mapping[str, Seen]) -> dict[Structure, list[Answer]]:
    """Return the answers on each structure that somebody assessed, in pictures that were named right."""
    result: dict[Structure, list[Answer]] = {}
    for score in scores:
        if score.name not in criteria or score.found is not score.truth or not score.structures:
            continue
        seen = criteria[score.name]
        for structure, probability in zip(Structure, score.structures, strict=True):
            if structure in seen.assessed:
                result.setdefault(structure, []).append(Answer(structure in seen.structures, probability))
    return result


def score_answers(structure: Structure, answers: Sequence[Answer], threshold: float) -> StructureScore:
    """Return the score of a structure that counts as seen above a threshold."""
    shown = [each.probability > threshold for each in answers if each.shown]
    absent = [each.probability <= threshold for each in answers if not each.shown]
    return StructureScore(structure, sum(shown), len(shown), sum(absent), len(absent))


def score_structures(scores: Sequence[PlaneScore], criteria: Mapping[str, Seen]) -> list[StructureScore]:
    """Return the scores of all assessed structures, with the thresholds of the program."""
    answers, rules = answers_of(scores, criteria), structure_rules()
    return [
        score_answers(structure, answers[structure], rules[structure].threshold)
        for structure in Structure
        if structure in answers
    ]


def criteria_table(scores: Sequence[StructureScore]) -> str:
    """A Markdown table."""
    lines = [
        "| structure | seen where it is | not seen where it is not | balanced accuracy | suggested |",
        "|---|---|---|---|---|",
    ]
    for each in scores:
        accuracy = "–" if each.balanced_accuracy is None else f"{each.balanced_accuracy:.2f}"
        lines.append(
            f"| {each.structure} | {each.found} of {each.shown} | {each.denied} of {each.absent} | {accuracy} "
            f"| {'yes' if each.counts else 'no'} |"
        )
    return "\n".join(lines)
