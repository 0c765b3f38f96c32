"""What the network and the fitting say about one frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fetalnet.core.geometry import Geometry
from fetalnet.core.planes import Plane


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """The answer for frame ``index``; it names its question.

    ``probabilities`` holds all four planes and sums to one. ``standardness`` is the network's estimate, 0 to 1, of how
    near the frame is to the ideal of the plane it names; of the nearest where it names none. ``outline`` is the
    segmentation's contour, ``(n, 2)`` x, y in native pixels.
    ``geometry`` is what was fitted to it: an ellipse for head and abdomen, a line for the femur; None where nothing
    is measured, with the reason in ``refused``; how it lies in the picture is in ``shape``.
    ``structures`` (11,) are probabilities in the order of ``Structure`` that the outlined head or abdomen shows them;
    None from a network that knows none. ``change`` is the mean difference in grey levels to the frame before, within
    the fan on the network's grid; None for the first frame: frozen pictures hardly change.
    """

    index: int
    time_s: float | None
    plane: Plane
    probabilities: dict[Plane, float]
    standardness: float
    outline: NDArray[np.float32] | None
    geometry: Geometry | None
    refused: str | None = None
    file: str | None = None
    shape: Shape | None = None
    structures: NDArray[np.float32] | None = None
    change: float | None = None

    @property
    def probability(self) -> float:
        return self.probabilities[self.plane]


class StreamState(NamedTuple):
    """What a predictor carries from one frame to the next: the network's memory, and the frame before on its grid."""

    network: NDArray[np.float32]
    before: NDArray[np.float32] | None


@dataclass(frozen=True, slots=True)
class Shape:
    """``inside``: part of the ellipse, or of a line drawn a little beyond its ends, that lies in the fan, 0 to 1.
    ``residual``: median distance of the outline from the ellipse fitted to it, in minor semi-axes; of a line, of the
    outline's middle from it, in lengths. ``followed``: part of the ellipse that the outline follows; of a line, the
    length in outlines'.
    ``asymmetry``: mean difference of the outline's radius from its mirror's across the long axis, in minor semi-axes;
    None of a line. ``size``: longest diameter or length in the smaller side of the box around the fan.
    """

    inside: float
    residual: float
    followed: float
    asymmetry: float | None
    size: float


@dataclass(frozen=True, slots=True)
class ModelRef:
    """The network a proposal came from."""

    name: str
    sha256: str
    engine: str
