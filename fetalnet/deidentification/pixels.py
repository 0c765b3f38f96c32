"""Pixels of a DICOM file: black outside the ultrasound, and stored again without loss, frame by frame."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import av
import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.encaps import generate_frames
from pydicom.pixels.encoders.base import JPEGLSLosslessEncoder
from pydicom.pixels.processing import apply_color_lut
from pydicom.pixels.utils import iter_pixels
from pydicom.uid import (
    HEVCM10P51,
    HEVCMP51,
    JPEG2000,
    MPEG2MPHL,
    MPEG2MPHLF,
    MPEG2MPML,
    MPEG2MPMLF,
    DeflatedExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSLossless,
    JPEGLSNearLossless,
    MPEGTransferSyntaxes,
)

from fetalnet.errors import InputError
from fetalnet.picture.sector_search import search_sector

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
_ITEM = struct.Struct("<HHL")


def ultrasound_area(path: Path, ds: Dataset) -> Mask | None:
    """(rows, columns): where ultrasound is. Its calibrated 2D regions, else the fan found in its frames, else None."""
    regions = _regions(ds)
    if regions is not None:
        return regions
    count = int(ds.get("NumberOfFrames") or 1)
    places = sorted({round(part * (count - 1)) for part in np.linspace(0.0, 1.0, _SAMPLED_FRAMES)})
    sector = search_sector(*(_viewable(pixels, ds) for pixels in frames(path, ds, places)))
    mask = sector.mask((ds.Rows, ds.Columns))
    return None if mask.all() else mask


def store_masked(path: Path, ds: Dataset, inside: Mask, scratch: IO[bytes]) -> None:
    """Blacken all but ``inside`` in every frame of the file at ``path``, and put the result into ``ds``.

    The frames go through ``scratch``, an open file that must stay open until ``ds`` is written.
    """
    source = ds.file_meta.TransferSyntaxUID
    black = _black(ds)
    converted = str(ds.PhotometricInterpretation).startswith("YBR")
    count = 0
    scratch.write(_item(b""))
    for pixels in frames(path, ds):
        pixels = np.where(inside if pixels.ndim == 2 else inside[..., None], pixels, np.asarray(black, pixels.dtype))
        if converted and pixels.ndim == 3:
            ds.PhotometricInterpretation = "RGB"
        if pixels.ndim == 3:
            ds.PlanarConfiguration = 0
        try:
            scratch.write(_item(JPEGLSLosslessEncoder.encode(np.ascontiguousarray(pixels), **_described(ds, pixels))))
        except (RuntimeError, ValueError) as error:
            raise InputError(
                f"The pixels of {path.name} cannot be stored again without loss; export it from the scanner as "
                "8-bit pictures first."
            ) from error
        count += 1
    scratch.seek(0)
    for keyword in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
        if keyword in ds:
            del ds[keyword]
    if "NumberOfFrames" in ds or count > 1:
        ds.NumberOfFrames = count
    if (method := _LOSSY_METHODS.get(source)) and ds.get("LossyImageCompression") != "01":
        ds.LossyImageCompression, ds.LossyImageCompressionMethod = "01", method
    if not source.is_little_endian:
        _turn_palette(ds)
    ds.file_meta.TransferSyntaxUID = JPEGLSLossless
    ds.add_new("PixelData", "OB", scratch)
    ds["PixelData"].is_undefined_length = True


def frames(path: Path, ds: Dataset, indices: list[int] | None = None) -> Iterator[NDArray[np.generic]]:
    """Frames as stored, (rows, columns) or (rows, columns, 3); luma and chroma as RGB. All, or those of ``indices``.

    Raises ``InputError`` with a sentence where they cannot be decoded.
    """
    syntax = ds.file_meta.TransferSyntaxUID
    try:
        if syntax in MPEGTransferSyntaxes:
            yield from _film(ds, indices)
        elif syntax == DeflatedExplicitVRLittleEndian:
            yield from iter_pixels(ds, indices=indices)
        else:
            yield from iter_pixels(path, indices=indices)
    except (RuntimeError, ValueError, AttributeError, NotImplementedError, IndexError, av.FFmpegError) as error:
        raise InputError(
            f"The pixels of {path.name} cannot be decoded; export it again, or convert it to an uncompressed DICOM "
            "file first."
        ) from error


def _film(ds: Dataset, indices: list[int] | None) -> Iterator[NDArray[np.uint8]]:
    """Frames of a video in a DICOM file."""
    stream = b"".join(generate_frames(ds.PixelData, number_of_frames=1))
    with av.open(io.BytesIO(stream), "r") as container:
        for index, frame in enumerate(container.decode(video=0)):
            if indices is None or index in indices:
                yield np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)


def _turn_palette(ds: Dataset) -> None:
    """Put the words of the palette into the order of bytes that they are written in."""
    for element in ds:
        if element.VR == "OW" and element.keyword.endswith("PaletteColorLookupTableData"):
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


def _viewable(pixels: NDArray[np.generic], ds: Dataset) -> NDArray[np.uint8]:
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


def _described(ds: Dataset, pixels: NDArray[np.generic]) -> dict[str, Any]:
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
