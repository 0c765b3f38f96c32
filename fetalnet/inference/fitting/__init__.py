"""From a segmentation to an ellipse or a line in native pixels. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from fetalnet.core.geometry import Geometry, Line
from fetalnet.core.letterbox import Letterbox
from fetalnet.core.planes import Plane
from fetalnet.inference.fitting.ellipse import fit_ellipse
from fetalnet.inference.fitting.femur import fit_line, fit_rectangle
from fetalnet.inference.fitting.leak import fit_core
from fetalnet.inference.fitting.outline import Floats, RefusedError, Region, contour_of, inside_of, largest, regions_of


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """What was fitted in native pixels; without ``geometry`` the reason is in ``refused``. ``outline`` is (n, 2)."""

    geometry: Geometry | None
    outline: NDArray[np.float32] | None
    refused: str | None = None


class FemurFit(StrEnum):
    """How the line of a femur is taken from its mask."""

    ENDS = "ends"
    """From end to end of the bone, which may be bowed."""
    RECTANGLE = "rectangle"
    """The long middle line of the smallest rectangle around the outline (Qazi et al. 2023)."""


def fit_plane(
    plane: Plane,
    mask_probability: NDArray[np.float32],
    letterbox: Letterbox,
    seen: NDArray[np.bool_] | None = None,
    femur: FemurFit = FemurFit.ENDS,
    *,
    may_leak: bool = True,
) -> Fit:
    """Fit an ellipse (head, abdomen) or a line (femur) to ``mask_probability`` (height, width) on the network's grid.

    ``seen`` (height, width) tells where the fan shows anything; without it, all of the letterbox's inside counts.
    Where an outline ``may_leak``, the body within it is looked for when the whole of it is no ellipse.
    """
    if plane is Plane.OTHER:
        return Fit(None, None, "no standard plane")
    seen = inside_of(letterbox) if seen is None else seen & inside_of(letterbox)
    outline: NDArray[np.float32] | None = None
    try:
        regions = regions_of(mask_probability)
        contour = contour_of(regions[0])
        outline = letterbox.to_native(contour).astype(np.float32)
        if plane is not Plane.FEMUR:
            return _fit_body(plane, regions, contour, outline, letterbox, seen, may_leak)
        region = largest(regions)
        line = fit_line(region, contour, seen) if femur is FemurFit.ENDS else fit_rectangle(contour, seen)
        return Fit(Line.of(*letterbox.to_native(line).ravel()), outline)
    except RefusedError as refused:
        return Fit(None, outline, str(refused))


def _fit_body(
    plane: Plane,
    regions: list[Region],
    contour: Floats,
    outline: NDArray[np.float32],
    letterbox: Letterbox,
    seen: NDArray[np.bool_],
    may_leak: bool,
) -> Fit:
    try:
        largest(regions)  # or refused, for a rival
        return Fit(fit_ellipse(plane, contour, letterbox, seen), outline)
    except RefusedError:
        core = fit_core(plane, regions, letterbox, seen) if may_leak else None
        if core is None:
            raise
        return Fit(core, outline)
