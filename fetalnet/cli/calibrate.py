"""``fetalnet calibrate``: what weights need to run in 8-bit integers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fetalnet.cli.data_option import DataOption
from fetalnet.cli.progress import progress
from fetalnet.cli.train import require_extra


def calibrate(
    weights: Annotated[Path | None, typer.Argument(help="Weights to calibrate; the shipped ones when absent.")] = None,
    data: DataOption = None,
) -> None:
    """Measure on training data what --device openvino:int8 needs, and write it into the weights' model card."""
    require_extra()
    from fetalnet.network.weights import DEFAULT_WEIGHTS
    from fetalnet.research.datasets.catalogue import data_folder
    from fetalnet.research.datasets.readers.hc18 import head_stills
    from fetalnet.research.training.calibrate import calibrate as run

    heads = [still for still in head_stills(data_folder() / "hc18") if not still.kept_back]
    with progress("Calibrating") as on_progress:
        run(weights or DEFAULT_WEIGHTS, heads, on_progress)
