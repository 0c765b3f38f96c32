"""``fetalnet train``, which needs the ``train`` extra."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from fetalnet.cli.data_option import DataOption
from fetalnet.core.errors import InputError
from fetalnet.core.system.files import cannot_write, check_writable


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
    begin_with: Annotated[
        Path | None,
        typer.Option("--begin-with", metavar="WEIGHTS", help="Weights to train further, instead of random ones."),
    ] = None,
    stills: Annotated[
        Path | None,
        typer.Option(
            "--stills", metavar="WEIGHTS", help="Weights whose network is put in beside, to look at pictures alone."
        ),
    ] = None,
    data: DataOption = None,
) -> None:
    """Train a network on real pictures and on the phantom."""
    require_extra()
    from fetalnet.network.weights import load_weights
    from fetalnet.research.training.configs import load_config
    from fetalnet.research.training.run import train as run

    settings = load_config(config)
    start = None if begin_with is None else load_weights(begin_with, settings.network.architecture)
    of_stills = None if stills is None else load_weights(stills, settings.network.architecture)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(out, error) from error
    check_writable(out / settings.name)
    typer.echo(run(settings, out, cache or out / "cache", resume, start, of_stills))


def require_extra() -> None:
    """Raise ``InputError`` where the packages of the ``train`` extra are not there."""
    if find_spec("lightning") is None:
        raise InputError(
            "Training needs further packages; install them with pip install 'fetalnet-sonographer[train]'."
        )
