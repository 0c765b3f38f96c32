"""Opening a video container safely, and which of its videos is the one to look at."""

from __future__ import annotations

import io
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from fetalnet.core.errors import InputError
from fetalnet.sources.unsupported import unsupported_text

VIDEO_SUFFIXES = (
    ".mp4", ".avi", ".mkv", ".mov", ".m4v", ".webm", ".mpg", ".mpeg", ".ts", ".m2ts", ".mts", ".vob", ".wmv", ".asf",
    ".flv", ".dv", ".mxf", ".3gp", ".ogv",
)  # fmt: skip
"""What a dialog offers and a folder lists; any other file is tried as a video all the same."""

_CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,avi,matroska,webm,asf,mpeg,mpegts,ogg,gif,flv,dv,mxf"
"""Formats that hold their frames themselves; a playlist could name other files or addresses."""

_BARE_STREAMS = "mpegvideo,m4v,h264,hevc"
"""Video without a container, as DICOM files hold it."""


def open_container(path: Path, threads: int, part: io.RawIOBase | None) -> tuple[InputContainer, VideoStream]:
    """The container and the video in it that is shown. Raises ``InputError`` where there is none."""
    formats = _CONTAINERS if part is None else f"{_CONTAINERS},{_BARE_STREAMS}"
    options = {"protocol_whitelist": "file", "format_whitelist": formats}
    file = f"file:{path.absolute()}" if part is None else part
    if part is not None:
        part.seek(0)
    try:
        container = av.open(file, "r", options=options, metadata_errors="replace")
    except av.FFmpegError as error:
        raise InputError(
            unsupported_text(path)
            or f"{path.name} is not a video that can be read, or its end is missing; copy or export it again."
        ) from error
    streams = videos_of(container)
    if not streams:
        known = "a codec that is not supported" if container.streams.video else "no video"
        container.close()
        raise InputError(f"{path.name} holds {known}; export it again as MP4 (H.264) or AVI.")
    stream = streams[0]
    stream.codec_context.thread_count = threads
    stream.thread_type = "AUTO"
    return container, stream


def videos_of(container: InputContainer) -> list[VideoStream]:
    """The videos of a file, the one to look at first: what the file prefers, then the largest. No cover pictures."""
    known = [stream for stream in container.streams.video if stream.codec_context is not None]
    videos = [stream for stream in known if not stream.disposition & Disposition.attached_pic] or known
    return sorted(videos, key=lambda each: (not each.disposition & Disposition.default, -each.width * each.height))
