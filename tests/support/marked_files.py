"""Recordings with one marker word in every place that holds text; and every place in what was made of them."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image, PngImagePlugin
from pydicom import Dataset, config, dcmread
from pydicom.datadict import DicomDictionary
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import UID, generate_uid

from fetalnet.sources import open_source
from support.patient_files import dicom, fan_screen

MARKER = "ZQXMARKER"
RAW = MARKER.encode()
MAKER = {"Manufacturer", "ManufacturerModelName"}
"""What the maker wrote stays, as docs/privacy.md says."""
_PICTURE = {
    "SpecificCharacterSet", "SOPClassUID", "SOPInstanceUID", "NumberOfFrames", "PixelData", "FloatPixelData",
    "DoubleFloatPixelData",
}  # fmt: skip
_TEXT = {"AE", "AS", "CS", "DA", "DT", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UR", "UT"}
_BYTES = {"OB", "OD", "OF", "OL", "OV", "OW", "UN"}
_KEPT_GROUPS = {0x0008, 0x0018, 0x0020, 0x0028, 0x5200}
"""Of other groups every eighth sequence does: they go as a whole."""
_THROUGHOUT = {"SourceImageSequence"}
"""A sequence that is kept and holds every attribute in turn."""


def fan_dicom(pixels: np.ndarray | None = None) -> Dataset:
    pixels = fan_screen()[..., None] if pixels is None else pixels
    return dicom(pixels, instance=generate_uid(), regions=False)


def mark_everything(ds: Dataset, *, depth: int = 2) -> Dataset:
    """Every attribute that the standard knows, each with the marker, in sequences too; numbers as text that is none."""
    there = {element.keyword for element in ds if element.tag.group == 0x28} | _PICTURE | MAKER
    with config.disable_value_validation():
        for number, (vr, _, _, _, keyword) in DicomDictionary.items():
            tag = Tag(number)
            if tag.group in {0x0000, 0x0002, 0xFFFE} or tag.element == 0 or not keyword or keyword in there:
                continue
            if vr == "SQ":
                if depth and (tag.group in _KEPT_GROUPS or tag.element % 8 == 0):
                    ds.add_new(tag, "SQ", Sequence([_marked_item(2 if keyword in _THROUGHOUT else 1), *_codes()]))
            elif vr in _TEXT:
                ds.add_new(tag, vr, MARKER)
            elif vr == "UI":
                ds.add_new(tag, "UI", UID(f"1.2.{MARKER}"))
            elif vr in _BYTES or vr.startswith("OB"):
                ds.add_new(tag, vr.split()[0], RAW * 4)
            elif depth == 2:
                ds.add_new(tag, "LO", MARKER)  # a number, written as a kind that it is not
        for group in (0x5000, 0x5002, 0x6000, 0x6002):
            ds.add_new((group, 0x0022), "LO", MARKER)
            ds.add_new((group, 0x1500), "LO", MARKER)
            ds.add_new((group, 0x3000), "OB", RAW * 4)
        for group in (0x0009, 0x0019, 0x0029):
            block = ds.private_block(group, MARKER, create=True)
            block.add_new(1, "LO", MARKER)
            block.add_new(2, "SQ", Sequence([_marked_item(0)]))
            block.add_new(3, "OB", RAW * 4)
        ds.add_new((0xFFFC, 0xFFFC), "OB", RAW * 4)
    return ds


def _marked_item(depth: int) -> Dataset:
    item = Dataset()
    item.PixelData = RAW * 4
    item["PixelData"].VR = "OB"
    item.add_new("ImageType", "CS", ["ORIGINAL", MARKER])
    item.add_new("ReferencedSOPInstanceUID", "UI", f"1.2.{MARKER}")
    item.add_new("ReferencedFrameNumber", "IS", "1")
    if depth > 1:
        mark_everything(item, depth=0)
        item.add_new("SourceImageSequence", "SQ", Sequence([_marked_item(0)]))
    return item


def _codes() -> list[Dataset]:
    """Codes that look public, with words of a person in one of their parts."""
    codes = []
    for values in ((MARKER, "SCT", "Head"), ("69536005", MARKER, "Head"), ("69536005", "SCT", MARKER)):
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = values
        item.CodingSchemeVersion = MARKER
        codes.append(item)
    return codes


def marked_meta(ds: Dataset) -> Dataset:
    ds.preamble = RAW.ljust(128, b"\0")
    meta = ds.file_meta
    with config.disable_value_validation():
        for element in (0x13, 0x16, 0x17, 0x18):
            meta.add_new((0x0002, element), "SH" if element == 0x13 else "AE", MARKER)
        meta.PrivateInformationCreatorUID, meta.PrivateInformation = "1.2.3", RAW * 2
    return ds


def marked_jpeg(pixels: np.ndarray) -> bytes:
    """With comment, EXIF, XMP, Photoshop's segment, an ICC profile, and words behind the end."""
    exif = Image.Exif()
    exif[0x010E] = exif[0x013B] = MARKER  # description, artist
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=95, exif=exif, comment=RAW, icc_profile=RAW * 3)
    content = stream.getvalue()
    segments = b"".join(
        struct.pack(">BBH", 0xFF, mark, len(body) + 2) + body
        for mark, body in (
            (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + RAW), (0xED, b"Photoshop 3.0\0" + RAW), (0xEF, RAW), (0xFE, RAW),
        )
    )  # fmt: skip
    return content[:2] + segments + content[2:] + RAW


def marked_png(pixels: np.ndarray) -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_text("Patient", MARKER)
    info.add_text("Comment", MARKER * 40, zip=True)
    info.add_itxt("XML:com.adobe.xmp", MARKER * 40, zip=True)
    info.add(b"prVt", RAW)
    exif = Image.Exif()
    exif[0x010E] = MARKER
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", pnginfo=info, exif=exif, icc_profile=RAW * 3)
    return stream.getvalue() + RAW


def marked_tiff(pages: list[np.ndarray]) -> bytes:
    stream = io.BytesIO()
    images = [Image.fromarray(page) for page in pages]
    images[0].save(
        stream, "TIFF", save_all=True, append_images=images[1:], description=MARKER, artist=MARKER, software=MARKER,
        copyright=MARKER,
    )  # fmt: skip
    return stream.getvalue() + RAW


def marked_video(path: Path, pictures: list[np.ndarray], codec: str = "mpeg4", **stream_options: object) -> Path:
    """With what a container says of itself and of its streams, a sound track with a name, and words behind the end."""
    with av.open(path, "w") as container:
        for name in ("title", "artist", "comment", "description", "copyright", "album", "date"):
            container.metadata[name] = MARKER
        height, width = pictures[0].shape[:2]
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = width, height, "yuv420p", 8_000_000
        for name in ("title", "handler_name", "comment"):
            stream.metadata[name] = MARKER
        stream.sample_aspect_ratio = Fraction(stream_options.get("aspect", 1))
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.dstack([picture] * 3), format="rgb24")))
        container.mux(stream.encode(None))
    with path.open("ab") as file:
        file.write(RAW if path.suffix != ".mp4" else struct.pack(">I4s", 8 + len(RAW), b"free") + RAW)
    return path


def with_fragments(ds: Dataset, syntax: str, frames: list[bytes]) -> Dataset:
    ds.file_meta.TransferSyntaxUID = syntax
    ds.PixelData = encapsulate(frames)
    ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
    return ds


def places_of(path: Path) -> Iterator[bytes]:
    """All that can be read out of a file: as it lies there, and unpacked."""
    content = path.read_bytes()
    yield content
    if path.suffix == ".dcm":
        yield dcmread(path).pixel_array.tobytes()
    elif path.suffix == ".png":
        at = 8
        while at < len(content):
            length = struct.unpack(">I", content[at : at + 4])[0]
            kind = content[at + 4 : at + 8]
            assert kind in {b"IHDR", b"IDAT", b"IEND"}, kind
            at += 12 + length
    elif path.suffix == ".tif":
        with Image.open(path) as image:
            for page in range(image.n_frames):
                image.seek(page)
                yield repr(dict(image.tag_v2)).encode() + image.tobytes()
    else:
        with av.open(path, metadata_errors="replace") as container:
            told = [container.metadata, *(stream.metadata for stream in container.streams)]
            assert [stream.type for stream in container.streams] == ["video"]
            yield repr(told).encode()
    source = open_source(path)
    try:
        for frame in source:
            yield frame.pixels.tobytes()
    finally:
        source.close()


def is_marked(content: bytes) -> bool:
    lower = content.lower()
    words = (MARKER, MARKER.lower())
    return any(
        word.encode(code) in each for word in words for code in ("ascii", "utf-16-le", "utf-16-be") for each in
        (content, lower)
    ) or zlib.compress(RAW) in content  # fmt: skip


def found_in(folder: Path) -> list[str]:
    """The files below a folder whose names or content hold the marker."""
    return [
        path.name
        for path in folder.rglob("*")
        if is_marked(path.relative_to(folder).as_posix().encode())
        or (path.is_file() and any(is_marked(place) for place in places_of(path)))
    ]
