"""The real predictor, loaded on the inference thread: importing torch takes seconds the first window must not wait."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from fetalnet.resources import resource

if TYPE_CHECKING:
    from fetalnet.inference import Predictor

DEFAULT_WEIGHTS = resource("weights/fetalnet-streaming.safetensors")
MODEL_CARD = DEFAULT_WEIGHTS.with_suffix(".md")


def predictor_loader(weights: Path | None, device: str) -> Callable[[], Predictor]:
    """What the inference thread calls to have its predictor. That call raises ``InputError``."""
    return lambda: load_predictor(weights or DEFAULT_WEIGHTS, device)


def load_predictor(weights: Path, device: str) -> Predictor:
    """A predictor that has run once already, and leaves one core to the window."""
    # On Windows torch 2.9 and newer was reported to fail when Qt came first: should it happen, it happens here.
    import torch

    from fetalnet.inference import Predictor

    threads = max((os.cpu_count() or 2) - 1, 1)
    torch.set_num_threads(threads)
    predictor = Predictor(weights, device, threads)
    predictor.warm_up()
    return predictor
