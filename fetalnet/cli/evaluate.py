"""``fetalnet evaluate``: weights on a public data set, on a clinic's own, or on what this project keeps back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fetalnet.cli.data_option import DataOption
from fetalnet.cli.progress import progress
from fetalnet.cli.train import require_extra
from fetalnet.core.errors import InputError
from fetalnet.research.datasets.split import Split


def evaluate(
    weights: Annotated[Path | None, typer.Argument(help="Weights to evaluate; the shipped ones when absent.")] = None,
    weights_option: Annotated[Path | None, typer.Option("--weights", help="The same, as an option.")] = None,
    dataset: Annotated[
        str | None,
        typer.Option(help="hc18, fetal-planes, multicentre, acouslic, fpus23, or folder for pictures of your own."),
    ] = None,
    folder: Annotated[Path | None, typer.Option(help="Where the data set was unpacked.")] = None,
    split: Annotated[
        Split | None, typer.Option(help="Which part of the data set; when absent, one that was not trained on.")
    ] = None,
    recordings: Annotated[
        int | None, typer.Option(min=1, help="How many recordings at most; of the phantom there are 20.")
    ] = None,
    device: Annotated[str, typer.Option(help="What computes: as of fetalnet analyze.")] = "auto",
    data: DataOption = None,
) -> None:
    """Measure weights on labelled data and print the figures as Markdown.

    Without --dataset: on the validation split and on phantom recordings never trained on; these figures are also
    written into the weights' model card.
    """
    if weights is not None and weights_option is not None:
        raise InputError("Weights were named twice; name them once.")
    chosen = weights or weights_option
    if dataset is None:
        if folder is not None or split is not None:
            raise InputError("A folder or a split says nothing without a data set; name it with --dataset.")
        _on_own_data(chosen, 20 if recordings is None else recordings, device)
    elif folder is None:
        raise InputError(f"Where is the data set {dataset}? Name its folder with --folder.")
    else:
        _on_dataset(chosen, dataset, folder, split, recordings, device)


def _on_own_data(weights: Path | None, recordings: int, device: str) -> None:
    require_extra()
    from fetalnet.network.weights import DEFAULT_WEIGHTS
    from fetalnet.research.training.report import evaluate as run

    for title, figures in run(weights or DEFAULT_WEIGHTS, recordings, device).items():
        typer.echo(f"## {title}\n\n{figures}\n")


def _on_dataset(
    weights: Path | None, name: str, folder: Path, split: Split | None, recordings: int | None, device: str
) -> None:
    from dataclasses import replace

    from fetalnet.inference.predictor import Predictor
    from fetalnet.network.weights import DEFAULT_WEIGHTS
    from fetalnet.research.datasets.catalogue import read_dataset
    from fetalnet.research.evaluation.run import evaluate_dataset
    from fetalnet.research.evaluation.tables import as_markdown

    whole = read_dataset(name, folder)
    part = whole.part(whole.split if split is None else split)
    if recordings is not None:
        part = replace(part, recordings=part.recordings[:recordings])
    predictor = Predictor(weights or DEFAULT_WEIGHTS, device)
    with progress("Evaluating") as on_progress:
        evaluation = evaluate_dataset(predictor, part, on_progress)
    typer.echo(as_markdown(evaluation, bool(predictor.card.get("validation_split_seen"))), nl=False)
