"""``fetalnet phantom``: simulated recordings with their truth."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from fetalnet.cli.progress import progress
from fetalnet.core.errors import InputError
from fetalnet.core.planes import STANDARD_PLANES, Plane
from fetalnet.core.system.files import cannot_write


def phantom(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for the recordings and their truth.")],
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first recording; each further one adds 1.")] = 0,
    count: Annotated[int, typer.Option(min=1, help="How many recordings.")] = 1,
    planes: Annotated[
        str | None, typer.Option(help="Planes to be found, such as head,femur; none for no plane; drawn when absent.")
    ] = None,
    duration_s: Annotated[float, typer.Option(help="Length of each recording in seconds.")] = 20.0,
    frame_rate_hz: Annotated[float, typer.Option(help="Frames a second.")] = 25.0,
    size: Annotated[
        str | None, typer.Option(metavar="WxH", help="Size in pixels, such as 1280x720; drawn when absent.")
    ] = None,
) -> None:
    """Simulate fetal ultrasound recordings; beside each lies its truth, frame by frame."""
    from fetalnet.research.phantom import PhantomRecording, write_recording

    wanted = _planes(planes)
    width_height = _size(size)
    for number in range(seed, seed + count):
        recording = PhantomRecording(
            number, planes=wanted, duration_s=duration_s, frame_rate_hz=frame_rate_hz, size=width_height
        )
        try:
            with progress(recording.name) as on_progress:
                path = write_recording(recording, out, on_progress)
        except OSError as error:
            raise cannot_write(out, error) from error
        typer.echo(path)


def _planes(text: str | None) -> tuple[Plane, ...] | None:
    if text is None:
        return None
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    if names == ["none"]:
        return ()
    known = {plane.value: plane for plane in STANDARD_PLANES}
    if not names or not set(names) <= set(known):
        raise InputError(f"There are no planes {text!r}; choose from {', '.join(known)}, joined by commas, or none.")
    return tuple(known[name] for name in names)


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text.strip().lower())
    if match is None:
        raise InputError(f"There is no size {text!r}; give width and height in pixels, such as 1280x720.")
    return int(match[1]), int(match[2])
