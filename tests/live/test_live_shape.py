"""A watched stream with squeezed pixels is shown with square ones, and so is its recording."""

from __future__ import annotations

from contextlib import closing
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from fetalnet.live.decoding import LiveDecoder
from fetalnet.live.links.base import VideoForm
from fetalnet.sources import open_source


@pytest.mark.parametrize("codec", ["libx264", "mpeg2video"])
def test_a_squeezed_stream_is_shown_and_recorded_square(tmp_path: Path, codec: str) -> None:
    sent, recorded = tmp_path / "sent.ts", tmp_path / "recorded.mkv"
    with av.open(str(sent), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 256, 240, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(5, 4) if codec == "libx264" else Fraction(4 * 240, 3 * 256)
        for index in range(10):
            picture = np.full((240, 256, 3), 20 * index, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    with av.open(str(sent)) as given, av.open(str(recorded), "w") as container:
        stream = given.streams.video[0]
        decoder = LiveDecoder(VideoForm(256, 240, 25.0, "yuv420p", stream.codec_context.name, stream))
        to = container.add_stream_from_template(stream)
        shown = []
        for packet in given.demux(stream):
            if packet.dts is not None:
                shown += [decoder.shown(frame) for frame in decoder.decode(packet)]
                packet.stream = to
                container.mux(packet)
    assert shown
    assert {each.shape for each in shown} == {(240, 320, 3)}
    with closing(open_source(recorded)) as source:
        assert (source.width, source.height) == (320, 240)
