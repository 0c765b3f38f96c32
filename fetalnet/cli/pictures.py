"""Frames with what was found drawn in: the overlay video and the pictures of the command line's report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fetalnet.export.overlay import OverlayWriter, draw_overlay
from fetalnet.export.pdf_report import ReportPicture
from fetalnet.export.wording import TEXT_KEPT, TEXT_NOT_FOUND, length_text, time_text
from fetalnet.screen.burned_in import ALL, FanOnly
from fetalnet.sources import Frame, Source, open_source

if TYPE_CHECKING:
    from fetalnet.analysis.batch import OnFrame
    from fetalnet.analysis.result import Analysis, FrameResult
    from fetalnet.cli.devices import Devices
    from fetalnet.core.planes import Kind

MAX_STILLS = 40
"""Pictures in a report of stills: beyond, the file grows past what one opens or prints."""


@contextmanager
def overlay_video(path: Path | None, source: Source, fan: FanOnly) -> Iterator[OnFrame]:
    """What to call with each frame so that the video at ``path`` shows its fan; nothing happens without a path."""
    if path is None:
        yield lambda frame, prediction, scale: None
        return
    with OverlayWriter(path, (source.width, source.height), source.frame_rate_hz) as writer:
        yield lambda frame, prediction, scale: writer.write(draw_overlay(fan.shown(frame.pixels), prediction, scale))


def best_pictures(source: Source, analysis: Analysis, fan: FanOnly) -> list[ReportPicture]:
    """One picture for each best frame, with the values measured in it."""
    kinds_at: dict[int, list[Kind]] = {}
    for kind, best in analysis.best.items():
        kinds_at.setdefault(best.index, []).append(kind)
    results = {result.index: result for result in analysis.frames if result.index in kinds_at}
    pictures = []
    for index, kinds in kinds_at.items():
        values = ", ".join(f"{kind} {length_text(analysis.best[kind].value)}" for kind in kinds)
        time_s = results[index].time_s
        where = f"frame {index}" if time_s is None else f"frame {index} at {time_text(time_s)}"
        pictures.append(_picture(source[index], fan, results[index], f"{values} ({where}, proposed)"))
    return pictures


def still_pictures(
    files: Sequence[Path], analysis: Analysis, devices: Devices, *, keep_text: bool
) -> tuple[list[ReportPicture], str | None]:
    """One picture for each measured image, the first ``MAX_STILLS``; and a sentence where text is not hidden."""
    measured = [result for result in analysis.frames if result.measurements]
    pictures, fans = [], []
    for result in measured[:MAX_STILLS]:
        values = ", ".join(f"{kind} {length_text(length)}" for kind, length in result.measurements.items())
        with closing(open_source(files[result.index])) as source:
            frame = source[0]
            fans.append(ALL if keep_text else devices.fan_only(source))
        pictures.append(_picture(frame, fans[-1], result, f"{values} ({result.file}, proposed)"))
    return pictures, about_text(fans, keep_text=keep_text)


def about_text(fans: Sequence[FanOnly], *, keep_text: bool) -> str | None:
    """What a report must say about text in its pictures, where not all of it is hidden."""
    if keep_text:
        return TEXT_KEPT
    return None if all(fan.hides for fan in fans) else TEXT_NOT_FOUND


def _picture(frame: Frame, fan: FanOnly, result: FrameResult, caption: str) -> ReportPicture:
    assert result.prediction is not None
    return ReportPicture(draw_overlay(fan.shown(frame.pixels), result.prediction, result.scale), caption)
