"""The size of a pixel as a DICOM file tells it: calibrated regions, else one of the spacings, else nothing."""

from __future__ import annotations

import math
from dataclasses import replace

from pydicom.dataset import Dataset

from fetalnet.core.geometry import MmPerPixel
from fetalnet.core.scale.calibration import NO_CALIBRATION, Calibration, Region
from fetalnet.core.scale.scale import AXES_DIFFER, MAX_AXES_DIFFER, PLAUSIBLE_MM_PER_PIXEL, ScaleOrigin, mm_text
from fetalnet.sources.dicom.header import items, numbers, whole
from fetalnet.sources.pictures.shape import PictureShape

_IS_2D, _CENTIMETRES, _LOW_PRIORITY = 1, 3, 1

_SPACINGS = (
    ("PixelSpacing", None),
    ("NominalScannedPixelSpacing", "The scale is that of a scanned film; check it on the picture's ruler."),
    ("ImagerPixelSpacing", "The scale is that of a detector's plane; check it on the picture's ruler."),
)


def pixel_aspect_of(dataset: Dataset) -> float | None:
    """How wide pixels are for their height, where the file says it; it gives the height first."""
    stated = numbers(dataset, "PixelAspectRatio")
    high, wide = stated if len(stated) == 2 else (math.nan, math.nan)
    return wide / high if _is_length(high) and _is_length(wide) else None


def calibration_of(dataset: Dataset, shape: PictureShape | None = None) -> Calibration:
    """What the file says of its scale, in the pixels that are shown: ``shape`` makes them square where they are not.

    A scale that cannot be, or that contradicts what the file says of the shape of its pixels, is refused.
    """
    stated = _stated(dataset)
    if shape is not None:
        stated = stated.stretched(shape.stretch_x, shape.stretch_y)
    return _checked(stated, is_made_square=shape is not None and shape.pixel_aspect != 1.0)


def _checked(stated: Calibration, *, is_made_square: bool) -> Calibration:
    low, high = PLAUSIBLE_MM_PER_PIXEL
    reasons = [] if stated.refused is None else [stated.refused]
    for size in dict.fromkeys((stated.whole, *(region.mm_per_pixel for region in stated.regions))):
        if size is None:
            continue
        if not (low <= size.x <= high and low <= size.y <= high):
            reasons.append(
                f"The file gives {mm_text(size)} mm per pixel, which cannot be right: its scale is not used."
            )
        elif size.disagreement > (AXES_DIFFER if is_made_square else MAX_AXES_DIFFER):
            reasons.append(
                f"The file gives {mm_text(size)} mm per pixel, which contradicts the shape of its pixels: its scale is "
                "not used."
            )
    return replace(stated, refused=" ".join(dict.fromkeys(reasons)) or None)


def _stated(dataset: Dataset) -> Calibration:
    """Each source is less trusted than the one before (PS3.3 C.8.5.5 for regions)."""
    found = _of_regions(dataset)
    if found is not None:
        return found
    measures = [
        measure
        for group in items(dataset, "SharedFunctionalGroupsSequence")
        for measure in items(group, "PixelMeasuresSequence")
    ]
    for holder, keyword, note in [
        *((dataset, keyword, note) for keyword, note in _SPACINGS[:1]),
        *((measure, "PixelSpacing", None) for measure in measures),
        *((dataset, keyword, note) for keyword, note in _SPACINGS[1:]),
    ]:
        spacing = numbers(holder, keyword)
        if spacing:
            return _of_spacing(spacing, note)
    return NO_CALIBRATION


def _of_spacing(spacing: tuple[float, ...], note: str | None) -> Calibration:
    """A spacing is given as that between rows, then that between columns."""
    y, x = spacing if len(spacing) == 2 else (math.nan, math.nan)
    if not (_is_length(x) and _is_length(y)):
        return Calibration(
            ScaleOrigin.PIXEL_SPACING, refused="The pixel spacing in the file is no length: the scale is not used."
        )
    return Calibration(ScaleOrigin.PIXEL_SPACING, whole=MmPerPixel(x, y), note=note)


def _of_regions(dataset: Dataset) -> Calibration | None:
    """The regions with lengths in both directions; None where the file has none."""
    columns, rows = whole(dataset, "Columns") or 0, whole(dataset, "Rows") or 0
    described = [item for item in items(dataset, "SequenceOfUltrasoundRegions") if _has_lengths(item)]
    if not described:
        return None
    # Where a see-through region of low priority lies over another, that other one is meant.
    described.sort(key=lambda item: (whole(item, "RegionFlags") or 0) & _LOW_PRIORITY)
    regions: list[Region] = []
    reasons: list[str] = []
    for item in described:
        region, reason = _region(item, columns, rows)
        if region is not None:
            regions.append(region)
        if reason is not None:
            reasons.append(reason)
    return Calibration(
        ScaleOrigin.DICOM_REGION,
        regions=tuple(regions),
        refused=" ".join(dict.fromkeys(reasons)) or None,
    )


def _has_lengths(item: Dataset) -> bool:
    return whole(item, "RegionSpatialFormat") == _IS_2D and all(
        whole(item, f"PhysicalUnits{axis}Direction") == _CENTIMETRES for axis in "XY"
    )


def _region(item: Dataset, columns: int, rows: int) -> tuple[Region | None, str | None]:
    """A region cut to the picture, where it has a usable scale; and why it is not to be believed."""
    deltas = [numbers(item, f"PhysicalDelta{axis}") for axis in "XY"]
    # A delta is negative where the axis runs against the pixels.
    x_mm, y_mm = (abs(each[0]) * 10 if len(each) == 1 else math.nan for each in deltas)
    corners = [whole(item, f"RegionLocation{each}") for each in ("MinX0", "MinY0", "MaxX1", "MaxY1")]
    if any(each is None for each in corners):
        return None, "A calibrated region does not say where it lies: its scale is not used."
    left, top, right, bottom = (each or 0 for each in corners)
    where = f"({left}, {top}) to ({right}, {bottom})"
    # Scanners write the first pixel past the edge as often as the last before it.
    fits = 0 <= left < right <= columns and 0 <= top < bottom <= rows
    reasons = []
    if not (_is_length(x_mm) and _is_length(y_mm)):
        reasons.append(f"The calibrated region {where} has a pixel size that is no length: its scale is not used.")
    if not fits:
        reasons.append(
            f"The calibrated region {where} does not lie in the picture of {columns} x {rows} pixels, which may have "
            "been cut or resized: its scale is not used."
        )
    reason = " ".join(reasons) or None
    right, bottom = min(right, columns - 1), min(bottom, rows - 1)
    if not (_is_length(x_mm) and _is_length(y_mm)) or left >= right or top >= bottom:
        return None, reason
    return Region(left, top, right, bottom, MmPerPixel(x_mm, y_mm)), reason


def _is_length(value: float) -> bool:
    return math.isfinite(value) and value > 0
