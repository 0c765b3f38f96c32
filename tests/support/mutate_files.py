"""Damages recordings where they say what they are, and reads and de-identifies what comes out.

``python tests/support/mutate_files.py --count 20000`` names what goes wrong; ``--case N`` does one here. A
file may be done or refused with a sentence. Reported are other errors, ends of the process and more than 5 s.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np

sys.path[:0] = [str(folder) for folder in Path(__file__).parents[1:3]]

from pydicom.uid import JPEGBaseline8Bit  # noqa: E402

from fetalnet.core.errors import InputError  # noqa: E402
from fetalnet.dicom_network.deidentification import Report, deidentify_file  # noqa: E402
from fetalnet.sources import open_source  # noqa: E402
from support.fuzz_readers import watch as watched  # noqa: E402
from support.marked_files import (  # noqa: E402
    fan_dicom,
    is_marked,
    marked_jpeg,
    marked_png,
    marked_tiff,
    marked_video,
    with_fragments,
)
from support.patient_files import fan_screen  # noqa: E402

MAX_S, MAX_BYTES = 5.0, 2**30
HANGS_S = 60.0
"""Of the clock on the wall, where a busy machine leaves little of itself."""
_OUTPUTS = {"dcm": ".dcm", "png": ".png", "jpg": ".png", "tif": ".tif", "mp4": ".mp4", "mov": ".mp4", "avi": ".mp4"}
_TELLING = [b"\0" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\1", b"\xff\xd8", b"\xff\xd9"]
_MARKS: dict[str, tuple[bytes, ...]] = {
    "dcm": (b"\x28\x00\x34\x00", b"\x28\x00\x08\x00", b"\x28\x00\x04\x00", b"\x28\x00\x10\x00", b"\xff\xc0",
            b"\xff\xee", b"\xff\xe1", b"\xfe\xff\x00\xe0", b"\x18\x00\x11\x60"),
    "png": (b"IHDR", b"pHYs", b"eXIf", b"iCCP", b"tEXt", b"IDAT", b"IEND"),
    "jpg": (b"\xff\xc0", b"\xff\xe0", b"\xff\xe1", b"\xff\xdb", b"\xff\xda", b"\xff\xd9", b"Exif"),
    "tif": (b"II*\0", b"\x00\x01\x03\x00", b"\x01\x01\x03\x00", b"\x12\x01\x03\x00", b"\x11\x01", b"\x17\x01"),
    "mp4": (b"moov", b"tkhd", b"stts", b"stsz", b"stco", b"pasp", b"mdhd", b"elst", b"ctts", b"stsd", b"esds", b"stsc"),
    "mov": (b"moov", b"tkhd", b"stts", b"stsz", b"stco", b"pasp", b"mdhd", b"elst", b"stsd", b"gmhd"),
    "avi": (b"avih", b"strh", b"strf", b"idx1", b"movi", b"vprp"),
}  # fmt: skip
"""Where a file says its aspect, orientation, marks, counts, sizes and times."""


@cache
def corpus() -> tuple[tuple[str, bytes], ...]:
    """Small valid files of the kinds that say something of shape, time or count, by the ends of their names."""
    pixels = fan_screen(160)
    dicom = fan_dicom(pixels[..., None])
    dicom.PixelAspectRatio, dicom.NumberOfFrames = [5, 4], 1
    jpeg = with_fragments(fan_dicom(pixels[..., None]), JPEGBaseline8Bit, [marked_jpeg(pixels)] * 2)
    jpeg.NumberOfFrames = 2
    made = [("dcm", _saved(dicom.save_as)), ("dcm", _saved(jpeg.save_as))]
    made += [("png", marked_png(pixels)), ("jpg", marked_jpeg(pixels)), ("tif", marked_tiff([pixels, pixels[::-1]]))]
    with tempfile.TemporaryDirectory() as folder:
        for form in ("mp4", "mov", "avi"):
            path = marked_video(Path(folder, f"a.{form}"), [pixels] * 4, aspect=Fraction(5, 4))
            made.append((form, path.read_bytes()))
        made.append(("mp4", _turned(Path(folder, "b.mp4"), pixels)))
    return tuple(made)


def _saved(save: Callable[..., None]) -> bytes:
    stream = io.BytesIO()
    save(stream, enforce_file_format=True)
    return stream.getvalue()


def _turned(path: Path, pixels: np.ndarray) -> bytes:
    with av.open(path, "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 160
        stream.pix_fmt = "yuv420p"
        stream.set_display_rotation(90)
        for _ in range(4):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.dstack([pixels] * 3), format="rgb24")))
        container.mux(stream.encode(None))
    return path.read_bytes()


def damaged(case: int) -> tuple[str, bytes]:
    """The file of this number, and how its name ends: 1 to 4 changes, most of them at or behind a mark."""
    rng = np.random.default_rng(case)
    form, whole = corpus()[int(rng.integers(len(corpus())))]
    content = bytearray(whole)
    places = [at for mark in _MARKS[form] if (at := content.find(mark)) >= 0]
    for _ in range(int(rng.integers(1, 5))):
        near = rng.random() < 0.75
        at = int(rng.choice(places)) + int(rng.integers(0, 48)) if near else int(rng.integers(len(content)))
        at = min(at, len(content) - 1)
        match int(rng.choice(6, p=[0.25, 0.25, 0.3, 0.08, 0.08, 0.04])):
            case 0:
                content[at] ^= 1 << int(rng.integers(8))
            case 1:
                content[at] = int(rng.integers(256))
            case 2:
                telling = _TELLING[int(rng.integers(len(_TELLING)))]
                content[at : at + len(telling)] = telling
            case 3:
                del content[at + 1 : at + int(rng.integers(2, 64))]
            case 4:
                content[at:at] = rng.bytes(int(rng.integers(1, 64)))
            case _:
                del content[at + 1 :]
    return form, bytes(content)


def try_case(case: int, folder: Path) -> str | None:
    """Read and de-identify the file of this number; what is wrong with how that went, or None."""
    form, content = damaged(case)
    source, out = folder / f"case.{form}", folder / f"out{_OUTPUTS[form]}"
    source.write_bytes(content)
    out.unlink(missing_ok=True)
    said = []
    try:
        for attempt, on_warning in (
            (_read, "ignore"),
            (lambda path: deidentify_file(path, out, Report(keep_pixels=case % 3 != 0)), "error"),
        ):
            try:
                with warnings.catch_warnings(action=on_warning):
                    attempt(source)
            except InputError as error:
                said.append(str(error))
    except Exception:  # noqa: BLE001  whatever it is, it is what we look for
        return traceback.format_exc()
    wrong = [sentence for sentence in said if not sentence.endswith(".") or "\n" in sentence or "Doe" in sentence]
    if out.exists() and is_marked(out.read_bytes()):
        wrong.append("the marker came through")
    return "; ".join(wrong) or None


def _read(path: Path) -> None:
    with closing(open_source(path)) as source:
        for index in range(min(len(source), 12)):
            assert source[index].pixels.shape[:2] == (source.height, source.width)


def work(first: int, last: int) -> None:
    """Do cases one after the other, telling on standard output of each before and after."""
    import resource

    with tempfile.TemporaryDirectory() as folder:
        corpus()
        for case in range(first, last):
            print(f"begin {case}", flush=True)
            begun_s = time.process_time()
            wrong = try_case(case, Path(folder)) or ""
            if (took_s := time.process_time() - begun_s) > MAX_S:
                wrong += f" took {took_s:.1f} s"
            if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 > MAX_BYTES and sys.platform == "linux":
                print(f"end {case} took more than {MAX_BYTES >> 20} MB", flush=True)
                return
            print(f"end {case} " + wrong.strip().replace("\n", "\v"), flush=True)


def watch(first: int, last: int) -> Iterator[tuple[int, str]]:
    """Run the cases in a process apart; a busy machine leaves it little time, so that a hang is long."""
    return watched(first, last, __file__, start_s=300, limit_s=HANGS_S, late=f"hangs for {HANGS_S:g} s")


def main() -> int:
    """0 where nothing was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="how many files")
    parser.add_argument("--first", type=int, default=0, help="number of the first")
    parser.add_argument("--case", type=int, help="do this one here")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        work(*map(int, arguments.work.split(":")))
        return 0
    if arguments.case is not None:
        with tempfile.TemporaryDirectory() as folder:
            print(try_case(arguments.case, Path(folder)) or "nothing wrong")
        return 0
    found = 0
    for case, wrong in watch(arguments.first, arguments.first + arguments.count):
        found += 1
        print(f"case {case}: {wrong}\n", flush=True)
    print(f"{arguments.count} files, {found} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
