"""Short clips made of real stills: a hand at rest, the scanner's gain and speckle. There is no real fetal video."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fetalnet.core.frame import Frame

DURATION_S = 6.0
RATE_HZ = 30.0

_SHIFT = 0.012
"""Of the picture's width: how far the hand wanders to either side. Sizes stay as they are."""
_TURN_DEG = 1.0
_GAIN = 0.05
_SPECKLE = 0.06
_FORGETS_S = 0.3
"""After which time speckle is new."""


@dataclass(frozen=True, slots=True, eq=False)
class StillClip:
    """``pixels`` (height, width) grey as a recording of ``DURATION_S``; the same ``seed`` gives the same frames."""

    pixels: NDArray[np.uint8]
    seed: int
    rate_hz: float = RATE_HZ

    def __len__(self) -> int:
        return round(DURATION_S * self.rate_hz)

    def __iter__(self) -> Iterator[Frame]:
        rng = np.random.default_rng([self.seed, *self.pixels.shape])
        height, width = self.pixels.shape
        time_s = np.arange(len(self)) / self.rate_hz
        wander = [_wander(rng, time_s) for _ in range(4)]
        speckle = _grain(rng, self.pixels.shape)
        keeps = math.exp(-1 / (self.rate_hz * _FORGETS_S))
        for index, (x, y, turn, gain) in enumerate(np.stack(wander, axis=1)):
            matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), turn * _TURN_DEG, 1.0)
            matrix[:, 2] += x * _SHIFT * width, y * _SHIFT * width
            moved = cv2.warpAffine(self.pixels, matrix, (width, height), flags=cv2.INTER_LINEAR).astype(np.float32)
            speckle = keeps * speckle + math.sqrt(1 - keeps**2) * _grain(rng, self.pixels.shape)
            seen = moved * (1.0 + gain * _GAIN) * (1.0 + _SPECKLE * speckle)
            yield Frame(index, index / self.rate_hz, np.clip(seen, 0, 255).astype(np.uint8))


def _wander(rng: np.random.Generator, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """A smooth path between -1 and 1 at each of the times (n,): three slow waves."""
    rates_hz, phases = rng.uniform(0.1, 0.8, 3), rng.uniform(0, 2 * math.pi, 3)
    path: NDArray[np.float64] = np.sin(2 * math.pi * np.outer(time_s, rates_hz) + phases).mean(axis=1)
    return path


def _grain(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Noise (height, width) of about unit variance, wider than deep."""
    coarse = rng.standard_normal((shape[0] // 2, shape[1] // 3), dtype=np.float32)
    return np.asarray(cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)
