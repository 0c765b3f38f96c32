"""Predictor of pictures alone: each is looked at mirrored too, and small organs from nearer."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from fetalnet.core.frame import Frame
from fetalnet.core.planes import Plane
from fetalnet.core.prediction import Prediction
from fetalnet.inference.engines.base import Engine, Raw
from fetalnet.inference.frame_fit import FrameFit
from fetalnet.inference.frame_view import FrameView
from fetalnet.inference.judges.stream import MIN_STILL_PROBABILITY, judged_still
from fetalnet.inference.stills.views import joined, nearer_box, same_organ, seen_both_ways


class StillPredictor:
    """Runs the network on one picture at a time, without a past, for as long as it takes."""

    def __init__(self, engine: Engine, view: FrameView, fit: FrameFit) -> None:
        self.engine, self.view, self._fit = engine, view, fit

    def predict(self, frame: Frame, plane: Plane | None = None) -> Prediction:
        """Return the prediction for a picture.

        With the ``plane`` fixed its outline is asked about alone, not whether it is recognised.
        """
        self.view.before = None
        prepared = self.view.prepare(frame)
        run = partial(self._run, plane=plane)
        raw = run(prepared.grid)
        if raw.planes.max() < MIN_STILL_PROBABILITY or raw.planes.argmax() == list(Plane).index(Plane.OTHER):
            return judged_still(self._fit(frame, prepared, raw, still=True))
        raw = seen_both_ways(prepared.grid, run, raw)
        far = self._fit(frame, prepared, raw, still=True)
        box = nearer_box(raw, prepared.letterbox)
        if box is None:
            return judged_still(far)
        near_by = self.view.prepare(frame, box)._replace(change=None)
        masks = joined(raw, prepared.letterbox, seen_both_ways(near_by.grid, run), near_by.letterbox)
        near = self._fit(frame, near_by, masks, still=True)
        return judged_still(near if same_organ(far.geometry, near.geometry) else far)

    def _run(self, grid: NDArray[np.float32], plane: Plane | None) -> Raw:
        self.engine.reset()
        raw = self.engine.run(grid).copied()
        return raw if plane is None else raw.with_plane(plane)
