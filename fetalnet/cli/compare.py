"""``fetalnet compare``: every network trained and scored alike, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fetalnet.cli.data_option import DataOption
from fetalnet.cli.train import require_extra
from fetalnet.core.errors import InputError
from fetalnet.core.system.files import cannot_write, check_writable


def compare(
    out: Annotated[Path, typer.Option(help="Folder for what is trained, the tables and the plots.")],
    configs: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[CONFIG ...]",
            help="TOML files, or names of those that come along; when absent, what two CPU cores can train.",
        ),
    ] = None,
    presentations: Annotated[
        int | None,
        typer.Option(min=1, help="How many pictures each is shown; as many as the first when absent."),
    ] = None,
    recordings: Annotated[
        int, typer.Option(min=1, max=20, help="On how many phantom recordings they are scored.")
    ] = 20,
    cache: Annotated[
        Path | None, typer.Option(help="Folder that keeps the rendered phantom pictures; in OUT when absent.")
    ] = None,
    transfer: Annotated[
        bool,
        typer.Option("--transfer", help="Instead: train one network on the phantom alone, score it on real heads."),
    ] = False,
    write_results: Annotated[
        bool, typer.Option("--write-results", help="Also replace this comparison's section of docs/comparison.md.")
    ] = False,
    data: DataOption = None,
) -> None:
    """Train networks from random weights on the same data, as long, and print how they do as Markdown.

    What OUT holds already is taken from there, so that a comparison that was broken off goes on.
    """
    require_extra()
    from fetalnet.research.comparison import run as comparing
    from fetalnet.research.comparison.report import around_section
    from fetalnet.research.training.configs import load_config

    settings = [load_config(path) for path in configs or map(Path, ["transfer"] if transfer else comparing.SYSTEMS)]
    if transfer and len(settings) > 1:
        raise InputError("A transfer is of one network; name one configuration.")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(out, error) from error
    check_writable(out / "comparison.md")
    if write_results:
        around_section(comparing.COMPARISON_PAGE, "transfer" if transfer else "comparison")
        check_writable(comparing.COMPARISON_PAGE)
    folder = cache or out / "cache"
    if transfer:
        report = comparing.transfer(settings[0], out, folder, presentations)
    else:
        report = comparing.compare(settings, out, folder, presentations, recordings)
    if write_results:
        report.write_into(comparing.COMPARISON_PAGE)
    typer.echo(report.text(), nl=False)
