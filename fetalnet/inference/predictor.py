"""Predictor: a frame in, what it shows and where to measure out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fetalnet.core.frame import Frame
from fetalnet.core.letterbox import Box
from fetalnet.core.planes import Plane
from fetalnet.core.prediction import ModelRef, Prediction, StreamState
from fetalnet.inference.engines import Device, engine_for, in_float32
from fetalnet.inference.engines.base import Engine, Raw
from fetalnet.inference.fitting import FemurFit
from fetalnet.inference.frame_fit import FrameFit
from fetalnet.inference.frame_view import FrameView, Prepared
from fetalnet.inference.refinement import Refinement
from fetalnet.inference.stills.predictor import StillPredictor
from fetalnet.network.weights import DEFAULT_WEIGHTS, LoadedNetwork, load_weights


class Predictor:
    """Runs the network over a stream of frames, carrying its temporal state from each to the next.

    Call ``reset`` after a seek and before another source. ``crop`` is the part of the frame the fan fills and ``fan``
    (frame height, width) bool is true inside it: what lies outside is screen furniture and is blanked. ``femur`` is
    how a femur's length is taken from its mask, ``cache`` a folder for what is compiled. One thread at a time.

    A network for stills runs in float32 whatever the device's name says of the precision: nobody waits for a frame.
    """

    def __init__(
        self,
        weights: Path | LoadedNetwork = DEFAULT_WEIGHTS,
        device: str = Device.AUTO,
        threads: int = 0,
        femur: FemurFit = FemurFit.ENDS,
        cache: Path | None = None,
    ) -> None:
        loaded = load_weights(weights) if isinstance(weights, Path) else weights
        self.card = loaded.card
        self._loaded = loaded
        self._engine_of = partial(engine_for, threads=threads, cache=cache)
        self._device = device
        self.engine: Engine = self._engine_of(loaded, device)
        self._fit = FrameFit(Refinement.of(loaded, device, threads, cache), femur)
        self.model = ModelRef(loaded.name, loaded.sha256, self.engine.name)
        self._view = FrameView((loaded.network.config.height, loaded.network.config.width))
        self._stills: StillPredictor | None = None

    @property
    def notice(self) -> str | None:
        """A sentence where the engine had to change on the way."""
        return self.engine.notice or (self._stills.engine.notice if self._stills is not None else None)

    def describe(self) -> str:
        """A line for the status bar: model and device."""
        return f"{self.model.name}, {self.engine.name}"

    def look_at(self, crop: Box | None = None, fan: NDArray[np.bool_] | None = None) -> None:
        """Choose the part of the frames to look at and forget the frames before; without arguments, all of it."""
        self._view.look_at(crop, fan)
        self.reset()

    def reset(self) -> None:
        """Forget the frames before: the next frame starts a stream."""
        self.engine.reset()
        self._view.before = None

    @property
    def state(self) -> StreamState:
        """What is carried to the next frame, to come back to this place of the stream later."""
        # No grid is ever written again, so it needs no copy.
        return StreamState(self.engine.state, self._view.before)

    @state.setter
    def state(self, state: StreamState) -> None:
        self.engine.state, self._view.before = state

    def warm_up(self) -> None:
        """Run once on an empty picture, so that the first real frame is not slow."""
        self.engine.run(np.zeros(self._view.grid_shape, np.float32))
        self.reset()

    def predict(self, frame: Frame) -> Prediction:
        """The answer for the next frame of the stream."""
        prepared = self.prepare(frame)
        return self.fit(frame, prepared, self.run(prepared))

    def submit(self, frame: Frame) -> Callable[[], Prediction]:
        """The network's part of ``predict``. What is returned fits and answers: another thread may call it, while
        the next frame begins.
        """
        prepared = self.prepare(frame)
        raw = self.run(prepared).copied()
        return lambda: self.fit(frame, prepared, raw)

    def predict_still(self, frame: Frame, plane: Plane | None = None) -> Prediction:
        """Return the prediction for a picture alone: see ``StillPredictor``.

        Where there is a network for stills, it answers, and the stream goes on; the first still waits until its engine
        is made. Else a new stream begins.
        """
        stills = self._stills = self._stills or self._still_predictor()
        stills.view.like(self._view)
        if stills.engine is self.engine:
            self.reset()
        prediction = stills.predict(frame, plane)
        if self.model.engine != stills.engine.name:
            self.model = replace(self.model, engine=stills.engine.name)
        return prediction

    def prepare(self, frame: Frame) -> Prepared:
        """Letterbox a frame into the network's grid."""
        return self._view.prepare(frame)

    def run(self, prepared: Prepared) -> Raw:
        """Run the network; its state moves on by one frame."""
        raw = self.engine.run(prepared.grid)
        if self.engine.name != self.model.engine:
            # It may change where its device is lost: every proposal is signed with what computed it.
            self.model = replace(self.model, engine=self.engine.name)
        return raw

    def fit(self, frame: Frame, prepared: Prepared, raw: Raw) -> Prediction:
        """Fit what the network found: ``FrameFit``."""
        return self._fit(frame, prepared, raw)

    def _still_predictor(self) -> StillPredictor:
        """With the network for stills and an engine of its own, or with the stream's where there is no such network."""
        loaded = self._loaded.for_stills
        if loaded is None:
            return StillPredictor(self.engine, FrameView(self._view.grid_shape), self._fit)
        config = loaded.network.config
        engine = self._engine_of(loaded, in_float32(self._device))
        return StillPredictor(engine, FrameView((config.height, config.width)), self._fit)
