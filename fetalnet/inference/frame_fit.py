"""Output of the network to a prediction: the plane, and a geometry where it can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fetalnet.core.frame import Frame
from fetalnet.core.planes import STANDARD_PLANES, Plane
from fetalnet.core.prediction import Prediction
from fetalnet.inference.engines.base import Raw
from fetalnet.inference.fitting import FemurFit, fit_plane
from fetalnet.inference.fitting.shape import shape_of
from fetalnet.inference.frame_view import Prepared
from fetalnet.inference.judges.stream import MIN_PROBABILITY
from fetalnet.inference.refinement import Refinement

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


@dataclass(frozen=True, slots=True)
class FrameFit:
    """Fits ellipses and lines to masks, moves them to the border and refuses what cannot be trusted.

    ``femur`` is how a femur's length is taken from its mask.
    """

    refinement: Refinement
    femur: FemurFit = FemurFit.ENDS

    def __call__(self, frame: Frame, prepared: Prepared, raw: Raw, *, still: bool = False) -> Prediction:
        """Return the prediction; a ``still`` may take longer and is asked for more certainty."""
        plane = list(Plane)[int(raw.planes.argmax())]
        probabilities = {each: float(probability) for each, probability in zip(Plane, raw.planes, strict=True)}
        outline = geometry = shape = None
        least = MIN_PROBABILITY if still else MIN_DOUBTED_PROBABILITY
        refused = _why_not(plane, probabilities[plane], least, raw)
        if refused is None:
            mask = raw.masks[STANDARD_PLANES.index(plane)]
            rating = raw.standardness[STANDARD_PLANES.index(plane)]
            may_leak = bool(rating >= MIN_LEAKING_STANDARDNESS)
            fit = fit_plane(plane, mask, prepared.letterbox, prepared.fan, self.femur, may_leak=may_leak)
            outline, geometry, refused = fit.outline, fit.geometry, fit.refused
            if outline is not None and geometry is not None:
                geometry = self.refinement.of_geometry(
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
