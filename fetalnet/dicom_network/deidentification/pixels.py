"""Pixels of a DICOM file: black beside the ultrasound, and stored again without loss, frame by frame."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.pixels.encoders.base import JPEGLSLosslessEncoder
from pydicom.pixels.processing import apply_color_lut
from pydicom.uid import (
    HEVCM10P51,
    HEVCMP51,
    JPEG2000,
    MPEG2MPHL,
    MPEG2MPHLF,
    MPEG2MPML,
    MPEG2MPMLF,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSLossless,
    JPEGLSNearLossless,
    MPEGTransferSyntaxes,
)

from fetalnet.core.errors import InputError
from fetalnet.dicom_network.deidentification.page import ultrasound_sector
from fetalnet.dicom_network.deidentification.stored_frames import Pixels, StoredFrames

Mask = NDArray[np.bool_]

_SAMPLED_FRAMES = 5
_OFF_BY_ONE = 1
"""Scanners give a box's last pixel as its width: one beyond the picture is still believed."""
_MAX_SHARE = 0.9
"""A box that is nearly the whole picture does not tell where its text is."""
_LOSSY_METHODS = {
    JPEGBaseline8Bit: "ISO_10918_1",
    JPEGExtended12Bit: "ISO_10918_1",
    JPEGLSNearLossless: "ISO_14495_1",
    JPEG2000: "ISO_15444_1",
    **dict.fromkeys(MPEGTransferSyntaxes, "ISO_14496_10"),
    **dict.fromkeys((MPEG2MPML, MPEG2MPMLF, MPEG2MPHL, MPEG2MPHLF), "ISO_13818_2"),
    **dict.fromkeys((HEVCMP51, HEVCM10P51), "ISO_23008_2"),
}
_GREY = {"MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"}
_ITEM = struct.Struct("<HHL")


@dataclass(frozen=True, slots=True, eq=False)
class Area:
    """``inside``, (rows, columns): where ultrasound is. ``is_clear``: its fan is, so that no text beside it is left."""

    inside: Mask
    is_clear: bool


def ultrasound_area(frames: StoredFrames, ds: Dataset) -> Area | None:
    """What lies in the calibrated 2D regions and in the fan; one of them where the other is not there, else None."""
    places = sorted({round(part * (len(frames) - 1)) for part in np.linspace(0.0, 1.0, _SAMPLED_FRAMES)})
    pictures = [_viewable(frames[index], ds) for index in places]
    sector = ultrasound_sector(*pictures)
    shape = pictures[0].shape[:2]
    regions = _regions(ds) if shape == (ds.Rows, ds.Columns) else None
    if sector is None:
        return None if regions is None else Area(regions, is_clear=False)
    inside = sector.mask(shape) if regions is None else sector.mask(shape) & regions
    return Area(inside, is_clear=sector.within is not None) if inside.any() else None


def store_again(frames: StoredFrames, ds: Dataset, inside: Mask | None, scratch: IO[bytes], name: str) -> None:
    """Put every frame into ``ds`` without loss, black but for ``inside``, and without anything else that went along.

    So comments, thumbnails and whatever else a compressed frame may carry stay behind. The frames go through
    ``scratch``, an open file that must stay open until ``ds`` is written.
    """
    black = _black(ds)
    lossy = _LOSSY_METHODS.get(frames.syntax)
    count = 0
    scratch.write(_item(b""))
    for pixels in frames:
        if inside is not None:
            mask = inside if pixels.ndim == 2 else inside[..., None]
            pixels = np.where(mask, pixels, np.asarray(0 if pixels.ndim == 3 else black, pixels.dtype))
        if count == 0:
            _describe(ds, pixels)
        try:
            scratch.write(_item(JPEGLSLosslessEncoder.encode(np.ascontiguousarray(pixels), **_described(ds, pixels))))
        except (RuntimeError, ValueError) as error:
            raise InputError(
                f"The pixels of {name} cannot be stored again without loss; export it from the scanner as "
                "8-bit pictures first."
            ) from error
        count += 1
    scratch.seek(0)
    if "NumberOfFrames" in ds or count > 1:
        ds.NumberOfFrames = count
    if lossy and ds.get("LossyImageCompression") != "01":
        ds.LossyImageCompression, ds.LossyImageCompressionMethod = "01", lossy
    aspect = frames.pixel_aspect
    if aspect != 1 and "PixelAspectRatio" not in ds:
        ds.PixelAspectRatio = [aspect.denominator, aspect.numerator]
    if not frames.syntax.is_little_endian:
        _turn_words(ds)
    ds.file_meta.TransferSyntaxUID = JPEGLSLossless
    ds.add_new("PixelData", "OB", scratch)
    ds["PixelData"].is_undefined_length = True


def _describe(ds: Dataset, pixels: Pixels) -> None:
    """What is said of the frames as they are stored now."""
    ds.Rows, ds.Columns = pixels.shape[:2]
    ds.SamplesPerPixel = 1 if pixels.ndim == 2 else 3
    if pixels.ndim == 3:
        ds.PhotometricInterpretation, ds.PlanarConfiguration = "RGB", 0
        ds.BitsAllocated = ds.BitsStored = 8
        ds.PixelRepresentation = 0
    else:
        if "PlanarConfiguration" in ds:
            del ds.PlanarConfiguration
        if ds.PhotometricInterpretation not in _GREY:
            ds.PhotometricInterpretation = "MONOCHROME2"
    if not ds.get("BitsStored"):
        ds.BitsStored = ds.BitsAllocated
    ds.HighBit = ds.BitsStored - 1


def _turn_words(ds: Dataset) -> None:
    """Put the words of tables into the order of bytes that they are written in."""
    for element in ds.iterall():
        if element.VR == "OW" and isinstance(element.value, bytes):
            element.value = np.frombuffer(element.value, ">u2").astype("<u2").tobytes()


def _regions(ds: Dataset) -> Mask | None:
    """The calibrated 2D regions; None where there are none that tell where the ultrasound is."""
    mask = np.zeros((ds.Rows, ds.Columns), np.bool_)
    for region in ds.get("SequenceOfUltrasoundRegions") or ():
        if region.get("RegionSpatialFormat") != 1:
            continue
        try:
            x0, y0 = int(region.RegionLocationMinX0), int(region.RegionLocationMinY0)
            x1, y1 = int(region.RegionLocationMaxX1), int(region.RegionLocationMaxY1)
        except (AttributeError, TypeError, ValueError):
            return None
        if not 0 <= x0 < x1 < ds.Columns + _OFF_BY_ONE or not 0 <= y0 < y1 < ds.Rows + _OFF_BY_ONE:
            return None
        mask[y0 : y1 + 1, x0 : x1 + 1] = True
    return mask if 0 < mask.mean() <= _MAX_SHARE else None


def _viewable(pixels: Pixels, ds: Dataset) -> NDArray[np.uint8]:
    """Bright where the scanner's screen was, in 8 bits."""
    if ds.PhotometricInterpretation == "PALETTE COLOR":
        colours = apply_color_lut(pixels, ds)
        return np.asarray(colours if colours.dtype == np.uint8 else colours // 256, np.uint8)
    if pixels.dtype == np.uint8 and ds.PhotometricInterpretation != "MONOCHROME1":
        return np.asarray(pixels, np.uint8)
    low, high = _limits(ds)
    grey = (np.asarray(pixels, np.float32) - low) * (255.0 / max(high - low, 1))
    grey = np.clip(grey, 0, 255)
    return np.asarray(255 - grey if ds.PhotometricInterpretation == "MONOCHROME1" else grey, np.uint8)


def _black(ds: Dataset) -> int:
    """The stored value that shows as black."""
    if ds.PhotometricInterpretation == "PALETTE COLOR":
        entries, first, _ = ds.RedPaletteColorLookupTableDescriptor
        indices = np.arange(first, min(first + (entries or 1 << 16), 1 << ds.BitsAllocated))
        shown = apply_color_lut(indices.astype(f"u{ds.BitsAllocated // 8}")[None], ds)
        return int(indices[np.argmin(shown.astype(np.int64).sum(axis=-1))])
    low, high = _limits(ds)
    if ds.PhotometricInterpretation == "MONOCHROME1":
        return high
    return low if ds.SamplesPerPixel == 1 else 0


def _limits(ds: Dataset) -> tuple[int, int]:
    if ds.PixelRepresentation:
        return -(1 << (ds.BitsStored - 1)), (1 << (ds.BitsStored - 1)) - 1
    return 0, (1 << ds.BitsStored) - 1


def _described(ds: Dataset, pixels: Pixels) -> dict[str, Any]:
    return {
        "rows": pixels.shape[0],
        "columns": pixels.shape[1],
        "number_of_frames": 1,
        "samples_per_pixel": 1 if pixels.ndim == 2 else pixels.shape[2],
        "bits_allocated": 8 * pixels.dtype.itemsize,
        "bits_stored": ds.BitsStored,
        "pixel_representation": ds.PixelRepresentation,
        "photometric_interpretation": ds.PhotometricInterpretation,
        "planar_configuration": 0,
    }


def _item(content: bytes) -> bytes:
    content += b"\0" * (len(content) % 2)
    return _ITEM.pack(0xFFFE, 0xE000, len(content)) + content
