"""``fetalnet deidentify``: recordings without what may name the patient."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from fetalnet.cli.progress import notice, progress

SOME_FAILED = 1
"""Exit status: some files failed, the rest is done."""


def deidentify(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A DICOM file, a video, an image, or a folder of them.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Where it goes; must not be there yet.")],
    keep_pixels: Annotated[
        bool, typer.Option("--keep-pixels", help="Leave burned-in text in the pictures; look at them first.")
    ] = False,
) -> None:
    """Remove what may name the patient: attributes by DICOM PS3.15's basic profile, pixels outside the ultrasound.

    Prints what was removed as counts, never values. Files and folders get numbers for names.
    """
    from fetalnet.dicom_network.deidentification import Report, check_places, deidentify_file, deidentify_folder

    check_places(source, out)
    report = Report(keep_pixels=keep_pixels)
    if source.is_dir():
        with progress("De-identifying") as on_progress:
            deidentify_folder(source, out, report, on_progress=on_progress, say=notice)
    else:
        deidentify_file(source, out, report, say=notice)
    typer.echo(json.dumps(report.to_json(), indent=1))
    if report.left_out:
        notice(f"{report.left_out} files that hold no picture were left out.")
    notice(report.pixels_text)
    if report.failed:
        raise typer.Exit(SOME_FAILED)
