"""What just happened as a clip of its own, cut from the recording while it grows: the disk is the memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import av
from av.container import OutputContainer
from av.video.stream import VideoStream

from fetalnet.core.errors import InputError
from fetalnet.core.system.files import whole_file
from fetalnet.live.recorder import MILLISECONDS, Segment


def cut_clip(segments: Sequence[Segment], from_s: float, to_s: float, out: Path) -> Path:
    """Copy what arrived between two times (``time.monotonic``) to ``out``, from the key frame before, unchanged.

    Where the time lies in several files, the last of them is cut: a clip has one form. Raises ``InputError``.
    """
    within = [each for each in segments if each.began_s <= to_s and each.ended_s >= from_s]
    if not within:
        raise InputError("Nothing was recorded in that time; watch until frames arrive.")
    segment = within[-1]
    start_ms = max(round((from_s - segment.began_s) * 1000), 0)
    end_ms = round((to_s - segment.began_s) * 1000)
    try:
        with (
            whole_file(out, mode=0o600) as file,
            av.open(f"file:{segment.path.absolute()}", "r", format="matroska") as recording,
        ):
            stream = recording.streams.video[0]
            with av.open(file, "w", format="matroska") as clip:
                copy = clip.add_stream_from_template(stream)
                held: list[av.Packet[VideoStream]] = []
                offset: int | None = None
                for packet in recording.demux(stream):
                    if packet.size == 0 or packet.pts is None or packet.pts > end_ms:
                        break
                    if packet.is_keyframe and packet.pts <= start_ms:
                        held = []
                    held.append(packet)
                    if packet.pts < start_ms:
                        continue
                    for each in held:
                        offset = each.pts if offset is None else offset
                        _put(clip, copy, each, offset or 0)
                    held = []
                if offset is None:
                    raise InputError("Nothing of that time is on disk yet; try again in a second.")
    except av.FFmpegError as error:
        raise InputError(f"The clip could not be cut ({error.strerror}); open the recording itself.") from error
    return out


def _put(clip: OutputContainer, stream: VideoStream, packet: av.Packet[VideoStream], offset_ms: int) -> None:
    assert packet.pts is not None
    packet.stream = stream
    packet.time_base = MILLISECONDS
    packet.pts -= offset_ms
    packet.dts = (packet.dts if packet.dts is not None else packet.pts + offset_ms) - offset_ms
    packet.duration = 0
    clip.mux_one(packet)
