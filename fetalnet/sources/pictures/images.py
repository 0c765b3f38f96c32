"""Still images: one, or a folder of them played as one recording."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from fetalnet.core.errors import InputError
from fetalnet.core.frame import BrokenFrameError, Frame, broken_text, frames_from
from fetalnet.core.scale.calibration import NO_CALIBRATION
from fetalnet.sources.pictures.file import PictureHead, read_head, read_image

_NAMED_FILES = 5
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")


class ImageFolder:
    """A folder's images played as one recording, in the natural order of their names (2 before 10), with all pages.

    Damaged images among others are broken frames. Raises ``InputError`` for an empty folder, images of different sizes,
    and where no image can be decoded.
    """

    def __init__(self, path: Path, files: Sequence[Path] | None = None) -> None:
        self.path = path if files is None else files[0]
        self.name = self.path.name
        self.calibration = NO_CALIBRATION
        self.notice: str | None = None
        self.remark: str | None = None
        self.frame_rate_hz = 25.0  # images have no clock; this is only how fast a player shows them
        named = sorted(image_files(path), key=natural_order) if files is None else list(files)
        self._broken: dict[int, BrokenFrameError] = {}
        self._pictures: list[tuple[Path, int]] = []
        """The file and the page of each frame."""
        heads: dict[Path, PictureHead] = {}
        damaged: dict[int, BrokenFrameError] = {}
        for file in named:
            try:
                heads[file] = read_head(file)
            except BrokenFrameError as error:
                if len(damaged) == len(named) - 1:
                    raise
                damaged[len(self._pictures)] = error
                self._pictures.append((file, 0))
            else:
                self._pictures += [(file, page) for page in heads[file].pages]
        first, head = next(iter(heads.items()))
        self.width, self.height = head.shape.width, head.shape.height
        for file, other in heads.items():
            width, height = other.shape.width, other.shape.height
            if (width, height) != (self.width, self.height):
                raise InputError(
                    f"{file.name} is {width} x {height} pixels and {first.name} "
                    f"{self.width} x {self.height}; keep one size in the folder, or analyse it as stills."
                )
        for index, damage in damaged.items():
            self._break(index, damage)
        told = dict.fromkeys(f"{file.name}: {each.remark}." for file, each in heads.items() if each.remark)
        self.remark = (
            " ".join([*list(told)[:1], "Others in the folder are like that too."][: min(len(told), 2)]) or None
        )

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, index: int) -> Frame:
        if not 0 <= index < len(self):
            raise IndexError(index)
        if index in self._broken:
            raise self._broken[index]
        try:
            file, page = self._pictures[index]
            frame = read_image(file, page)
            if (frame.width, frame.height) != (self.width, self.height):
                raise BrokenFrameError(
                    f"Page {page + 1} of {file.name} has another size than the first; save it apart."
                )
        except BrokenFrameError as error:
            self._break(index, error)
            raise
        return Frame(index, None, frame.pixels, frame.file)

    def __iter__(self) -> Iterator[Frame]:
        return frames_from(self)

    def time_s(self, index: int) -> float | None:
        return None

    def close(self) -> None:
        """Nothing stays open between two frames."""

    def _break(self, index: int, error: BrokenFrameError) -> None:
        self._broken[index] = error
        count = len(self._broken)
        named = ", ".join(self._name(each) for each in sorted(self._broken)[:_NAMED_FILES])
        more = f" and {count - _NAMED_FILES} more" if count > _NAMED_FILES else ""
        if len(self) > 1:
            self.notice = f"{broken_text(count, len(self))}: {named}{more}."

    def _name(self, index: int) -> str:
        file, page = self._pictures[index]
        pages = sum(1 for each, _ in self._pictures if each == file)
        return f"page {page + 1} of {file.name}" if pages > 1 else file.name


def image_files(folder: Path, suffixes: tuple[str, ...] = IMAGE_SUFFIXES) -> list[Path]:
    """The images of a folder sorted by name; other files are ignored. Raises ``InputError`` where there is none."""
    try:
        files = [file for file in folder.iterdir() if file.suffix.lower() in suffixes]
        files = sorted(file for file in files if not file.name.startswith(".") and file.is_file())
    except PermissionError as error:
        raise InputError(f"Reading {folder.name} is not allowed; ask its owner for the right to read it.") from error
    except OSError as error:
        raise InputError(f"The folder {folder.name} cannot be read ({error.strerror}); check its name.") from error
    if not files:
        raise InputError(f"There are no images in {folder.name}; choose a folder with PNG, JPEG, BMP or TIFF files.")
    return files


def natural_order(path: Path) -> list[tuple[int, str]]:
    """By the name, with numbers by their value (2 before 10)."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", path.name.lower())]
