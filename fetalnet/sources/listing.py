"""What a folder, a DICOMDIR or a zip archive holds: a list of clips, each of which opens as a recording."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from fetalnet.core.errors import InputError
from fetalnet.sources.archive import Archive, is_archive
from fetalnet.sources.checks import check_no_pipe
from fetalnet.sources.dicom.signature import PREAMBLE_BYTES, is_dicom
from fetalnet.sources.listed_file import ListedFile
from fetalnet.sources.pictures.folder import Judge, TakenFor, always_recording
from fetalnet.sources.pictures.images import natural_order

MAX_FILES = 10_000
_STILLS = TakenFor.STILLS


@dataclass(frozen=True, slots=True)
class Clip:
    """Something that opens as one recording. ``detail`` holds nothing that a DICOM file says of the patient."""

    path: Path
    name: str
    detail: str = ""
    """Series and image number and how many frames, as far as they are known."""
    order: tuple[int, int] = (0, 0)
    """Series and instance number, as far as they are known."""
    pictures: int = 0
    """Number of pictures, where a folder is played as one recording."""
    folder: Path | None = None
    """The folder whose pictures are taken for stills, where it is one of them."""


def clips_of(path: Path, judge: Judge = always_recording) -> list[Clip]:
    """The clips in ``path`` by folder, series, instance and name; a single recording is a list of one.

    A folder with images and no other recordings is what ``judge`` takes it for: one clip, or each image one. Raises
    ``InputError`` where there is nothing to open.
    """
    if path.is_dir():
        beside = _files_beside(path)
        if beside and judge(path, beside) is TakenFor.RECORDING:
            return [Clip(path, path.name, pictures=len(beside))]
        if beside:
            return _listed(
                path, _files_below(path), lambda each, files: _STILLS if each == path else judge(each, files)
            )
        return _listed(path, _files_below(path), judge)
    check_no_pipe(path)
    if is_archive(path):
        with Archive(path) as archive:
            return _listed(path, _files_in(archive), judge)
    names = _dicomdir_names(path)
    if names is None:
        return [Clip(path, path.name)]
    return _listed(path, _referenced(path, names), judge)


def _listed(path: Path, files: list[ListedFile], judge: Judge) -> list[Clip]:
    found: list[tuple[Path, Clip]] = []
    others = 0
    folders: dict[Path, list[ListedFile]] = {}
    for file in files:
        folders.setdefault(file.path.parent, []).append(file)
    for folder, inside in folders.items():
        images = [Clip(file.path, file.path.name) for file in inside if file.is_image]
        videos = [Clip(file.path, file.path.name) for file in inside if file.is_video]
        dicom = [_dicom_clip(file) for file in inside if file.is_dicom()]
        ultrasound = [clip for clip in dicom if clip is not None]
        others += len(dicom) - len(ultrasound)
        if images and not videos and not dicom:
            pictures = [file for file in inside if file.is_image]
            if judge(folder, pictures) is TakenFor.RECORDING:
                images = [Clip(folder, folder.name, pictures=len(pictures))]
            else:
                # Scanners give the same names in every folder.
                detail = "" if folder == path else folder.name
                images = [Clip(file.path, file.path.name, detail, folder=folder) for file in pictures]
        found += ((folder, clip) for clip in images + videos + ultrasound)
    if not found and others:
        raise InputError(f"{path.name} holds {others} DICOM files but no ultrasound pictures; choose another.")
    if not found:
        raise InputError(f"There are no recordings and no images in {path.name}; choose another folder or file.")
    found.sort(key=lambda each: (_natural_parts(each[0]), each[1].order, natural_order(each[1].path)))
    return [clip for _, clip in found]


def _natural_parts(folder: Path) -> list[list[tuple[int, str]]]:
    return [natural_order(Path(part)) for part in folder.parts]


def _dicom_clip(file: ListedFile) -> Clip | None:
    """None where the file holds no ultrasound; one that is damaged is listed, so that it can say so when opened."""
    from fetalnet.sources.dicom.listing import read_entry

    with file.open() as opened:
        entry = read_entry(opened, file.path.name)
    return None if entry is None else Clip(file.path, file.path.name, entry.detail, entry.order)


def _dicomdir_names(path: Path) -> list[list[str]] | None:
    """The names of files in a DICOMDIR, folder by folder; None where it is something else."""
    try:
        with path.open("rb") as file:
            if not is_dicom(file.read(PREAMBLE_BYTES + 4), path.suffix):
                return None
            from fetalnet.sources.dicom.listing import read_directory

            return read_directory(file, path.name)
    except OSError:
        return None  # whoever opens it will say what is wrong with it


def _files_beside(folder: Path) -> list[ListedFile]:
    """The files of a folder itself where there are images and no other recordings: then what lies deeper is ignored."""
    files = _of_paths(each for each in _entries(folder) if each.is_file())
    images = [file for file in files if file.is_image]
    return images if images and not any(file.is_video or file.is_dicom() for file in files) else []


def _files_below(folder: Path) -> list[ListedFile]:
    paths: list[Path] = []
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        paths += [Path(root, name) for name in names if not name.startswith(".")]
        if len(paths) > MAX_FILES:
            raise InputError(f"{folder.name} holds more than {MAX_FILES} files; choose a folder in it.")
    return _of_paths(path for path in paths if path.is_file())


def _entries(folder: Path) -> list[Path]:
    try:
        return [each for each in folder.iterdir() if not each.name.startswith(".")]
    except PermissionError as error:
        raise InputError(f"Reading {folder.name} is not allowed; ask its owner for the right to read it.") from error
    except OSError as error:
        raise InputError(f"The folder {folder.name} cannot be read ({error.strerror}); check its name.") from error


def _of_paths(paths: Iterator[Path]) -> list[ListedFile]:
    return [ListedFile(path, lambda path=path: path.open("rb")) for path in paths]  # type: ignore[misc]  # its type is not inferred


def _files_in(archive: Archive) -> list[ListedFile]:
    return [
        ListedFile(archive.path / member, partial(archive.open, member))
        for member in archive.members
        if not PurePosixPath(member).name.startswith(".")
    ]


def _referenced(path: Path, names: list[list[str]]) -> list[ListedFile]:
    """The files of a DICOMDIR that are there, in any spelling: discs are often copied in small letters."""
    if len(names) > MAX_FILES:
        raise InputError(f"{path.name} names more than {MAX_FILES} files; open the folder of one series instead.")
    found = []
    for parts in names:
        if any(part in {"", ".", ".."} or set(part) & set("/\\:") for part in parts):
            raise InputError(f"{path.name} names files outside its folder and is not opened; ask who made it.")
        spellings = [path.parent.joinpath(*map(spelt, parts)) for spelt in (str, str.lower)]
        found += [each for each in spellings if each.is_file()][:1]
    if not found:
        raise InputError(f"None of the files that {path.name} names are here; copy them together with it.")
    return _of_paths(iter(dict.fromkeys(found)))
