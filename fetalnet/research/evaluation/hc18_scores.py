"""How well weights measure: the tables of docs/results.md, on data that training never saw."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fetalnet.core.geometry import Ellipse
from fetalnet.core.planes import Plane
from fetalnet.inference.predictor import Predictor
from fetalnet.research.datasets.readers.hc18 import HeadStill
from fetalnet.research.evaluation.stills import predict_still
from fetalnet.research.metrics.biometry import FAILURE_MM
from fetalnet.research.metrics.overlap import ellipse_dice, hausdorff
from fetalnet.research.metrics.statistic import bootstrap_interval


@dataclass(frozen=True, slots=True)
class HeadScore:
    """One head: overlap 0 to 1, signed error of HC and Hausdorff distance in mm, None where no ellipse was found."""

    name: str
    circumference_mm: float
    overlap: float
    difference_mm: float | None
    hausdorff_mm: float | None
    plane: Plane
    refused: str | None

    @property
    def failed(self) -> bool:
        return self.difference_mm is None or abs(self.difference_mm) > FAILURE_MM


@dataclass(frozen=True, slots=True)
class Summary:
    """Means over pictures with their 95 % bootstrap intervals, NaN where nothing was measured.

    Overlap 0 to 1, errors in mm, ``failures`` a count.
    """

    count: int
    overlap: float
    overlap_interval: tuple[float, float]
    absolute_mm: float
    absolute_interval_mm: tuple[float, float]
    median_absolute_mm: float
    bias_mm: float
    hausdorff_mm: float
    failures: int

    def row(self, name: str) -> str:
        """A row of a Markdown table under ``HEADER``."""
        low, high = self.overlap_interval
        low_mm, high_mm = self.absolute_interval_mm
        measured = (
            f"{self.absolute_mm:.2f} ({low_mm:.2f} to {high_mm:.2f}) | {self.median_absolute_mm:.2f} "
            f"| {self.bias_mm:+.2f} | {self.hausdorff_mm:.2f}"
        )
        nothing = "– | – | – | –"
        return (
            f"| {name} | {self.count} | {100 * self.overlap:.2f} ({100 * low:.2f} to {100 * high:.2f}) "
            f"| {nothing if math.isnan(self.absolute_mm) else measured} | {self.failures} |"
        )


HEADER = (
    "| heads | n | DSC % (95 % interval) | HC error mm, mean (95 % interval) | median | bias mm | Hausdorff mm "
    "| failures |\n"
    "|---|---|---|---|---|---|---|---|"
)


def score_heads(predictor: Predictor, stills: Iterable[HeadStill], plane: Plane | None = None) -> list[HeadScore]:
    """Scores of HC18 stills against their labels (docs/data.md); with the ``plane`` fixed, of their outlines alone."""
    return [_score(predictor, still, plane) for still in stills]


def summarise(scores: list[HeadScore], seed: int = 0) -> Summary:
    """Overlap and failures over all, errors over those with an ellipse."""
    rng = np.random.default_rng(seed)
    overlaps = np.array([score.overlap for score in scores])
    differences = np.array([score.difference_mm for score in scores if score.difference_mm is not None])
    distances = [score.hausdorff_mm for score in scores if score.hausdorff_mm is not None]
    absolute = np.abs(differences)
    return Summary(
        len(scores),
        float(overlaps.mean()),
        bootstrap_interval(overlaps, rng),
        _mean(absolute),
        bootstrap_interval(absolute, rng),
        float(np.median(absolute)) if len(absolute) else math.nan,
        _mean(differences),
        _mean(np.array(distances)),
        sum(score.failed for score in scores),
    )


def summarise_by_size(scores: list[HeadScore]) -> dict[str, Summary]:
    """All heads, and those of each size there is; by name."""
    bands = {
        "all": scores,
        "HC < 100 mm": [score for score in scores if score.circumference_mm < 100],
        "100 to 250 mm": [score for score in scores if 100 <= score.circumference_mm <= 250],
        "> 250 mm": [score for score in scores if score.circumference_mm > 250],
    }
    return {name: summarise(band) for name, band in bands.items() if band}


def head_table(scores: list[HeadScore]) -> str:
    """A Markdown table: all heads, and by size."""
    return "\n".join([HEADER, *(summary.row(name) for name, summary in summarise_by_size(scores).items())])


def false_measures(predictor: Predictor, pictures: dict[str, NDArray[np.uint8]]) -> list[str]:
    """Names of pictures without a standard plane that were measured all the same, with what was seen in them."""
    found = []
    for name, pixels in pictures.items():
        prediction = predict_still(predictor, pixels)
        if prediction.geometry is not None:
            found.append(f"{name}: {prediction.plane} {prediction.probability:.2f}")
    return found


def read_pictures(paths: Iterable[Path]) -> dict[str, NDArray[np.uint8]]:
    """Grey pictures by file name."""
    return {path.name: np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), np.uint8) for path in paths}


def _score(predictor: Predictor, still: HeadStill, plane: Plane | None) -> HeadScore:
    pixels = still.pixels()
    prediction = predict_still(predictor, pixels, plane)
    truth, found = still.truth(), prediction.geometry
    # Another plane's ellipse is no head.
    if not isinstance(found, Ellipse) or prediction.plane is not Plane.HEAD:
        return HeadScore(still.path.name, still.circumference_mm, 0.0, None, None, prediction.plane, prediction.refused)
    difference = found.perimeter_px * still.mm_per_pixel - still.circumference_mm
    distance = hausdorff(found, truth) * still.mm_per_pixel
    return HeadScore(
        still.path.name,
        still.circumference_mm,
        ellipse_dice(found, truth, pixels.shape),
        difference,
        distance,
        prediction.plane,
        None,
    )


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) else math.nan
