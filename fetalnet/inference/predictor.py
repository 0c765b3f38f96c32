"""Predictor: a frame in, what it shows and where to measure out."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from fetalnet.core.frame import Frame
from fetalnet.core.letterbox import Box, Letterbox
from fetalnet.core.planes import STANDARD_PLANES, Plane
from fetalnet.core.prediction import ModelRef, Prediction, StreamState
from fetalnet.inference.engines import Device, engine_for, in_float32
from fetalnet.inference.engines.base import Engine, Raw
from fetalnet.inference.fitting import FemurFit, fit_plane
from fetalnet.inference.fitting.shape import shape_of
from fetalnet.inference.judges.stream import MIN_PROBABILITY, MIN_STILL_PROBABILITY, judged_still
from fetalnet.inference.refinement import Refinement
from fetalnet.inference.stills.views import joined, nearer_box, same_organ, seen_both_ways
from fetalnet.network.weights import DEFAULT_WEIGHTS, LoadedNetwork, load_weights

MIN_DOUBTED_PROBABILITY = 0.3
"""A plane of a stream that is less likely than this is not measured. Between it and ``MIN_PROBABILITY`` the judge
decides: single frames of real abdomens and femurs are often uncertain where many of them together are not.
"""

MIN_STANDARDNESS = 0.1
"""A plane that is rated lower is not measured: its organ is there, but cut far from where it is to be measured."""

MIN_LEAKING_STANDARDNESS = 0.4
"""An outline that takes more along is believed only on a frame that is well cut: else it is another organ's."""

MIN_MASK_EVIDENCE = 0.7
"""Least mean probability of the mask over its own area (where it exceeds one half)."""


class Prepared(NamedTuple):
    """A frame on the network's grid: ``grid`` (height, width), grey 0 to 1, where the fan lies on it, the way back,
    the mean difference to the frame before in grey levels, and where the fan lies in the frame itself.
    """

    grid: NDArray[np.float32]
    fan: NDArray[np.bool_] | None
    letterbox: Letterbox
    change: float | None = None
    native_fan: NDArray[np.bool_] | None = None


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
        self._refinement = Refinement.of(loaded, device, threads, cache)
        self.model = ModelRef(loaded.name, loaded.sha256, self.engine.name)
        self._grid_shape = (loaded.network.config.height, loaded.network.config.width)
        self._on_stills: Predictor | None = None
        self._femur = femur
        self._crop: Box | None = None
        self._fan: NDArray[np.bool_] | None = None
        self._letterboxes: dict[tuple[int, ...], tuple[Letterbox, NDArray[np.bool_] | None]] = {}
        self._before: NDArray[np.float32] | None = None

    @property
    def notice(self) -> str | None:
        """A sentence where the engine had to change on the way."""
        return self.engine.notice or (self._on_stills.notice if self._on_stills is not None else None)

    def describe(self) -> str:
        """A line for the status bar: model and device."""
        return f"{self.model.name}, {self.engine.name}"

    def look_at(self, crop: Box | None = None, fan: NDArray[np.bool_] | None = None) -> None:
        """Choose the part of the frames to look at and forget the frames before; without arguments, all of it."""
        self._crop, self._fan = crop, fan
        self._letterboxes.clear()
        self.reset()

    def reset(self) -> None:
        """Forget the frames before: the next frame starts a stream."""
        self.engine.reset()
        self._before = None

    @property
    def state(self) -> StreamState:
        """What is carried to the next frame, to come back to this place of the stream later."""
        # No grid is ever written again, so it needs no copy.
        return StreamState(self.engine.state, self._before)

    @state.setter
    def state(self, state: StreamState) -> None:
        self.engine.state, self._before = state

    def warm_up(self) -> None:
        """Run once on an empty picture, so that the first real frame is not slow."""
        self.engine.run(np.zeros(self._grid_shape, np.float32))
        self.reset()

    def predict(self, frame: Frame) -> Prediction:
        """The answer for the next frame of the stream."""
        prepared = self.prepare(frame)
        return self.fit(frame, prepared, self.run(prepared))

    def begin(self, frame: Frame) -> Callable[[], Prediction]:
        """The network's part of ``predict``. What is returned fits and answers: another thread may call it, while
        the next frame begins.
        """
        prepared = self.prepare(frame)
        raw = _kept(self.run(prepared))
        return lambda: self.fit(frame, prepared, raw)

    def predict_still(self, frame: Frame, plane: Plane | None = None) -> Prediction:
        """The answer for a picture alone, looked at longer than a frame of a stream: see ``closer_look``. With the
        ``plane`` fixed, its outline is asked about alone, not whether it is recognised.

        Where there is a network for stills, it answers; the first still waits until its engine is made.
        """
        stills = self._for_stills()
        if stills is not None:
            stills.look_at(self._crop, self._fan)
            prediction = stills.predict_still(frame, plane)
            self.model = stills.model
            return prediction
        self.reset()
        prepared = self.prepare(frame)
        run = partial(self._run_alone, plane=plane)
        raw = run(prepared.grid)
        if raw.planes.max() < MIN_STILL_PROBABILITY or raw.planes.argmax() == list(Plane).index(Plane.OTHER):
            return judged_still(self.fit(frame, prepared, raw, still=True))
        raw = seen_both_ways(prepared.grid, run, raw)
        far = self.fit(frame, prepared, raw, still=True)
        box = nearer_box(raw, prepared.letterbox)
        if box is None:
            return judged_still(far)
        near_by = self.prepare(frame, box)._replace(change=None)
        masks = joined(raw, prepared.letterbox, seen_both_ways(near_by.grid, run), near_by.letterbox)
        near = self.fit(frame, near_by, masks, still=True)
        return judged_still(near if same_organ(far.geometry, near.geometry) else far)

    def prepare(self, frame: Frame, box: Box | None = None) -> Prepared:
        """Letterbox a frame, or the ``box`` of it, into the network's grid."""
        letterbox, fan = self._letterbox(frame.pixels.shape) if box is None else self._nearer(frame.pixels.shape, box)
        grid = letterbox.apply(frame.pixels).astype(np.float32)
        grid *= np.float32(1.0 / 255.0)
        if fan is not None:
            grid *= fan
        before, self._before = self._before, grid
        shown = grid.size if fan is None else max(int(np.count_nonzero(fan)), 1)
        change = None if before is None else float(cv2.norm(grid, before, cv2.NORM_L1)) * 255.0 / shown
        return Prepared(grid, fan, letterbox, change, self._fan_of(frame.pixels.shape))

    def run(self, prepared: Prepared) -> Raw:
        """Run the network; its state moves on by one frame."""
        raw = self.engine.run(prepared.grid)
        if self.engine.name != self.model.engine:
            # It may change where its device is lost: every proposal is signed with what computed it.
            self.model = replace(self.model, engine=self.engine.name)
        return raw

    def fit(self, frame: Frame, prepared: Prepared, raw: Raw, *, still: bool = False) -> Prediction:
        """From probabilities to a plane and, where it can be trusted, a geometry; a ``still`` may take longer."""
        plane = list(Plane)[int(raw.planes.argmax())]
        probabilities = {each: float(probability) for each, probability in zip(Plane, raw.planes, strict=True)}
        outline = geometry = shape = None
        least = MIN_PROBABILITY if still else MIN_DOUBTED_PROBABILITY
        refused = _why_not(plane, probabilities[plane], least, raw)
        if refused is None:
            mask = raw.masks[STANDARD_PLANES.index(plane)]
            rating = raw.standardness[STANDARD_PLANES.index(plane)]
            may_leak = bool(rating >= MIN_LEAKING_STANDARDNESS)
            fit = fit_plane(plane, mask, prepared.letterbox, prepared.fan, self._femur, may_leak=may_leak)
            outline, geometry, refused = fit.outline, fit.geometry, fit.refused
            if outline is not None and geometry is not None:
                geometry = self._refinement.of_geometry(
                    geometry, plane, frame.pixels, prepared.native_fan, closely=still
                )
                shape = shape_of(geometry, outline, prepared.letterbox, prepared.fan, fit.geometry)
        return Prediction(
            frame.index,
            frame.time_s,
            plane,
            probabilities,
            float(raw.standardness.max() if plane is Plane.OTHER else raw.standardness[STANDARD_PLANES.index(plane)]),
            None if outline is None else np.asarray(outline, np.float32),
            geometry,
            refused,
            frame.file,
            shape,
            raw.structures,
            prepared.change,
        )

    def _for_stills(self) -> Predictor | None:
        """The same with the network for stills and an engine of its own; None where there is no such network."""
        loaded = self._loaded.for_stills
        if self._on_stills is None and loaded is not None:
            other = self._on_stills = copy(self)
            other._loaded, other._on_stills = loaded, None
            other.engine = self._engine_of(loaded, in_float32(self._device))
            other.model = replace(self.model, engine=other.engine.name)
            other._grid_shape = (loaded.network.config.height, loaded.network.config.width)
            other._letterboxes, other._before = {}, None
        return self._on_stills

    def _run_alone(self, grid: NDArray[np.float32], plane: Plane | None = None) -> Raw:
        self.reset()
        raw = _kept(self.engine.run(grid))
        return raw if plane is None else _with_plane(raw, plane)

    def _nearer(self, shape: tuple[int, ...], box: Box) -> tuple[Letterbox, NDArray[np.bool_] | None]:
        letterbox = Letterbox.of(shape, self._grid_shape, box)
        return letterbox, self._fan_on(letterbox, shape)

    def _letterbox(self, shape: tuple[int, ...]) -> tuple[Letterbox, NDArray[np.bool_] | None]:
        if shape not in self._letterboxes:
            letterbox = Letterbox.of(shape, self._grid_shape, self._crop)
            self._letterboxes[shape] = letterbox, self._fan_on(letterbox, shape)
        return self._letterboxes[shape]

    def _fan_on(self, letterbox: Letterbox, shape: tuple[int, ...]) -> NDArray[np.bool_] | None:
        fan = self._fan_of(shape)
        return None if fan is None else letterbox.apply_mask(fan)

    def _fan_of(self, shape: tuple[int, ...]) -> NDArray[np.bool_] | None:
        return self._fan if self._fan is not None and self._fan.shape == shape[:2] else None


def _kept(raw: Raw) -> Raw:
    """A copy: an engine may use the memory of its answers again."""
    structures = None if raw.structures is None else raw.structures.copy()
    return Raw(raw.planes.copy(), raw.standardness.copy(), raw.masks.copy(), structures)


def _with_plane(raw: Raw, plane: Plane) -> Raw:
    """The output with its plane fixed, as surely as can be."""
    planes = np.array([each is plane for each in Plane], np.float32)
    return raw._replace(planes=planes, standardness=np.ones_like(raw.standardness))


def _why_not(plane: Plane, probability: float, least: float, raw: Raw) -> str | None:
    """Why a frame is not measured, before anything is fitted."""
    if plane is Plane.OTHER:
        return "no standard plane"
    if probability < least:
        return f"{plane} is uncertain (probability {probability:.2f})"
    channel = STANDARD_PLANES.index(plane)
    if raw.standardness[channel] < MIN_STANDARDNESS:
        return f"{plane} is cut too far from its standard plane ({raw.standardness[channel]:.2f})"
    mask = raw.masks[channel]
    inside = mask > 0.5
    if not inside.any():
        return f"no {plane} outline found"
    if float(mask[inside].mean()) < MIN_MASK_EVIDENCE:
        return f"the {plane} outline is uncertain"
    return None
