"""How well weights name and measure real standard planes (FETAL_PLANES_DB) of women that training never saw."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fetalnet.core.geometry import size_px
from fetalnet.core.planes import Plane
from fetalnet.inference.predictor import Predictor
from fetalnet.research.datasets.plane_annotations import Caliper, read_calipers
from fetalnet.research.datasets.readers.fetal_planes import PlaneStill, calipers_of
from fetalnet.research.evaluation.stills import predict_still
from fetalnet.research.metrics.statistic import bootstrap_interval
from fetalnet.research.training.augment.degraded import WAYS
from fetalnet.research.training.data.real_planes import stills_in

FAR_OFF = 0.15
"""As a share of the annotated size: an error that a person would notice at once."""


@dataclass(frozen=True, slots=True)
class PlaneScore:
    """One still. ``error`` is found / annotated size - 1 where it was measured as what it is and the annotation counts;
    ``error_fixed`` the same with the plane fixed, so that refusing a picture buys nothing. ``structures`` are their
    probabilities in the order of ``Structure``.
    """

    name: str
    truth: Plane
    label: str
    machine: str
    scored: bool
    found: Plane
    probability: float
    measured: bool
    refused: str | None
    error: float | None = None
    error_fixed: float | None = None
    structures: tuple[float, ...] = ()

    @property
    def right(self) -> bool:
        """Measured as what it is."""
        return self.measured and self.found is self.truth

    @property
    def wrong(self) -> bool:
        """Measured as something else."""
        return self.measured and self.found is not self.truth


def validation_stills(data: Path) -> list[tuple[PlaneStill, Caliper | None]]:
    """The stills of women that training never sees, of a known plane, with their calipers. Raises ``InputError``."""
    kept = [still for still in stills_in(data) if still.kept_back and still.plane is not None]
    calipers = {still.name: caliper for still, caliper in calipers_of(kept, read_calipers())}
    return [(still, calipers.get(still.name)) for still in kept]


def score_planes(predictor: Predictor, stills: Iterable[tuple[PlaneStill, Caliper | None]]) -> list[PlaneScore]:
    """Scores of stills, each looked at as the program does it."""
    return [score_picture(predictor, still, caliper, still.pixels()) for still, caliper in stills]


def score_picture(
    predictor: Predictor, still: PlaneStill, caliper: Caliper | None, pixels: NDArray[np.uint8]
) -> PlaneScore:
    """The score of ``pixels`` as the picture of ``still``."""
    assert still.plane is not None
    prediction = predict_still(predictor, pixels)
    scored = caliper is not None and caliper.scored
    error = error_fixed = None
    if caliper is not None and caliper.scored and caliper.geometry is not None:
        truth = size_px(caliper.geometry)
        if prediction.geometry is not None and prediction.plane is still.plane:
            error = size_px(prediction.geometry) / truth - 1.0
        fixed = predict_still(predictor, pixels, still.plane).geometry
        error_fixed = None if fixed is None else size_px(fixed) / truth - 1.0
    return PlaneScore(
        still.name,
        still.plane,
        still.label,
        still.machine,
        scored,
        prediction.plane,
        prediction.probability,
        prediction.geometry is not None,
        prediction.refused,
        error,
        error_fixed,
        () if prediction.structures is None else tuple(prediction.structures.tolist()),
    )


def plane_table(scores: Sequence[PlaneScore]) -> str:
    """A Markdown table by plane, then every picture that was not measured as what it is."""
    lines = [
        "| plane | n | named right | measured as what it is (95 % interval) | as something else "
        "| size error %, mean (95 % interval) | median | bias | over 15 % | plane fixed: outlined, mean %, median % |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, part in _parts(scores).items():
        lines.append(_row(name, part))
    lines.append("")
    for score in scores:
        if score.wrong:
            lines.append(f"- {score.name} ({score.label}): measured as {score.found}, {score.probability:.2f}")
        elif score.truth is not Plane.OTHER and not score.right:
            lines.append(f"- {score.name} ({score.label}): {score.refused or 'not measured'}")
        elif score.error is not None and abs(score.error) > FAR_OFF:
            lines.append(f"- {score.name} ({score.label}): off by {100 * score.error:+.0f} %")
    return "\n".join(lines)


def degraded_table(predictor: Predictor, stills: Sequence[tuple[PlaneStill, Caliper | None]]) -> str:
    """A Markdown table: how many stills are measured as what they are, and as something else, in each worse way."""
    lines = ["| pictures | measured as what they are | as something else |", "|---|---|---|"]
    for name, worsen in WAYS.items():
        scores = [
            score_picture(predictor, still, None, worsen(still.pixels(), np.random.default_rng(number)))
            for number, (still, _) in enumerate(stills)
        ]
        ours = [score.right for score in scores if score.truth is not Plane.OTHER]
        wrong = sum(score.wrong for score in scores)
        lines.append(
            f"| {name} | {sum(ours)} of {len(ours)} ({100 * np.mean(ours):.1f} %) | {wrong} of {len(scores)} |"
        )
    return "\n".join(lines)


def _parts(scores: Sequence[PlaneScore]) -> dict[str, list[PlaneScore]]:
    """Heads; abdomens and femurs that were annotated well, and poorly; and each view that is none."""
    parts: dict[str, list[PlaneScore]] = {}
    for score in sorted(scores, key=lambda each: (list(Plane).index(each.truth), not each.scored)):
        if score.truth is Plane.OTHER:
            name = score.label
        elif score.truth is Plane.HEAD:
            name = "head"
        else:
            name = str(score.truth) + ("" if score.scored else ", annotated poorly or not")
        parts.setdefault(name, []).append(score)
    return parts


def _row(name: str, part: Sequence[PlaneScore]) -> str:
    ours = part[0].truth is not Plane.OTHER
    named = sum(score.found is score.truth for score in part)
    right = np.array([score.right for score in part], float)
    wrong = sum(score.wrong for score in part)
    low, high = bootstrap_interval(right, np.random.default_rng(0))
    measured = f"{right.sum():.0f} ({100 * low:.0f} to {100 * high:.0f} %)" if ours else "–"
    errors, fixed = (
        100 * np.array([each for each in values if each is not None])
        for values in ([score.error for score in part], [score.error_fixed for score in part])
    )
    return f"| {name} | {len(part)} | {named} | {measured} | {wrong} | {_errors(errors)} | {_fixed(fixed)} |"


def _errors(errors: NDArray[np.float64]) -> str:
    if not len(errors):
        return "– | – | – | –"
    absolute = np.abs(errors)
    low, high = bootstrap_interval(absolute, np.random.default_rng(0))
    far = int((absolute > 100 * FAR_OFF).sum())
    mean = f"{absolute.mean():.2f} ({low:.2f} to {high:.2f})"
    return f"{mean} | {np.median(absolute):.2f} | {errors.mean():+.2f} | {far}"


def _fixed(errors: NDArray[np.float64]) -> str:
    absolute = np.abs(errors)
    return f"{len(errors)}, {absolute.mean():.2f}, {np.median(absolute):.2f}" if len(errors) else "–"
