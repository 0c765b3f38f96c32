"""Which structures the program says that it sees: thresholds and counts."""

from fetalnet.core.planes import Structure
from fetalnet.research.evaluation.criteria_scores import Answer
from fetalnet.research.training.judges.criteria import USUAL_THRESHOLD, fit_threshold, rules_of


def drawn(shown: float, absent: float, pictures: int = 12) -> list[Answer]:
    return [Answer(True, shown)] * pictures + [Answer(False, absent)] * pictures


def test_that_the_threshold_parts_what_is_there_from_what_is_not() -> None:
    assert fit_threshold(drawn(0.97, 0.88)) == 0.925
    assert fit_threshold([*drawn(0.97, 0.88), Answer(True, 0.5)]) == 0.925


def test_that_too_few_pictures_of_a_kind_fit_nothing() -> None:
    assert fit_threshold([*[Answer(True, 0.9)] * 40, *[Answer(False, 0.85)] * 4]) == USUAL_THRESHOLD


def test_that_a_structure_is_assessed_where_both_networks_see_it_in_enough_pictures() -> None:
    clear, blind = {Structure.CEREBELLUM: drawn(0.9, 0.1)}, {Structure.CEREBELLUM: drawn(0.9, 0.9)}
    few = {Structure.CEREBELLUM: drawn(0.9, 0.1, pictures=9)}

    def assessed(**validation: dict[Structure, list[Answer]]) -> object:
        return rules_of([clear, clear], validation)["cerebellum"]["assessed"]

    assert assessed(stills=clear, streams=clear) is True
    assert assessed(stills=clear, streams=blind) is False
    assert assessed(stills=few, streams=clear) is False
    counts = rules_of([clear], {"stills": blind})["cerebellum"]["stills"]
    assert counts == {"found": 12, "shown": 12, "denied": 0, "absent": 12, "balanced_accuracy": 0.5}
