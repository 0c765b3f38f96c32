"""What the readers of strips are trained on: the phantom's pictures, and strips as another scanner might show them."""

from __future__ import annotations

import cv2
import numpy as np

from fetalnet.core.planes import Plane
from fetalnet.inference.engines.base import Floats
from fetalnet.inference.frame_fit import MIN_STANDARDNESS
from fetalnet.research.training.data.batches import Collection
from fetalnet.research.training.data.example import Example

PLAIN_SHARE = 0.2
"""Of the strips that keep the look they have."""


def measurable(collection: Collection, plane: Plane) -> list[Example]:
    """The simulated pictures in which the plane's organ would be measured."""
    return [
        each
        for each in collection.simulated
        if plane in each.outlines and each.outlines[plane].standardness >= MIN_STANDARDNESS
    ]


def with_another_look(strip: Floats, rng: np.random.Generator) -> Floats:
    """The strip, most times, as another scanner, probe position or setting might show it.

    Weaker than ``Appearance``, which is made for whole pictures: with that, borders were learned a little worse.
    """
    if rng.random() <= PLAIN_SHARE:
        return strip
    rows, columns = strip.shape
    gain = rng.normal(0, 0.18, (3, 6)).astype(np.float32)
    ring = np.concatenate([gain, gain[:, :1]], axis=1)
    gain = np.exp(cv2.resize(ring, (columns, rows), interpolation=cv2.INTER_CUBIC) + float(rng.normal(0, 0.2)))
    look = strip ** float(np.exp(rng.normal(0, 0.25))) * gain + float(rng.normal(0, 0.02))
    if rng.random() < 0.5:
        speckle = cv2.GaussianBlur(rng.standard_normal(strip.shape, np.float32), (0, 0), float(rng.uniform(0.4, 1.5)))
        speckle /= speckle.std()
        look = look * (1.0 + float(rng.uniform(0, 0.25)) * speckle) + float(rng.uniform(0, 0.03)) * speckle
    if rng.random() < 0.3:
        look = cv2.GaussianBlur(look, (0, 0), float(rng.uniform(0.3, 1.5)))
    if rng.random() < 0.3:
        away = np.abs((np.arange(columns) - rng.uniform(0, columns) + columns / 2) % columns - columns / 2)
        look = look * (1.0 - float(rng.uniform(0.3, 1.0)) * np.exp(-((away / rng.uniform(4, 30)) ** 2)))
    return np.asarray(np.clip(look, 0.0, 1.0), np.float32)
