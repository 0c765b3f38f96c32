"""How a DICOM file is known, without pydicom: what loads it is loaded where such a file is opened, for that takes as
long as all else that a video needs to be opened.
"""

from __future__ import annotations

import struct

PREAMBLE_BYTES = 128
DICOM_SUFFIXES = (".dcm", ".dicom")


def is_dicom(head: bytes, suffix: str) -> bool:
    """Whether a file that begins with ``head`` (132 bytes or more) is DICOM, whatever it is called.

    Without the preamble of today's files it must begin as older ones do, and not bear the suffix of something else.
    """
    if head[PREAMBLE_BYTES : PREAMBLE_BYTES + 4] == b"DICM":
        return True
    if suffix.lower() not in {*DICOM_SUFFIXES, ""} or len(head) < 8:
        return False
    group, element = struct.unpack("<HH", head[:4])
    length = struct.unpack("<I", head[4:8])[0]
    return (group in {0x0002, 0x0008} and element <= 0x18 and (head[4:6].isupper() or length <= 256)) or (
        head[:2] == b"\0\x08" and head[4:6].isupper()
    )
