"""Pictures from an OpenIGTLink server, so that every scanner which PLUS or 3D Slicer can reach can be watched.

pyigtl knows the messages. Its client is not used: it keeps only the newest message of a device, so that pictures would
be lost before they are recorded, and it spins for ever where the peer closes. The socket is read here, by the reader's
own thread, which can be left behind.
"""

from __future__ import annotations

import math
import socket
import struct
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyigtl.messages import ImageMessage, MessageBase

from fetalnet.core.geometry import MmPerPixel
from fetalnet.core.scale.scale import PLAUSIBLE_MM_PER_PIXEL
from fetalnet.live.links.base import Arrival, LinkError, VideoForm

PORT = 18944
"""Registered for the protocol."""
QUIET_S = 6.0
"""A link without a picture for so long is made again; a capture would give its thread up a little later."""
_CONNECT_S = 5.0
_MAX_BODY_BYTES = 64 << 20
_SIDE_PX = range(16, 8193)
_VERSIONS = (1, 2, 3)
_MALFORMED = (IndexError, KeyError, NotImplementedError, OverflowError, TypeError, ValueError, struct.error)
"""What pyigtl raises for a message that is not what it says."""


class OpenIGTLink:
    """A server by its address; ``device`` is the stream of pictures wanted, empty for the first that comes."""

    def __init__(self, host: str, port: int, device: str, name: str) -> None:
        self.name = name
        self._address, self._device = (host, port), device

    def open(self) -> OpenIGTLinkLink:
        until_s = time.monotonic() + QUIET_S
        try:
            connection = socket.create_connection(self._address, _CONNECT_S)
        except ConnectionRefusedError as error:
            raise LinkError(f"Nothing listens at {self.name}; start the OpenIGTLink server, or correct it.") from error
        except TimeoutError as error:
            raise LinkError(f"{self.name} does not answer; look at address, cable and firewall.") from error
        except (OSError, UnicodeError) as error:
            raise LinkError(f"{self.name} cannot be reached; look at address and network.") from error
        try:
            return OpenIGTLinkLink(connection, self.name, self._device, until_s)
        except BaseException:
            connection.close()
            raise


class OpenIGTLinkLink:
    """An open connection. One stream of pictures is received, all other messages are passed over."""

    def __init__(self, connection: socket.socket, name: str, device: str, until_s: float) -> None:
        self._connection, self._name, self._device = connection, name, device
        self._others: set[str] = set()
        first = self._picture(until_s)
        assert first.picture is not None
        height, width = first.picture.shape[:2]
        # The first tells the form; it is read like any other after that.
        self._first: Arrival | None = first
        form = "gray" if first.picture.ndim == 2 else "rgb24"
        self.form = VideoForm(width, height, None, form, "OpenIGTLink")

    def read(self) -> Arrival | None:
        first, self._first = self._first, None
        return first or self._picture(time.monotonic() + QUIET_S)

    def close(self) -> None:
        self._connection.close()

    def _picture(self, until_s: float) -> Arrival:
        """The next picture of the stream, which must be here by then."""
        while True:
            header = self._header(until_s)
            body = self._received(header["body_size"], until_s)
            arrived_s = time.monotonic()
            kind, device = header["message_type"], header["device_name"]
            if kind != "IMAGE" or (self._device and device != self._device):
                self._others.add(kind)
                continue
            message = ImageMessage()
            try:
                message.unpack(header, body)
            except _MALFORMED as error:
                raise self._wrong("the size of its pictures does not fit what it sends") from error
            flat = self._flat(message)
            if flat is None:
                self._others.add("volumes")
                continue
            self._device = device
            picture, matrix = flat
            return Arrival(arrived_s, picture=picture, mm_per_pixel=pixel_size(matrix))

    def _header(self, until_s: float) -> dict[str, Any]:
        content = self._received(MessageBase.IGTL_HEADER_SIZE, until_s)
        try:
            header: dict[str, Any] = MessageBase.parse_header(content)
        except _MALFORMED as error:
            raise self._stranger() from error
        if header["header_version"] not in _VERSIONS:
            raise self._stranger()
        if header["body_size"] > _MAX_BODY_BYTES:
            raise self._wrong(f"a message of {header['body_size'] / 1e6:.0f} MB is none of a picture")
        return header

    def _received(self, size: int, until_s: float) -> bytearray:
        """So many bytes."""
        content = bytearray(size)
        view, got = memoryview(content), 0
        while got < size:
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                raise self._quiet()
            self._connection.settimeout(left_s)
            try:
                more = self._connection.recv_into(view[got:])
            except TimeoutError as error:
                raise self._quiet() from error
            except OSError as error:
                raise LinkError(f"The connection to {self._name} broke; look at network and cable.") from error
            if more == 0:
                raise LinkError(f"{self._name} ended the stream.")
            got += more
        return content

    def _flat(self, message: ImageMessage) -> tuple[NDArray[np.uint8], NDArray[np.float64]] | None:
        """The picture of a message, and the transform's columns along its width and height; None for a volume."""
        image, matrix = message.image, message.ijk_to_world_matrix
        # (k, j, i[, components]). Who sends rows and columns alone through pyigtl has them arrive as k and j.
        if image.shape[0] == 1:
            pixels, along = image[0], matrix[:3, [0, 1]]
        elif image.shape[2] == 1:
            pixels, along = image[:, :, 0], matrix[:3, [1, 2]]
        else:
            return None
        height, width = pixels.shape[:2]
        if width not in _SIDE_PX or height not in _SIDE_PX:
            raise self._wrong(f"pictures of {width} x {height} pixels cannot be shown")
        if pixels.dtype != np.uint8:
            raise self._wrong(f"its pictures are of the kind {pixels.dtype}; only 8 bits a component are received")
        components = 1 if pixels.ndim == 2 else pixels.shape[2]
        if components not in (1, 3, 4):
            raise self._wrong(f"its pictures have {components} components; send grey or RGB")
        flat = np.ascontiguousarray(pixels if components in (1, 3) else pixels[..., :3])
        flat.setflags(write=False)
        return flat, along

    def _quiet(self) -> LinkError:
        if not self._others:
            return LinkError(f"Nothing comes from {self._name}; start the stream there, or unfreeze the scanner.")
        others = ", ".join(sorted(each for each in self._others if each.isalnum()))
        wanted = "no picture" if not self._device else "no picture of the stream in the address"
        return LinkError(f"{self._name} sends {others}, but {wanted}; let it send the scanner's IMAGE.")

    def _wrong(self, what: str) -> LinkError:
        return LinkError(f"{self._name} sends what cannot be used: {what}. Look at the sender's settings.")

    def _stranger(self) -> LinkError:
        return LinkError(
            f"What answers at {self._name} does not speak OpenIGTLink; ask for the address of its server.",
            misaddressed=True,
        )


def pixel_size(along: NDArray[np.float64]) -> MmPerPixel | None:
    """What the transform of an IMAGE says of a pixel: each column's length is its size in mm along width and height.

    Source: OpenIGTLink specification, IMAGE, TX to SZ. ``along``: (3, 2). None where it is no such thing: a unit
    transform stands for a sender that knows none, and columns that are not upright to each other are no mere scale.
    """
    x_mm, y_mm = (float(each) for each in np.linalg.norm(along, axis=0))
    low, high = PLAUSIBLE_MM_PER_PIXEL
    if not (math.isfinite(x_mm) and math.isfinite(y_mm) and low <= x_mm <= high and low <= y_mm <= high):
        return None
    is_unit = abs(x_mm - 1.0) < 1e-6 and abs(y_mm - 1.0) < 1e-6
    is_sheared = abs(float(along[:, 0] @ along[:, 1])) > 1e-3 * x_mm * y_mm
    return None if is_unit or is_sheared else MmPerPixel(round(x_mm, 6), round(y_mm, 6))
