"""What the pictures of a folder are: frames of one recording, or stills that have nothing to do with each other.

Scanners number stills too, and all of one size. Frames of a recording also follow each other: each looks like the one
before. Where that is in doubt they are stills: two women in one exam, or one scale for both, is the worse mistake.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fetalnet.core.errors import InputError
from fetalnet.sources.listed_file import ListedFile
from fetalnet.sources.pictures.file import PictureHead, head_in
from fetalnet.sources.pictures.images import natural_order

_MIN_FRAMES = 3
_PAIRS = 24
"""Neighbours that are compared, spread over the folder."""
_MAX_UNLIKE = 0.1
"""Part of them that may differ: recordings have cuts."""
_MAX_DIFFERENCE = 0.25
"""Of two neighbours, as a part of their brightness. Frames of the demo half a second apart differ by 0.19 in the
middle of all, different stills of one scanner by 0.31 and more.
"""
_SMALL = (64, 48)
_MAX_PIXELS = 50_000_000
"""No frame of a recording is larger; such a picture is not decoded only to be compared."""


class TakenFor(StrEnum):
    """Whether a folder of pictures is one recording or stills."""

    RECORDING = "one recording"
    STILLS = "stills"


Judge = Callable[[Path, Sequence[ListedFile]], TakenFor]
"""Says what a folder's pictures are."""


def always_recording(folder: Path, files: Sequence[ListedFile]) -> TakenFor:
    """What the command line takes a folder for, but with ``--stills``."""
    return TakenFor.RECORDING


def looks_like(files: Sequence[ListedFile]) -> TakenFor:
    """What pictures are by their names, sizes and looks."""
    files = sorted(files, key=lambda file: natural_order(file.path))
    if len(files) < _MIN_FRAMES or not _are_numbered([file.path.name.lower() for file in files]):
        return TakenFor.STILLS
    heads = [head for file in files if (head := _head(file)) is not None]
    sizes = {(head.shape.width, head.shape.height) for head in heads}
    if len(sizes) != 1 or max(width * height for width, height in sizes) > _MAX_PIXELS:
        return TakenFor.STILLS
    if any(len(head.pages) > 1 for head in heads):
        return TakenFor.STILLS  # each is a recording of its own
    return TakenFor.RECORDING if _follow_each_other(files) else TakenFor.STILLS


def _are_numbered(names: Sequence[str]) -> bool:
    """Whether the names differ in one number alone."""
    parts = [re.split(r"(\d+)", name) for name in names]
    if len({len(each) for each in parts}) != 1:
        return False
    differing = [at for at, texts in enumerate(zip(*parts, strict=True)) if len(set(texts)) > 1]
    return len(differing) == 1 and differing[0] % 2 == 1


def _head(file: ListedFile) -> PictureHead | None:
    """What a file's head says; None for what is damaged: it would be a broken frame among others."""
    try:
        with file.open() as opened:
            return head_in(opened, file.path)
    except (InputError, OSError):
        return None


def _follow_each_other(files: Sequence[ListedFile]) -> bool:
    firsts = np.unique(np.linspace(0, len(files) - 2, min(len(files) - 1, _PAIRS)).round().astype(int))
    pairs = [(_small(files[at]), _small(files[at + 1])) for at in firsts.tolist()]
    differences = [_difference(one, other) for one, other in pairs if one is not None and other is not None]
    unlike = sum(each > _MAX_DIFFERENCE for each in differences)
    return bool(differences) and unlike <= _MAX_UNLIKE * len(differences)


def _small(file: ListedFile) -> NDArray[np.float32] | None:
    try:
        with file.open() as opened:
            content = np.frombuffer(opened.read(), np.uint8)
        picture = cv2.imdecode(content, cv2.IMREAD_REDUCED_GRAYSCALE_2) if len(content) else None
    except (InputError, OSError, cv2.error):
        return None
    if picture is None:
        return None
    return np.asarray(cv2.resize(picture, _SMALL, interpolation=cv2.INTER_AREA), np.float32)


def _difference(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float(np.abs(one - other).sum() / max(float((one + other).sum()), 1.0))
