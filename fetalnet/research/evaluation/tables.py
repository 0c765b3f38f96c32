"""An evaluation as Markdown: a table for each thing that the labels allow to be scored, each naming data and split."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from fetalnet.core.planes import Kind, Plane
from fetalnet.research.datasets.split import Split
from fetalnet.research.evaluation.run import Evaluation
from fetalnet.research.evaluation.stills import StillScore
from fetalnet.research.metrics.biometry import OBSERVER_LIMITS, MeasureError
from fetalnet.research.metrics.calibration import reliability
from fetalnet.research.metrics.classification import Confusion
from fetalnet.research.metrics.selection import Selection
from fetalnet.research.metrics.statistic import Statistic, share, statistic

Scored = tuple[str, MeasureError]
"""The group of a picture and an error of a measure in it."""

_SPLITS = {
    Split.ALL: "all of it",
    Split.VALIDATION: "validation split",
    Split.TRAINING: "training split",
    Split.PUBLISHED_TEST: "the publisher's test split",
    Split.PUBLISHED_TRAINING: "the publisher's training split",
}
_HEAD_SIZES: dict[str, Callable[[float], bool]] = {
    "HC < 100 mm": lambda mm: mm < 100,
    "HC 100 to 250 mm": lambda mm: 100 <= mm <= 250,
    "HC > 250 mm": lambda mm: mm > 250,
}


def as_markdown(evaluation: Evaluation, validation_seen: bool = False) -> str:
    """All tables, under a heading that names weights, data, split and n.

    ``validation_seen`` says that by their card the weights were trained on the validation split too.
    """
    dataset, model = evaluation.dataset, evaluation.model
    where = f"{dataset.name}, {_SPLITS[dataset.split]}"
    pictures, recordings = len(evaluation.stills), len(evaluation.recordings)
    parts = [f"{pictures} pictures"] if pictures else []
    parts += [f"{recordings} recordings"] if recordings else []
    lines = [
        f"# {model.name} on {where}",
        "",
        f"Data: {dataset.reference}; licence: {dataset.licence}. n = {' and '.join(parts)} of {len(dataset.groups)} "
        f"examinations or patients. Weights: SHA-256 `{model.sha256}`, {model.engine}.",
        "After a mean stand ± its standard deviation and the 95 % bootstrap interval, for which whole examinations or "
        "patients were drawn; after a share stands Wilson's interval.",
    ]
    if dataset.trained_on and (validation_seen or dataset.split is not Split.VALIDATION):
        lines.append("**These weights may have been trained on pictures of this split.**")
    for title, table in (
        ("Outlines", _outlines(evaluation)),
        ("Measures", _measures(evaluation)),
        ("Pictures without a standard plane", _false_measures(evaluation)),
        ("Planes", _planes(evaluation)),
        ("Calibration of the plane's probability", _calibration(evaluation)),
        ("Choice of the frame", _choices(evaluation)),
    ):
        if table:
            lines += ["", f"## {title} ({where})", "", *table]
    return "\n".join(lines) + "\n"


def _outlines(evaluation: Evaluation) -> list[str]:
    rows = []
    for name, scores in _by_source([score for score in evaluation.stills if score.outline is not None]):
        outlines = [(score.group, score.outline) for score in scores if score.outline is not None]
        overlap = _of((group, 100 * outline.overlap) for group, outline in outlines)
        distance = _of((group, outline.hausdorff_mm) for group, outline in outlines)
        missed = sum(not outline.found for _, outline in outlines)
        rows.append(f"| {name} | {overlap.n} | {overlap.text()} | {distance.n} | {distance.text()} | {missed} |")
    head = ["| pictures | n | DSC % | n with a distance | Hausdorff mm | not found |", "|---|---|---|---|---|---|"]
    return head + rows if rows else []


def _measures(evaluation: Evaluation) -> list[str]:
    rows = []
    for source, errors in _errors_by_source(evaluation).items():
        for kind in Kind:
            of_kind = [each for each in errors if each[1].kind is kind]
            rows += [_measure_row(f"{kind}" if source == "all" else f"{source}: {kind}", of_kind)] if of_kind else []
            if kind is Kind.HC and source == "all":
                rows += _by_head_size(of_kind)
    if not rows:
        return []
    limits = "; ".join(f"{kind} ± {limit.percent:.1f} % ({limit.source})" for kind, limit in OBSERVER_LIMITS.items())
    return [
        "| measure | n | failures | n in mm | bias mm | absolute error mm | absolute error % | per observers' limit |",
        "|---|---|---|---|---|---|---|---|",
        *rows,
        "",
        f"Observers' 95 % limits of agreement: {limits}. No other limit was read in a source. A failure is no measure, "
        "or an HC more than 10 mm off.",
    ]


def _errors_by_source(evaluation: Evaluation) -> dict[str, list[Scored]]:
    errors = {
        source: [(score.group, error) for score in scores for error in score.measures]
        for source, scores in _by_source(evaluation.stills)
    }
    of_recordings = [(score.group, choice.measures) for score in evaluation.recordings for choice in score.choices]
    errors.setdefault("all", []).extend((group, error) for group, each in of_recordings for error in each)
    return errors


def _by_head_size(errors: Sequence[Scored]) -> list[str]:
    rows = []
    for name, holds in _HEAD_SIZES.items():
        of_size = [each for each in errors if each[1].truth.mm is not None and holds(each[1].truth.mm)]
        rows += [_measure_row(name, of_size)] if of_size else []
    return rows


def _measure_row(name: str, errors: Sequence[Scored]) -> str:
    bias = _of((group, error.difference_mm) for group, error in errors)
    absolute = _of((group, _absolute(error.difference_mm)) for group, error in errors)
    percent = _of((group, _absolute(error.difference_percent)) for group, error in errors)
    of_limit = _of((group, error.of_limit) for group, error in errors)
    failures = sum(error.failed for _, error in errors)
    return (
        f"| {name} | {len(errors)} | {failures} | {absolute.n} | {bias.text(sign='+')} | {absolute.text()} "
        f"| {percent.text()} | {of_limit.text()} |"
    )


def _false_measures(evaluation: Evaluation) -> list[str]:
    others = [score for score in evaluation.stills if score.plane is Plane.OTHER]
    if not others:
        return []
    quiet = share(sum(not score.measured for score in others), len(others))
    return ["| n | not measured | share % |", "|---|---|---|",
            f"| {quiet.n} | {round(quiet.mean * quiet.n)} | {_percent(quiet)} |"]  # fmt: skip


def _planes(evaluation: Evaluation) -> list[str]:
    confusion = Confusion()
    for each in evaluation.answers:
        confusion.add(each.truth, each.found)
    if not confusion.n:
        return []
    planes = [plane for plane in Plane if confusion.true(plane) or confusion.found(plane)]
    unknown = sum(score.answer is None for score in evaluation.stills)
    lines = [
        "| plane | n | precision | recall | F1 | " + " | ".join(f"taken for {plane}" for plane in planes) + " |",
        "|---|---|---|---|---|" + "---|" * len(planes),
    ]
    for plane in planes:
        counts = " | ".join(str(confusion.counts[plane, found]) for found in planes)
        scores = (confusion.precision(plane), confusion.recall(plane), confusion.f1(plane))
        lines.append(
            f"| {plane} | {confusion.true(plane)} | {' | '.join(_digits(score) for score in scores)} | {counts} |"
        )
    accuracy = share(confusion.hits, confusion.n)
    lines += ["", f"Accuracy {_percent(accuracy)} %, n = {confusion.n}."]
    if unknown:
        lines.append(f"{unknown} pictures whose labels name none of these planes are left out.")
    return lines


def _calibration(evaluation: Evaluation) -> list[str]:
    answers = evaluation.answers
    if not answers:
        return []
    table = reliability([each.confidence for each in answers], [each.truth is each.found for each in answers])
    return [
        "| probability | n | mean probability | right |",
        "|---|---|---|---|",
        *(f"| {b.low:.1f} to {b.high:.1f} | {b.n} | {b.confidence:.3f} | {b.accuracy:.3f} |" for b in table.bins),
        "",
        f"Expected calibration error {table.ece:.3f}, n = {table.n}, 10 bins of equal width.",
    ]


def _choices(evaluation: Evaluation) -> list[str]:
    rows = []
    for plane in Plane:
        choices = [(score.group, choice) for score in evaluation.recordings for choice in score.choices
                   if choice.plane is plane]  # fmt: skip
        if choices:
            counts = Counter(choice.selection for _, choice in choices)
            weighted = _of((group, choice.weighted) for group, choice in choices)
            overlap = _of(
                (group, None if choice.overlap is None else 100 * choice.overlap) for group, choice in choices
            )
            numbers = " | ".join(str(counts[each]) for each in Selection)
            rows.append(f"| {plane} | {len(choices)} | {numbers} | {weighted.text()} | {overlap.text()} |")
    if not rows:
        return []
    names = " | ".join(Selection)
    return [
        f"| plane | n | {names} | weighted frame selection score | DSC % of the frame |",
        "|---|---|" + "---|" * (len(Selection) + 2),
        *rows,
    ]


def _by_source(scores: Sequence[StillScore]) -> list[tuple[str, list[StillScore]]]:
    """All, and each site by itself where there are several."""
    sources = sorted({score.source for score in scores})
    groups = [("all", list(scores))] if scores else []
    if len(sources) > 1:
        groups += [(source, [score for score in scores if score.source == source]) for source in sources]
    return groups


def _of(values: Iterable[tuple[str, float | None]]) -> Statistic:
    known = [(group, value) for group, value in values if value is not None]
    return statistic([value for _, value in known], [group for group, _ in known])


def _absolute(value: float | None) -> float | None:
    return None if value is None else abs(value)


def _digits(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"


def _percent(of: Statistic) -> str:
    return f"{100 * of.mean:.1f} ({100 * of.low:.1f} to {100 * of.high:.1f})"
