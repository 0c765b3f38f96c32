"""Where frames come from. ``open_source`` chooses the reader; every reader is a ``Source``."""

from fetalnet.sources.frame import Frame, Source

__all__ = ["Frame", "Source"]
