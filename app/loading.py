"""The real predictor, loaded on the inference thread: importing torch takes seconds the first window must not wait."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fetalnet.picture.letterbox import Box
from fetalnet.prediction import Prediction
from fetalnet.records import ModelRef
from fetalnet.resources import resource
from fetalnet.sources import Frame

DEFAULT_WEIGHTS = resource("weights/fetalnet-streaming.safetensors")


def predictor_loader(weights: Path | None, device: str) -> Callable[[], LoadedPredictor]:
    """What the inference thread calls to have its predictor."""
    return lambda: LoadedPredictor(weights or DEFAULT_WEIGHTS, device)


class LoadedPredictor:
    """``fetalnet.inference.Predictor`` with what the window wants to say about it."""

    def __init__(self, weights: Path, device: str) -> None:
        # On Windows torch 2.9 and newer was reported to fail when Qt came first; a worker that imports it is where to
        # look, should it happen.
        import torch

        from fetalnet.inference import Predictor

        # One core is the window's.
        threads = max((os.cpu_count() or 2) - 1, 1)
        torch.set_num_threads(threads)
        self._predictor = Predictor(weights, device, threads)
        self._predictor.warm_up()
        self.model = ModelRef(
            self._predictor.model_name, self._predictor.model_sha256, self._predictor.engine.name
        )

    def describe(self) -> str:
        return f"{self.model.name}, {self.model.engine}"

    def look_at(self, crop: Box | None = None, fan: NDArray[np.bool_] | None = None) -> None:
        self._predictor.look_at(crop, fan)

    def predict(self, frame: Frame) -> Prediction:
        return self._predictor.predict(frame)

    def reset(self) -> None:
        self._predictor.reset()
