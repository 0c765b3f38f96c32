"""The real predictor, loaded on the inference thread: importing torch takes seconds the first window must not wait."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from fetalnet.core.system.resources import resource

if TYPE_CHECKING:
    from fetalnet.inference.predictor import Predictor

DEFAULT_WEIGHTS = resource("weights/fetalnet-streaming.safetensors")
MODEL_CARD = DEFAULT_WEIGHTS.with_suffix(".md")


def predictor_loader(
    weights: Path | None, device: str, engine_memory: Path | None = None, cache: Path | None = None
) -> Callable[[], Predictor]:
    """What the inference thread calls to have its predictor. That call raises ``InputError``."""
    return lambda: load_predictor(weights or DEFAULT_WEIGHTS, device, engine_memory, cache)


def load_predictor(
    weights: Path, device: str, engine_memory: Path | None = None, cache: Path | None = None
) -> Predictor:
    """A predictor that has run once already, and leaves one core to the window.

    With device auto the fastest engine of this computer is taken: measured once, then kept in ``engine_memory``.
    """
    # On Windows torch 2.9 and newer was reported to fail when Qt came first: should it happen, it happens here.
    import cv2
    import torch

    from fetalnet.inference.predictor import Predictor
    from fetalnet.network.weights import load_weights

    threads = max((os.cpu_count() or 2) - 1, 1)
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
    network = load_weights(weights)
    if device == "auto" and engine_memory is not None:
        from fetalnet.inference.engines.choice import choose_engine

        device = choose_engine(network, threads, engine_memory, cache).device
    predictor = Predictor(network, device, threads, cache=cache)
    predictor.warm_up()
    return predictor
