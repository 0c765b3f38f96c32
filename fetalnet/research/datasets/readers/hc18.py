"""HC18: heads with a drawn ellipse and a labelled circumference (van den Heuvel et al. 2018, Zenodo 1327317).

Two layouts are read, as of FETAL_PLANES_DB.

As published: ``training_set_pixel_size_and_HC.csv`` (``filename``, ``pixel size(mm)``, ``head circumference (mm)``)
beside ``training_set/`` with ``010_HC.png`` and ``010_HC_Annotation.png``, a thin ellipse on black. Further pictures of
one examination are ``010_2HC.png``. The test set has no labels. This was read in public programs that load it
(junqiangchen/HC18-Automated-measurement-of-fetal-head-circumference, Jonas1312/ChallengeHC18) and in a download script
that checks the record's files and CSV header.

As a selection: ``labels.csv`` (``filename``, ``examination``, ``pixel_size_mm``, ``head_circumference_mm``) beside
``images/`` and ``masks/``, where the drawn ellipse is filled.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fetalnet.core.errors import InputError
from fetalnet.core.geometry import Ellipse, MmPerPixel
from fetalnet.core.planes import Kind, Plane
from fetalnet.research.datasets.outline import fitted_ellipse, labelled_lengths, read_mask, scaled_to
from fetalnet.research.datasets.split import Split, in_validation
from fetalnet.research.datasets.still import Dataset, Still, Truth, existing, read_grey
from fetalnet.research.datasets.table import Row, read_table

TABLE, PICTURES = "training_set_pixel_size_and_HC.csv", "training_set"
SELECTION, SELECTED_PICTURES, SELECTED_MASKS = "labels.csv", "images", "masks"
_NAME, _PIXEL, _HC = "filename", "pixel size(mm)", "head circumference (mm)"
_SELECTED_COLUMNS = (_SELECTED_PIXEL, _SELECTED_HC) = "pixel_size_mm", "head_circumference_mm"


@dataclass(frozen=True, slots=True)
class HeadStill:
    """One still and its label.

    Attributes:
        path: the picture.
        annotation: the drawn ellipse, white on black, as large as the picture.
        filled: whether ``annotation`` is white inside too, or a line alone.
        examination: pictures of one examination share it; splits are made by it.
        mm_per_pixel: size of the square pixels.
        circumference_mm: labelled head circumference.

    """

    path: Path
    annotation: Path
    filled: bool
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
        """The drawn ellipse, scaled about its centre to the labelled circumference; native pixels.

        A filled ellipse runs to the outer edge of the line that was drawn: unscaled it is 0.8 mm too long on average.
        Raises ``InputError``.
        """
        drawn = read_mask(self.annotation, self.pixels().shape, self.path.name)
        points = _outer_contour(drawn) if self.filled else np.argwhere(drawn)[:, ::-1].astype(np.float64)
        ellipse = fitted_ellipse(points, drawn.shape, self.annotation.name)
        return scaled_to(ellipse, self.circumference_mm, MmPerPixel(self.mm_per_pixel, self.mm_per_pixel))


def head_stills(folder: Path) -> list[HeadStill]:
    """All labelled stills in the order of the table. Raises ``InputError``."""
    if (folder / SELECTION).is_file():
        rows = read_table(folder / SELECTION, (_NAME, "examination", *_SELECTED_COLUMNS), key=_NAME)
        return [_selected(row, folder) for row in rows]
    if not (folder / TABLE).is_file():
        raise InputError(
            f"There is no HC18 data in {folder.name} (neither {TABLE} nor {SELECTION}); name its folder, or the one "
            "that holds it with FETALNET_DATA or --data."
        )
    rows = read_table(folder / TABLE, (_NAME, _PIXEL, _HC), key=_NAME)
    pictures = folder / PICTURES
    if not pictures.is_dir():
        raise InputError(f"There is no folder {PICTURES} beside {TABLE}; unpack {PICTURES}.zip there.")
    return [_published(row, pictures) for row in rows]


def read_hc18(folder: Path) -> Dataset:
    """The labelled stills as a data set; groups are examinations. Raises ``InputError``."""
    return Dataset(
        "HC18",
        "van den Heuvel et al. 2018, doi 10.1371/journal.pone.0200412, Zenodo 1327317",
        "CC BY 4.0",
        tuple(_still(head) for head in head_stills(folder)),
        split=Split.VALIDATION,
        trained_on=True,
    )


def examination(filename: str) -> str:
    """The number that pictures of one examination share: ``010_2HC.png`` is of examination 010."""
    match = re.fullmatch(r"(\d+)_\d*HC\.png", filename)
    if match is None:
        raise InputError(f"{filename} is no name of an HC18 picture, such as 010_2HC.png; restore its name.")
    return match[1]


def _published(row: Row, pictures: Path) -> HeadStill:
    path = existing(pictures / row.text(_NAME), row.where)
    annotation = existing(path.with_name(f"{path.stem}_Annotation.png"), row.where)
    return HeadStill(path, annotation, False, examination(path.name), *_label(row, _PIXEL, _HC, TABLE))


def _selected(row: Row, folder: Path) -> HeadStill:
    path = existing(folder / SELECTED_PICTURES / row.text(_NAME), row.where)
    mask = existing(folder / SELECTED_MASKS / row.text(_NAME), row.where)
    label = _label(row, _SELECTED_PIXEL, _SELECTED_HC, SELECTION)
    return HeadStill(path, mask, True, row.text("examination"), *label)


def _label(row: Row, pixel: str, circumference: str, table: str) -> tuple[float, float]:
    size, circumference_mm = row.number(pixel), row.number(circumference)
    if size is None or circumference_mm is None:
        raise InputError(f"{row.where} lacks the pixel size or the circumference; fetch {table} again.")
    return size, circumference_mm


def _still(head: HeadStill) -> Still:
    scale = MmPerPixel(head.mm_per_pixel, head.mm_per_pixel)
    return Still(head.path, head.examination, Plane.HEAD, scale, truth=partial(_truth, head, scale))


def _truth(head: HeadStill, scale: MmPerPixel) -> Truth:
    ellipse = head.truth()
    return Truth(ellipse, True, labelled_lengths(ellipse, Plane.HEAD, scale, {Kind.HC: head.circumference_mm}))


def _outer_contour(drawn: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(n, 2) x, y of the pixels along the largest region's edge."""
    contours, _ = cv2.findContours(drawn.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    longest = max(contours, key=len, default=np.empty((0, 1, 2)))
    return np.asarray(longest[:, 0, :], np.float64)
