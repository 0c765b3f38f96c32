"""Names as a person can read them: a file's name need not be text."""

from __future__ import annotations

import os
import re

_NO_TEXT = re.compile("[\ud800-\udfff]")


def printable(name: str | os.PathLike[str]) -> str:
    """The name with � for every byte that is no UTF-8; such a name can be written nowhere as it is."""
    return _NO_TEXT.sub("\N{REPLACEMENT CHARACTER}", os.fspath(name))
