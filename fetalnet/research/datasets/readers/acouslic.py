"""ACOUSLIC-AI: blind sweeps with abdomens outlined where they can be measured (challenge of 2024, Zenodo 12697994).

Layout read in donglihe-hub/FetalCLIP-IQA and naamiinepal/acouslic-ai-repo, labels and scores in the organisers' own
evaluation (DIAGNijmegen/ACOUSLIC-AI-evaluation-method): ``images/stacked_fetal_ultrasound/<uuid>.mha`` and
``masks/stacked_fetal_abdomen/<uuid>.mha``, six sweeps of 140 frames one behind the other, mask values 1 (optimal) and 2
(suboptimal); ``circumferences/fetal_abdominal_circumferences_per_sweep.csv`` with ``uuid``, ``subject_id`` and
``sweep_1_ac_mm`` to ``sweep_6_ac_mm``, empty where nothing was outlined. Frames without an abdomen may show anything.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fetalnet.core.errors import InputError
from fetalnet.core.geometry import MmPerPixel
from fetalnet.core.planes import Kind, Plane
from fetalnet.research.datasets.metaimage import MetaImage
from fetalnet.research.datasets.outline import fitted_ellipse, labelled_lengths, mask_contour
from fetalnet.research.datasets.still import Dataset, RecordedFrame, Still, Truth, existing
from fetalnet.research.datasets.table import Row, read_table

PARTS = 6
FOLDER = "acouslic-ai-train-set"
_COLUMNS = tuple(f"sweep_{number}_ac_mm" for number in range(1, PARTS + 1))
_OPTIMAL, _SUBOPTIMAL = 1, 2
_LONGEST_AC_MM = 400.0
"""No fetus is wider; the set's first release gave every circumference twice."""


@dataclass(frozen=True, slots=True, eq=False)
class BlindSweeps:
    """Six sweeps over one woman; ``lengths_mm`` holds the reference AC of each sweep that shows an abdomen."""

    image: MetaImage
    mask: MetaImage
    group: str
    lengths_mm: tuple[dict[Kind, float], ...]
    published_test: bool | None = None

    @property
    def name(self) -> str:
        return self.image.path.stem

    def __len__(self) -> int:
        return self.image.count

    def frames(self) -> Iterator[RecordedFrame]:
        for index, (pixels, mask) in enumerate(zip(self.image.frames(), self.mask.frames(), strict=True)):
            part = index * PARTS // len(self)
            drawn = mask > 0
            marked = bool(drawn.any())
            if marked and mask.max() > _SUBOPTIMAL:
                raise InputError(
                    f"{self.mask.path.name} holds the value {mask.max()} in frame {index}; fetch it again."
                )
            where = f"Frame {index} of {self.mask.path.name}"
            truth = partial(_truth, drawn, self.image.mm_per_pixel, where) if marked else Truth
            still = Still(
                self.image.path, self.group, Plane.ABDOMEN if marked else Plane.OTHER, self.image.mm_per_pixel,
                truth=truth, read=partial(_same, pixels),
            )  # fmt: skip
            optimal = bool((mask == _OPTIMAL).any()) if marked else None
            yield RecordedFrame(index, part, still, drawn if marked else None, optimal)

    def pictures(self, every: int) -> list[NDArray[np.uint8]]:
        return [pixels for index, pixels in enumerate(self.image.frames()) if index % every == 0]


def read_acouslic(folder: Path) -> Dataset:
    """The sweeps in the order of the table; groups are women. Raises ``InputError``."""
    if (folder / FOLDER).is_dir():
        folder = folder / FOLDER
    table = folder / "circumferences" / "fetal_abdominal_circumferences_per_sweep.csv"
    rows = read_table(table, ("uuid", "subject_id", *_COLUMNS), key="uuid")
    recordings = tuple(_recording(row, folder) for row in rows)
    lengths = [length for recording in recordings for part in recording.lengths_mm for length in part.values()]
    if lengths and statistics.median(lengths) > _LONGEST_AC_MM:
        raise InputError(
            f"{table.name} gives circumferences no fetus has, as the first release did; fetch release 1.1 of the set."
        )
    return Dataset(
        "ACOUSLIC-AI",
        "ACOUSLIC-AI challenge of 2024, Zenodo 12697994",
        "CC BY-NC-SA",
        recordings=recordings,
        told=frozenset({Plane.ABDOMEN}),
    )


def _recording(row: Row, folder: Path) -> BlindSweeps:
    file = f"{row.text('uuid')}.mha"
    image = MetaImage.open(existing(folder / "images" / "stacked_fetal_ultrasound" / file, row.where))
    mask = MetaImage.open(existing(folder / "masks" / "stacked_fetal_abdomen" / file, row.where))
    if (image.width, image.height, image.count) != (mask.width, mask.height, mask.count):
        raise InputError(f"The mask of {file} has another size than its pictures; fetch both again.")
    if image.count % PARTS:
        raise InputError(f"{file} has {image.count} frames, which are not {PARTS} sweeps; fetch it again.")
    values = [row.number(column) for column in _COLUMNS]
    return BlindSweeps(
        image, mask, row.text("subject_id"), tuple({} if value is None else {Kind.AC: value} for value in values)
    )


def _truth(mask: NDArray[np.bool_], mm_per_pixel: MmPerPixel, where: str) -> Truth:
    """The fan's rim cuts some masks: their ellipse is not traced all around, so overlap is scored on the masks."""
    ellipse = fitted_ellipse(mask_contour(mask, where), mask.shape, where)
    return Truth(ellipse, False, labelled_lengths(ellipse, Plane.ABDOMEN, mm_per_pixel, {}))


def _same(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return pixels
