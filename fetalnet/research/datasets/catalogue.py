"""The data sets by the names that the command line gives them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from fetalnet.core.errors import InputError
from fetalnet.research.datasets.readers.acouslic import read_acouslic
from fetalnet.research.datasets.readers.fetal_planes import read_fetal_planes
from fetalnet.research.datasets.readers.folder import read_folder
from fetalnet.research.datasets.readers.fpus23 import read_fpus23
from fetalnet.research.datasets.readers.hc18 import read_hc18
from fetalnet.research.datasets.readers.multicentre import read_multicentre
from fetalnet.research.datasets.still import Dataset

READERS: dict[str, Callable[[Path], Dataset]] = {
    "hc18": read_hc18,
    "fetal-planes": read_fetal_planes,
    "multicentre": read_multicentre,
    "acouslic": read_acouslic,
    "fpus23": read_fpus23,
    "folder": read_folder,
}


DATA_VARIABLE = "FETALNET_DATA"
"""Environment variable with the folder of the real pictures that this project trains and is scored on; a command's
``--data`` sets it for that command."""


def data_folder() -> Path:
    """The folder that ``FETALNET_DATA`` names. Raises ``InputError`` where it names none, or one that is not there."""
    named = os.environ.get(DATA_VARIABLE)
    if not named:
        raise InputError(
            f"Where are the real pictures? Set {DATA_VARIABLE} to their folder, or name it with --data (docs/data.md)."
        )
    folder = Path(named)
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder.name}; set {DATA_VARIABLE} or --data to the data folder.")
    return folder


def read_dataset(name: str, folder: Path) -> Dataset:
    """The data set in a folder. Raises ``InputError`` with a sentence for a person where something is missing."""
    if name not in READERS:
        raise InputError(f"There is no data set {name!r}; choose from {', '.join(READERS)}.")
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder.name or folder}; choose the folder of the data set.")
    return READERS[name](folder)
