"""Video files through PyAV: frame ``i`` is the ``i``-th frame shown, however it is reached."""

from __future__ import annotations

import bisect
import io
from collections import deque
from collections.abc import Iterator
from enum import Enum, auto
from itertools import chain
from pathlib import Path

import av
import numpy as np
from av.video.frame import PictureType, VideoFrame
from numpy.typing import NDArray

from fetalnet.core.errors import InputError
from fetalnet.core.frame import BrokenFrameError, Frame, broken_text, frames_from
from fetalnet.core.scale.calibration import NO_CALIBRATION
from fetalnet.sources.checks import check_readable
from fetalnet.sources.pictures.shape import PictureShape, shape_remark, video_shape
from fetalnet.sources.timestamps import Timestamps, read_timestamps
from fetalnet.sources.video_container import open_container, videos_of

_KEPT_FRAMES = 4
"""Decoded frames kept, so that stepping back does not decode from the key frame again (about 12 MB at 1080p)."""

_KEPT_WITHOUT_SEEKING = 32
"""The same where the file gives no times to seek by: then it is decoded again from its beginning."""


class _Stop(Enum):
    """Why decoding stopped before the wanted frame."""

    NO_KEY_PICTURE = auto()
    DAMAGE = auto()
    END = auto()


class VideoFile:
    """A video file. Its timestamps are indexed once, without decoding; frames are decoded one by one.

    Where the file is damaged, the frames from the damage to the next key frame are broken: what is decoded there leans
    on what is lost. A file without times or key frames ends at the damage. ``notice`` holds a sentence about it.
    Raises ``InputError`` where no frame can be shown, or one after the end is asked for.
    """

    def __init__(self, path: Path, threads: int = 2, stream: io.RawIOBase | None = None) -> None:
        """``stream`` is the video where it is only a part of the file at ``path``; it is the caller's to close."""
        self.path = path
        self.name = path.name
        self.calibration = NO_CALIBRATION
        self.notice: str | None = None
        self.remark: str | None = None
        self._timestamps: Timestamps | None = None
        self._length: int | None = None
        self._recent: deque[tuple[int, VideoFrame]] = deque(maxlen=_KEPT_FRAMES)
        self._decoded: Iterator[VideoFrame] = iter(())
        self._position = 0
        self._first_index = 0
        self._doubtful = False
        self._broken: dict[int, int] = {}
        """Stretches that cannot be decoded: where each begins, and the first frame behind it."""
        self._resized: set[int] = set()
        """Frames that have another size than the first: what is measured in them has another scale."""
        self._cut_notice: str | None = None

        check_readable(path)
        self._threads, self._part = threads, stream
        self._container, self._stream = open_container(path, threads, stream)
        try:
            first = self._first_frame()
        except BaseException:
            self._container.close()
            raise
        self._stored_size = first.width, first.height
        self.pixel_aspect = self._stream.sample_aspect_ratio
        # What is a part of another file is shown as that file says.
        self._shape = (
            video_shape(first, self.pixel_aspect) if stream is None else PictureShape(first.width, first.height)
        )
        self.width, self.height = self._shape.width, self._shape.height
        self.remark = self._remark(first)
        rate = self._stream.average_rate or self._stream.guessed_rate
        self.frame_rate_hz = float(rate) if rate else 25.0

    def __len__(self) -> int:
        if self._length is None:
            self._length = self._index().count
        return self._length

    def __getitem__(self, index: int) -> Frame:
        if index < 0 or (index > 0 and index >= self._index().count):
            raise IndexError(index)
        if self._length is not None and index >= self._length:
            raise InputError(self.notice or f"{self.name} ends before this frame; go back to an earlier one.")
        if self._is_broken(index):
            raise self._broken_error(index)
        frame = next((frame for kept, frame in self._recent if kept == index), None) or self._decode(index)
        return Frame(index, 0.0 if index == 0 else self.time_s(index), self._shape.shown(_pixels(frame)))

    def __iter__(self) -> Iterator[Frame]:
        self._index()
        # Who reads a recording through does not step back, and frames at 1080p weigh 3 MB each.
        self._recent = deque(self._recent, maxlen=1)
        return frames_from(self)

    def time_s(self, index: int) -> float:
        timestamps = self._index()
        if timestamps.pts is None or self._stream.time_base is None:
            return index / self.frame_rate_hz
        return float((timestamps.pts[index] - timestamps.pts[0]) * self._stream.time_base)

    def close(self) -> None:
        self._recent.clear()
        self._decoded = iter(())
        self._container.close()

    def _first_frame(self) -> VideoFrame:
        self._seek(None)
        frame = next(self._decoded, None)
        if frame is None:
            raise InputError(f"No picture of {self.name} can be decoded; export it again, as MP4 if you can choose.")
        if not (frame.is_corrupt or self._doubtful):
            self._position = 1
        elif self._index().pts is not None:
            return frame  # another one: the recording begins with damage
        self._recent.append((0, frame))
        return frame

    def _index(self) -> Timestamps:
        if self._timestamps is None:
            self._reopen()
            self._timestamps = read_timestamps(self._container, self._stream)
            self._position = self._timestamps.count + 1  # demuxing moved the file on: the next frame needs a seek
            if self._timestamps.pts is None:
                self._recent = deque(self._recent, maxlen=_KEPT_WITHOUT_SEEKING)
            if self._timestamps.cut_off:
                count = self._timestamps.count
                self._cut_notice = f"{self.name} is cut off; the {count} frames before the cut are used."
                self._tell()
        return self._timestamps

    def _decode(self, index: int) -> VideoFrame:
        """Decode on to frame ``index``, from where the decoder stands or from the key frame before it."""
        start = self._start_of(index)
        if not start <= self._position <= index:
            self._seek(index)
        reached = self._decode_on(index)
        if reached is _Stop.NO_KEY_PICTURE:
            # Some key frames only begin to repair the picture: then all before them is needed.
            self._seek(None)
            reached = self._decode_on(index)
        if isinstance(reached, VideoFrame):
            return reached
        if self._is_broken(index):
            raise self._broken_error(index)
        raise self._end_at(self._position)

    def _decode_on(self, index: int) -> VideoFrame | _Stop:
        """Decode to frame ``index``, or to what comes before it; ``_position`` is the frame expected next."""
        timestamps = self._index()
        held = self._recent[-1][1] if self._recent and self._recent[-1][0] == self._position - 1 else None
        while (frame := next(self._decoded, None)) is not None:
            reached = self._index_of(frame, timestamps)
            if reached < self._position:
                continue  # before the key frame we go on from, and decoded without its references
            lost = reached > self._position and self._doubtful
            partial = frame.pict_type in (PictureType.P, PictureType.B)
            if self._position == self._first_index > 0 and partial and not lost:
                return _Stop.NO_KEY_PICTURE
            if (frame.width, frame.height) != self._stored_size and not (lost or frame.is_corrupt):
                self._resized.add(reached)
                self._position, held = reached + 1, None
                self._tell()
                if self._is_broken(index):
                    return _Stop.DAMAGE
                continue
            if lost or frame.is_corrupt:
                if not self._break():
                    return _Stop.END
                # It may be the key frame behind the damage: look at it again.
                self._decoded = chain((frame,), self._decoded)
                if self._is_broken(index):
                    return _Stop.DAMAGE
                held = None
                continue
            if reached in self._broken.values():
                self._doubtful = False
            self._position = reached + 1
            self._recent.append((reached, frame))
            if reached > index:  # a packet that shows nothing: the picture before it stays on screen
                return held or frame
            if reached == index:
                return frame
            held = frame
        return _Stop.NO_KEY_PICTURE if self._position == self._first_index > 0 else _Stop.END

    def _break(self) -> bool:
        """Break the frames from ``_position`` to the next key frame; False where nobody knows where that is."""
        timestamps = self._index()
        if timestamps.pts is None:
            return False
        first = self._position
        key = bisect.bisect_right(timestamps.keys, timestamps.pts[first])
        last = key == len(timestamps.keys)
        self._position = timestamps.count if last else bisect.bisect_left(timestamps.pts, timestamps.keys[key])
        self._broken[first] = self._position
        # Should that key frame not come either, it is lost too.
        self._doubtful = True
        self._tell()
        return True

    def _is_broken(self, index: int) -> bool:
        return index in self._resized or any(first <= index < stop for first, stop in self._broken.items())

    def _broken_error(self, index: int) -> BrokenFrameError:
        what = "has another size than the first" if index in self._resized else "is damaged"
        return BrokenFrameError(f"Frame {index} of {self.name} {what}; go to another one.")

    def _tell(self) -> None:
        broken = sum(stop - first for first, stop in self._broken.items())
        damage = f"{self.name}: {broken_text(broken, len(self))}." if broken else None
        width, height = self._stored_size
        resized = (
            f"{self.name}: {len(self._resized)} of {len(self)} frames have another size than the first "
            f"({width} x {height}) and are left out; cut the recording there to see them."
        )
        told = (self._cut_notice, damage, resized if self._resized else None)
        self.notice = " ".join(each for each in told if each) or None

    def _remark(self, first: VideoFrame) -> str | None:
        """What to know of a video that is whole."""
        told = [
            shape_remark(self._shape, self.pixel_aspect) if self._part is None else None,
            f"it holds {len(videos)} videos, and the one of {first.width} x {first.height} pixels is shown"
            if len(videos := videos_of(self._container)) > 1
            else None,
            "it is interlaced: where something moves, edges look like combs; measure where the picture stands still"
            if first.interlaced_frame
            else None,
        ]
        return " ".join(f"{self.name}: {each}." for each in told if each) or None

    def _index_of(self, frame: VideoFrame, timestamps: Timestamps) -> int:
        if timestamps.pts is None or frame.pts is None:
            return self._position
        return bisect.bisect_left(timestamps.pts, frame.pts)

    def _start_of(self, index: int) -> int:
        """The first frame shown from the last key frame that is shown no later than ``index``."""
        timestamps = self._index()
        if timestamps.pts is None:
            return 0
        key = timestamps.keys[max(0, bisect.bisect_right(timestamps.keys, timestamps.pts[index]) - 1)]
        return bisect.bisect_left(timestamps.pts, key)

    def _seek(self, index: int | None) -> None:
        """Place the decoder at the key frame before ``index``, or at the beginning."""
        self._recent.clear()
        self._doubtful = False
        self._position = self._first_index = 0
        timestamps = self._timestamps
        if index is not None and timestamps is not None and timestamps.pts is not None:
            wanted = timestamps.pts[index]
            for key in reversed(timestamps.keys[: bisect.bisect_right(timestamps.keys, wanted)]):
                # A container may search by decoding time and land behind the frame: then one key frame earlier.
                self._container.seek(key, stream=self._stream)
                packets = self._container.demux(self._stream)
                packet = next((packet for packet in packets if packet.is_keyframe and packet.pts is not None), None)
                if packet is not None and packet.pts is not None and packet.pts <= wanted:
                    self._container.seek(key, stream=self._stream)
                    self._position = self._first_index = bisect.bisect_left(timestamps.pts, packet.pts)
                    self._decoded = self._frames()
                    return
        if timestamps is not None:
            self._reopen()
        self._decoded = self._frames()

    def _reopen(self) -> None:
        """Back to the first packet: not every container can be searched for it."""
        if not self.path.exists():
            raise self._moved()
        self._decoded = iter(())
        self._container.close()
        self._container, self._stream = open_container(self.path, self._threads, self._part)

    def _frames(self) -> Iterator[VideoFrame]:
        # Where there are joints there are no times to seek by, and decoding begins at the first packet.
        joints = self._timestamps.joints if self._timestamps is not None else frozenset()
        try:
            for number, packet in enumerate(self._container.demux(self._stream)):
                if packet.is_corrupt and number not in joints:
                    self._doubtful = True
                    continue
                try:
                    yield from packet.decode()
                except av.error.InvalidDataError:
                    self._doubtful = True
        except av.FFmpegError:
            self._doubtful = True
        yield from self._rest()

    def _rest(self) -> Iterator[VideoFrame]:
        """What the decoder still holds after the last packet."""
        try:
            yield from self._stream.codec_context.decode(None)
        except av.FFmpegError:  # already drained
            return

    def _moved(self) -> InputError:
        return InputError(f"{self.name} was moved or removed while it was played; put it back and open it again.")

    def _end_at(self, index: int) -> InputError:
        """End the source before frame ``index`` and say so."""
        if not self.path.exists():
            return self._moved()
        self._length = index
        if self._cut_notice is None and index < self._index().count:
            self._cut_notice = (
                f"{self.name} is damaged; the {index} frames before the damage are used."
                if self._doubtful
                else f"{self.name} announces {self._index().count} frames and shows {index}; these are used."
            )
            self._tell()
        return InputError(self.notice or f"{self.name} ends before this frame; go back to an earlier one.")


def _pixels(frame: VideoFrame) -> NDArray[np.uint8]:
    grey = frame.format.name.startswith(("gray", "mono"))
    pixels: NDArray[np.uint8] = np.ascontiguousarray(frame.to_ndarray(format="gray" if grey else "rgb24"))
    pixels.setflags(write=False)
    return pixels
