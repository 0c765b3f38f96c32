"""Real frames that show none of our planes (FETAL_PLANES_DB, Burgos-Artizzu et al. 2020, CC BY 4.0)."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fetalnet.datasets.split import in_validation
from fetalnet.datasets.still import read_grey
from fetalnet.errors import InputError
from fetalnet.training.example import Example, on_base_grid


@dataclass(frozen=True, slots=True)
class OtherStill:
    """One still and the patient it comes from."""

    path: Path
    patient: str

    @property
    def kept_back(self) -> bool:
        return in_validation(self.patient)

    def pixels(self) -> NDArray[np.uint8]:
        return read_grey(self.path)


def other_stills(folder: Path) -> list[OtherStill]:
    """All stills in the order of ``labels.csv``. Raises ``InputError`` where the data set is not there."""
    labels = folder / "labels.csv"
    if not labels.is_file():
        raise InputError(
            f"There are no other planes in {folder.name} (labels.csv is missing); set FETALNET_DATA to the data folder."
        )
    with labels.open(newline="", encoding="utf-8") as file:
        return [OtherStill(folder / "images" / row["filename"], row["patient"]) for row in csv.DictReader(file)]


def examples(stills: list[OtherStill]) -> Iterator[Example]:
    """The stills on the base grid."""
    for still in stills:
        yield Example(on_base_grid(still.pixels())[0])
