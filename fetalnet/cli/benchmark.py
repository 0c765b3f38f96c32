"""``fetalnet benchmark``: how long each step takes on this computer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from fetalnet.atomic_file import check_writable, write_file
from fetalnet.cli.progress import notice
from fetalnet.errors import InputError


def benchmark(
    video: Annotated[Path | None, typer.Argument(help="A video; a simulated 1920x1080 recording when absent.")] = None,
    weights: Annotated[Path | None, typer.Option(help="Weights of the network, instead of the ones shipped.")] = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="How much of the recording is timed.")] = 6.0,
    networks: Annotated[
        bool, typer.Option("--networks", help="Also time FetalNet as published and its peers.")
    ] = False,
    plot: Annotated[Path | None, typer.Option(metavar="OUT.svg", help="Plot of --networks.")] = None,
    json_out: Annotated[Path | None, typer.Option("--json", metavar="OUT", help="Also write the figures.")] = None,
) -> None:
    """Time decoding, preparation, network, fitting and drawing on one and two threads."""
    if plot is not None and not networks:
        raise InputError("--plot shows the networks; add --networks.")
    for out in (json_out, plot):
        if out is not None:
            check_writable(out)
    from rich.console import Console

    from fetalnet.benchmark import run_benchmark
    from fetalnet.network.weights import DEFAULT_WEIGHTS, load_weights

    loaded = load_weights(weights or DEFAULT_WEIGHTS)
    report = run_benchmark(loaded, video, seconds, on_progress=notice)
    console = Console()
    console.print(report.table())
    figures = report.to_json()
    if networks:
        from fetalnet.benchmark_networks import compare_networks, networks_json, networks_plot, networks_table

        notice("networks in turn")
        timings = compare_networks(loaded)
        console.print(networks_table(timings))
        figures["networks"] = networks_json(timings)
        if plot is not None:
            write_file(plot, networks_plot(timings))
    if json_out is not None:
        write_file(json_out, (json.dumps(figures, indent=1) + "\n").encode("utf-8"))
