"""A predictor that is told what it sees: so the outline is asked about alone, not whether the head is recognised."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fetalnet.engine import Raw
from fetalnet.inference import Predictor, Prepared
from fetalnet.planes import Plane


class ToldHead(Predictor):
    """Takes every picture for a head in its standard plane."""

    def run(self, prepared: Prepared) -> Raw:
        return _told(super().run(prepared))

    def _run_alone(self, grid: NDArray[np.float32]) -> Raw:
        return _told(super()._run_alone(grid))


def _told(raw: Raw) -> Raw:
    planes = np.array([plane is Plane.HEAD for plane in Plane], np.float32)
    return raw._replace(planes=planes, standardness=np.ones_like(raw.standardness))
