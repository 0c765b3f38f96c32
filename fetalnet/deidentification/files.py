"""Files and folders: each recording written anew under a number, because names of files and folders tell names too."""

from __future__ import annotations

import contextlib
import errno
import shutil
import struct
import tempfile
import warnings
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import cv2
from pydicom import Dataset, FileMetaDataset, dcmread
from pydicom.errors import BytesLengthException, InvalidDicomError

from fetalnet.atomic_file import cannot_write, keeping_to_umask, whole_file, write_file
from fetalnet.deidentification.pixels import store_masked, ultrasound_area
from fetalnet.deidentification.profile import NewUids, deidentify_attributes
from fetalnet.deidentification.report import Report
from fetalnet.errors import InputError
from fetalnet.export.overlay import OverlayWriter
from fetalnet.picture.burned_in import ALL, FanOnly
from fetalnet.picture.sector_search import sector_of
from fetalnet.sources import IMAGE_SUFFIXES, VIDEO_SUFFIXES, VideoFile, read_image
from fetalnet.sources.file import check_readable

_PREAMBLE = 128
_MALFORMED = (
    InvalidDicomError, BytesLengthException, AttributeError, TypeError, ValueError, LookupError, ArithmeticError,
    EOFError, struct.error, NotImplementedError, RuntimeError, OSError,
)  # fmt: skip
"""What the DICOM library raises, sooner or later, on a file that is not what it says."""
_LARGE_BYTES = 1 << 20
_MAX_PIXELS = 64_000_000
_INDEX_OF_A_DISC = "1.2.840.10008.1.3.10"
"""SOP class of a DICOMDIR: a list of patients, with no picture in it."""
_NO_FAN = (
    "{} shows neither calibrated regions nor a fan, so that nobody knows where its text is; look at its pictures, and "
    "give --keep-pixels if they name nobody."
)


class NoPictureError(InputError):
    """A file that holds no picture: in a folder it is left out."""


def check_places(source: Path, out: Path) -> None:
    """Refuse an output that is there already, or lies where the recordings are. Raises ``InputError``."""
    if not source.exists():
        raise InputError(f"There is no {source.name} any more or yet; check its name and folder.")
    if out.resolve() == source.resolve():
        raise InputError("The output is the recording itself; give another name, so that the original stays.")
    if source.is_dir() and source.resolve() in out.resolve().parents:
        raise InputError("The output lies inside the folder that is read; give a place beside it.")
    if out.is_dir() and source.is_dir() and not any(out.iterdir()):
        return
    if out.exists():
        raise InputError(f"{out.name} is there already; give a new name, so that nothing is written over.")


def deidentify_folder(
    source: Path,
    out: Path,
    report: Report,
    *,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    on_failure: Callable[[str], None] = lambda sentence: None,
) -> None:
    """Write every recording below ``source`` to ``out``: the same folders in the same order, all under numbers.

    ``out`` appears when all is done. What holds no picture is left out, what cannot be read is named to
    ``on_failure``; both are counted in ``report``. Raises ``InputError`` where nothing at all could be written.
    """
    files = sorted(path for path in source.rglob("*") if path.is_file())
    uids, numbers = NewUids(), _Numbers()
    try:
        part = Path(tempfile.mkdtemp(prefix=".", suffix=".part", dir=out.parent))
    except OSError as error:
        raise cannot_write(out, error) from error
    try:
        for done, path in enumerate(files):
            on_progress(done, len(files))
            try:
                suffix = _suffix(path)
                if suffix is None:
                    raise NoPictureError(path.name)
                target = part / numbers.of(path.relative_to(source)).with_suffix(suffix)
                target.parent.mkdir(parents=True, exist_ok=True)
                deidentify_file(path, target, report, uids)
            except NoPictureError:
                report.left_out += 1
            except InputError as error:
                report.failed += 1
                on_failure(str(error))
        on_progress(len(files), len(files))
        if not report.written:
            raise InputError(f"Nothing in {source.name} could be de-identified; nothing was written.")
        part.chmod(keeping_to_umask(0o755))
        if out.is_dir():
            out.rmdir()
        part.replace(out)
    except OSError as error:
        raise cannot_write(out, error) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def deidentify_file(source: Path, out: Path, report: Report, uids: NewUids | None = None) -> None:
    """Write one recording, a DICOM file, a video or an image, to ``out`` without what may name the patient.

    Files of one run share ``uids``. Raises ``InputError``; nothing half is left.
    """
    check_readable(source)
    suffix = _suffix(source)
    if suffix is None:
        raise NoPictureError(f"{source.name} holds no picture; give a DICOM file, a video or an image.")
    if suffix == ".dcm":
        _dicom(source, out, report, uids or NewUids())
    elif out.suffix.lower() != suffix:
        raise InputError(f"{source.name} is written anew as {suffix}; give the output a name that ends so.")
    elif suffix == ".png":
        _image(source, out, report)
    else:
        _video(source, out, report)
    report.written += 1


def _dicom(source: Path, out: Path, report: Report, uids: NewUids) -> None:
    try:
        with _quiet():
            _write_dicom(_read(source), source, out, report, uids)
    except _MALFORMED as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise cannot_write(out, error) from error
        raise _damaged(source) from error


def _write_dicom(ds: Dataset, source: Path, out: Path, report: Report, uids: NewUids) -> None:
    with tempfile.TemporaryFile() as scratch:
        if not report.keep_pixels:
            inside = ultrasound_area(source, ds)
            if inside is None:
                raise InputError(_NO_FAN.format(source.name))
            store_masked(source, ds, inside, scratch)
        deidentify_attributes(ds, uids, report)
        # A new data set, because one that was read remembers the byte order it was read in.
        new = Dataset()
        new.update(ds)
        new.file_meta = FileMetaDataset()
        new.file_meta.TransferSyntaxUID = ds.file_meta.TransferSyntaxUID
        new.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
        new.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        with whole_file(out) as file:
            new.save_as(file, enforce_file_format=True)


def _read(source: Path) -> Dataset:
    # Pixels stay in the file until they are asked for, frame by frame.
    ds = dcmread(source, force=True, defer_size=_LARGE_BYTES)
    if not (ds.file_meta.TransferSyntaxUID and ds.SOPClassUID and ds.SOPInstanceUID):
        raise _damaged(source)
    if "PixelData" not in ds or not ds.get("Rows") or not ds.get("Columns"):
        raise NoPictureError(f"{source.name} is a DICOM file without a picture; leave it out.")
    if ds.Rows * ds.Columns > _MAX_PIXELS:
        raise InputError(f"{source.name} claims to be {ds.Columns} x {ds.Rows} pixels large; leave it out.")
    return ds


def _image(source: Path, out: Path, report: Report) -> None:
    pixels = read_image(source).pixels
    if not report.keep_pixels:
        fan = FanOnly.on(pixels)
        if not fan.hides:
            raise InputError(_NO_FAN.format(source.name))
        pixels = fan.shown(pixels)
    done, content = cv2.imencode(".png", pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    if not done:
        raise InputError(f"{source.name} cannot be stored as PNG; save it again with 8 bits.")
    write_file(out, content.tobytes())


def _video(source: Path, out: Path, report: Report) -> None:
    """Pictures only: no sound, no metadata. Encoded again, finely."""
    with closing(VideoFile(source)) as video:
        fan = ALL
        if not report.keep_pixels:
            fan = FanOnly.of(sector_of(video), (video.height, video.width))
            if not fan.hides:
                raise InputError(_NO_FAN.format(source.name))
        with OverlayWriter(out, (video.width, video.height), video.frame_rate_hz) as writer:
            for frame in video:
                pixels = fan.shown(frame.pixels)
                writer.write(cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB) if pixels.ndim == 2 else pixels)


def _suffix(path: Path) -> str | None:
    """What a recording is written as; None where it holds no picture."""
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return ".png"
    if path.suffix.lower() in VIDEO_SUFFIXES:
        return ".mp4"
    with path.open("rb") as file:
        head = file.read(_PREAMBLE + 4)
    if head[_PREAMBLE:] != b"DICM" and path.suffix.lower() not in {".dcm", ".dicom", ".ima"}:
        return None
    with _quiet(), contextlib.suppress(*_MALFORMED):
        meta = dcmread(path, stop_before_pixels=True, force=True, specific_tags=["Rows"]).file_meta
        if meta.get("MediaStorageSOPClassUID") == _INDEX_OF_A_DISC:
            return None
    return ".dcm"


def _damaged(path: Path) -> InputError:
    return InputError(f"{path.name} is damaged or no DICOM file; copy it again from where it came.")


def _quiet() -> warnings.catch_warnings[None]:
    """A library's warnings quote values; nothing of a patient may reach the terminal or a log."""
    return warnings.catch_warnings(action="ignore")


class _Numbers:
    """Names without a name: each folder and file counted in its own folder, in the order of the originals."""

    def __init__(self) -> None:
        self._known: dict[Path, dict[str, Path]] = {}

    def of(self, relative: Path) -> Path:
        number = Path()
        at = Path()
        for part in relative.parts:
            in_folder = self._known.setdefault(at, {})
            in_folder.setdefault(part, Path(f"{len(in_folder) + 1:04d}"))
            number, at = number / in_folder[part], at / part
        return number
