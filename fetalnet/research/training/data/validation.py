"""Batches that are looked at during training and never learned from."""

from __future__ import annotations

import numpy as np
import torch

from fetalnet.research.datasets.catalogue import data_folder
from fetalnet.research.datasets.readers.hc18 import head_stills
from fetalnet.research.training.augment.warp import Warp, warp_picture
from fetalnet.research.training.config import TrainingConfig
from fetalnet.research.training.data import heads as real_heads
from fetalnet.research.training.data import real_planes
from fetalnet.research.training.data.batches import Batch, targets
from fetalnet.research.training.data.example import Example


def thermometer(config: TrainingConfig, batch: int = 8) -> list[Batch]:
    """Real pictures of the validation split as they are, in batches of single frames at the network's size."""
    if not config.real_data:
        return []
    heads = [still for still in head_stills(data_folder() / "hc18") if still.kept_back]
    stills = [each for each in real_planes.labelled_stills(data_folder()) if each.still.kept_back]
    planes = real_planes.by_plane(stills)
    examples = [*real_heads.examples(heads), *(example for pool in planes.values() for example in pool)]
    return [_as_batch(examples[first : first + batch], config) for first in range(0, len(examples), batch)]


def _as_batch(examples: list[Example], config: TrainingConfig) -> Batch:
    grid = (config.network.height, config.network.width)
    rows = []
    for example in examples:
        matrix = Warp().matrix((example.pixels.shape[0], example.pixels.shape[1]), grid)
        picture = warp_picture(example.pixels, matrix, grid).astype(np.float32) / 255
        rows.append(tuple(np.asarray(part)[None] for part in (picture[None], *targets(example, matrix, grid))))
    return Batch(*(torch.from_numpy(np.stack(parts)) for parts in zip(*rows, strict=True)))
