"""What lies over the picture, as values: outline, calipers and badges of the shown frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fetalnet.core.geometry import Geometry, MmPerPixel
from fetalnet.core.measurement import measure
from fetalnet.core.planes import Plane
from fetalnet.core.prediction import Prediction
from fetalnet.core.scale.calibration import NO_CALIBRATION, Calibration
from fetalnet.core.scale.scale import Scale, ScaleOrigin
from fetalnet.exam.lengths import shown_length
from fetalnet.exam.records import Measurement, Status
from fetalnet.export.wording import length_text, mm_per_pixel_text, status_text

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
    said: tuple[str, ...] | None = None
    """The lines of what was decided or is still open; None where the geometry alone says what it measures."""

    @property
    def labels(self) -> tuple[str, ...]:
        """One line a measure: name and value."""
        if self.said is not None:
            return self.said
        lengths = measure(self.geometry, self.plane, self.mm_per_pixel)
        return tuple(f"{kind} {length_text(length)}" for kind, length in lengths.items())

    def moved(self, geometry: Geometry) -> Caliper:
        mm_per_pixel = self.calibration.scale_for(geometry).mm_per_pixel
        return replace(self, geometry=geometry, mm_per_pixel=mm_per_pixel, said=None)


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
    calipers = calipers_of(measurements, calibration)
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


def calipers_of(measurements: Sequence[Measurement], calibration: Calibration = NO_CALIBRATION) -> tuple[Caliper, ...]:
    """The calipers of a frame's measurements, with the values that tables and reports give: one a plane and geometry.

    A rejected measure is drawn where nothing of its plane is left; else its line stands with the others, marked.
    """
    calipers = []
    for plane in dict.fromkeys(each.plane for each in measurements):
        of_plane = [each for each in measurements if each.plane is plane]
        drawn = [each for each in of_plane if each.status is not Status.REJECTED] or of_plane
        for geometry in dict.fromkeys(each.geometry for each in drawn):
            sharing = [each for each in drawn if each.geometry == geometry]
            named = [
                each for each in of_plane if each in sharing or (each not in drawn and geometry == drawn[0].geometry)
            ]
            decided = any(each.status in (Status.ACCEPTED, Status.CORRECTED) for each in sharing)
            placed = all(each.status is Status.PLACED for each in sharing)
            decision = sharing[0].decision
            scale = calibration.scale_for(geometry) if decision is None else decision.scale
            said = tuple(_line(each, of_plane, calibration) for each in named)
            calipers.append(Caliper(plane, geometry, decided, scale.mm_per_pixel, placed, calibration, said))
    return tuple(calipers)


def _line(measurement: Measurement, beside: Sequence[Measurement], calibration: Calibration) -> str:
    """Name and value; how it stands where that is not the same for all of them, and where it is rejected."""
    line = f"{measurement.kind} {length_text(shown_length(measurement, calibration))}"
    alike = all(each.status is measurement.status for each in beside)
    return line if alike and measurement.status is not Status.REJECTED else f"{line} {SIGNS[measurement.status]}"


def _state(measurements: tuple[Measurement, ...], calipers: tuple[Caliper, ...]) -> str:
    """How all that is shown stands; measure by measure where that differs."""
    if not measurements:
        return "◌ proposal" if calipers else ""
    texts = {
        "◌ proposal" if each.status is Status.PROPOSED else f"{SIGNS[each.status]} {status_text(each)}"
        for each in measurements
    }
    if len(texts) == 1:
        return texts.pop()
    kinds_of: dict[Status, list[str]] = {}
    for each in measurements:
        kinds_of.setdefault(each.status, []).append(each.kind)
    return " · ".join(f"{SIGNS[status]} {', '.join(kinds)} {status}" for status, kinds in kinds_of.items())
