"""What lies over the picture, as values: outline, calipers and badges of the shown frame."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fetalnet.geometry import Geometry, MmPerPixel
from fetalnet.measurement import measure
from fetalnet.picture.scale import Scale, ScaleOrigin
from fetalnet.planes import Plane
from fetalnet.prediction import Prediction
from fetalnet.records import Measurement, Status
from fetalnet.wording import length_text, status_text

SHORT_ORIGINS = {
    ScaleOrigin.DICOM_REGION: "DICOM region",
    ScaleOrigin.PIXEL_SPACING: "DICOM pixel spacing",
    ScaleOrigin.RULER: "ruler in the picture",
    ScaleOrigin.TWO_POINT: "two points",
    ScaleOrigin.PRESET: "preset",
    ScaleOrigin.GIVEN: "typed in",
    ScaleOrigin.NONE: "no scale",
}


SIGNS = {
    Status.PROPOSED: "◌", Status.PLACED: "◌", Status.ACCEPTED: "✓", Status.CORRECTED: "✎", Status.REJECTED: "✕",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Caliper:
    """A geometry drawn over the frame. Dashed while it is open, solid once a person decided.

    ``placed`` is one that a person placed by hand and did not decide about yet: it may be moved without a scale.
    """

    plane: Plane
    geometry: Geometry
    decided: bool
    mm_per_pixel: MmPerPixel | None
    placed: bool = False

    @property
    def labels(self) -> tuple[str, ...]:
        """One line a measure: name and value."""
        lengths = measure(self.geometry, self.plane, self.mm_per_pixel)
        return tuple(f"{kind} {length_text(length)}" for kind, length in lengths.items())

    def moved(self, geometry: Geometry) -> Caliper:
        return replace(self, geometry=geometry)


@dataclass(frozen=True, slots=True, eq=False)
class Overlay:
    """All that is drawn over one frame. ``outline`` is ``(n, 2)`` x, y in native pixels."""

    plane: Plane = Plane.OTHER
    outline: NDArray[np.float32] | None = None
    calipers: tuple[Caliper, ...] = ()
    plane_badge: str = ""
    state_badge: str = ""
    scale_badge: str = ""
    help_badge: str = ""


def overlay_of(
    prediction: Prediction | None, measurements: tuple[Measurement, ...], scale: Scale, *, analysed: str
) -> Overlay:
    """What to draw for a frame. A measurement's geometry stands in for the prediction's of the same plane.

    ``analysed`` says what is going on while the frame has no prediction yet.
    """
    calipers = tuple(_caliper_of(each, scale) for each in measurements)
    if prediction is None:
        state = _state(measurements, calipers)
        return Overlay(calipers=calipers, plane_badge=analysed, state_badge=state, scale_badge=scale_badge(scale))
    taken = {each.plane for each in calipers}
    if prediction.geometry is not None and prediction.plane not in taken:
        calipers += (Caliper(prediction.plane, prediction.geometry, False, scale.mm_per_pixel),)
    measured = prediction.plane is not Plane.OTHER
    badge = f"{prediction.plane} {prediction.probability:.2f}"
    if measured:
        badge += f" · standard {prediction.standardness:.2f}"
    return Overlay(
        plane=prediction.plane,
        outline=prediction.outline if measured else None,
        calipers=calipers,
        plane_badge=badge,
        state_badge=_state(measurements, calipers),
        scale_badge=scale_badge(scale),
        help_badge=prediction.refused or "" if measured else "",
    )


def scale_badge(scale: Scale) -> str:
    """The scale and its origin in a few words."""
    size = scale.mm_per_pixel
    if size is None:
        return "no scale: pixels only"
    number = f"{size.x:.4g}" if size.x == size.y else f"{size.x:.4g} × {size.y:.4g}"
    return f"{number} mm/px · {SHORT_ORIGINS[scale.origin]}"


def _caliper_of(measurement: Measurement, scale: Scale) -> Caliper:
    decision = measurement.decision
    held = decision.scale if decision is not None else scale
    placed = measurement.status is Status.PLACED
    return Caliper(measurement.plane, measurement.geometry, decision is not None, held.mm_per_pixel, placed)


def _state(measurements: tuple[Measurement, ...], calipers: tuple[Caliper, ...]) -> str:
    for status in (Status.CORRECTED, Status.ACCEPTED, Status.PLACED):
        for each in measurements:
            if each.status is status:
                return f"{SIGNS[status]} {status_text(each)}"
    return "◌ proposal" if calipers else ""
