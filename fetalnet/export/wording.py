"""Sentences and number formats that every report, table and window shares."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from fetalnet import __version__
from fetalnet.analysis.quality import State
from fetalnet.core.scale.calibration import Calibration
from fetalnet.core.scale.scale import Scale, ScaleOrigin
from fetalnet.exam.records import Origin, Status

if TYPE_CHECKING:
    from fetalnet.analysis.quality import Criterion
    from fetalnet.core.geometry import MmPerPixel
    from fetalnet.core.measurement import Length
    from fetalnet.core.scale.track import ScaleStep, ScaleTrack
    from fetalnet.exam.records import Measurement

RESEARCH_USE = (
    "Research and education software. Not a medical device: not CE-marked, not FDA-cleared. Not for diagnosis, "
    "treatment or patient management. Results must be checked by a qualified person against the original images."
)
NOT_REVIEWED = "proposals, not reviewed by a person"
BPD_CONVENTION = "BPD is measured outer to outer edge of the skull (outer-outer)."
BY_HAND = "placed by hand"
METHOD = "HC and AC are perimeters of a fitted ellipse (Ramanujan II), BPD and OFD its axes; FL is a straight line."

TEXT_KEPT = "Text outside the fan is shown, as asked: it may name the patient."
TEXT_NOT_FOUND = (
    "The fan was not found, so that text in the picture is not hidden; look at each picture before you pass it on."
)
TEXT_INSIDE = "Text that lies over the ultrasound itself stays: look at each picture before you pass it on."

SCALE_ORIGINS = {
    ScaleOrigin.DICOM_REGION: "from the DICOM region",
    ScaleOrigin.PIXEL_SPACING: "from the DICOM pixel spacing",
    ScaleOrigin.RULER: "read from the ruler in the picture",
    ScaleOrigin.TWO_POINT: "set by a person with two points on the picture",
    ScaleOrigin.PRESET: "from a preset",
    ScaleOrigin.GIVEN: "given by a person",
    ScaleOrigin.NONE: "no scale",
}

STATES = {
    State.GREEN: "met", State.OPEN: "cannot be judged", State.FAILED: "not met", State.NOT_ASSESSED: "not assessed",
}  # fmt: skip
"""What is known of a criterion, in words."""

_PACKAGES = ("torch", "openvino", "numpy", "opencv-python-headless", "av", "reportlab")


def length_text(length: Length | None) -> str:
    """Millimetres to 0.1 where a scale is known, else pixels to 0.1; a dash for nothing."""
    if length is None:
        return "–"
    return f"{length.px:.1f} px" if length.mm is None else f"{length.mm:.1f} mm"


def status_text(measurement: Measurement) -> str:
    """Where a measurement stands, and that it was placed by hand where the machine proposed nothing."""
    if measurement.status is Status.PLACED:
        return f"to be {BY_HAND}" if measurement.is_unplaced else f"{BY_HAND}, not accepted"
    if measurement.decision is not None and (whole := measurement.decision.whole_exam) is not None:
        return f"{measurement.status}, from {whole.n} frames ({whole.low_mm:.1f} to {whole.high_mm:.1f} mm)"
    return measurement.status if measurement.origin is Origin.MODEL else f"{measurement.status}, {BY_HAND}"


def criteria_text(said: Mapping[Criterion, State]) -> str:
    """What a person says of criteria, one after the other."""
    return "; ".join(f"{criterion.text}: {STATES[state]}" for criterion, state in said.items())


def difference_text(before: Length | None, after: Length | None) -> str:
    """Signed ``after`` minus ``before``, in mm where both have them; a dash where one is not there."""
    if before is None or after is None:
        return "–"
    if before.mm is None or after.mm is None:
        return f"{_unsigned_zero(after.px - before.px)} px"
    return f"{_unsigned_zero(after.mm - before.mm)} mm"


def scale_text(scale: Scale) -> str:
    """The scale and where it comes from."""
    if scale.mm_per_pixel is None:
        return "none: values are in pixels"
    return f"{mm_per_pixel_text(scale.mm_per_pixel)} mm per pixel, {SCALE_ORIGINS[scale.origin]}"


def mm_per_pixel_text(size: MmPerPixel) -> str:
    """The number, or those of both axes where they differ."""
    return f"{size.x:.4g}" if size.x == size.y else f"x {size.x:.4g}, y {size.y:.4g}"


def calibration_text(calibration: Calibration) -> str:
    """The scale of a picture, or of each of its regions, where it comes from, and what is to be said about it."""
    scale = calibration.scale
    if scale.mm_per_pixel is None and calibration.is_known:
        regions = "; ".join(
            f"{mm_per_pixel_text(each.mm_per_pixel)} mm per pixel at x {each.x0} to {each.x1}, y {each.y0} to {each.y1}"
            for each in calibration.regions
        )
        texts = [f"by region, {SCALE_ORIGINS[scale.origin]}: {regions}", calibration.note]
        warnings = [Scale(each.mm_per_pixel, scale.origin).warning for each in calibration.regions]
    else:
        texts, warnings = [scale_text(scale), scale.note], [scale.warning]
    return ". ".join(text.removesuffix(".") for text in (*texts, *warnings) if text is not None)


def scale_change_text(step: ScaleStep) -> str:
    """What a change of scale in the middle of a recording means for the frames that follow."""
    calibration = step.calibration
    if calibration.refused is not None:
        return f"scale withdrawn from here: {calibration.refused}"
    return f"scale from here: {calibration_text(calibration)}"


def scale_track_texts(track: ScaleTrack) -> list[str]:
    """A line for the scale of a recording, and one for each change in it."""
    first = calibration_text(track.at(0))
    return [first, *(f"frame {step.from_index}: {scale_change_text(step)}" for step in track.changes)]


def time_text(time_s: float | None) -> str:
    """Minutes and seconds to 0.1; a dash for stills."""
    if time_s is None:
        return "–"
    tenths = round(time_s * 10)
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"


def software_text() -> str:
    """The program's version and those of the libraries that shape its numbers."""
    parts = [f"FetalNet Sonographer Assistant {__version__}"]
    for package in _PACKAGES:
        try:
            parts.append(f"{package} {version(package)}")
        except PackageNotFoundError:  # a bundle may carry a library without its metadata
            parts.append(f"{package} (version unknown)")
    return ", ".join(parts)


def _unsigned_zero(value: float) -> str:
    text = f"{value:+.1f}"
    return "0.0" if text in {"+0.0", "-0.0"} else text
