"""What lies over the picture, as values: outline, calipers and badges of the shown frame."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fetalnet.geometry import Geometry, MmPerPixel
from fetalnet.measurement import measure
from fetalnet.picture.calibration import NO_CALIBRATION, Calibration
from fetalnet.picture.scale import Scale, ScaleOrigin
from fetalnet.planes import Plane
from fetalnet.prediction import Prediction
from fetalnet.records import Measurement, Status
from fetalnet.wording import length_text, mm_per_pixel_text, status_text

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
    ``calibration`` is that of its frame, from which it takes its scale when it is moved.
    """

    plane: Plane
    geometry: Geometry
    decided: bool
    mm_per_pixel: MmPerPixel | None
    placed: bool = False
    calibration: Calibration = NO_CALIBRATION

    @property
    def labels(self) -> tuple[str, ...]:
        """One line a measure: name and value."""
        lengths = measure(self.geometry, self.plane, self.mm_per_pixel)
        return tuple(f"{kind} {length_text(length)}" for kind, length in lengths.items())

    def moved(self, geometry: Geometry) -> Caliper:
        return replace(self, geometry=geometry, mm_per_pixel=self.calibration.scale_for(geometry).mm_per_pixel)


@dataclass(frozen=True, slots=True, eq=False)
class Overlay:
    """All that is drawn over one frame. ``outline`` is ``(n, 2)`` x, y in native pixels."""

    plane: Plane = Plane.OTHER
    outline: NDArray[np.float32] | None = None
    calipers: tuple[Caliper, ...] = ()
    plane_badge: str = ""
    state_badge: str = ""
    scale_badge: str = ""
    scale_warns: bool = False
    """Whether a person should look at the scale: there is none, or it is unusual."""
    help_badge: str = ""


def overlay_of(
    prediction: Prediction | None, measurements: tuple[Measurement, ...], calibration: Calibration, *, analysed: str
) -> Overlay:
    """What to draw for a frame. A measurement's geometry stands in for the prediction's of the same plane.

    ``analysed`` says what is going on while the frame has no prediction yet.
    """
    calipers = tuple(_caliper_of(each, calibration) for each in measurements)
    taken = {each.plane for each in calipers}
    if prediction is not None and prediction.geometry is not None and prediction.plane not in taken:
        mm_per_pixel = calibration.scale_for(prediction.geometry).mm_per_pixel
        calipers += (Caliper(prediction.plane, prediction.geometry, False, mm_per_pixel, calibration=calibration),)
    overlay = Overlay(
        calipers=calipers,
        plane_badge=analysed,
        state_badge=_state(measurements, calipers),
        scale_badge=scale_badge(calibration),
        scale_warns=scale_warning(calibration) is not None,
        help_badge=_outside(calipers),
    )
    if prediction is None:
        return overlay
    badge = f"{prediction.plane} {prediction.probability:.2f}"
    if prediction.plane is Plane.OTHER:
        return replace(overlay, plane=prediction.plane, plane_badge=badge)
    return replace(
        overlay,
        plane=prediction.plane,
        plane_badge=f"{badge} · standard {prediction.standardness:.2f}",
        outline=prediction.outline,
        help_badge=prediction.refused or overlay.help_badge,
    )


def scale_badge(calibration: Calibration) -> str:
    """The scale and its origin in a few words."""
    if not calibration.is_known:
        return "no scale: pixels only" if calibration.refused is None else "scale not used: pixels only"
    size = calibration.scale.mm_per_pixel
    number = "scale by region" if size is None else f"{mm_per_pixel_text(size)} mm/px"
    unusual = " · unusual" if scale_warning(calibration) else ""
    followed = calibration.followed_from
    origin = SHORT_ORIGINS[calibration.origin] if followed is None else f"ruler, followed from frame {followed}"
    return f"{number} · {origin}{unusual}"


def scale_warning(calibration: Calibration) -> str | None:
    """Why a person should look at the scale, in a sentence; None where all is as usual."""
    if not calibration.is_known:
        return calibration.why_no_mm(None)
    sizes = [calibration.whole] if calibration.whole else [region.mm_per_pixel for region in calibration.regions]
    return next((warning for size in sizes if (warning := Scale(size, calibration.origin).warning)), None)


def _outside(calipers: tuple[Caliper, ...]) -> str:
    """Why what is shown has no millimetres although its frame has a scale."""
    known = [each for each in calipers if each.calibration.is_known and each.mm_per_pixel is None]
    return (known[0].calibration.why_no_mm(known[0].geometry) or "") if known else ""


def _caliper_of(measurement: Measurement, calibration: Calibration) -> Caliper:
    decision = measurement.decision
    held = decision.scale if decision is not None else calibration.scale_for(measurement.geometry)
    placed = measurement.status is Status.PLACED
    return Caliper(
        measurement.plane, measurement.geometry, decision is not None, held.mm_per_pixel, placed, calibration
    )


def _state(measurements: tuple[Measurement, ...], calipers: tuple[Caliper, ...]) -> str:
    for status in (Status.CORRECTED, Status.ACCEPTED, Status.PLACED):
        for each in measurements:
            if each.status is status:
                return f"{SIGNS[status]} {status_text(each)}"
    return "◌ proposal" if calipers else ""
