"""Watching at the scanner: where live pictures come from, their recording, and the truth about the link.

``Capture`` runs one ``LiveSource``. Everything that arrives is written to disk before it is decoded or dropped.
"""

from fetalnet.live.analysis import Caught, LiveAnalysis, LivePrediction
from fetalnet.live.capture import Capture, LinkState, LinkStatus, LiveFrame
from fetalnet.live.excerpt import cut_clip
from fetalnet.live.link_monitor import Doctor, LinkReport, Trouble
from fetalnet.live.links.address import network_source
from fetalnet.live.links.base import Arrival, Link, LinkError, LiveSource, VideoForm
from fetalnet.live.links.network import NetworkStream
from fetalnet.live.links.openigtlink import OpenIGTLink
from fetalnet.live.links.replay import Replay
from fetalnet.live.recorder import Recorder, Segment

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
