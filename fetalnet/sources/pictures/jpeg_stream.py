"""A JPEG or PNG as bytes: whether every line of it is there, whatever stands or lacks behind the last."""

from __future__ import annotations

import re
import struct
import zlib

import cv2
import numpy as np

_END = b"\xff\xd9"
_MARK_IN_DATA = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""What ends the coded data of a scan: anything but a stuffed byte, a restart or a fill byte."""
_OTHER_TAIL = b"\x55\xaa\x33\x0f\x96\x69\xc3\x3c" * 8
_SIGNATURE, _LAST_CHUNK = b"\x89PNG\r\n\x1a\n", b"\x00\x00\x00\x00IEND\xae\x42\x60\x82"


def whole_jpeg(content: bytes) -> bytes | None:
    """The JPEG up to its end mark, without what follows; with one added where only that lacks, None where lines lack.

    Decoders fill missing lines with grey and say nothing.
    """
    if not content.startswith(b"\xff\xd8"):
        return None
    end = _end_of_jpeg(content)
    if end is not None:
        return content[:end]
    if b"\xff\xda" not in content:
        return None
    # What stands behind the last line is not looked at: so the picture is whole if it comes to nothing what does.
    closed = content.removesuffix(b"\xff") + _END
    decoded = [
        cv2.imdecode(np.frombuffer(each, np.uint8), cv2.IMREAD_UNCHANGED)
        for each in (closed, content.removesuffix(b"\xff") + _OTHER_TAIL + _END)
    ]
    if decoded[0] is None or decoded[1] is None or not np.array_equal(decoded[0], decoded[1]):
        return None
    return closed


def _end_of_jpeg(content: bytes) -> int | None:
    """Where the first picture ends, its end mark included; None where there is none."""
    at = 2
    while 0 <= (at := content.find(b"\xff", at)) < len(content) - 1:
        mark = content[at + 1]
        if mark == 0xD9:
            return at + 2
        if mark in {0x00, 0x01, 0xFF} or 0xD0 <= mark <= 0xD8:
            at += 1 if mark == 0xFF else 2
            continue
        if at + 4 > len(content):
            return None
        at += 2 + max(struct.unpack(">H", content[at + 2 : at + 4])[0], 2)
        if mark == 0xDA:
            found = _MARK_IN_DATA.search(content, at)
            if found is None:
                return None
            at = found.start()
    return None


def whole_png(content: bytes) -> bytes | None:
    """The PNG up to its last chunk, with one added where only that lacks; None where lines lack."""
    if not content.startswith(_SIGNATURE):
        return None
    at, inflater, is_whole = len(_SIGNATURE), zlib.decompressobj(), False
    while at + 8 <= len(content):
        length, kind = struct.unpack(">I4s", content[at : at + 8])
        if kind == b"IEND":
            return content[:at] + _LAST_CHUNK
        if at + 12 + length > len(content):
            break
        if kind == b"IDAT":
            is_whole = _inflates(inflater, content[at + 8 : at + 8 + length])
        at += 12 + length
    return content[:at] + _LAST_CHUNK if is_whole else None


def _inflates(inflater: zlib._Decompress, block: bytes) -> bool:
    """Whether the packed lines end with this block; what they hold is let go."""
    try:
        while block and not inflater.eof:
            inflater.decompress(block, 2**20)
            block = inflater.unconsumed_tail
    except zlib.error:
        return False
    return inflater.eof
