"""``fetalnet benchmark``: how long each step takes on this computer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from fetalnet.cli.progress import notice
from fetalnet.core.errors import InputError
from fetalnet.core.system.files import cannot_write, check_writable, write_file


def benchmark(
    video: Annotated[Path | None, typer.Argument(help="A video; a simulated 1920x1080 recording when absent.")] = None,
    weights: Annotated[Path | None, typer.Option(help="Weights of the network, instead of the ones shipped.")] = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="How much of the recording is timed.")] = 6.0,
    networks: Annotated[
        bool, typer.Option("--networks", help="Also time FetalNet as published and its peers.")
    ] = False,
    scaling: Annotated[
        bool, typer.Option("--scaling", help="Also time frames of several sizes and recordings of several lengths.")
    ] = False,
    plots: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where plots of --networks and --scaling go.")
    ] = None,
    json_out: Annotated[Path | None, typer.Option("--json", metavar="OUT", help="Also write the figures.")] = None,
) -> None:
    """Time decoding, preparation, network, fitting and drawing on one and two threads."""
    if plots is not None and not (networks or scaling):
        raise InputError("--plots shows networks and scaling; add --networks or --scaling.")
    if json_out is not None:
        check_writable(json_out)
    if plots is not None:
        try:
            plots.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(plots, error) from error
        check_writable(plots / "networks.svg")
    from rich.console import Console

    from fetalnet.network.weights import DEFAULT_WEIGHTS, load_weights
    from fetalnet.research.benchmark.steps import run_benchmark

    loaded = load_weights(weights or DEFAULT_WEIGHTS)
    report = run_benchmark(loaded, video, seconds, on_progress=notice)
    console = Console()
    console.print(report.table())
    figures = report.to_json()
    drawn: dict[str, bytes] = {}
    if networks:
        from fetalnet.research.benchmark.networks import compare_networks, networks_json, networks_plot, networks_table

        notice("networks in turn")
        timings = compare_networks(loaded)
        console.print(networks_table(timings))
        figures["networks"] = networks_json(timings)
        drawn["networks.svg"] = networks_plot(timings)
    if scaling:
        from fetalnet.research.benchmark.scaling import (
            scaling_json,
            scaling_plots,
            scaling_table,
            time_lengths,
            time_sizes,
        )

        notice("frames of several sizes, recordings of several lengths")
        sizes, predictions = time_sizes(loaded, seconds)
        lengths = time_lengths(predictions)
        console.print(scaling_table(sizes, lengths))
        figures["scaling"] = scaling_json(sizes, lengths)
        drawn |= scaling_plots(sizes, lengths)
    if plots is not None:
        for name, svg in drawn.items():
            write_file(plots / name, svg)
    if json_out is not None:
        write_file(json_out, (json.dumps(figures, indent=1) + "\n").encode("utf-8"))
