"""``fetalnet benchmark``: how long each step takes on this computer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from fetalnet.atomic_file import check_writable, write_file
from fetalnet.cli.progress import notice


def benchmark(
    video: Annotated[Path | None, typer.Argument(help="A video; a simulated 1920x1080 recording when absent.")] = None,
    weights: Annotated[Path | None, typer.Option(help="Weights of the network, instead of the ones shipped.")] = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="How much of the recording is timed.")] = 6.0,
    json_out: Annotated[Path | None, typer.Option("--json", metavar="OUT", help="Also write the figures.")] = None,
) -> None:
    """Time decoding, preparation, network, fitting and drawing on one and two threads."""
    if json_out is not None:
        check_writable(json_out)
    from rich.console import Console

    from fetalnet.benchmark import run_benchmark
    from fetalnet.network.weights import DEFAULT_WEIGHTS

    report = run_benchmark(weights or DEFAULT_WEIGHTS, video, seconds, on_progress=notice)
    Console().print(report.table())
    if json_out is not None:
        write_file(json_out, (json.dumps(report.to_json(), indent=1) + "\n").encode("utf-8"))
