"""Where frames come from. ``open_source`` chooses the reader; every reader is a ``Source``."""

from __future__ import annotations

from pathlib import Path

from fetalnet.core.errors import InputError
from fetalnet.core.frame import BrokenFrameError, Frame, Source, frames_from
from fetalnet.sources.archive import ArchivedSource, archive_of, file_of, is_archive, unpacked
from fetalnet.sources.checks import check_readable
from fetalnet.sources.dicom.signature import DICOM_SUFFIXES, PREAMBLE_BYTES, is_dicom
from fetalnet.sources.listing import Clip, clips_of
from fetalnet.sources.pictures.file import read_image
from fetalnet.sources.pictures.images import IMAGE_SUFFIXES, ImageFolder, image_files
from fetalnet.sources.video import VideoFile
from fetalnet.sources.video_container import VIDEO_SUFFIXES

ARCHIVE_SUFFIXES = (".zip",)

_NAMED_CLIPS = 5

__all__ = [
    "ARCHIVE_SUFFIXES",
    "DICOM_SUFFIXES",
    "IMAGE_SUFFIXES",
    "VIDEO_SUFFIXES",
    "BrokenFrameError",
    "Clip",
    "Frame",
    "ImageFolder",
    "Source",
    "VideoFile",
    "clips_of",
    "file_of",
    "frames_from",
    "image_files",
    "open_source",
    "read_image",
]


def open_source(path: Path) -> Source:
    """Open a video, a DICOM file, one image or a folder of images; the caller closes it.

    A folder, a DICOMDIR or a zip archive with one recording opens that one; ``study.zip/IM_0001`` names one in an
    archive. Raises ``InputError`` with a sentence for a person where nothing can be shown, or several could.
    """
    # An address written as a path has lost one of its slashes.
    if path.parts and path.parts[0].lower() in {"http:", "https:", "rtsp:", "rtmp:", "ftp:", "udp:", "tcp:"}:
        raise InputError("Only files on this computer are opened; copy the recording here first.")
    clips = clips_of(path)
    if len(clips) > 1:
        # Told from the folder it lies in, so that they can be typed.
        names = ", ".join(str(clip.path.relative_to(path.parent)) for clip in clips[:_NAMED_CLIPS])
        more = "" if len(clips) <= _NAMED_CLIPS else " and others"
        raise InputError(f"{path.name} holds {len(clips)} recordings; name one of them: {names}{more}.")
    path = clips[0].path
    if not is_archive(path) and (path.exists() or archive_of(path) is None):
        return _open_file(path)
    held = unpacked(path)
    try:
        return ArchivedSource(_open_file(held.path), path, held)
    except BaseException:
        held.leave()
        raise


def _open_file(path: Path) -> Source:
    if path.is_dir():
        return ImageFolder(path)
    check_readable(path)
    with path.open("rb") as file:
        head = file.read(PREAMBLE_BYTES + 4)
    if is_dicom(head, path.suffix) or path.suffix.lower() in DICOM_SUFFIXES:
        from fetalnet.sources.dicom.file import DicomFile

        return DicomFile(path)
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return ImageFolder(path.parent, files=(path,))
    return VideoFile(path)
