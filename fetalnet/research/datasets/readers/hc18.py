"""HC18: heads with a drawn ellipse and a labelled circumference (van den Heuvel et al. 2018, Zenodo 1327317).

Layout read in public programs that load it (junqiangchen/HC18-Automated-measurement-of-fetal-head-circumference,
Jonas1312/ChallengeHC18) and in a download script that checks the record's files and CSV header:
``training_set_pixel_size_and_HC.csv`` (``filename``, ``pixel size(mm)``, ``head circumference (mm)``) beside
``training_set/`` with ``010_HC.png`` and ``010_HC_Annotation.png``, a thin ellipse on black. Further pictures of one
examination are ``010_2HC.png``. The test set has no labels.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import numpy as np

from fetalnet.core.errors import InputError
from fetalnet.core.geometry import MmPerPixel
from fetalnet.core.planes import Kind, Plane
from fetalnet.research.datasets.outline import fitted_ellipse, labelled_lengths, read_mask, scaled_to
from fetalnet.research.datasets.split import Split
from fetalnet.research.datasets.still import Dataset, Still, Truth, existing, read_grey
from fetalnet.research.datasets.table import Row, read_table

TABLE = "training_set_pixel_size_and_HC.csv"
PICTURES = "training_set"
_NAME, _PIXEL, _HC = "filename", "pixel size(mm)", "head circumference (mm)"


def read_hc18(folder: Path) -> Dataset:
    """The training set in the order of its table; groups are examinations. Raises ``InputError``."""
    rows = read_table(folder / TABLE, (_NAME, _PIXEL, _HC), key=_NAME)
    pictures = folder / PICTURES
    if not pictures.is_dir():
        raise InputError(f"There is no folder {PICTURES} beside {TABLE}; unpack {PICTURES}.zip there.")
    return Dataset(
        "HC18",
        "van den Heuvel et al. 2018, doi 10.1371/journal.pone.0200412, Zenodo 1327317",
        "CC BY 4.0",
        tuple(_still(row, pictures) for row in rows),
        split=Split.VALIDATION,
        trained_on=True,
    )


def examination(filename: str) -> str:
    """The number that pictures of one examination share: ``010_2HC.png`` is of examination 010."""
    match = re.fullmatch(r"(\d+)_\d*HC\.png", filename)
    if match is None:
        raise InputError(f"{filename} is no name of an HC18 picture, such as 010_2HC.png; restore its name.")
    return match[1]


def _still(row: Row, pictures: Path) -> Still:
    path = existing(pictures / row.text(_NAME), row.where)
    annotation = existing(path.with_name(f"{path.stem}_Annotation.png"), row.where)
    size, circumference_mm = (row.number(column) for column in (_PIXEL, _HC))
    if size is None or circumference_mm is None:
        raise InputError(f"{row.where} lacks the pixel size or the circumference; fetch {TABLE} again.")
    mm_per_pixel = MmPerPixel(size, size)
    truth = partial(_truth, path, annotation, mm_per_pixel, circumference_mm)
    return Still(path, examination(path.name), Plane.HEAD, mm_per_pixel, truth=truth)


def _truth(path: Path, annotation: Path, mm_per_pixel: MmPerPixel, circumference_mm: float) -> Truth:
    drawn = read_mask(annotation, read_grey(path).shape, path.name)
    y, x = np.nonzero(drawn)
    ellipse = fitted_ellipse(np.stack([x, y], axis=1).astype(np.float64), drawn.shape, annotation.name)
    ellipse = scaled_to(ellipse, circumference_mm, mm_per_pixel)
    return Truth(ellipse, True, labelled_lengths(ellipse, Plane.HEAD, mm_per_pixel, {Kind.HC: circumference_mm}))
