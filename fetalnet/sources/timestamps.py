"""When each frame of a video is shown, from its packets alone."""

from __future__ import annotations

import bisect
from dataclasses import dataclass

import av
from av.container import InputContainer
from av.video.stream import VideoStream


@dataclass(frozen=True, slots=True)
class Timestamps:
    """When each frame is shown, in the order shown, and where decoding can start; in the stream's time base.

    ``pts`` is None where the file does not give every frame a time of its own; then frames are counted.
    """

    count: int
    pts: list[int] | None
    keys: list[int]
    cut_off: bool


def read_timestamps(container: InputContainer, stream: VideoStream) -> Timestamps:
    """Read every packet's timestamp once, from the beginning, without decoding."""
    shown: list[int | None] = []
    keys: list[int] = []
    delays: set[int] = set()
    damaged: list[int | None] = []
    cut_off = False
    try:
        for packet in container.demux(stream):
            if packet.size == 0:
                continue
            if packet.is_corrupt:
                damaged.append(packet.pts)
                continue
            # What is damaged counts where something whole comes after it; at the end it is where the file was cut.
            shown.extend(damaged)
            damaged.clear()
            if packet.is_keyframe and packet.pts is not None:
                keys.append(packet.pts)
            if not packet.is_discard:
                shown.append(packet.pts)
            if packet.pts is not None and packet.dts is not None:
                delays.add(packet.pts - packet.dts)
    except av.FFmpegError:
        cut_off = True
    known = sorted(pts for pts in shown if pts is not None)
    cut_off = cut_off or bool(damaged) or _promises_more(container, stream, len(shown), known)
    # AVI stores no presentation times: with frames out of order, what stands in for them is the decoding order.
    guessed = container.format.name == "avi" and stream.codec_context.has_b_frames and len(delays) == 1
    if guessed or len(known) < len(shown) or len(set(known)) < len(known) or not keys:
        return Timestamps(len(shown), None, [], cut_off)
    keys.sort()
    # A recording that begins between two key frames shows nothing before the first of them.
    known = known[bisect.bisect_left(known, keys[0]) :]
    return Timestamps(len(known), known, keys, cut_off)


def _promises_more(container: InputContainer, stream: VideoStream, count: int, pts: list[int]) -> bool:
    """Whether the header tells of more than could be read. Sound may last longer; an edit list of MP4 leaves out."""
    if not container.format.name.startswith("mov") and stream.frames > 0:
        return count < stream.frames - 2
    if container.duration is None or stream.time_base is None or len(container.streams) > 1 or not pts:
        return False
    return container.duration / av.time_base - float((pts[-1] - pts[0]) * stream.time_base) > 0.5
