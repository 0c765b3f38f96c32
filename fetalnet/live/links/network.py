"""Streams from the network through FFmpeg: RTSP, HTTP, MPEG-TS over UDP, TCP or SRT."""

from __future__ import annotations

import errno
import time
from urllib.parse import urlsplit

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from fetalnet.live.links.base import Arrival, LinkError, VideoForm

OPEN_TIMEOUT_S, READ_TIMEOUT_S = 5.0, 2.0
"""FFmpeg gives up a call after these: so long a thread can outlive a stop, unseen."""

_FORMATS = "mpegts,rtsp,rtp,sdp,mpjpeg,mjpeg,matroska,webm,mov,mp4,flv,h264,hevc,mpegvideo,m4v"
"""Formats that hold their frames themselves: a playlist could name files of this computer."""

_PROTOCOLS = "http,https,tls,tcp,udp,rtp,rtsp,srt,crypto"

_OPTIONS = {
    "format_whitelist": _FORMATS,
    "protocol_whitelist": _PROTOCOLS,
    "flags": "low_delay",
    # Until the next whole picture has told its size, which many senders repeat every two seconds; no longer than that.
    "probesize": "5000000",
    "analyzeduration": "3000000",
    # It would hold back twenty frames to make sure of their rate.
    "fpsprobesize": "2",
    "rtsp_transport": "tcp",
    # Ten seconds of 8 Mbit/s, in packets of 188 bytes, wait while the disk is slow.
    "fifo_size": "53000",
    "overrun_nonfatal": "1",
    "buffer_size": "1048576",
}


class NetworkStream:
    """A stream by its address; ``name`` is the address without a password."""

    def __init__(self, url: str, name: str) -> None:
        self.name = name
        self._url = url

    def open(self) -> NetworkLink:
        try:
            container = av.open(self._url, "r", options=_OPTIONS, timeout=(OPEN_TIMEOUT_S, READ_TIMEOUT_S))
        except av.FFmpegError as error:
            raise _failure(error, self._url, self.name) from error
        try:
            return NetworkLink(container, self.name)
        except BaseException:
            container.close()
            raise


class NetworkLink:
    """An open stream; its first picture stream is received."""

    def __init__(self, container: InputContainer, name: str) -> None:
        self._container, self._name = container, name
        self._stream = _picture_stream(container, name)
        codec = self._stream.codec_context
        rate = self._stream.average_rate or self._stream.guessed_rate
        self.form = VideoForm(
            codec.width,
            codec.height,
            float(rate) if rate else None,
            codec.pix_fmt or "unknown",
            codec.name,
            self._stream,
        )
        self._packets = container.demux(self._stream)

    def read(self) -> Arrival | None:
        while True:
            try:
                packet = next(self._packets)
            except StopIteration:
                return None
            except av.error.InvalidDataError:
                continue
            except av.error.EOFError as error:
                raise LinkError(f"{self._name} ended the stream.") from error
            except av.FFmpegError as error:
                raise LinkError(
                    f"Nothing comes from {self._name} any more; look at the sender and the cable."
                ) from error
            if packet.size:
                return Arrival(time.monotonic(), packet=packet)
            raise LinkError(f"{self._name} ended the stream.")

    def close(self) -> None:
        self._container.close()


def _picture_stream(container: InputContainer, name: str) -> VideoStream:
    if not container.streams.video:
        kinds = {stream.type for stream in container.streams}
        what = "only sound" if "audio" in kinds else "no picture"
        raise LinkError(f"{name} sends {what}; choose the scanner's picture at the sender.", misaddressed=True)
    stream = container.streams.video[0]
    if stream.codec_context is None:
        raise LinkError(f"The codec that {name} sends is not known here; set the sender to H.264.", misaddressed=True)
    if not stream.codec_context.width:
        raise LinkError(f"{name} has not said yet how large its picture is; waiting for its next whole picture.")
    return stream


def _failure(error: av.FFmpegError, url: str, name: str) -> LinkError:
    scheme = urlsplit(url).scheme
    match error:
        case av.error.HTTPUnauthorizedError() | av.error.HTTPForbiddenError():
            return LinkError(
                f"{name} asks for a password; write it into the address: {scheme}://name:password@…", misaddressed=True
            )
        case av.error.HTTPNotFoundError():
            return LinkError(f"There is no stream of this name at {name}; look for its path.", misaddressed=True)
        case av.error.HTTPError():
            return LinkError(f"{name} refused the stream; look into the sender's settings.")
        case av.error.ConnectionRefusedError():
            return LinkError(f"Nothing listens at {name}; start the sender, or correct the port.")
        case av.error.ProtocolNotFoundError():
            return LinkError(
                f"The FFmpeg of this program cannot receive {scheme}; let the sender use UDP or TCP.", misaddressed=True
            )
        case av.error.InvalidDataError() | av.error.ArgumentError() | av.error.DemuxerNotFoundError():
            return LinkError(
                f"What answers at {name} is no video, a web page perhaps; ask the sender for the stream's own address.",
                misaddressed=True,
            )
        case av.error.ExitError() | av.error.TimeoutError():
            return LinkError(f"Nothing comes from {name}; start the sender, or look at address, cable and firewall.")
    if error.errno == errno.EIO and scheme in ("http", "https"):
        return LinkError(f"{name} answers, but sends no video; ask the sender for the stream's own address.")
    if error.errno == errno.EADDRINUSE:
        return LinkError(f"Another program receives at {name} already; close it.")
    return LinkError(f"{name} cannot be reached ({error.strerror}); look at address and network.")
