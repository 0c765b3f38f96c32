"""Whether the frame proposed for measuring is one, or rightly none."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum


class Selection(StrEnum):
    """What became of the choice of a frame in one recording."""

    RIGHT = "best frame right"
    WRONG = "best frame wrong"
    NONE_RIGHT = "none, rightly"
    NONE_WRONG = "none, though there is one"
    FALSE = "a frame, though there is none"


def judge(chosen: int | None, standard: Collection[int], near: int = 0) -> Selection:
    """``chosen`` frame against the ``standard`` ones; up to ``near`` frames beside one is right too."""
    if not standard:
        return Selection.NONE_RIGHT if chosen is None else Selection.FALSE
    if chosen is None:
        return Selection.NONE_WRONG
    distance = min(abs(chosen - index) for index in standard)
    return Selection.RIGHT if distance <= near else Selection.WRONG


SUBOPTIMAL_SCORE = 0.6


def weighted_frame_selection(chosen: int | None, optimal: Collection[int], suboptimal: Collection[int]) -> float:
    """ACOUSLIC-AI's score of a chosen frame, 0 to 1 (DIAGNijmegen/ACOUSLIC-AI-evaluation-method).

    1 for an optimal frame, or a suboptimal one where none is optimal; 0.6 for a suboptimal one beside better; else 0.
    """
    if chosen is None:
        return 0.0
    if chosen in optimal:
        return 1.0
    if chosen in suboptimal:
        return SUBOPTIMAL_SCORE if optimal else 1.0
    return 0.0
