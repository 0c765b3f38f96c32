"""What the frame network said of frames, as the judges take it: a few numbers a frame, at one rate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fetalnet.core.planes import Plane
from fetalnet.core.prediction import Prediction

Floats = NDArray[np.float32]

RATE_HZ = 12.5
"""Steps a second that the judges were trained with; other rates are brought near it."""


def evidence(predictions: Sequence[Prediction]) -> Floats:
    """(n, EVIDENCE): log odds of each plane in the order of ``Plane``, then of the rating."""
    shares = [[*(each.probabilities[plane] for plane in Plane), each.standardness] for each in predictions]
    share = np.clip(np.array(shares, np.float64), 1e-3, 1.0 - 1e-3)
    return np.log(share / (1.0 - share)).astype(np.float32)


def at_steps(frames: Floats, rate_hz: float) -> Floats:
    """Rows (n, k) of frames at ``rate_hz`` as rows at about ``RATE_HZ``: means of neighbours, or repeated."""
    together, repeats = _ratio(rate_hz)
    frames = np.repeat(frames, repeats, axis=0)
    missing = -len(frames) % together
    frames = np.concatenate([frames, np.repeat(frames[-1:], missing, axis=0)])
    steps: Floats = frames.reshape(-1, together, frames.shape[1]).mean(axis=1)
    return steps


def at_frames(steps: Floats, count: int, rate_hz: float) -> Floats:
    """The inverse of ``at_steps``, for ``count`` frames."""
    together, repeats = _ratio(rate_hz)
    repeated = np.repeat(steps, together, axis=0)[: count * repeats]
    frames: Floats = repeated.reshape(count, repeats, -1).mean(axis=1)
    return frames


def _ratio(rate_hz: float) -> tuple[int, int]:
    """How many frames make a step, and how many steps a frame; one of them is 1."""
    return max(round(rate_hz / RATE_HZ), 1), max(round(RATE_HZ / rate_hz), 1)
