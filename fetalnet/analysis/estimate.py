"""One value from many frames, with an interval that means it.

The value is the median over all frames that pass the gate. Its error has two parts: what changes from frame to frame,
which many frames average out, and what all frames of a recording share (how the wall is seen by this scanner at this
depth, how near the ideal plane the probe came), which no number of frames does. The second was measured on simulated
recordings with known truth; both together give the interval. Frames nearer than ``INDEPENDENT_S`` count as one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache

import numpy as np
from numpy.typing import NDArray

from fetalnet.core.measurement import Length
from fetalnet.core.planes import Kind
from fetalnet.core.system.resources import resource

NORMAL_SIGMA_PER_MAD = 1.4826
"""Standard deviation of a normal distribution in units of its median absolute deviation."""

INDEPENDENT_S = 0.4
"""How far apart frames must be to err on their own."""


class LeftOut(StrEnum):
    """Why a frame that shows the plane does not enter the estimate."""

    NOT_MEASURED = "nothing could be measured"
    UNCERTAIN = "the plane is not sure or not held long enough"
    FAR = "cut less well than the best frames"
    SLIPPED = "the size does not fit the frames around it"
    CALIPERS = "the calipers are off the outline or leave the fan"
    FROZEN = "the frozen picture counts once"
    NO_SCALE = "the frame has no scale"
    IMPOSSIBLE = "the size is impossible for a fetus: its scale is wrong"


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """Median over ``n`` gated frames; ``low`` to ``high`` holds the true value in about 95 % of recordings.

    ``used`` (n,) are the frames, ``values`` (n,) what each gave, in mm where ``value`` has mm; ``left_out`` the other
    frames that show the plane, by the reason. Arrays: an hour at the scanner has a hundred thousand frames.
    """

    kind: Kind
    value: Length
    low: Length
    high: Length
    n: int
    used: NDArray[np.int64] = field(repr=False)
    values: NDArray[np.float64] = field(repr=False)
    left_out: Mapping[LeftOut, NDArray[np.int64]] = field(repr=False)


_OWN_SIGMAS = 1.96


@cache
def shared_error() -> dict[Kind, float]:
    """Half the width of the 95 % interval of the error that all frames of a recording share, as a part of the value.

    For the weights that come with the program. ``fetalnet.research.training.judges.train`` fits them and says on what.
    """
    known = json.loads(resource("interval_widths.json").read_text(encoding="utf-8"))["shared_error"]
    return {Kind[name]: float(width) for name, width in known.items()}


def own_error(values: NDArray[np.float64], span_s: float) -> float:
    """The same of what frames do not share: of their ``values`` (n,), which last ``span_s`` together."""
    median = float(np.median(values))
    spread = NORMAL_SIGMA_PER_MAD * float(np.median(np.abs(values - median))) / median
    return _OWN_SIGMAS * spread / math.sqrt(max(span_s / INDEPENDENT_S, 1.0))


def estimate_of(
    kind: Kind,
    used: NDArray[np.int64],
    lengths_px: NDArray[np.float64],
    lengths_mm: NDArray[np.float64] | None,
    span_s: float,
    left_out: Mapping[LeftOut, NDArray[np.int64]],
) -> Estimate:
    """From the lengths (n,) of the gated frames ``used`` (n,), in mm too or None, which last ``span_s`` together."""
    values = lengths_px if lengths_mm is None else lengths_mm
    half = math.hypot(shared_error()[kind], own_error(values, span_s))
    px, mm = float(np.median(lengths_px)), None if lengths_mm is None else float(np.median(lengths_mm))
    value, low, high = (
        Length(px * factor, None if mm is None else mm * factor) for factor in (1.0, 1.0 - half, 1.0 + half)
    )
    return Estimate(kind, value, low, high, len(values), used, values, left_out)
