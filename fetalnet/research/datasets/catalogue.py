"""The data sets by the names that the command line gives them."""

from __future__ import annotations

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


def read_dataset(name: str, folder: Path) -> Dataset:
    """The data set in a folder. Raises ``InputError`` with a sentence for a person where something is missing."""
    if name not in READERS:
        raise InputError(f"There is no data set {name!r}; choose from {', '.join(READERS)}.")
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder.name or folder}; choose the folder of the data set.")
    return READERS[name](folder)
