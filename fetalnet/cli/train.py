"""``fetalnet train`` and ``fetalnet evaluate``; both need the ``train`` extra."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from fetalnet.atomic_file import cannot_write, check_writable
from fetalnet.errors import InputError


def train(
    config: Annotated[
        Path, typer.Argument(metavar="[CONFIG]", help="A TOML file, or the name of one that comes with the program.")
    ] = Path("streaming"),
    out: Annotated[Path, typer.Option(help="Folder for weights, model card, checkpoints and log.")] = Path("runs"),
    cache: Annotated[
        Path | None, typer.Option(help="Folder that keeps the rendered phantom pictures; in OUT when absent.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume/--fresh", help="Go on from the newest checkpoint in OUT, or begin anew.")
    ] = True,
) -> None:
    """Train a network on the real pictures that FETALNET_DATA names and on the phantom."""
    _require_extra()
    from fetalnet.training.config import load_config
    from fetalnet.training.run import train as run

    settings = load_config(config)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(out, error) from error
    check_writable(out / settings.name)
    typer.echo(run(settings, out, cache or out / "cache", resume))


def evaluate(
    weights: Annotated[Path | None, typer.Argument(help="Weights to evaluate; the shipped ones when absent.")] = None,
    recordings: Annotated[int, typer.Option(min=1, help="How many phantom recordings, 20 at most.")] = 20,
) -> None:
    """Measure weights on the validation split and on phantom recordings never trained on.

    The figures are printed, and written into the weights' model card.
    """
    _require_extra()
    from fetalnet.network.weights import DEFAULT_WEIGHTS
    from fetalnet.training.report import evaluate as run

    for title, figures in run(weights or DEFAULT_WEIGHTS, recordings).items():
        typer.echo(f"## {title}\n\n{figures}\n")


def _require_extra() -> None:
    if find_spec("lightning") is None:
        raise InputError(
            "Training needs further packages; install them with pip install 'fetalnet-sonographer[train]'."
        )
