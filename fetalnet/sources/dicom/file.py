"""Ultrasound DICOM files as a source: stills, cines and videos in every transfer syntax that scanners write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import uid

from fetalnet.core.errors import InputError
from fetalnet.core.frame import BrokenFrameError, Frame, broken_text, frames_from
from fetalnet.sources.checks import check_readable
from fetalnet.sources.dicom.codecs import COMPRESSED
from fetalnet.sources.dicom.frames import (
    MAX_FRAMES,
    EncapsulatedFrames,
    FragmentStream,
    Frames,
    NativeFrames,
    not_as_said,
)
from fetalnet.sources.dicom.header import Header, number, read_header, word
from fetalnet.sources.dicom.pixels import PixelForm
from fetalnet.sources.dicom.regions import calibration_of, pixel_aspect_of
from fetalnet.sources.dicom.timing import NOMINAL_RATE_HZ, timing_of
from fetalnet.sources.pictures.shape import PictureShape, shape_remark
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
            if (told := frame_count_text(header, self._length, self.name)) is not None:
                self._say(told)
            self._timing = timing_of(header.dataset, self._length, own_rate_hz)
            if self._timing.nominal and self._length > 1:
                self._remark(
                    f"{self.name} does not say how fast it was recorded: it plays at a nominal {NOMINAL_RATE_HZ:g} "
                    "frames a second, and its times are nominal too."
                )
            self.frame_rate_hz = self._timing.frame_rate_hz
            self.is_lossy = header.syntax in _LOSSY or word(header.dataset, "LossyImageCompression") == "01"
            first = self._first_readable()
            stated = pixel_aspect_of(header.dataset) or self._frames.pixel_aspect
            self._shape = PictureShape.of(int(first.shape[1]), int(first.shape[0]), stated)
            self.width, self.height = self._shape.width, self._shape.height
            self.calibration = calibration_of(header.dataset, self._shape)
            for sentence in (shape_remark(self._shape, stated), self._frames.remark):
                if sentence is not None:
                    self._remark(f"{self.name}: {sentence}.")
            self._open_files = stack.pop_all()

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> Frame:
        if not 0 <= index < len(self._frames):
            raise IndexError(index)
        if index >= self._length:
            raise InputError(self.notice or f"{self.name} ends before this frame; go back to an earlier one.")
        try:
            return Frame(index, self.time_s(index), self._shape.shown(self._frames[index]))
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
        if header.syntax in _VIDEO:
            video = _Video(self.path, header)
            stack.callback(video.close)
            return video, video.frame_rate_hz
        return _Pictures(header, promised_frames(header), self.name), None

    def _first_readable(self) -> NDArray[np.uint8]:
        """The first picture; a recording may begin with damage. Raises ``InputError`` where no frame can be read."""
        try:
            return self._frames[0]
        except InputError:
            behind = self._readable_behind(0)
            if behind is None:
                raise
            return self._frames[behind]

    def _remark(self, sentence: str) -> None:
        self.remark = sentence if self.remark is None else f"{self.remark} {sentence}"

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

    pixel_aspect: float | None = None

    def __init__(self, header: Header, promised: int | None, name: str) -> None:
        self._form = PixelForm(header, name, promised)
        self.remark = self._form.remark
        self._stored: Frames
        if header.syntax in COMPRESSED:
            self._stored = EncapsulatedFrames(header, promised, name)
        else:
            self._stored = NativeFrames(header, promised, self._form.frame_bytes, name)

    def __len__(self) -> int:
        return len(self._stored)

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        return self._form.pixels(self._stored[index], index)


class _Video:
    """Frames of a video stream."""

    remark: str | None = None

    def __init__(self, path: Path, header: Header) -> None:
        self._video = VideoFile(path, stream=FragmentStream(header, path.name))
        self.pixel_aspect = float(self._video.pixel_aspect or 1.0)
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
    is_ultrasound = modality == "US" and not kind
    # Some scanners and archives call the modality another or none; the class of the object says more.
    is_ultrasound |= kind in _ULTRASOUND and modality in {"US", "IVUS", *_CAPTURE_MODALITIES}
    if not is_ultrasound and not (kind in _CAPTURES and modality in _CAPTURE_MODALITIES):
        if header.pixels is None:
            raise InputError(f"{name} is a DICOM file without pictures; choose one with ultrasound pictures.")
        raise InputError(f"{name} is a DICOM file, but not of ultrasound; choose an ultrasound recording.")
    if header.pixels is None:
        raise InputError(f"{name} is a DICOM file without pictures; choose one with ultrasound pictures.")
    if header.syntax not in SYNTAXES or header.pixels.keyword != "PixelData":
        raise InputError(f"{name} is compressed in a way that is not supported; export it without compression.")
    if header.pixels.length is None and header.syntax in _NATIVE:
        raise not_as_said(name)
    if header.pixels.length is not None and header.syntax not in _NATIVE:
        raise InputError(f"{name} does not hold its pictures in the way it says; export it again.")


def promised_frames(header: Header) -> int | None:
    """NumberOfFrames of the header; None where it is absent or impossible."""
    count = number(header.dataset, "NumberOfFrames")
    return int(count) if count is not None and count.is_integer() and 1 <= count <= MAX_FRAMES else None


def frame_count_text(header: Header, held: int, name: str) -> str | None:
    """A sentence where a file does not hold as many frames as it says."""
    promised = word(header.dataset, "NumberOfFrames")
    if promised == str(held) or (not promised and held == 1):
        return None
    says = f"says it has {_frames_text(promised)} but" if promised_frames(header) else "does not say how many frames it"
    return f"{name} {says} holds {held}; {'it is' if held == 1 else 'these are'} used."


def _frames_text(count: str) -> str:
    return "1 frame" if count == "1" else f"{count} frames"
