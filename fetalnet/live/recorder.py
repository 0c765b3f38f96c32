"""Everything that arrives, as Matroska on disk: packets as they came, pictures without loss."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import OutputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from fetalnet.live.links.base import Arrival, VideoForm

log = logging.getLogger(__name__)

MILLISECONDS = Fraction(1, 1000)
CLUSTER_MS = 400
"""A cluster goes to disk when it ends: no more than this is lost when the program is killed."""

CLOCK_JUMP_MS = 2000
"""A sender's clock that is so far from ours was set anew."""

SPLIT_BYTES = 1 << 30
LOW_BYTES, LEAST_BYTES = 4 << 30, 1 << 30
"""Free space from which a person is told, and where recording stops: the system and the exams need the rest."""
_LOOK_S = 1.0
_UNWRITABLE = 8
"""Whole pictures in a row that begin no file: it is not damage, but a kind of stream that Matroska does not hold."""
_OF_THE_STREAM = (ValueError, av.error.PatchWelcomeError)
"""What FFmpeg answers to a packet that is not what it says (its own kinds of ValueError); all else is of the disk."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One file of the recording. ``began_s`` is the arrival of its first frame by ``time.monotonic``.

    ``part`` is the link it is of, as ``LiveFrame.segment`` counts them; ``first_index`` the number of its first frame
    in that part, which may be split into several files.
    """

    path: Path
    began_s: float
    ended_s: float
    frames: int
    part: int = 0
    first_index: int = 0


class Recorder:
    """Writes one file after another into ``folder``; a new one where the form of the picture changes or it grows large.

    ``problem`` is a sentence where nothing is recorded any more, ``warning`` one where that is near, or where something
    damaged was left out. One thread at a time writes. What is recorded shows a patient: only its owner may read it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        split_bytes: int = SPLIT_BYTES,
        free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
    ) -> None:
        self.folder = folder
        self.problem: str | None = None
        self._low: str | None = None
        self._damage: str | None = None
        self._split_bytes, self._free_bytes = split_bytes, free_bytes
        self._began = datetime.now(UTC).astimezone()
        self._form: VideoForm | None = None
        self._file: _File | None = None
        self._done: list[Segment] = []
        self._looked_s = 0.0
        self._part = -1
        self._index = 0
        self._unwritable = 0

    @property
    def warning(self) -> str | None:
        return self._low or self._damage

    @property
    def segments(self) -> tuple[Segment, ...]:
        """What is on disk, in its order; the last may still grow."""
        growing = self._file
        return (*self._done, growing.segment) if growing is not None and growing.frames else tuple(self._done)

    def begin(self, form: VideoForm) -> None:
        """What follows has this form: a new file, begun by the next key frame."""
        self._finish()
        self._form = form
        self._part += 1
        self._index = 0

    def write(self, arrival: Arrival) -> bool:
        """Put it on disk. False where it could not be: where recording has stopped, or what arrived is damaged or leans
        on what was left out.
        """
        self._look_at_disk(arrival.arrived_s)
        if self.problem is not None or self._form is None:
            return False
        key = arrival.packet is None or arrival.packet.is_keyframe
        try:
            if self._file is not None and key and self._file.bytes_written >= self._split_bytes:
                self._finish()
            if self._file is None:
                if not key:
                    return False
                self._file = _File(self._next_path(), self._form, arrival, self._part, self._index)
            self._file.write(arrival)
            self._index += 1
        except _OF_THE_STREAM:
            self.leave_out()
            self._give_up_unbegun()
            return False
        except (av.FFmpegError, OSError) as error:
            self._stop(f"The recording stopped: the disk refused ({error.strerror}). Free some space and begin again.")
            return False
        self._unwritable = 0
        return True

    def leave_out(self) -> None:
        """What arrived is damaged: the recording goes on with what comes next."""
        self._damage = "Damaged packets of the stream were left out; look at sender, cable and network."

    def _give_up_unbegun(self) -> None:
        """A file whose first packet was refused; another is begun by the next key frame."""
        if self._file is not None and self._file.frames:
            return
        self._finish()
        self._unwritable += 1
        if self._unwritable >= _UNWRITABLE:
            self._stop("Nothing is recorded: this kind of stream cannot be written; set the sender to H.264.")

    def close(self) -> None:
        """Finish the file; nothing is written from now on."""
        self._finish()
        self._form = None

    def _next_path(self) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        number = len(self._done) + 1
        while (path := self.folder / f"{self._began:%Y-%m-%d %H.%M.%S} {number}.mkv").exists():
            number += 1
        return path

    def _look_at_disk(self, now_s: float) -> None:
        if self.problem is not None or now_s - self._looked_s < _LOOK_S:
            return
        self._looked_s = now_s
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            free = self._free_bytes(self.folder)
        except OSError as error:
            self._stop(f"Nothing is recorded: the folder for recordings refuses ({error.strerror}); choose another.")
            return
        if free < LEAST_BYTES:
            self._stop(
                f"The recording stopped: only {free / 1e9:.1f} GB are free on the disk. Free some and begin again."
            )
        elif free < LOW_BYTES:
            self._low = f"Only {free / 1e9:.1f} GB are free on the disk; recording stops at {LEAST_BYTES / 1e9:.0f} GB."
        else:
            self._low = None

    def _stop(self, sentence: str) -> None:
        self.problem = sentence
        log.warning("recording stopped")
        self._finish()

    def _finish(self) -> None:
        file, self._file = self._file, None
        if file is None:
            return
        try:
            file.close()
        except (av.FFmpegError, OSError) as error:
            if file.frames:
                self.problem = self.problem or f"The end of the recording could not be written ({error.strerror})."
        if file.frames:
            self._done.append(file.segment)
        else:
            with contextlib.suppress(OSError):
                file.path.unlink()


class _File:
    """One Matroska file that grows."""

    def __init__(self, path: Path, form: VideoForm, first: Arrival, part: int, first_index: int) -> None:
        self.path, self.frames = path, 0
        self._part, self._first_index = part, first_index
        self._began_s = self._ended_s = first.arrived_s
        self._last_ms = -1
        self._own_clock_ms: int | None = None
        # FFmpeg would make a file that everybody may read.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        try:
            self._open(form, first)
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    def _open(self, form: VideoForm, first: Arrival) -> None:
        self._container: OutputContainer = av.open(
            str(self.path),
            "w",
            format="matroska",
            container_options={"cluster_time_limit": str(CLUSTER_MS), "flush_packets": "1"},
        )
        self._container.metadata["creation_time"] = datetime.now(UTC).isoformat()
        self._encodes = form.stream is None
        if form.stream is not None:
            self._stream: VideoStream = self._container.add_stream_from_template(form.stream)
            if form.extradata is not None:
                self._stream.codec_context.extradata = form.extradata
                self._stream.width, self._stream.height = form.width, form.height
        else:
            assert first.picture is not None
            self._stream = _lossless_stream(self._container, first.picture, form.frame_rate_hz)

    @property
    def segment(self) -> Segment:
        return Segment(self.path, self._began_s, self._ended_s, self.frames, self._part, self._first_index)

    @property
    def bytes_written(self) -> int:
        return self.path.stat().st_size

    def write(self, arrival: Arrival) -> None:
        now_ms = round((arrival.arrived_s - self._began_s) * 1000)
        if arrival.packet is not None:
            self._write_packet(arrival.packet, now_ms)
        elif arrival.picture is not None:
            self._last_ms = max(now_ms, self._last_ms + 1)
            self._container.mux(self._stream.encode(picture_frame(arrival.picture, self._last_ms)))
        self._ended_s = arrival.arrived_s
        self.frames += 1

    def _write_packet(self, packet: av.Packet[VideoStream], now_ms: int) -> None:
        """Without re-encoding. Times are those of arrival."""
        dts_ms = pts_ms = now_ms
        if packet.pts is not None and packet.dts is not None:
            base = packet.time_base or MILLISECONDS
            sent_ms = round(float(packet.dts * base) * 1000)
            ahead_ms = min(max(round(float((packet.pts - packet.dts) * base) * 1000), 0), CLOCK_JUMP_MS)
            if self._own_clock_ms is None and self.frames == 0 and ahead_ms:
                self._own_clock_ms = sent_ms
            if self._own_clock_ms is not None:
                # Frames sent in another order than shown come in bursts: only the sender's clock keeps them apart.
                jumped = abs(sent_ms - self._own_clock_ms - now_ms) > CLOCK_JUMP_MS
                if jumped and packet.is_keyframe:
                    self._own_clock_ms = sent_ms - max(now_ms, self._last_ms + ahead_ms)
                # Between two key frames it may be damage: one wrong time must not push all that follow.
                astray = jumped and not packet.is_keyframe
                dts_ms = self._last_ms + 1 if astray else sent_ms - self._own_clock_ms
            pts_ms = dts_ms + ahead_ms
        self._last_ms = max(dts_ms, self._last_ms + 1)
        packet.stream = self._stream
        packet.time_base = MILLISECONDS
        packet.dts, packet.pts, packet.duration = self._last_ms, max(pts_ms, self._last_ms), 0
        self._container.mux_one(packet)

    def close(self) -> None:
        try:
            if self._encodes and self.frames:
                self._container.mux(self._stream.encode(None))
        finally:
            self._container.close()


def picture_frame(picture: NDArray[np.uint8], time_ms: int) -> av.VideoFrame:
    """A picture for the encoder."""
    frame = av.VideoFrame.from_ndarray(picture, format="gray" if picture.ndim == 2 else "rgb24")
    frame.pts, frame.time_base = time_ms, MILLISECONDS
    return frame


def _lossless_stream(container: OutputContainer, picture: NDArray[np.uint8], rate_hz: float | None) -> VideoStream:
    """FFV1: without loss, and free of the licence of the better known encoders."""
    stream = container.add_stream("ffv1", rate=Fraction(rate_hz or 30.0).limit_denominator(1000))
    assert isinstance(stream, VideoStream)
    stream.height, stream.width = picture.shape[:2]
    stream.pix_fmt = "gray" if picture.ndim == 2 else "bgr0"
    stream.codec_context.time_base = MILLISECONDS
    # Every frame stands alone, so that a clip can begin anywhere.
    stream.codec_context.gop_size = 1
    stream.codec_context.thread_count = 2
    stream.codec_context.thread_type = "SLICE"
    stream.options = {"level": "3", "slices": "4", "coder": "rice", "context": "0"}
    return stream
