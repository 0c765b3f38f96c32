"""Still images: one, or a folder of them played as one recording."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from fetalnet.errors import InputError
from fetalnet.picture.calibration import NO_CALIBRATION
from fetalnet.printable import printable
from fetalnet.sources.file import check_readable
from fetalnet.sources.frame import BrokenFrameError, Frame, broken_text, frames_from

_NAMED_FILES = 5
_PIL_ERRORS = (
    UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, TypeError, LookupError, SyntaxError,
    EOFError, ArithmeticError, struct.error,
)  # fmt: skip
"""What Pillow raises of files that are not what they say."""

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")


class ImageFolder:
    """A folder's images played as one recording, in the natural order of their names (2 before 10).

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
        self._files = sorted(image_files(path), key=natural_order) if files is None else list(files)
        self._broken: dict[int, BrokenFrameError] = {}
        sizes: dict[Path, tuple[int, int]] = {}
        for index, file in enumerate(self._files):
            try:
                sizes[file] = _size(file)
            except BrokenFrameError as error:
                if len(self._broken) == len(self._files) - 1:
                    raise
                self._break(index, error)
        first, (self.width, self.height) = next(iter(sizes.items()))
        for file, (width, height) in sizes.items():
            if (width, height) != (self.width, self.height):
                raise InputError(
                    f"{file.name} is {width} x {height} pixels and {first.name} "
                    f"{self.width} x {self.height}; keep one size in the folder, or analyse it as stills."
                )

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, index: int) -> Frame:
        if not 0 <= index < len(self):
            raise IndexError(index)
        if index in self._broken:
            raise self._broken[index]
        try:
            frame = read_image(self._files[index])
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
        named = ", ".join(self._files[each].name for each in sorted(self._broken)[:_NAMED_FILES])
        more = f" and {count - _NAMED_FILES} more" if count > _NAMED_FILES else ""
        if len(self._files) > 1:
            self.notice = f"{broken_text(count, len(self._files))}: {named}{more}."


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


def read_image(path: Path) -> Frame:
    """One image as a frame with index 0 and no time: grey stays grey, all else is RGB.

    16-bit values are scaled linearly to 8 bits (65535 becomes 255); palettes are resolved; transparency is ignored,
    for what lies under it is picture all the same. Raises ``InputError`` where the file cannot be decoded.
    """
    check_readable(path)
    content = np.fromfile(path, dtype=np.uint8)
    if _is_cut_off(content.tobytes()):
        raise _damaged(path)
    try:
        decoded = cv2.imdecode(content, cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise _damaged(path) from error
    if decoded is None:
        raise _damaged(path)
    return Frame(0, None, _eight_bit(decoded, path), printable(path.name))


def _eight_bit(decoded: NDArray[np.generic], path: Path) -> NDArray[np.uint8]:
    if decoded.dtype == np.uint16:
        decoded = ((decoded.astype(np.uint32) + 128) // 257).astype(np.uint8)
    elif decoded.dtype != np.uint8:
        raise InputError(f"{path.name} holds {decoded.dtype} values; save it with 8 or 16 bits.")
    channels = 1 if decoded.ndim == 2 else decoded.shape[2]
    if channels == 4:
        decoded = cv2.cvtColor(decoded, cv2.COLOR_BGRA2RGB)
    elif channels == 3:
        decoded = cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB)
    elif channels <= 2:
        decoded = decoded if decoded.ndim == 2 else decoded[..., 0]
    pixels: NDArray[np.uint8] = np.ascontiguousarray(decoded, dtype=np.uint8)
    pixels.setflags(write=False)
    return pixels


def _is_cut_off(content: bytes) -> bool:
    """Whether a JPEG or PNG lacks its end mark: decoders fill the missing part with grey and say nothing."""
    if content.startswith(b"\xff\xd8"):
        return content.rfind(b"\xff\xd9") < content.rfind(b"\xff\xda")
    if content.startswith(b"\x89PNG"):
        return b"IEND" not in content[-4096:]
    return False


def _size(path: Path) -> tuple[int, int]:
    """Width and height from the file's header alone."""
    check_readable(path)
    try:
        with Image.open(path) as image:
            return image.size
    except _PIL_ERRORS as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> BrokenFrameError:
    return BrokenFrameError(f"{path.name} is damaged or no image; save it again as PNG, or leave it out.")


def natural_order(path: Path) -> list[tuple[int, str]]:
    """By the name, with numbers by their value (2 before 10)."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", path.name.lower())]
