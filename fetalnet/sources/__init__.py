"""Where frames come from. ``open_source`` chooses the reader; every reader is a ``Source``."""

from __future__ import annotations

from pathlib import Path

from fetalnet.errors import InputError
from fetalnet.sources.frame import Frame, Source
from fetalnet.sources.images import IMAGE_SUFFIXES, ImageFolder, image_files, read_image
from fetalnet.sources.video import VideoFile

VIDEO_SUFFIXES = (".mp4", ".avi", ".mkv", ".mov", ".m4v", ".webm")
"""What a dialog offers; any other file is tried as a video all the same."""

__all__ = [
    "IMAGE_SUFFIXES",
    "VIDEO_SUFFIXES",
    "Frame",
    "ImageFolder",
    "Source",
    "VideoFile",
    "image_files",
    "open_source",
    "read_image",
]


def open_source(path: Path) -> Source:
    """Open a video file, one image or a folder of images; the caller closes it.

    Raises ``InputError`` with a sentence for a person where nothing can be shown.
    """
    # An address written as a path has lost one of its slashes.
    if path.parts and path.parts[0].lower() in {"http:", "https:", "rtsp:", "rtmp:", "ftp:", "udp:", "tcp:"}:
        raise InputError("Only files on this computer are opened; copy the recording here first.")
    if path.is_dir():
        return ImageFolder(path)
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return ImageFolder(path.parent, files=(path,))
    if path.suffix.lower() in {".dcm", ".dicom"}:
        raise InputError(f"{path.name} is a DICOM file, which is not read yet; export it as a video or an image.")
    return VideoFile(path)
