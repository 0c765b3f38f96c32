"""The command line. Heavy modules are imported inside the commands, so that ``fetalnet --help`` is quick."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from fetalnet import __version__
from fetalnet.cli.analyze import analyze
from fetalnet.cli.benchmark import benchmark
from fetalnet.cli.calibrate import calibrate
from fetalnet.cli.compare import compare
from fetalnet.cli.deidentify import deidentify
from fetalnet.cli.evaluate import evaluate
from fetalnet.cli.phantom import phantom
from fetalnet.cli.receive import receive
from fetalnet.cli.train import train
from fetalnet.core.errors import InputError
from fetalnet.core.printable import printable
from fetalnet.core.system.leftovers import remove_leftovers

NOTHING_DONE = 2
"""Exit status: nothing could be done, or bad usage."""

app = typer.Typer(
    name="fetalnet",
    help="Measures fetal ultrasound recordings. Research and education software, not a medical device.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (analyze, phantom, train, calibrate, evaluate, compare, benchmark, deidentify, receive):
    app.command()(command)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"fetalnet {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    remove_leftovers()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; leaves through ``SystemExit`` with the exit status."""
    try:
        app(args=arguments, prog_name="fetalnet")
    except InputError as error:
        typer.echo(f"fetalnet: {printable(str(error))}", err=True)
        sys.exit(NOTHING_DONE)
