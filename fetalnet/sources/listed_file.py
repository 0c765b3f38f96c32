"""A file of a folder or of an archive, as a listing sees it before anything is opened."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from fetalnet.sources.dicom.signature import DICOM_SUFFIXES, PREAMBLE_BYTES, is_dicom
from fetalnet.sources.pictures.images import IMAGE_SUFFIXES
from fetalnet.sources.video_container import VIDEO_SUFFIXES


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file of a folder or of an archive; one in an archive is unpacked as far as it is read."""

    path: Path
    open: Callable[[], AbstractContextManager[BinaryIO]]

    @property
    def is_image(self) -> bool:
        return self.path.suffix.lower() in IMAGE_SUFFIXES

    @property
    def is_video(self) -> bool:
        return self.path.suffix.lower() in VIDEO_SUFFIXES

    def is_dicom(self) -> bool:
        if self.is_image or self.is_video:
            return False
        try:
            with self.open() as file:
                head = file.read(PREAMBLE_BYTES + 4)
        except OSError:
            return False  # what may not be read cannot be opened either
        return self.path.suffix.lower() in DICOM_SUFFIXES or is_dicom(head, self.path.suffix)
