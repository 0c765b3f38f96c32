"""All figures of weights in one run, written into their card."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fetalnet.core.errors import InputError
from fetalnet.inference.engines import Device
from fetalnet.inference.predictor import Predictor
from fetalnet.network.weights import DEFAULT_WEIGHTS
from fetalnet.research.datasets.catalogue import data_folder
from fetalnet.research.datasets.plane_annotations import read_criteria
from fetalnet.research.datasets.readers.hc18 import head_stills
from fetalnet.research.evaluation.clip_scores import clip_table, false_alarms, score_clips
from fetalnet.research.evaluation.criteria_scores import criteria_table, score_structures
from fetalnet.research.evaluation.hc18_scores import false_measures, head_table, read_pictures, score_heads
from fetalnet.research.evaluation.phantom_scores import EVALUATION_SEEDS, score_phantom
from fetalnet.research.evaluation.plane_scores import degraded_table, plane_table, score_planes, validation_stills
from fetalnet.research.training.card import add_figures

SCREENS_WITH_PLANES = ("abdominal.png", "brain_cb.png", "brain_tv.png", "femur.png")


def evaluate(
    weights: Path = DEFAULT_WEIGHTS, recordings: int = len(EVALUATION_SEEDS), device: str = Device.AUTO
) -> dict[str, str]:
    """Figures by title, as Markdown: real heads, real pictures without a plane, phantom recordings.

    Real data that is not there is left out, and said so. The titles name a ``device`` that is not auto.
    """
    cv2.setNumThreads(1)
    predictor = Predictor(weights, device)
    figures: dict[str, str] = {}
    try:
        folder = data_folder()
        heads = [still for still in head_stills(folder / "hc18") if still.kept_back]
        figures["HC18 validation split"] = head_table(score_heads(predictor, heads))
        stills = validation_stills(folder)
        scores = score_planes(predictor, stills)
        figures["Real planes, FETAL_PLANES_DB, validation split"] = plane_table(scores)
        figures["Anatomy seen in them"] = criteria_table(score_structures(scores, read_criteria()))
        figures["Worse pictures of them"] = degraded_table(predictor, stills)
        figures["Clips of 6 s made of them"] = clip_table(score_clips(weights, stills, device))
        lung = sorted(path for path in (folder / "lung_cine").iterdir() if path.suffix != ".csv")
        figures["Lung clips"] = false_alarms(weights, lung, device)
        screens = [
            path for path in sorted((folder / "scanner_screens").glob("*.png")) if path.name not in SCREENS_WITH_PLANES
        ]
        figures["Scanner screens without our planes"] = _measured(predictor, read_pictures(screens))
    except InputError as error:
        figures["Real data"] = f"Not measured: {error}"
    title = f"Phantom recordings, seeds {EVALUATION_SEEDS.start} to {EVALUATION_SEEDS.start + recordings - 1}"
    figures[title] = score_phantom(weights, EVALUATION_SEEDS[:recordings], device=device).report()
    if device != Device.AUTO:
        figures = {f"{title}, on {predictor.engine.name}": found for title, found in figures.items()}
    add_figures(weights, figures)
    return figures


def _measured(predictor: Predictor, pictures: dict[str, NDArray[np.uint8]]) -> str:
    found = false_measures(predictor, pictures)
    return f"{len(found)} of {len(pictures)} measured" + (f": {'; '.join(found)}" if found else "")
