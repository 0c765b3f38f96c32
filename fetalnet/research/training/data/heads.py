"""Real heads: the HC18 stills (van den Heuvel et al. 2018, CC BY 4.0), from a folder laid out as its README says."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fetalnet.core.errors import InputError
from fetalnet.core.geometry import Ellipse, MmPerPixel
from fetalnet.core.planes import Plane
from fetalnet.research.datasets.outline import fitted_ellipse, scaled_to
from fetalnet.research.datasets.split import in_validation
from fetalnet.research.datasets.still import read_grey
from fetalnet.research.training.data.example import Example, Outline, on_base_grid
from fetalnet.research.training.data.targets import warped
from fetalnet.screen.fan.sector import find_sector


@dataclass(frozen=True, slots=True)
class HeadStill:
    """One still and its label; lengths in mm."""

    path: Path
    mask_path: Path
    examination: str
    mm_per_pixel: float
    circumference_mm: float

    @property
    def kept_back(self) -> bool:
        return in_validation(self.examination)

    def pixels(self) -> NDArray[np.uint8]:
        """(h, w) grey uint8 in native size."""
        return read_grey(self.path)

    def truth(self) -> Ellipse:
        """The ellipse fitted to the mask, scaled about its centre to the labelled circumference; native pixels.

        The masks run to the outer edge of a drawn outline, so the fit alone is on average 0.8 mm too long.
        """
        mask = read_grey(self.mask_path)
        contours, _ = cv2.findContours((mask > 127).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        points = max(contours, key=len)[:, 0, :].astype(np.float64)
        fit = fitted_ellipse(points, mask.shape, self.mask_path.name)
        return scaled_to(fit, self.circumference_mm, MmPerPixel(self.mm_per_pixel, self.mm_per_pixel))


def head_stills(folder: Path) -> list[HeadStill]:
    """All labelled stills in the order of ``labels.csv``. Raises ``InputError`` where the data set is not there."""
    labels = folder / "labels.csv"
    if not labels.is_file():
        raise InputError(
            f"There is no HC18 data in {folder.name} (no labels.csv); set FETALNET_DATA to the data folder."
        )
    with labels.open(newline="", encoding="utf-8") as file:
        return [
            HeadStill(
                folder / "images" / row["filename"],
                folder / "masks" / row["filename"],
                row["examination"],
                float(row["pixel_size_mm"]),
                float(row["head_circumference_mm"]),
            )
            for row in csv.DictReader(file)
        ]


def native_examples(stills: list[HeadStill]) -> Iterator[Example]:
    """The stills in their own resolution, black outside the fan."""
    for still in stills:
        pixels = still.pixels()
        fan = find_sector(pixels).mask(pixels.shape)
        yield Example(pixels * fan, {Plane.HEAD: Outline(still.truth())})


def examples(stills: list[HeadStill]) -> Iterator[Example]:
    """The stills on the base grid."""
    for still in stills:
        pixels, letterbox = on_base_grid(still.pixels())
        ellipse = warped(still.truth(), letterbox.matrix)
        yield Example(pixels, {Plane.HEAD: Outline(ellipse)})
