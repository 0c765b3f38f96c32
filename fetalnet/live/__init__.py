"""Watching at the scanner: where live pictures come from, their recording, and the truth about the link.

``Capture`` runs one ``LiveSource``. Everything that arrives is written to disk before it is decoded or dropped.
"""

from fetalnet.live.address import network_source
from fetalnet.live.analysis import Caught, LiveAnalysis, LivePrediction
from fetalnet.live.capture import Capture, LinkState, LinkStatus, LiveFrame
from fetalnet.live.clip import cut_clip
from fetalnet.live.doctor import Doctor, LinkReport, Trouble
from fetalnet.live.network import NetworkStream
from fetalnet.live.openigtlink import OpenIGTLink
from fetalnet.live.recorder import Recorder, Segment
from fetalnet.live.replay import Replay
from fetalnet.live.source import Arrival, Link, LinkError, LiveSource, VideoForm

__all__ = [
    "Arrival",
    "Capture",
    "Caught",
    "Doctor",
    "Link",
    "LinkError",
    "LinkReport",
    "LinkState",
    "LinkStatus",
    "LiveAnalysis",
    "LiveFrame",
    "LivePrediction",
    "LiveSource",
    "NetworkStream",
    "OpenIGTLink",
    "Recorder",
    "Replay",
    "Segment",
    "Trouble",
    "VideoForm",
    "cut_clip",
    "network_source",
]
