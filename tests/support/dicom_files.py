"""DICOM files made of our own phantom's pictures, as scanners write them."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from io import BytesIO
from pathlib import Path

import av
import cv2
import jpeg_ls
import numpy as np
import pytest
from openjpeg.utils import encode_array
from PIL import Image
from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders import RLELosslessEncoder
from pydicom.uid import UID

from fetalnet.core.planes import Plane
from fetalnet.research.phantom import render_clip

PATIENT = "SECRET^NAME"
SIZE = (192, 144)
FRAMES = 4
FRAME_TIME_MS = "33.333"


@cache
def grey() -> np.ndarray:
    """Frames of a head, ``(n, h, w)`` uint8."""
    return np.stack([frame.pixels for frame, _ in render_clip(3, FRAMES, Plane.HEAD, size=SIZE)])


@cache
def colour() -> np.ndarray:
    """The same in smooth tints, so that no two components are alike: ``(n, h, w, 3)`` uint8."""
    frames = grey().astype(int)
    tint = np.stack([cv2.GaussianBlur(frame, (0, 0), 6) for frame in grey()]).astype(int) // 3
    return np.clip(np.stack([frames + tint, frames, frames + 40 - tint], axis=-1), 0, 255).astype(np.uint8)


@cache
def deep(bits: int) -> np.ndarray:
    """The same with more bits, all of them used: ``(n, h, w)`` uint16."""
    low = np.random.default_rng(1).integers(0, 2 ** (bits - 8), grey().shape)
    return (grey().astype(np.uint16) << (bits - 8)) + low.astype(np.uint16)


def as_eight_bits(values: np.ndarray, bits: int) -> np.ndarray:
    return np.rint(values / (2**bits - 1) * 255).astype(np.uint8)


def dataset(values: np.ndarray, photometric: str, bits: int = 8, **elements: object) -> Dataset:
    """A US Multi-frame file that is not compressed, of ``(n, h, w[, 3])`` values."""
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    made.SOPClassUID = uid.UltrasoundMultiFrameImageStorage
    made.SOPInstanceUID, made.StudyInstanceUID, made.SeriesInstanceUID = "1.2.3.4", "1.2.3", "1.2.3.1"
    made.Modality, made.PatientName, made.PatientID = "US", PATIENT, "4711-SECRET"
    made.NumberOfFrames, made.Rows, made.Columns = values.shape[:3]
    made.SamplesPerPixel = 3 if values.ndim == 4 else 1
    if values.ndim == 4:
        made.PlanarConfiguration = 0
    made.PhotometricInterpretation = photometric
    made.BitsAllocated, made.BitsStored, made.HighBit = 8 * values.dtype.itemsize, bits, bits - 1
    made.PixelRepresentation = 0
    made.FrameTime, made.FrameIncrementPointer = FRAME_TIME_MS, 0x00181063
    made.add_new(0x7FE00010, "OB" if values.dtype == np.uint8 else "OW", values.tobytes())
    for keyword, value in elements.items():
        setattr(made, keyword, value)
    return made


def compressed(
    made: Dataset, syntax: UID, frames: list[bytes], photometric: str | None = None, **how: object
) -> Dataset:
    """The same with each of ``frames`` in fragments."""
    made.file_meta.TransferSyntaxUID = syntax
    made.PixelData = encapsulate(frames, **how)
    made["PixelData"].VR, made["PixelData"].is_undefined_length = "OB", True
    made.PhotometricInterpretation = photometric or made.PhotometricInterpretation
    return made


def write(path: Path, made: Dataset) -> Path:
    if made.file_meta.TransferSyntaxUID == uid.ExplicitVRBigEndian and made.BitsAllocated == 16:
        made.PixelData = np.frombuffer(made.PixelData, "<u2").astype(">u2").tobytes()
    made.save_as(path, enforce_file_format=True)
    return path


@dataclass(frozen=True)
class Form:
    """A way to write pictures, and what must be read back; ``tolerance`` is a mean of grey levels, 0 for exactly."""

    name: str
    make: Callable[[], Dataset]
    expected: Callable[[], np.ndarray]
    tolerance: float = 0.0


# What is not compressed.


def native(syntax: UID, values: Callable[[], np.ndarray], photometric: str, bits: int = 8, planar: int = 0) -> Dataset:
    stored = values()
    made = dataset(stored, photometric, bits)
    made.file_meta.TransferSyntaxUID = syntax
    if planar:
        made.PixelData, made.PlanarConfiguration = np.moveaxis(stored, -1, 1).tobytes(), 1
    return made


def palette(syntax: UID) -> Dataset:
    made = native(syntax, grey, "PALETTE COLOR")
    for place, name in enumerate(("Red", "Green", "Blue")):
        setattr(made, f"{name}PaletteColorLookupTableDescriptor", [256, 0, 16])
        setattr(made, f"{name}PaletteColorLookupTableData", (_palette()[:, place].astype("<u2") * 257).tobytes())
    return made


def _palette() -> np.ndarray:
    values = np.arange(256)
    return np.stack([values, values // 2 + 60, 200 - values // 2], axis=-1).astype(np.uint8)


def ybr() -> np.ndarray:
    """Luminance and colour difference of full range, PS3.3 C.7.6.3.1.2."""
    rgb = colour().astype(float)
    matrix = np.array([[0.299, 0.587, 0.114], [-0.1687, -0.3313, 0.5], [0.5, -0.4187, -0.0813]])
    return np.clip(np.rint(rgb @ matrix.T + (0, 128, 128)), 0, 255).astype(np.uint8)


def half_colour(syntax: UID) -> Dataset:
    made = native(syntax, ybr, "YBR_FULL_422")
    pairs = ybr().reshape(-1, 2, 3)
    shared = pairs[:, :, 1:].mean(1).astype(np.uint8)
    made.PixelData = np.concatenate([pairs[:, :, 0], shared], axis=1).tobytes()
    return made


# One frame at a time.


def rle(values: Callable[[], np.ndarray], photometric: str, bits: int = 8) -> Dataset:
    made = dataset(values(), photometric, bits)
    options = {
        "rows": made.Rows, "columns": made.Columns, "number_of_frames": 1, "samples_per_pixel": made.SamplesPerPixel,
        "bits_allocated": made.BitsAllocated, "bits_stored": made.BitsStored, "pixel_representation": 0,
        "planar_configuration": 0, "photometric_interpretation": photometric,
    }  # fmt: skip
    frames = [RLELosslessEncoder.encode(frame, **options) for frame in values()]
    return compressed(made, uid.RLELossless, frames)


def jpeg(photometric: str, *, syntax: UID = uid.JPEGBaseline8Bit, marked: bool = True) -> Dataset:
    """Colour as luminance and difference or, where RGB is asked for, as it is; without marks it is not said which."""
    if photometric.startswith("MONO"):
        frames = [cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes() for frame in grey()]
        return compressed(dataset(grey(), photometric), syntax, frames)
    frames = []
    for frame in colour():
        stream = BytesIO()
        Image.fromarray(frame).save(stream, "JPEG", quality=95, keep_rgb=photometric == "RGB")
        frames.append(stream.getvalue())
    if not marked:
        frames = [without_marks(frame) for frame in frames]
    return compressed(dataset(colour(), photometric), syntax, frames)


def without_marks(stream: bytes) -> bytes:
    """A JPEG without its first application marks, and with components numbered from 1 as most are."""
    while stream[2:4] in (b"\xff\xe0", b"\xff\xee"):
        stream = stream[:2] + stream[4 + int.from_bytes(stream[4:6]) :]
    for letter, number in zip(b"RGB", (1, 2, 3), strict=True):
        for mark, step in ((b"\xff\xc0", 3), (b"\xff\xda", 2)):
            at = stream.index(mark)
            first = at + (10 if mark == b"\xff\xc0" else 5)
            places = [first + step * place for place in range(3)]
            numbers = [number if stream[place] == letter else stream[place] for place in places]
            content = bytearray(stream)
            for place, value in zip(places, numbers, strict=True):
                content[place] = value
            stream = bytes(content)
    return stream


def jpeg_lossless(
    syntax: UID, values: Callable[[], np.ndarray], photometric: str, bits: int = 8, predictor: int = 1
) -> Dataset:
    frames = [lossless_stream(frame, bits, predictor) for frame in values()]
    return compressed(dataset(values(), photometric, bits), syntax, frames)


def lossless_stream(frame: np.ndarray, bits: int, predictor: int) -> bytes:
    """ITU-T T.81 annex H, with a code of five bits for each of the 17 sizes of a difference."""
    planes = np.atleast_3d(frame).astype(np.int64)
    left, above = np.roll(planes, 1, axis=1), np.roll(planes, 1, axis=0)
    corner = np.roll(above, 1, axis=1)
    predicted = {1: left, 2: above, 4: left + above - corner, 6: above + ((left - corner) >> 1)}[predictor].copy()
    predicted[:, 0], predicted[0, 1:], predicted[0, 0] = above[:, 0], left[0, 1:], 2 ** (bits - 1)
    difference = ((planes - predicted + 32767) % 65536 - 32767).ravel()
    size = np.frompyfunc(int.bit_length, 1, 1)(np.abs(difference)).astype(np.int64)
    rest = np.where(difference < 0, difference + (1 << size) - 1, difference)
    extra = np.where(size == 16, 0, size)
    code, length = (size << extra) | np.where(size == 16, 0, rest), 5 + extra
    place = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
    stream = (np.repeat(code, length) >> (np.repeat(length, length) - 1 - place)) & 1
    padded = np.concatenate([stream, np.ones(-len(stream) % 8, np.int64)]).astype(np.uint8)
    scan = np.packbits(padded).tobytes().replace(b"\xff", b"\xff\0")
    rows, columns, samples = planes.shape
    parts = [bytes((place + 1, 0x11, 0)) for place in range(samples)]
    scans = [bytes((place + 1, 0)) for place in range(samples)]
    segments = {
        0xC3: struct.pack(">BHHB", bits, rows, columns, samples) + b"".join(parts),
        0xC4: bytes((0, 0, 0, 0, 0, 17, *[0] * 11, *range(17))),
        0xDA: bytes((samples,)) + b"".join(scans) + bytes((predictor, 0, 0)),
    }
    head = b"".join(struct.pack(">BBH", 0xFF, mark, len(body) + 2) + body for mark, body in segments.items())
    return b"\xff\xd8" + head + scan + b"\xff\xd9"


def jpeg_ls_of(
    values: Callable[[], np.ndarray], photometric: str, bits: int = 8, *, error: int = 0, interleave: int = 0
) -> Dataset:
    frames = []
    for frame in values():
        stored = np.moveaxis(frame, -1, 0) if frame.ndim == 3 and interleave == 0 else frame
        frames.append(
            bytes(
                jpeg_ls.encode_buffer(
                    stored.tobytes(), rows=frame.shape[0], columns=frame.shape[1],
                    samples_per_pixel=frame.shape[2] if frame.ndim == 3 else 1, bits_stored=bits, lossy_error=error,
                    interleave_mode=interleave,
                )
            )
        )  # fmt: skip
    return compressed(
        dataset(values(), photometric, bits), uid.JPEGLSNearLossless if error else uid.JPEGLSLossless, frames
    )


def jpeg_2000(
    values: Callable[[], np.ndarray], photometric: str, bits: int = 8, *, ratio: float = 0.0, transformed: bool = False
) -> Dataset:
    frames = []
    for frame in values():
        kind = 2 if frame.ndim == 2 else 1
        lossy = {"compression_ratios": [ratio]} if ratio else {}
        frames.append(
            bytes(encode_array(frame, bits_stored=bits, photometric_interpretation=kind, use_mct=transformed, **lossy))
        )
    return compressed(dataset(values(), photometric, bits), uid.JPEG2000 if ratio else uid.JPEG2000Lossless, frames)


def video(syntax: UID, codec: str, container: str) -> Dataset:
    """One stream for all frames."""
    if codec not in av.codecs_available:
        pytest.skip(f"this build of FFmpeg does not write {codec}")
    stream_file = BytesIO()
    pictures = [frame for frame in colour() for _ in range(6)]
    with av.open(stream_file, "w", format=container) as out:
        stream = out.add_stream(codec, rate=30, options={"x265-params": "log-level=none"} if "265" in codec else {})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        stream.bit_rate = 30_000_000
        for picture in pictures:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")))
        out.mux(stream.encode(None))
    made = dataset(np.stack(pictures), "YBR_PARTIAL_420")
    return compressed(made, syntax, [stream_file.getvalue()], has_bot=False)


def moving_colour() -> np.ndarray:
    return np.repeat(colour(), 6, axis=0)


def twelve_bits() -> np.ndarray:
    return as_eight_bits(deep(12), 12)


def sixteen_bits() -> np.ndarray:
    return as_eight_bits(deep(16), 16)


_UNCOMPRESSED = {
    "implicit": uid.ImplicitVRLittleEndian, "explicit": uid.ExplicitVRLittleEndian,
    "big endian": uid.ExplicitVRBigEndian, "deflated": uid.DeflatedExplicitVRLittleEndian,
}  # fmt: skip
_VIDEOS = {
    "MPEG-2 main": (uid.MPEG2MPML, "mpeg2video", "mpeg2video"),
    "MPEG-2 high": (uid.MPEG2MPHL, "mpeg2video", "mpegts"),
    "AVC 4.1": (uid.MPEG4HP41, "libx264", "h264"),
    "AVC Blu-ray": (uid.MPEG4HP41BD, "libx264", "mpegts"),
    "AVC 4.2 2D": (uid.MPEG4HP422D, "libx264", "mp4"),
    "AVC 4.2 3D": (uid.MPEG4HP423D, "libx264", "h264"),
    "AVC stereo": (uid.MPEG4HP42STEREO, "libx264", "h264"),
    "HEVC": (uid.HEVCMP51, "libx265", "hevc"),
    "HEVC 10": (uid.HEVCM10P51, "libx265", "hevc"),
}

FORMS = [
    *(
        form
        for name, syntax in _UNCOMPRESSED.items()
        for form in (
            Form(f"{name} MONOCHROME2", partial(native, syntax, grey, "MONOCHROME2"), grey),
            Form(f"{name} MONOCHROME1", partial(native, syntax, grey, "MONOCHROME1"), lambda: 255 - grey()),
            Form(f"{name} 12 bit", partial(native, syntax, partial(deep, 12), "MONOCHROME2", 12), twelve_bits),
            Form(f"{name} 16 bit", partial(native, syntax, partial(deep, 16), "MONOCHROME2", 16), sixteen_bits),
            Form(f"{name} RGB", partial(native, syntax, colour, "RGB"), colour),
            Form(f"{name} RGB planes", partial(native, syntax, colour, "RGB", planar=1), colour),
            Form(f"{name} PALETTE", partial(palette, syntax), lambda: _palette()[grey()]),
            Form(f"{name} YBR_FULL", partial(native, syntax, ybr, "YBR_FULL"), colour, 1.0),
            Form(f"{name} YBR_FULL planes", partial(native, syntax, ybr, "YBR_FULL", planar=1), colour, 1.0),
            Form(f"{name} YBR_FULL_422", partial(half_colour, syntax), colour, 2.0),
        )
    ),
    Form("RLE MONOCHROME2", partial(rle, grey, "MONOCHROME2"), grey),
    Form("RLE 12 bit", partial(rle, partial(deep, 12), "MONOCHROME2", 12), twelve_bits),
    Form("RLE RGB", partial(rle, colour, "RGB"), colour),
    Form("RLE YBR_FULL", partial(rle, ybr, "YBR_FULL"), colour, 1.0),
    Form("JPEG baseline MONOCHROME2", partial(jpeg, "MONOCHROME2"), grey, 2.0),
    Form("JPEG baseline MONOCHROME1", partial(jpeg, "MONOCHROME1"), lambda: 255 - grey(), 2.0),
    Form("JPEG baseline YBR_FULL_422", partial(jpeg, "YBR_FULL_422"), colour, 2.0),
    Form("JPEG baseline YBR_FULL_422 unmarked", partial(jpeg, "YBR_FULL_422", marked=False), colour, 2.0),
    Form("JPEG baseline RGB", partial(jpeg, "RGB"), colour, 2.0),
    Form("JPEG baseline RGB unmarked", partial(jpeg, "RGB", marked=False), colour, 2.0),
    Form("JPEG extended 8 bit", partial(jpeg, "MONOCHROME2", syntax=uid.JPEGExtended12Bit), grey, 2.0),
    *(
        form
        for name, syntax in (("SV1", uid.JPEGLosslessSV1), ("process 14", uid.JPEGLossless))
        for form in (
            Form(f"JPEG lossless {name}", partial(jpeg_lossless, syntax, grey, "MONOCHROME2"), grey),
            Form(
                f"JPEG lossless {name} 12 bit",
                partial(jpeg_lossless, syntax, partial(deep, 12), "MONOCHROME2", 12), twelve_bits,
            ),
            Form(
                f"JPEG lossless {name} 16 bit",
                partial(jpeg_lossless, syntax, partial(deep, 16), "MONOCHROME2", 16), sixteen_bits,
            ),
            Form(f"JPEG lossless {name} RGB", partial(jpeg_lossless, syntax, colour, "RGB"), colour),
            Form(f"JPEG lossless {name} YBR_FULL", partial(jpeg_lossless, syntax, ybr, "YBR_FULL"), colour, 1.0),
        )
    ),
    Form("JPEG-LS MONOCHROME2", partial(jpeg_ls_of, grey, "MONOCHROME2"), grey),
    Form("JPEG-LS 12 bit", partial(jpeg_ls_of, partial(deep, 12), "MONOCHROME2", 12), twelve_bits),
    *(
        Form(f"JPEG-LS RGB by {way}", partial(jpeg_ls_of, colour, "RGB", interleave=mode), colour)
        for mode, way in enumerate(("plane", "line", "pixel"))
    ),
    Form("JPEG-LS YBR_FULL", partial(jpeg_ls_of, ybr, "YBR_FULL", interleave=1), colour, 1.0),
    Form("JPEG-LS near-lossless", partial(jpeg_ls_of, grey, "MONOCHROME2", error=2), grey, 2.0),
    Form("JPEG 2000 MONOCHROME2", partial(jpeg_2000, grey, "MONOCHROME2"), grey),
    Form("JPEG 2000 12 bit", partial(jpeg_2000, partial(deep, 12), "MONOCHROME2", 12), twelve_bits),
    Form("JPEG 2000 16 bit", partial(jpeg_2000, partial(deep, 16), "MONOCHROME2", 16), sixteen_bits),
    Form("JPEG 2000 RGB", partial(jpeg_2000, colour, "RGB"), colour),
    Form("JPEG 2000 YBR_RCT", partial(jpeg_2000, colour, "YBR_RCT", transformed=True), colour),
    Form("JPEG 2000 YBR_FULL", partial(jpeg_2000, ybr, "YBR_FULL"), colour, 1.0),
    Form("JPEG 2000 lossy MONOCHROME2", partial(jpeg_2000, grey, "MONOCHROME2", ratio=4.0), grey, 2.0),
    Form("JPEG 2000 YBR_ICT", partial(jpeg_2000, colour, "YBR_ICT", ratio=4.0, transformed=True), colour, 2.0),
    *(Form(name, partial(video, *how), moving_colour, 2.0) for name, how in _VIDEOS.items()),
]  # fmt: skip
