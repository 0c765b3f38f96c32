"""The address of a stream as a person types it."""

from __future__ import annotations

from urllib.parse import SplitResult, unquote, urlsplit

from fetalnet.core.errors import InputError
from fetalnet.live.links.network import NetworkStream
from fetalnet.live.links.openigtlink import PORT, OpenIGTLink

SCHEMES = ("rtsp", "rtsps", "http", "https", "udp", "rtp", "tcp", "srt", "igtl")
_NEEDS_PORT = ("udp", "rtp", "tcp", "srt")
_EXAMPLE = "for example rtsp://192.168.1.20/stream, udp://@:5000 or igtl://192.168.1.20"


def network_source(address: str) -> NetworkStream | OpenIGTLink:
    """The stream at an address; behind igtl://host:port may stand which of its streams is meant.

    Raises ``InputError`` with what is wrong with it.
    """
    text = address.strip()
    if not text:
        raise InputError(f"Type the address of the stream, {_EXAMPLE}.")
    if any(sign.isspace() or ord(sign) < 32 for sign in text):
        raise InputError("There is a blank in the address; copy it again from the sender's settings.")
    if "://" not in text:
        raise InputError(f"The address does not say what kind of stream it is; begin with it, {_EXAMPLE}.")
    parts = _split(text)
    if parts.scheme == "file":
        raise InputError("This is a file, not a stream; open it with File, Open.")
    if parts.scheme not in SCHEMES:
        raise InputError(f"Streams of the kind {parts.scheme}:// are not received; use one of {', '.join(SCHEMES)}.")
    try:
        port = parts.port
    except ValueError as error:
        raise InputError("The port of the address is no number from 1 to 65535; correct it.") from error
    if parts.scheme in _NEEDS_PORT and not port:
        raise InputError(f"A {parts.scheme} address needs a port at its end, for example {parts.scheme}://@:5000.")
    if not parts.hostname and parts.scheme not in ("udp", "rtp", "srt"):
        raise InputError(f"The address names no computer; write it behind {parts.scheme}://, {_EXAMPLE}.")
    if parts.scheme == "igtl":
        assert parts.hostname is not None
        return OpenIGTLink(parts.hostname, port or PORT, unquote(parts.path.strip("/")), shown(parts))
    return NetworkStream(text, shown(parts))


def shown(parts: SplitResult) -> str:
    """An address without what only its owner may know: name, password and query."""
    port = f":{parts.port}" if parts.port else ""
    host = parts.hostname or "this computer"
    return f"{parts.scheme}://{host}{port}{parts.path}"


def _split(text: str) -> SplitResult:
    try:
        return urlsplit(text)
    except ValueError as error:
        raise InputError(f"The address cannot be read; write it like this: {_EXAMPLE}.") from error
