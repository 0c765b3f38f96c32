"""Files and folders: each recording written anew under a number, because names of files and folders tell names too."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from pydicom import Dataset, FileMetaDataset
from pydicom.filereader import read_file_meta_info
from pydicom.uid import MediaStorageDirectoryStorage

from fetalnet.core.errors import InputError
from fetalnet.core.system.files import cannot_write, whole_file
from fetalnet.dicom_network.deidentification.images import (
    NO_FAN,
    deidentify_image,
    deidentify_pages,
    deidentify_video,
    page_count,
)
from fetalnet.dicom_network.deidentification.pixels import store_again, ultrasound_area
from fetalnet.dicom_network.deidentification.profile import NewUids, deidentify_attributes
from fetalnet.dicom_network.deidentification.report import Report
from fetalnet.dicom_network.deidentification.stored_frames import NoPixelsError, StoredFrames
from fetalnet.sources import DICOM_SUFFIXES, IMAGE_SUFFIXES, VIDEO_SUFFIXES
from fetalnet.sources.checks import check_readable
from fetalnet.sources.dicom.header import PARSE_ERRORS, quiet
from fetalnet.sources.dicom.signature import is_dicom

_HEAD_BYTES = 4096
_MAX_PIXELS = 64_000_000
_USUAL = {
    "BitsAllocated": 8,
    "PixelRepresentation": 0,
    "SamplesPerPixel": 1,
    "PhotometricInterpretation": "MONOCHROME2",
}
"""What a file means that does not say."""
_NO_RECORDINGS = {
    ".pdf", ".rtf", ".doc", ".docx", ".xls", ".xlsx", ".ppt", ".pptx", ".odt", ".ods", ".db", ".sqlite", ".ini", ".inf",
    ".txt", ".csv", ".xml", ".json", ".html", ".htm", ".log", ".lnk", ".url", ".exe", ".dll", ".jar", ".class", ".so",
    ".dylib", ".msi", ".ttf", ".woff", ".ico", ".cur", ".chm", ".hlp", ".wav", ".mp3", ".pyc", ".ds_store",
}  # fmt: skip
"""What lies beside recordings and holds none: letters, tables, viewers and what systems leave behind."""

_OTHER_PICTURES = {
    ".zip", ".rar", ".7z", ".gz", ".tar", ".webp", ".jp2", ".j2k", ".heic", ".avif", ".psd", ".nii", ".mha", ".mhd",
    ".nrrd", ".vol", ".raw",
}  # fmt: skip
"""Archives, pictures and volumes that are not read here."""


class NoPictureError(InputError):
    """A file that holds no picture: in a folder it is left out."""


def check_places(source: Path, out: Path) -> None:
    """Refuse an output that is there already, or lies where the recordings are. Raises ``InputError``."""
    if source.exists() and not (source.is_dir() or source.is_file()):
        raise InputError(f"{source.name} is a pipe or a device, not a file; give a file or a folder.")
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
    say: Callable[[str], None] = lambda sentence: None,
) -> None:
    """Write every recording below ``source`` to ``out``: the same folders in the same order, all under numbers.

    ``out`` appears when all is done. What holds no picture is left out, what cannot be done is named to ``say``; both
    are counted in ``report``. Raises ``InputError`` where nothing at all could be written.
    """

    def fail(sentence: str) -> None:
        report.failed += 1
        say(sentence)

    files = sorted(_files_below(source, fail))
    uids, numbers = NewUids(), _Numbers()
    part = out.parent / f".{secrets.token_hex(8)}.part"
    try:
        part.mkdir()
    except OSError as error:
        raise cannot_write(out, error) from error
    try:
        for done, path in enumerate(files):
            on_progress(done, len(files))
            try:
                check_readable(path)
                suffix = _suffix(path)
                if suffix is None:
                    raise NoPictureError(path.name)
                target = part / numbers.of(path.relative_to(source)).with_suffix(suffix)
                target.parent.mkdir(parents=True, exist_ok=True)
                deidentify_file(path, target, report, uids, say=say)
            except NoPictureError:
                report.left_out += 1
            except InputError as error:
                fail(str(error))
        on_progress(len(files), len(files))
        if not report.written:
            raise InputError(f"Nothing in {source.name} could be de-identified; nothing was written.")
        if out.is_dir():
            out.rmdir()
        part.replace(out)
    except OSError as error:
        raise cannot_write(out, error) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def deidentify_file(
    source: Path,
    out: Path,
    report: Report,
    uids: NewUids | None = None,
    *,
    say: Callable[[str], None] = lambda sentence: None,
) -> None:
    """Write one recording, a DICOM file, a video or an image, to ``out`` without what may name the patient.

    Files of one run share ``uids``. What of a recording could not be read is told to ``say``. Raises ``InputError``;
    nothing half is left.
    """
    check_readable(source)
    suffix = _suffix(source)
    if suffix is None:
        raise NoPictureError(f"{source.name} holds no picture; give a DICOM file, a video or an image.")
    if suffix == ".dcm":
        _dicom(source, out, report, uids or NewUids(), say)
    else:
        _other(source, out, suffix, report, say)
    report.written += 1


def _files_below(folder: Path, fail: Callable[[str], None]) -> Iterator[Path]:
    """All files below a folder; calls ``fail`` with a sentence for each folder that cannot be read."""

    def refused(error: OSError) -> None:
        fail(f"The folder {Path(error.filename).name} cannot be read ({error.strerror}); ask its owner for the right.")

    for root, folders, names in os.walk(folder, onerror=refused):
        for name in folders:
            if Path(root, name).is_symlink():
                fail(f"{name} is a link to a folder elsewhere; de-identify that folder for itself.")
        yield from (path for path in (Path(root, name) for name in names) if path.is_file() or path.is_symlink())


def _dicom(source: Path, out: Path, report: Report, uids: NewUids, say: Callable[[str], None]) -> None:
    try:
        with quiet(), StoredFrames(source) as frames, tempfile.TemporaryFile() as scratch:
            ds = _read(source, frames)
            area = None
            if not report.keep_pixels:
                area = ultrasound_area(frames, ds)
                if area is None:
                    raise InputError(NO_FAN.format(source.name))
            store_again(frames, ds, None if area is None else area.inside, scratch, source.name)
            text_hidden = area is not None and area.is_clear
            deidentify_attributes(ds, uids, report, text_hidden=text_hidden)
            _write(ds, out)
            report.unclear += area is not None and not text_hidden
            if frames.notice is not None:
                say(frames.notice)
    except NoPixelsError as error:
        raise NoPictureError(str(error)) from None
    except PARSE_ERRORS as error:
        raise _damaged(source) from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise cannot_write(out, error) from error
        raise _damaged(source) from error


def _write(ds: Dataset, out: Path) -> None:
    # A new data set, because one that was read remembers the byte order it was read in.
    new = Dataset()
    new.update(ds)
    new.file_meta = FileMetaDataset()
    new.file_meta.TransferSyntaxUID = ds.file_meta.TransferSyntaxUID
    new.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    new.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    with whole_file(out) as file:
        new.save_as(file, enforce_file_format=True)


def _read(source: Path, frames: StoredFrames) -> Dataset:
    """The attributes of a file; its pixels stay in the file."""
    ds = frames.attributes()
    if not (ds.SOPClassUID and ds.SOPInstanceUID and ds.Rows and ds.Columns):
        raise _damaged(source)
    if ds.Rows * ds.Columns > _MAX_PIXELS:
        raise InputError(f"{source.name} claims to be {ds.Columns} x {ds.Rows} pixels large; leave it out.")
    for keyword, value in _USUAL.items():
        if ds.get(keyword) is None:
            setattr(ds, keyword, value)
    return ds


def _other(source: Path, out: Path, suffix: str, report: Report, say: Callable[[str], None]) -> None:
    if source.suffix.lower() in _OTHER_PICTURES:
        raise InputError(
            f"{source.name} is of a kind that is not de-identified; unpack it, or save it as PNG, MP4 or DICOM first."
        )
    if out.suffix.lower() != suffix:
        raise InputError(f"{source.name} is written anew as {suffix}; give the output a name that ends so.")
    if suffix == ".png":
        deidentify_image(source, out, keep_pixels=report.keep_pixels)
    elif suffix == ".tif":
        deidentify_pages(source, out, keep_pixels=report.keep_pixels)
    else:
        deidentify_video(source, out, keep_pixels=report.keep_pixels, say=say)


def _suffix(path: Path) -> str | None:
    """What a recording is written as; None where it holds no picture. What nobody knows is tried as a video."""
    suffix = path.suffix.lower()
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    known = suffix in IMAGE_SUFFIXES or suffix in VIDEO_SUFFIXES
    if is_dicom(head, suffix if known else "") or suffix in {*DICOM_SUFFIXES, ".ima"}:
        return None if _is_index_of_a_disc(path) else ".dcm"
    if suffix in IMAGE_SUFFIXES:
        return ".png" if page_count(path) == 1 else ".tif"
    is_text = not known and b"\0" not in head
    return None if is_text or suffix in _NO_RECORDINGS or path.name.startswith("._") else ".mp4"


def _is_index_of_a_disc(path: Path) -> bool:
    """Whether a file is a DICOMDIR: a list of patients, with no picture in it."""
    with quiet(), contextlib.suppress(OSError, *PARSE_ERRORS):
        return bool(read_file_meta_info(path).get("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage)
    return False


def _damaged(path: Path) -> InputError:
    return InputError(f"{path.name} is damaged or no DICOM file; copy it again from where it came.")


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
