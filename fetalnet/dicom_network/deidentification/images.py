"""Images and videos: only their pictures are written anew, black beside the fan."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fetalnet.core.errors import InputError
from fetalnet.core.system.files import write_file
from fetalnet.dicom_network.deidentification.page import ultrasound_sector
from fetalnet.export.overlay import OverlayWriter
from fetalnet.screen.burned_in import ALL, FanOnly
from fetalnet.screen.fan.sector_search import sampled_pictures
from fetalnet.sources import BrokenFrameError, VideoFile, read_image
from fetalnet.sources.pictures.file import PIL_ERRORS, read_head

NO_FAN = (
    "{} shows neither calibrated regions nor a fan, so that nobody knows where its text is; look at its pictures, and "
    "give --keep-pixels if they name nobody."
)
_MAX_PIXELS = 256_000_000
"""Of all pages together: they are held until they are written."""
_PAGED = (".tif", ".tiff")

Picture = NDArray[np.uint8]


def page_count(path: Path) -> int:
    """Number of pages of an image file; 1 where it cannot be read."""
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path) as image:
            return int(getattr(image, "n_frames", 1))
    except PIL_ERRORS:
        return 1


def deidentify_image(source: Path, out: Path, *, keep_pixels: bool) -> None:
    """Write the one picture of ``source`` as PNG. Raises ``InputError``."""
    pixels = _fan_alone(read_image(source).pixels, source, keep_pixels)
    done, content = cv2.imencode(".png", pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    if not done:
        raise InputError(f"{source.name} cannot be stored as PNG; save it again with 8 bits.")
    write_file(out, content.tobytes())


def deidentify_pages(source: Path, out: Path, *, keep_pixels: bool) -> None:
    """Write all pages of ``source`` as TIFF, each with its own fan alone. Raises ``InputError``."""
    if source.suffix.lower() not in _PAGED:
        raise InputError(f"{source.name} holds several pictures; save them as a TIFF file, or each as PNG.")
    pages = [Image.fromarray(_fan_alone(page, source, keep_pixels)) for page in _pages(source)]
    content = io.BytesIO()
    pages[0].save(content, "TIFF", compression="tiff_lzw", save_all=True, append_images=pages[1:])
    write_file(out, content.getvalue())


def deidentify_video(source: Path, out: Path, *, keep_pixels: bool, say: Callable[[str], None]) -> None:
    """Write the pictures upright, with square pixels and at their own times: no sound, no metadata. Encoded finely.

    Raises ``InputError``; what could not be read in between is told to ``say``.
    """
    with closing(VideoFile(source)) as video:
        samples = sampled_pictures(video)
        if not samples:
            raise InputError(f"No picture of {source.name} can be decoded; export it again, as MP4 if you can choose.")
        fan = ALL if keep_pixels else _fan_of(source, *samples)
        with OverlayWriter(out, (video.width, video.height), video.frame_rate_hz, own_times=True) as writer:
            for frame in video:
                pixels = fan.shown(frame.pixels)
                rgb = cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB) if pixels.ndim == 2 else pixels
                writer.write(np.asarray(rgb, np.uint8), frame.time_s)
        if video.notice is not None:
            say(video.notice)


def _fan_alone(pixels: Picture, source: Path, keep_pixels: bool) -> Picture:
    if keep_pixels:
        return pixels
    return _fan_of(source, pixels).shown(pixels)


def _fan_of(source: Path, *pictures: Picture) -> FanOnly:
    sector = ultrasound_sector(*pictures)
    if sector is None:
        raise InputError(NO_FAN.format(source.name))
    return FanOnly.of(sector, pictures[0].shape)


def _pages(source: Path) -> list[Picture]:
    count = page_count(source)
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(source) as image:
            total = 0
            for page in range(count):
                image.seek(page)
                total += image.width * image.height
        if total > _MAX_PIXELS:
            raise InputError(f"{source.name} holds {count} pages, more than fit into the memory; split it first.")
        return [read_image(source, page).pixels for page in read_head(source).pages]
    except (BrokenFrameError, *PIL_ERRORS) as error:
        raise InputError(f"Not all pages of {source.name} can be read; save it again, or its pages as PNG.") from error
