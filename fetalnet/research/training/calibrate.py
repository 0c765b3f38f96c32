"""What 8-bit integers need to know of weights: the range of each convolution's input, measured on training data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fetalnet.core.frame import Frame
from fetalnet.inference.predictor import Predictor
from fetalnet.network.streaming import BESIDE, STILLS
from fetalnet.network.weights import LoadedNetwork, load_weights, read_card, write_card
from fetalnet.research.datasets.readers.hc18 import HeadStill
from fetalnet.research.evaluation.phantom_scores import look_at_fan
from fetalnet.research.phantom import PhantomRecording

SEEDS = range(500, 512)
"""Phantom recordings that neither scores nor the recording judge are made of."""
_EVERY_HEAD, _EVERY_FRAME, _DURATION_S = 5, 3, 6.0
_USUAL = 99.0
"""Percentile over the frames of their extremes: what lies beyond is cut off, the rest is told apart more finely."""

_EXACT = ("fuse", "gate.weight")
"""Convolutions that stay in float32: the last one, whose inputs are logits of any size, and the attention weights."""


def calibrate(weights: Path, heads: list[HeadStill], on_progress: Callable[[int, int], None]) -> None:
    """Write the ranges into the card of ``weights``; ``heads`` were trained on. Raises ``InputError``."""
    loaded = load_weights(weights)
    ranges = measure_ranges(loaded, heads[::_EVERY_HEAD], on_progress)
    told = (
        f"{len(heads[::_EVERY_HEAD])} real heads that were trained on; phantom recordings of seeds {SEEDS.start} to "
        f"{SEEDS.stop - 1}"
    )
    write_card(weights, read_card(weights) | {"int8": {"measured_on": told, "ranges": ranges}})


def measure_ranges(
    loaded: LoadedNetwork, heads: list[HeadStill], on_progress: Callable[[int, int], None]
) -> dict[str, list[float]]:
    """Least and greatest input of each convolution, by its module's name, without those that must be told exactly."""
    predictor = Predictor(loaded, "torch")
    network = loaded.network
    extremes: dict[str, list[tuple[float, float]]] = defaultdict(list)

    def see(name: str, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        least, greatest = torch.aminmax(inputs[0])
        extremes[name].append((float(least), float(greatest)))

    hooks = [
        module.register_forward_pre_hook(partial(see, name))
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv2d) and _may_be_coarse(name)
    ]
    total = len(heads) + len(SEEDS)
    try:
        for number, head in enumerate(heads):
            predictor.look_at()
            predictor.run(predictor.prepare(Frame(0, None, head.pixels())))
            on_progress(number + 1, total)
        for number, seed in enumerate(SEEDS):
            _follow(predictor, PhantomRecording(seed, duration_s=_DURATION_S))
            on_progress(len(heads) + number + 1, total)
    finally:
        for hook in hooks:
            hook.remove()
    return {name: _usual(np.array(seen)) for name, seen in extremes.items()}


def _follow(predictor: Predictor, recording: PhantomRecording) -> None:
    """See frames of a recording in their order, as an analysis does."""
    look_at_fan(predictor, recording)
    for index in range(0, len(recording), _EVERY_FRAME):
        predictor.run(predictor.prepare(recording[index][0]))


def _may_be_coarse(name: str) -> bool:
    return not name.endswith(_EXACT) and not name.startswith((*BESIDE, STILLS))


def _usual(extremes: NDArray[np.float64]) -> list[float]:
    """The range that all but a hundredth of the frames keep to, of their (least, greatest)."""
    least, greatest = extremes.T
    return [round(float(np.percentile(least, 100 - _USUAL)), 4), round(float(np.percentile(greatest, _USUAL)), 4)]
