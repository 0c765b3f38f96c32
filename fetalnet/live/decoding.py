"""Packets to pictures without delay, and how a stream says that its picture changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import av
import numpy as np
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from fetalnet.live.links.base import Arrival, VideoForm
from fetalnet.sources.pictures.shape import video_shape

_HEAD_BYTES = 4096
"""The headers of a key frame lie in its first bytes."""


class LiveDecoder:
    """Decodes the packets of one form as they come."""

    def __init__(self, form: VideoForm) -> None:
        context = av.CodecContext.create(form.codec, "r")
        assert isinstance(context, VideoCodecContext)
        extradata = form.extradata
        if extradata is None and form.stream is not None:
            extradata = form.stream.codec_context.extradata
        if extradata:
            context.extradata = extradata
        # Several threads would hold back as many frames.
        context.thread_count = 1
        context.flags |= Flags.low_delay.value
        self._context = context
        self._stream = form.stream

    def shown(self, frame: VideoFrame) -> NDArray[np.uint8]:
        """A decoded picture as a recording's source shows it: upright and with square pixels."""
        aspect = self._context.sample_aspect_ratio
        if not aspect and self._stream is not None:
            aspect = self._stream.sample_aspect_ratio
        return video_shape(frame, aspect).shown(pixels_of(frame))

    def decode(self, packet: av.Packet[VideoStream]) -> Iterable[VideoFrame]:
        """What the packet shows; nothing where it is damaged."""
        try:
            return self.tried(packet)
        except av.FFmpegError:
            return ()

    def tried(self, packet: av.Packet[VideoStream]) -> list[VideoFrame]:
        """The same; raises ``av.FFmpegError`` where it is damaged."""
        return self._context.decode(packet)

    def skip(self) -> None:
        """Forget the frames before: the next packet is a key frame that does not follow."""
        self._context.flush_buffers()


def headers(packet: av.Packet[VideoStream], codec: str) -> bytes:
    """The headers in a key frame that say how large the picture is; empty where there are none that are known."""
    if not packet.is_keyframe:
        return b""
    wanted = _HEADERS.get(codec)
    if wanted is None:
        return b""
    found = [unit for unit in _units(bytes(packet)[:_HEAD_BYTES]) if wanted(unit[0])]
    # Encoder and sender may each put them in, the sender at its own pace: twice the same is no other picture.
    return b"".join(b"\0\0\0\1" + unit for unit in dict.fromkeys(found))


def reformed(form: VideoForm, arrival: Arrival, head: bytes) -> VideoForm | None:
    """The form of a picture, or of the key frame with these headers, that is no longer as before.

    None where the key frame cannot be decoded by its own headers: they are damaged.
    """
    if arrival.picture is not None:
        height, width = arrival.picture.shape[:2]
        return replace(form, width=width, height=height)
    assert arrival.packet is not None
    changed = replace(form, extradata=head)
    try:
        frames = LiveDecoder(changed).tried(arrival.packet)
    except av.FFmpegError:
        return None
    for frame in frames:
        changed = replace(changed, width=frame.width, height=frame.height, pixel_format=frame.format.name)
    return changed


def pixels_of(frame: VideoFrame) -> NDArray[np.uint8]:
    """``(height, width)`` grey or ``(height, width, 3)`` RGB, read-only."""
    grey = frame.format.name.startswith(("gray", "mono"))
    pixels: NDArray[np.uint8] = np.ascontiguousarray(frame.to_ndarray(format="gray" if grey else "rgb24"))
    pixels.setflags(write=False)
    return pixels


def _units(data: bytes) -> Iterator[bytes]:
    """What lies between the start codes."""
    for part in data.split(b"\0\0\1")[1:]:
        unit = part.rstrip(b"\0")
        if unit:
            yield unit


_HEADERS: dict[str, Callable[[int], bool]] = {
    "h264": lambda first: first & 0x1F in (7, 8),
    "hevc": lambda first: first >> 1 & 0x3F in (32, 33, 34),
    "mpeg2video": lambda first: first == 0xB3,
    "mpeg4": lambda first: first <= 0x2F,
}
"""By the first byte behind a start code: parameter sets, or the sequence header."""
