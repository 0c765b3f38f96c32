"""What the frame network says of phantom recordings that it was not trained on: from these the judges learn."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from fetalnet.atomic_file import write_file
from fetalnet.evidence import RATE_HZ, Floats, evidence
from fetalnet.network.weights import load_weights
from fetalnet.phantom import PhantomRecording
from fetalnet.planes import STANDARD_PLANES
from fetalnet.training.evaluate_phantom import look_at_fan, predictor_of
from fetalnet.training.phantom_data import phantom_version
from fetalnet.training.processes import spread

_DURATIONS_S = (8.0, 12.0)
"""By the parity of the seed: a hand that hurries, and one that does not."""


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


def _read(path: Path) -> Sweep:
    with np.load(path) as held:
        return Sweep(held["evidence"], held["standardness"])


def _file(folder: Path, seed: int) -> Path:
    return folder / f"{seed:06d}.npz"
