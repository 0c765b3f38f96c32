"""A labelled still, whichever data set it comes from, and the data set as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from fetalnet.core.errors import InputError
from fetalnet.core.geometry import Geometry, Line, MmPerPixel
from fetalnet.core.measurement import Length
from fetalnet.core.planes import STANDARD_PLANES, Kind, Plane
from fetalnet.research.datasets.split import Split, select
from fetalnet.sources.pictures.file import read_image


@dataclass(frozen=True, slots=True)
class Truth:
    """What a still's label says, in its native pixels.

    ``geometry`` is an ellipse or a line; ``traced`` tells that somebody drew it, so that overlap with it means
    something: an ellipse spanned by two diameters is not traced. ``landmarks`` are the diameters by the names the set
    gives them.
    """

    geometry: Geometry | None = None
    traced: bool = False
    lengths: dict[Kind, Length] = field(default_factory=dict)
    landmarks: dict[str, Line] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Still:
    """A picture and what is known of it.

    ``group`` is the examination or patient by which splits are made. ``plane`` is None where the labels do not say
    which of our planes it is. ``source`` names the site where a set has several. ``truth`` and ``read`` touch the disk
    only when called; ``read`` gives (h, w) grey uint8.
    """

    path: Path
    group: str
    plane: Plane | None
    mm_per_pixel: MmPerPixel | None = None
    published_test: bool | None = None
    source: str = ""
    truth: Callable[[], Truth] = Truth
    read: Callable[[], NDArray[np.uint8]] | None = None

    def pixels(self) -> NDArray[np.uint8]:
        """(h, w) grey uint8 in native size. Raises ``InputError``."""
        return read_grey(self.path) if self.read is None else self.read()


@dataclass(frozen=True, slots=True, eq=False)
class RecordedFrame:
    """A frame of a recording: ``still`` with its ``mask`` (h, w) where one was drawn.

    ``optimal`` is False where the annotators found the plane only just good enough, None where they found none.
    ``part`` counts the sweeps of the recording from 0; a new part begins a new stream.
    """

    index: int
    part: int
    still: Still
    mask: NDArray[np.bool_] | None
    optimal: bool | None


class Recording(Protocol):
    """A labelled recording. ``lengths_mm`` are the reference measures of each part, empty where there is none."""

    @property
    def name(self) -> str: ...

    @property
    def group(self) -> str: ...

    @property
    def published_test(self) -> bool | None: ...

    @property
    def lengths_mm(self) -> tuple[dict[Kind, float], ...]: ...

    def __len__(self) -> int: ...

    def frames(self) -> Iterator[RecordedFrame]:
        """All frames in order, read one by one and never held. Raises ``InputError``."""
        ...

    def pictures(self, every: int) -> list[NDArray[np.uint8]]:
        """Every so many-th frame alone, to find the fan by."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """A data set as read, or one split of it.

    ``told`` holds the planes that the labels tell from all else: frames of a set of abdomens may show a head and be
    called other. ``split`` is what it holds, or, for the whole set, what it is usually evaluated on. ``trained_on``
    says that this project's weights may have seen what is not in the validation split.
    """

    name: str
    reference: str
    licence: str
    stills: tuple[Still, ...] = ()
    recordings: tuple[Recording, ...] = ()
    told: frozenset[Plane] = frozenset(STANDARD_PLANES)
    split: Split = Split.ALL
    trained_on: bool = False

    def part(self, split: Split) -> Dataset:
        """One split. Raises ``InputError`` where nothing is in it."""
        chosen = replace(
            self, stills=select(self.stills, split), recordings=select(self.recordings, split), split=split
        )
        if not chosen.stills and not chosen.recordings:
            raise InputError(f"The {split} split of {self.name} is empty; choose another split, such as all.")
        return chosen

    @property
    def groups(self) -> frozenset[str]:
        return frozenset(still.group for still in self.stills) | {recording.group for recording in self.recordings}


def read_grey(path: Path) -> NDArray[np.uint8]:
    """(h, w) grey uint8 of a picture; colours are mixed to luma. Raises ``InputError``."""
    pixels = read_image(path).pixels
    return pixels if pixels.ndim == 2 else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)


def existing(path: Path, owner: str) -> Path:
    """The path, where there is such a file. Raises ``InputError`` naming the table that asks for it."""
    if not path.is_file():
        raise InputError(f"{owner} names {path.name}, which is not in {path.parent.name}; unpack the data set again.")
    return path
