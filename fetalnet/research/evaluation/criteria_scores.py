"""How well the anatomy that a network suggests in real planes agrees with what a person saw in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fetalnet.analysis.quality import structure_threshold
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


def score_structures(scores: Sequence[PlaneScore], criteria: Mapping[str, Seen]) -> list[StructureScore]:
    """Of each structure that somebody assessed, over the pictures that were named right."""
    result = []
    for number, structure in enumerate(Structure):
        told = [
            (structure in criteria[score.name].structures, score.structures[number] > structure_threshold(structure))
            for score in scores
            if score.name in criteria
            and structure in criteria[score.name].assessed
            and score.found is score.truth
            and score.structures
        ]
        if told:
            shown, absent = [said for there, said in told if there], [said for there, said in told if not there]
            result.append(StructureScore(structure, sum(shown), len(shown), len(absent) - sum(absent), len(absent)))
    return result


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
