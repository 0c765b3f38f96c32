"""What a DICOM file says for a list of recordings: its series, image and frames, or the files that a DICOMDIR names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from pydicom import uid
from pydicom.dataset import Dataset

from fetalnet.core.errors import InputError
from fetalnet.sources.dicom.file import check_ultrasound, promised_frames
from fetalnet.sources.dicom.header import PARSE_ERRORS, Header, items, quiet, read_header, whole


@dataclass(frozen=True, slots=True)
class Entry:
    """``detail`` holds nothing that the file says of the patient; ``order`` are series and instance number."""

    detail: str = ""
    order: tuple[int, int] = (0, 0)


def read_entry(file: BinaryIO, name: str) -> Entry | None:
    """What an open DICOM file holds: None where it is no ultrasound, an empty entry where it is damaged."""
    header = _header(file, name)
    if header is None:
        return Entry()
    try:
        check_ultrasound(header, name)
        frames = promised_frames(header)
    except InputError:
        return None
    series, instance = whole(header.dataset, "SeriesNumber"), whole(header.dataset, "InstanceNumber")
    parts = [
        None if series is None else f"Series {series}",
        None if instance is None else f"Image {instance}",
        None if frames is None else "1 frame" if frames == 1 else f"{frames} frames",
    ]
    return Entry(" · ".join(part for part in parts if part is not None), (series or 0, instance or 0))


def read_directory(file: BinaryIO, name: str) -> list[list[str]] | None:
    """The names of files in an open DICOMDIR, folder by folder; None where it is another DICOM file."""
    header = _header(file, name)
    if header is None or header.media_class != uid.MediaStorageDirectoryStorage:
        return None
    named = (_file_name(record) for record in items(header.dataset, "DirectoryRecordSequence"))
    return [names for names in named if names]


def _header(file: BinaryIO, name: str) -> Header | None:
    """The head, with nothing left open but ``file``; None where it is damaged: whoever opens it says so."""
    try:
        header = read_header(file, name)
    except InputError:
        return None
    if header.file is not file:
        header.file.close()
    return header


def _file_name(record: Dataset) -> list[str]:
    try:
        with quiet():
            value = record.get("ReferencedFileID") or ()
            return [value] if isinstance(value, str) else [str(part) for part in value]
    except PARSE_ERRORS:
        return []
