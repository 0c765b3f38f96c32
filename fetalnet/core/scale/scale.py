"""Millimetres per pixel, and where they come from. Without a scale there are no millimetres."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from fetalnet.core.errors import InputError
from fetalnet.core.geometry import MmPerPixel

PLAUSIBLE_MM_PER_PIXEL = (0.02, 2.0)
"""Obstetric pictures span about 40 to 300 mm over 300 to 2200 pixels; outside this a value is a slip."""
USUAL_MM_PER_PIXEL = (0.05, 0.6)
"""Where the pictures of an examination nearly always lie; outside, a person is asked to look again."""
AXES_DIFFER = 0.03
"""By how much a pixel may be longer along one axis than along the other before a person is asked to look: scanners give
the same for both, up to rounding."""
MAX_AXES_DIFFER = 0.6
"""Beyond this nothing that makes pictures makes such pixels: video for wide screens reaches 0.46."""
SPACINGS_MM = (5.0, 10.0, 1.0)
"""From tick to tick of a ruler on the screen; scanners draw no others."""


class ScaleOrigin(StrEnum):
    """Where a scale comes from (reference: the analysis JSON)."""

    DICOM_REGION = "dicom-region"
    PIXEL_SPACING = "pixel-spacing"
    RULER = "ruler"
    TWO_POINT = "two-point"
    PRESET = "preset"
    GIVEN = "given"
    NONE = "none"

    @property
    def is_of_the_file(self) -> bool:
        """Whether the file itself says so, for all its frames."""
        return self in (ScaleOrigin.DICOM_REGION, ScaleOrigin.PIXEL_SPACING)


@dataclass(frozen=True, slots=True)
class Scale:
    """Size of a pixel in mm with its provenance; ``mm_per_pixel`` is None where nothing is known."""

    mm_per_pixel: MmPerPixel | None
    origin: ScaleOrigin
    note: str | None = None

    @property
    def warning(self) -> str | None:
        """A sentence for a person where the scale may be right but hardly ever is."""
        low, high = USUAL_MM_PER_PIXEL
        size = self.mm_per_pixel
        if size is None:
            return None
        if not (low <= size.x <= high and low <= size.y <= high):
            return (
                f"{mm_text(size)} mm per pixel is unusual: most pictures lie between {low:g} and {high:g}; "
                "check the scale."
            )
        if self.origin.is_of_the_file and size.disagreement > AXES_DIFFER:
            return (
                f"The scale differs between the axes, {mm_text(size)} mm per pixel: measure something of known size "
                "both ways, or check it on the ruler."
            )
        return None


def mm_text(size: MmPerPixel) -> str:
    """The number, or those of both axes where they differ."""
    return f"{size.x:.4g}" if size.x == size.y else f"{size.x:.4g} x {size.y:.4g}"


NO_SCALE = Scale(None, ScaleOrigin.NONE)


def given_scale(mm_per_pixel: float) -> Scale:
    """A scale that a person typed, the same along both axes. Raises ``InputError`` where it cannot be true."""
    return Scale(_plausible(mm_per_pixel), ScaleOrigin.GIVEN)


def two_point_scale(x1: float, y1: float, x2: float, y2: float, length_mm: float) -> Scale:
    """A scale from two points of the picture (pixels) whose distance in mm a person knows."""
    if not math.isfinite(length_mm) or length_mm <= 0:
        raise InputError("The distance between the two points must be more than 0 mm; type it again.")
    distance_px = math.hypot(x2 - x1, y2 - y1)
    if distance_px < 10:
        raise InputError("The two points are closer than 10 pixels; choose points further apart on the ruler.")
    return Scale(_plausible(length_mm / distance_px), ScaleOrigin.TWO_POINT)


def _plausible(mm_per_pixel: float) -> MmPerPixel:
    low, high = PLAUSIBLE_MM_PER_PIXEL
    if not math.isfinite(mm_per_pixel) or not low <= mm_per_pixel <= high:
        raise InputError(
            f"A scale of {mm_per_pixel:g} mm per pixel cannot be right; "
            f"give a value between {low:g} and {high:g} (most pictures lie between 0.05 and 0.6)."
        )
    return MmPerPixel(mm_per_pixel, mm_per_pixel)
