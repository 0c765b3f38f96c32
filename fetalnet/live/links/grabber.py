"""Frame grabbers and cameras through OpenCV, known by name and place, never by a number that changes."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from cv2_enumerate_cameras import enumerate_cameras
from cv2_enumerate_cameras.camera_info import CameraInfo

from fetalnet.live.links.base import Arrival, LinkError, VideoForm

_BACKENDS = {"linux": cv2.CAP_V4L2, "win32": cv2.CAP_MSMF, "darwin": cv2.CAP_AVFOUNDATION}
WANTED_SIZE, WANTED_RATE_HZ = (1920, 1080), 60.0
"""What is asked of the driver; it grants the nearest that it has."""
_FAILED_READS = 30


@dataclass(frozen=True, slots=True)
class Grabber:
    """A device as the system names it. ``place`` stays the same when it is plugged in again at the same port."""

    name: str
    place: str
    usb_mbit_s: float | None = None

    def open(self) -> GrabberLink:
        device = next((each for each in _devices() if _place(each.path) == self.place), None)
        if device is None:
            raise LinkError(f"{self.name} is not plugged in; plug it into the same place again.")
        capture = cv2.VideoCapture(device.index, device.backend)
        if not capture.isOpened():
            raise LinkError(f"{self.name} cannot be opened; close the program that uses it.")
        return GrabberLink(capture, self.name)


class GrabberLink:
    """An open device."""

    def __init__(self, capture: cv2.VideoCapture, name: str) -> None:
        self._capture, self._name = capture, name
        # Uncompressed pictures of this size do not fit through USB 2.
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, WANTED_SIZE[0])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, WANTED_SIZE[1])
        capture.set(cv2.CAP_PROP_FPS, WANTED_RATE_HZ)
        fourcc = int(capture.get(cv2.CAP_PROP_FOURCC))
        self.form = VideoForm(
            width=int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            height=int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
            frame_rate_hz=capture.get(cv2.CAP_PROP_FPS) or None,
            pixel_format=fourcc.to_bytes(4, "little").decode("ascii", "replace").strip("\0")
            if fourcc > 0
            else "unknown",
            codec="pictures",
        )

    def read(self) -> Arrival | None:
        for _ in range(_FAILED_READS):
            good, picture = self._capture.read()
            if good and picture is not None:
                arrived_s = time.monotonic()
                pixels = np.ascontiguousarray(picture if picture.ndim == 2 else picture[..., ::-1])
                pixels.setflags(write=False)
                return Arrival(arrived_s, picture=pixels)
        raise LinkError(f"{self._name} sends no picture; look at its cable to the scanner and its plug.")

    def close(self) -> None:
        self._capture.release()


def grabbers() -> tuple[Grabber, ...]:
    """The devices plugged in now, by name; asking may take a second."""
    return tuple(Grabber(each.name, _place(each.path), _usb_speed(each.path)) for each in _devices())


def _devices() -> list[CameraInfo]:
    return sorted(enumerate_cameras(_BACKENDS.get(sys.platform, cv2.CAP_ANY)), key=lambda each: each.index)


def _place(path: str | None) -> str:
    """Where a device is plugged in: on Linux its port, elsewhere the path that the system gives."""
    if path and path.startswith("/dev/"):
        node = Path("/sys/class/video4linux") / Path(path).name
        function = (node / "index").read_text().strip() if (node / "index").exists() else "0"
        return f"{(node / 'device').resolve()}#{function}"
    return path or ""


def _usb_speed(path: str | None) -> float | None:
    """Megabits a second of its USB port, where Linux tells."""
    if not path or not path.startswith("/dev/"):
        return None
    speed = (Path("/sys/class/video4linux") / Path(path).name / "device").resolve().parent / "speed"
    try:
        return float(speed.read_text())
    except (OSError, ValueError):
        return None
