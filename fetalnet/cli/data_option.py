"""The option ``--data``: where the real pictures are that this project trains on and is scored on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer


def _set_variable(folder: Path | None) -> Path | None:
    """The variable rather than an argument: the processes that a command starts read it too."""
    if folder is not None:
        from fetalnet.research.datasets.catalogue import DATA_VARIABLE

        os.environ[DATA_VARIABLE] = str(folder.absolute())
    return folder


DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        callback=_set_variable,
        help="Folder of the real pictures (docs/data.md); the one that FETALNET_DATA names when absent.",
    ),
]
