"""When each frame of a video is shown, from its packets alone."""

from __future__ import annotations

import bisect
import contextlib
import itertools
import struct
from dataclasses import dataclass
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

_LONGEST_PAUSE_S = 0.5
"""What may lie between the last frame and the end that a file promises."""


_JOINT_PACKETS = 3
"""A parser that looks ahead notices a missing piece so many packets late or early."""


@dataclass(frozen=True, slots=True)
class Timestamps:
    """When each frame is shown, in the order shown, and where decoding can start; in the stream's time base.

    ``pts`` is None where the file does not give every frame a time of its own, or begins again in the middle as joined
    recordings do; then frames are counted.
    """

    count: int
    pts: list[int] | None
    keys: list[int]
    cut_off: bool
    joints: frozenset[int] = frozenset()
    """Packets, by their number, that only look damaged: one recording ends beside them and another begins."""


def read_timestamps(container: InputContainer, stream: VideoStream) -> Timestamps:
    """Read every packet's timestamp once, from the beginning, without decoding."""
    shown: list[int | None] = []
    keys: list[int] = []
    delays: set[int] = set()
    damaged: list[int | None] = []
    cut_off = begins_again = False
    latest: int | None = None
    joints: set[int] = set()
    try:
        for number, packet in enumerate(container.demux(stream)):
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
                # What is decoded before a key frame is shown before it, unless the clock was set back.
                if latest is not None and packet.pts <= latest:
                    begins_again, latest = True, None
                    joints.update(range(number - _JOINT_PACKETS, number + 1))
            if packet.pts is not None:
                latest = packet.pts if latest is None else max(latest, packet.pts)
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
    incomplete = len(known) < len(shown) or len(set(known)) < len(known) or not keys
    if guessed or begins_again or incomplete:
        return Timestamps(len(shown), None, [], cut_off, frozenset(joints))
    keys.sort()
    # A recording that begins between two key frames shows nothing before the first of them.
    known = known[bisect.bisect_left(known, keys[0]) :]
    return Timestamps(len(known), known, keys, cut_off)


def _promises_more(container: InputContainer, stream: VideoStream, count: int, pts: list[int]) -> bool:
    """Whether the header tells of more than could be read. Sound may last longer; an edit list of MP4 leaves out."""
    if container.format.name == "avi" and _is_whole_avi(container):
        return False  # what lacks are frames with nothing in them: the picture before them stays
    if not container.format.name.startswith("mov") and stream.frames > 0:
        return count < stream.frames - 2
    if container.duration is None or stream.time_base is None or len(container.streams) > 1 or not pts:
        return False
    # A duration counts from the first frame or from time zero: recordings may begin late.
    reached = max(pts[-1], pts[-1] - pts[0])
    longest = max((after - before for before, after in itertools.pairwise(pts)), default=0)
    pause_s = max(_LONGEST_PAUSE_S, 1.5 * float(longest * stream.time_base))
    return container.duration / av.time_base - float(reached * stream.time_base) > pause_s


def _is_whole_avi(container: InputContainer) -> bool:
    """Whether the file is as long as its parts say."""
    with contextlib.suppress(OSError), Path(container.name.removeprefix("file:")).open("rb") as file:
        length, at = file.seek(0, 2), 0
        while at + 8 <= length:
            file.seek(at)
            name, size = struct.unpack("<4sI", file.read(8))
            if name != b"RIFF":
                break
            at += 8 + size + size % 2
        return 8 < at <= length
    return False
