"""Ultrasound DICOM files as a source: stills, cines and videos in every transfer syntax that scanners write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import uid

from fetalnet.errors import InputError
from fetalnet.sources.dicom_codecs import COMPRESSED
from fetalnet.sources.dicom_frames import MAX_FRAMES, EncapsulatedFrames, FragmentStream, Frames, NativeFrames
from fetalnet.sources.dicom_header import Header, number, read_header, word
from fetalnet.sources.dicom_pixels import PixelForm
from fetalnet.sources.dicom_regions import calibration_of
from fetalnet.sources.dicom_timing import NOMINAL_RATE_HZ, timing_of
from fetalnet.sources.file import check_readable
from fetalnet.sources.frame import BrokenFrameError, Frame, broken_text, frames_from
from fetalnet.sources.video import VideoFile

_ULTRASOUND = {
    uid.UltrasoundImageStorage, uid.UltrasoundMultiFrameImageStorage, uid.EnhancedUSVolumeStorage,
    "1.2.840.10008.5.1.4.1.1.6", "1.2.840.10008.5.1.4.1.1.3",  # retired; files of the nineties are still about
}  # fmt: skip
_CAPTURES = {
    uid.SecondaryCaptureImageStorage, uid.MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    uid.MultiFrameGrayscaleWordSecondaryCaptureImageStorage, uid.MultiFrameTrueColorSecondaryCaptureImageStorage,
}  # fmt: skip
STORAGE_CLASSES = frozenset(_ULTRASOUND | _CAPTURES)
"""What kinds of objects hold pictures that are read here."""
_CAPTURE_MODALITIES = {"US", "OT", "SC", ""}
_NATIVE = {
    uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian, uid.ExplicitVRBigEndian, uid.DeflatedExplicitVRLittleEndian
}  # fmt: skip
_VIDEO = set(uid.MPEGTransferSyntaxes)
SYNTAXES = frozenset(_NATIVE | COMPRESSED | _VIDEO)
"""The transfer syntaxes in which they are read."""
_LOSSY = _VIDEO | {uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit}


class DicomFile:
    """An ultrasound DICOM file. Its frames are decoded one by one; opening reads the head and the first frame.

    A damaged frame is broken, and the source ends where none comes after it; ``notice`` says so. Raises ``InputError``
    for what is no ultrasound, holds no pictures or not as many as it says, or cannot be decoded.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
        self.notice: str | None = None
        self.remark: str | None = None
        self._said: str | None = None
        self._broken: set[int] = set()
        check_readable(path)
        with ExitStack() as stack:
            file = stack.enter_context(path.open("rb"))
            header = read_header(file, self.name)
            stack.callback(header.file.close)
            check_ultrasound(header, self.name)
            self._frames, own_rate_hz = self._opened(header, stack)
            self._length = len(self._frames)
            self._timing = timing_of(header.dataset, self._length, own_rate_hz)
            if self._timing.nominal and self._length > 1:
                self.remark = (
                    f"{self.name} does not say how fast it was recorded: it plays at a nominal {NOMINAL_RATE_HZ:g} "
                    "frames a second, and its times are nominal too."
                )
            self.frame_rate_hz = self._timing.frame_rate_hz
            self.calibration = calibration_of(header.dataset)
            self.is_lossy = header.syntax in _LOSSY or word(header.dataset, "LossyImageCompression") == "01"
            first = self._frames[0]
            self.height, self.width = int(first.shape[0]), int(first.shape[1])
            self._open_files = stack.pop_all()

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> Frame:
        if not 0 <= index < len(self._frames):
            raise IndexError(index)
        if index >= self._length:
            raise InputError(self.notice or f"{self.name} ends before this frame; go back to an earlier one.")
        try:
            return Frame(index, self.time_s(index), self._frames[index])
        except BrokenFrameError:
            self._tell()
            raise
        except InputError as error:
            behind = self._readable_behind(index)
            if behind is None:
                self._length = min(self._length, len(self._frames), index)
                self._say(f"{self.name} is damaged; the {index} frames before the damage are used.")
                raise
            self._broken.update(range(index, behind))
            self._tell()
            raise BrokenFrameError(str(error)) from error

    def __iter__(self) -> Iterator[Frame]:
        return frames_from(self)

    def time_s(self, index: int) -> float | None:
        """Seconds since the first frame; a single picture has no clock."""
        return self._timing.time_s(index) if len(self._frames) > 1 else None

    def close(self) -> None:
        self._open_files.close()

    def _opened(self, header: Header, stack: ExitStack) -> tuple[_Pictures | _Video, float | None]:
        count = frame_count(header, self.name)
        if header.syntax in _VIDEO:
            video = _Video(self.path, header)
            stack.callback(video.close)
            if len(video) < count:
                self._say(f"{self.name} says it has {count} frames and holds {len(video)}; these are used.")
            return video, video.frame_rate_hz
        return _Pictures(header, count, self.name), None

    def _readable_behind(self, index: int) -> int | None:
        """The next frame that can be read, where each is a picture of its own; None where there is none."""
        if isinstance(self._frames, _Video):
            return None
        for behind in range(index + 1, len(self._frames)):
            with suppress(InputError):
                _ = self._frames[behind]
                return behind
        return None

    def _say(self, sentence: str) -> None:
        self._said = sentence if self._said is None else f"{self._said} {sentence}"
        self._tell()

    def _tell(self) -> None:
        broken = f"{self.name}: {broken_text(len(self._broken), self._length)}." if self._broken else None
        video = self._frames.notice if hasattr(self, "_frames") and isinstance(self._frames, _Video) else None
        self.notice = " ".join(each for each in (self._said, video, broken) if each) or None


class _Pictures:
    """Frames that are each a picture of their own."""

    def __init__(self, header: Header, count: int, name: str) -> None:
        self._form = PixelForm(header, name)
        self._stored: Frames
        if header.syntax in COMPRESSED:
            self._stored = EncapsulatedFrames(header, count, name)
        else:
            self._stored = NativeFrames(header, count, self._form.frame_bytes, name)

    def __len__(self) -> int:
        return len(self._stored)

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        return self._form.pixels(self._stored[index], index)


class _Video:
    """Frames of a video stream."""

    def __init__(self, path: Path, header: Header) -> None:
        self._video = VideoFile(path, stream=FragmentStream(header, path.name))
        self.frame_rate_hz = self._video.frame_rate_hz
        self.close = self._video.close

    @property
    def notice(self) -> str | None:
        return self._video.notice

    def __len__(self) -> int:
        return len(self._video)

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        return self._video[index].pixels


def check_ultrasound(header: Header, name: str) -> None:
    """Raise ``InputError`` where the file is no ultrasound picture in a form that can be read."""
    kind, modality = word(header.dataset, "SOPClassUID"), word(header.dataset, "Modality").upper()
    is_ultrasound = modality == "US" and (kind in _ULTRASOUND or not kind)
    is_ultrasound |= kind in _ULTRASOUND and not modality
    if not is_ultrasound and not (kind in _CAPTURES and modality in _CAPTURE_MODALITIES):
        if header.pixels is None:
            raise InputError(f"{name} is a DICOM file without pictures; choose one with ultrasound pictures.")
        raise InputError(f"{name} is a DICOM file, but not of ultrasound; choose an ultrasound recording.")
    if header.pixels is None:
        raise InputError(f"{name} is a DICOM file without pictures; choose one with ultrasound pictures.")
    if header.syntax not in SYNTAXES or header.pixels.keyword != "PixelData":
        raise InputError(f"{name} is compressed in a way that is not supported; export it without compression.")
    if (header.pixels.length is None) == (header.syntax in _NATIVE):
        raise InputError(f"{name} does not hold its pictures in the way it says; export it again.")


def frame_count(header: Header, name: str) -> int:
    """How many frames the file says it has. Raises ``InputError`` where that is no number of frames."""
    written = word(header.dataset, "NumberOfFrames")
    count = number(header.dataset, "NumberOfFrames") if written else 1.0
    if count is None or not count.is_integer() or not 1 <= count <= MAX_FRAMES:
        raise InputError(f"{name} does not say how many frames it has; export it again.")
    return int(count)
