"""Fits how the frames of a recording are judged together, and how wide its intervals are, on phantom recordings that
nothing else is trained on.

``python -m fetalnet.training.judge`` renders them, runs the shipped weights over them and writes
``resources/recording_judge.json`` and ``resources/interval_widths.json``; twenty minutes on two cores.
"""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from rich.progress import track
from torch.nn import functional

from fetalnet.atomic_file import write_file
from fetalnet.geometry import MmPerPixel
from fetalnet.network.weights import DEFAULT_WEIGHTS, load_weights
from fetalnet.phantom import PhantomRecording
from fetalnet.planes import STANDARD_PLANES, Kind, Plane
from fetalnet.prediction import Prediction
from fetalnet.recording_judge import EVIDENCE, Floats, RecordingJudge, evidence
from fetalnet.resources import resource
from fetalnet.training.evaluate_phantom import look_at_fan, predictor_of
from fetalnet.training.intervals import coverage, fit_shared_error, misses

SEEDS = range(100, 180)
"""Neither in the training pack nor among the recordings that are evaluated or that thresholds were set on."""
DURATION_S = 10.0
_SHRINKAGE = 3.0
"""Half the sum of squared weights counts this much, beside the frames' summed cross-entropy."""

Judged = tuple[Sequence[Prediction], Sequence[Plane | None]]
"""A recording's predictions and the plane of each frame, None where nobody could say."""


def fit_judge(recordings: Iterable[Judged]) -> RecordingJudge:
    """Logistic regression for each plane, on standardised evidence."""
    known = list(recordings)
    weights, offsets = np.zeros((len(STANDARD_PLANES), len(EVIDENCE))), np.zeros(len(STANDARD_PLANES))
    for number, plane in enumerate(STANDARD_PLANES):
        seen = np.concatenate([evidence(predictions, plane) for predictions, _ in known])
        truth = [each for _, planes in known for each in planes]
        clear = np.array([each is not None for each in truth])
        labels = np.array([each is plane for each in truth], np.float64)[clear]
        middle, spread = seen[clear].mean(axis=0), seen[clear].std(axis=0) + 1e-6
        weight, offset = _regression((seen[clear] - middle) / spread, labels)
        weights[number] = weight / spread
        offsets[number] = offset - float(middle @ weights[number])
    return RecordingJudge(weights, offsets)


def _regression(seen: Floats, labels: Floats) -> tuple[Floats, float]:
    x, y = torch.from_numpy(seen), torch.from_numpy(labels)
    weight = torch.zeros(x.shape[1], dtype=torch.float64, requires_grad=True)
    offset = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, offset], max_iter=500, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        cross = functional.binary_cross_entropy_with_logits(x @ weight + offset, y, reduction="sum")
        loss = (cross + _SHRINKAGE / 2 * weight.square().sum()) / len(y)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return weight.detach().numpy(), float(offset.detach())


class Watched(NamedTuple):
    """A recording as the network alone sees it, the plane of each frame, and the truth of what is measured."""

    predictions: list[Prediction]
    planes: list[Plane | None]
    mm_per_pixel: MmPerPixel
    sizes_mm: dict[Kind, float]


def watched_phantom(weights: Path, seed: int) -> Watched:
    """One recording, rendered and predicted on one thread."""
    cv2.setNumThreads(1)
    recording, predictor = PhantomRecording(seed, duration_s=DURATION_S), predictor_of(weights)
    look_at_fan(predictor, recording)
    predictions = [replace(predictor.predict(frame), outline=None) for frame, _ in recording]
    planes = [None if truth.ambiguous else truth.plane for truth in recording.truths]
    return Watched(predictions, planes, recording.mm_per_pixel, recording.sizes_mm)


def main(weights: Path = DEFAULT_WEIGHTS, seeds: Sequence[int] = SEEDS) -> None:
    """Fit judge and intervals to ``weights`` and write them where the program looks for them."""
    # Spawned: forking a process that has used OpenMP may hang.
    with ProcessPoolExecutor(os.cpu_count(), mp_context=multiprocessing.get_context("spawn")) as pool:
        watching = pool.map(partial(watched_phantom, weights), seeds)
        recordings = list(track(watching, "Analysing phantom recordings", len(seeds)))
    judge = fit_judge((each.predictions, each.planes) for each in recordings)
    known = [
        miss
        for number, each in enumerate(recordings)
        for miss in misses(number, each.predictions, judge, each.mm_per_pixel, each.sizes_mm)
    ]
    about = {
        "fitted_on": f"phantom seeds {seeds[0]} to {seeds[-1]}, {DURATION_S:g} s each",
        "weights_sha256": load_weights(weights).sha256,
    }
    _write("recording_judge.json", about | {"planes": judge.to_json()})
    shared = {kind.name: round(width, 4) for kind, width in fit_shared_error(known).items()}
    hold, total, width = coverage(known)
    _write("interval_widths.json", about | {"shared_error": shared, "held_of_left_out": [hold, total]})
    print(f"{hold} of {total} intervals hold the truth where they were not fitted; {100 * width:.1f} % to either side.")


def _write(name: str, value: dict[str, Any]) -> None:
    write_file(resource(name), (json.dumps(value, indent=2) + "\n").encode())


if __name__ == "__main__":
    main()
