"""Times of frames: their rate, and those that are not known."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

USUAL_RATE_HZ = 25.0
"""Where frames have no times."""

Times = Sequence[float | None] | NDArray[np.floating]
"""In seconds; NaN or None for frames without a time."""


def rate_of(time_s: Times) -> float:
    """Frames a second; the usual rate where frames have no times."""
    times = np.asarray(time_s, np.float64)
    known = times[~np.isnan(times)]
    span = float(known[-1] - known[0]) if len(known) > 1 else 0.0
    return (len(known) - 1) / span if span > 0 else USUAL_RATE_HZ


def known_time(time_s: float) -> float | None:
    """None for NaN: in arrays it stands for a time that is not known."""
    return None if math.isnan(time_s) else float(time_s)
