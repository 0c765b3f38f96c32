"""Outputs of the frame network on phantom recordings and on clips of real stills: the training data of the judges."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from fetalnet.core.planes import STANDARD_PLANES
from fetalnet.core.system.files import write_file
from fetalnet.inference.judges.features import RATE_HZ, Floats, evidence
from fetalnet.network.weights import load_weights
from fetalnet.research.datasets.catalogue import data_folder
from fetalnet.research.evaluation.clip_scores import clip_predictions
from fetalnet.research.evaluation.phantom_scores import look_at_fan, predictor_of
from fetalnet.research.phantom import PhantomRecording
from fetalnet.research.processes import spread
from fetalnet.research.training.data.phantom_pack import phantom_version
from fetalnet.research.training.data.real_planes import LabelledStill, labelled_stills

_DURATIONS_S = (8.0, 12.0)
"""By the parity of the seed: a hand that hurries, and one that does not."""


STILLS_EVERY = 3
"""Of the real stills of the training split one in so many becomes a clip."""


class Sweep(NamedTuple):
    """A recording at ``RATE_HZ``: ``evidence`` (n, EVIDENCE) and the true ``standardness`` (n, 3) of each plane."""

    evidence: Floats
    standardness: Floats


def sweeps_of(weights: Path, seeds: Sequence[int], cache: Path) -> list[Sweep]:
    """One for each seed, rendered and predicted where ``cache`` lacks it."""
    folder = cache / f"sweeps-{load_weights(weights).sha256[:12]}-{phantom_version()}"
    folder.mkdir(parents=True, exist_ok=True)
    missing = [seed for seed in seeds if not _file(folder, seed).exists()]
    for _ in spread(partial(_watch, weights, folder), missing, "Analysing phantom recordings"):
        pass
    return [_read(_file(folder, seed)) for seed in seeds]


def _watch(weights: Path, folder: Path, seed: int) -> None:
    cv2.setNumThreads(1)
    duration_s = _DURATIONS_S[seed % len(_DURATIONS_S)]
    recording = PhantomRecording(seed, duration_s=duration_s, frame_rate_hz=RATE_HZ)
    predictor = predictor_of(weights)
    look_at_fan(predictor, recording)
    seen = evidence([predictor.predict(frame) for frame, _ in recording])
    true = [[truth.standardness_of[plane] for plane in STANDARD_PLANES] for truth in recording.truths]
    buffer = io.BytesIO()
    np.savez(buffer, evidence=seen, standardness=np.array(true, np.float32))
    write_file(_file(folder, seed), buffer.getvalue())


def still_sweeps_of(weights: Path, cache: Path) -> list[Sweep]:
    """One for each clip of a real still of the training split: a hand that rests on a real plane, or on none."""
    folder = cache / f"still-sweeps-{load_weights(weights).sha256[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    stills = [each for each in labelled_stills(data_folder()) if not each.still.kept_back][::STILLS_EVERY]
    missing = [each for each in stills if not _still_file(folder, each).exists()]
    for _ in spread(partial(_watch_still, weights, folder), missing, "Analysing clips of real stills"):
        pass
    return [_read(_still_file(folder, each)) for each in stills]


def _watch_still(weights: Path, folder: Path, still: LabelledStill) -> None:
    seen = evidence(clip_predictions(weights, still.still, seed=1, rate_hz=RATE_HZ))
    # Experts froze these planes: that they are near the ideal is all that is known.
    shown = [float(plane is still.still.plane) for plane in STANDARD_PLANES]
    buffer = io.BytesIO()
    np.savez(buffer, evidence=seen, standardness=np.tile(np.array(shown, np.float32), (len(seen), 1)))
    write_file(_still_file(folder, still), buffer.getvalue())


def _still_file(folder: Path, still: LabelledStill) -> Path:
    return folder / f"{still.still.name}.npz"


def _read(path: Path) -> Sweep:
    with np.load(path) as held:
        return Sweep(held["evidence"], held["standardness"])


def _file(folder: Path, seed: int) -> Path:
    return folder / f"{seed:06d}.npz"
