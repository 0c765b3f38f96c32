"""Frame i is the i-th frame shown, however it is reached; what is broken gives a sentence."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from fetalnet.core.errors import InputError
from fetalnet.sources import BrokenFrameError, VideoFile, open_source


def write_video(
    path: Path, codec: str, count: int = 40, pix_fmt: str = "yuv420p", times: list[int] | None = None, **options: str
) -> Path:
    """A video whose frames differ in more than the codec's loss; ``times`` are presentation times in 1/1000 s."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 96, 64, pix_fmt
        stream.codec_context.time_base = Fraction(1, 1000) if times else Fraction(1, 25)
        for index in range(count):
            picture = np.full((64, 96, 3), 20, np.uint8)
            picture[8:24, (2 * index) % 80 : (2 * index) % 80 + 16] = 230
            picture[40:56] = 5 * index + 20
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=pix_fmt)
            frame.pts = times[index] if times else index
            frame.time_base = stream.codec_context.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def decoded_in_sequence(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        container.streams.video[0].thread_count = 1
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


MADE = {
    "b_frames.mp4": ("libx264", {"bf": "3", "g": "12"}),
    "b_frames.mkv": ("libx264", {"bf": "3", "g": "12"}),
    "open_gop.mov": ("libx264", {"bf": "2", "g": "8", "x264-params": "open-gop=1"}),
    "no_key_pictures.mkv": ("libx264", {"x264-params": "intra-refresh=1:keyint=10"}),
    "h264_b_frames.avi": ("libx264", {"bf": "3", "g": "12"}),
    "hidden_packets.webm": ("libvpx-vp9", {"auto-alt-ref": "1", "lag-in-frames": "16"}),
    "b_frames.avi": ("mpeg4", {"bf": "2", "g": "10"}),
    "mpeg4.mp4": ("mpeg4", {"bf": "2", "g": "10"}),
    "plain.avi": ("mpeg4", {"g": "10"}),
    "intra.avi": ("mjpeg", {"strict": "unofficial"}),
    "lossless.mkv": ("ffv1", {}),
}


@pytest.mark.parametrize("name", MADE)
def test_every_frame_is_the_one_decoded_in_sequence(tmp_path: Path, name: str) -> None:
    codec, options = MADE[name]
    if codec not in av.codecs_available:
        pytest.skip(f"this PyAV has no {codec}")
    path = write_video(tmp_path / name, codec, **options)
    expected = decoded_in_sequence(path)
    source = VideoFile(path)

    assert len(source) == len(expected) == 40
    order = list(range(40))
    random.Random(1).shuffle(order)
    for index in [39, 0, 20, 21, 20, 19, 3, 2, *order]:
        np.testing.assert_array_equal(source[index].pixels, expected[index], err_msg=str(index))
    for index, frame in enumerate(source):
        assert frame.index == index
        np.testing.assert_array_equal(frame.pixels, expected[index])
    assert source.notice is None
    source.close()


def test_an_edit_list_leaves_frames_out_without_a_complaint(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "whole.mp4", "mpeg4", bf="2", g="10")
    path = tmp_path / "trimmed.mp4"
    with av.open(str(whole)) as given, av.open(str(path), "w") as container:
        stream = container.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(video=0):
            if packet.dts is not None and packet.pts is not None and packet.time_base is not None:
                shift = int(Fraction(1, 5) / packet.time_base)  # the first five frames come before time zero
                packet.pts, packet.dts, packet.stream = packet.pts - shift, packet.dts - shift, stream
                container.mux(packet)
    expected = decoded_in_sequence(path)
    source = VideoFile(path)
    assert len(source) == len(expected) == 35
    for index in (34, 0, 12, 11):
        np.testing.assert_array_equal(source[index].pixels, expected[index])
    assert source.notice is None


def test_time_follows_a_variable_frame_rate(tmp_path: Path) -> None:
    times = [1000 + 40 * index + (300 if index >= 5 else 0) for index in range(10)]
    source = VideoFile(write_video(tmp_path / "uneven.mkv", "ffv1", 10, times=times))
    measured = [source.time_s(index) for index in range(10)]
    assert measured == pytest.approx([(time - times[0]) / 1000 for time in times], abs=1e-3)
    assert source[7].time_s == measured[7]
    assert source[0].time_s == 0.0


def test_grey_stays_grey_and_pixels_are_shared_safely(tmp_path: Path) -> None:
    frame = VideoFile(write_video(tmp_path / "grey.mkv", "ffv1", 3, pix_fmt="gray"))[1]
    assert frame.pixels.shape == (64, 96)
    assert frame.pixels.dtype == np.uint8
    assert frame.pixels.flags.c_contiguous
    assert not frame.pixels.flags.writeable


def test_a_sequence_is_decoded_without_seeking_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = VideoFile(write_video(tmp_path / "long.mp4", "mpeg4", bf="2", g="10"))
    seeks: list[int | None] = []
    seek = source._seek
    monkeypatch.setattr(source, "_seek", lambda index: (seeks.append(index), seek(index)))
    for index in range(40):
        source[index]
    assert len(seeks) <= 1  # one, after the index was read


@pytest.mark.parametrize("name", ["cut.avi", "cut.mkv", "cut.mp4"])
def test_a_cut_off_video_plays_up_to_the_cut(tmp_path: Path, name: str) -> None:
    options = {"g": "10"}
    path = tmp_path / name
    if name.endswith("mp4"):
        with_index_in_front(path, options)
    else:
        write_video(path, "mpeg4", **options)
    expected = decoded_in_sequence(path)
    with av.open(str(path)) as container:
        cut = [packet.pos for packet in container.demux(video=0) if packet.pos is not None][20]
    path.write_bytes(path.read_bytes()[: cut + 20])

    source = VideoFile(path)
    frames = list(source)
    assert 15 <= len(frames) <= 21
    assert len(source) == len(frames)
    for frame in frames:
        np.testing.assert_array_equal(frame.pixels, expected[frame.index])
    assert source.notice is not None
    assert "cut off" in source.notice


def with_index_in_front(path: Path, options: dict[str, str]) -> None:
    whole = write_video(path.with_name("whole.mp4"), "mpeg4", **options)
    with av.open(str(whole)) as given, av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                container.mux(packet)


def scratched(path: Path, *packets: int) -> Path:
    """The same file with these packets overwritten."""
    with av.open(str(path)) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.pos is not None]
    content = bytearray(path.read_bytes())
    noise = np.random.default_rng(1)
    for start, size in (places[each] for each in packets):
        content[start + 6 : start + size] = noise.bytes(size - 6)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "codec", "options", "broken"),
    [
        ("pictures.avi", "mjpeg", {"strict": "unofficial"}, [22, 23]),
        ("whole.mp4", "mpeg4", {"g": "10"}, list(range(22, 30))),
        ("whole.mp4", "libx264", {"g": "10", "bf": "0"}, list(range(22, 30))),
        ("hidden.webm", "libvpx-vp9", {"g": "10"}, list(range(22, 30))),
    ],
)
def test_damage_in_the_middle_is_left_out_up_to_the_next_key_frame(
    tmp_path: Path, name: str, codec: str, options: dict[str, str], broken: list[int]
) -> None:
    if codec not in av.codecs_available:
        pytest.skip(f"this PyAV has no {codec}")
    path = write_video(tmp_path / name, codec, **options)
    expected = decoded_in_sequence(path)
    source = VideoFile(scratched(path, 22, 23))
    frames = list(source)
    assert [frame.index for frame in frames] == [index for index in range(len(expected)) if index not in broken]
    for frame in frames:
        np.testing.assert_array_equal(frame.pixels, expected[frame.index])
    assert f"{len(broken)} of {len(expected)} frames are damaged and left out" in (source.notice or "")

    # Whoever jumps into the damage finds the same as who comes along.
    source = VideoFile(path)
    for index in (35, broken[-1], 21, 30, broken[0], 3):
        if index in broken:
            with pytest.raises(BrokenFrameError, match=f"Frame {index} of {name}"):
                source[index]
        else:
            np.testing.assert_array_equal(source[index].pixels, expected[index])


def test_a_recording_that_begins_with_damage_plays_behind_it(tmp_path: Path) -> None:
    path = write_video(tmp_path / "scratched.mp4", "mpeg4", g="10")
    expected = decoded_in_sequence(path)
    source = VideoFile(scratched(path, 0))
    with pytest.raises(BrokenFrameError):
        source[0]
    frames = list(source)
    assert [frame.index for frame in frames] == list(range(10, 40))
    np.testing.assert_array_equal(frames[0].pixels, expected[10])


def refuse(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        open_source(path)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


def test_what_is_no_video_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    assert "empty.mp4 is empty" in refuse(tmp_path / "empty.mp4")
    (tmp_path / "text.mp4").write_text("These are the minutes of the meeting.\n" * 200)
    assert "not a video" in refuse(tmp_path / "text.mp4")
    assert "no file" in refuse(tmp_path / "missing.mp4")
    assert "this computer" in refuse(Path("http://host/stream.mp4"))


def test_a_playlist_cannot_reach_other_files(tmp_path: Path) -> None:
    write_video(tmp_path / "real.mp4", "mpeg4", 5)
    (tmp_path / "list.mp4").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nreal.mp4\n#EXT-X-ENDLIST\n")
    assert "not a video" in refuse(tmp_path / "list.mp4")


def test_sound_alone_is_refused(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "sound.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 2048), np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 8000, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert "no video" in refuse(tmp_path / "sound.mp4")


def test_an_unknown_codec_is_refused(tmp_path: Path) -> None:
    path = write_video(tmp_path / "strange.avi", "mjpeg", 5, strict="unofficial")
    path.write_bytes(path.read_bytes().replace(b"MJPG", b"ZQ9X"))
    assert "not supported" in refuse(path)


def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_video(tmp_path / "private.mp4", "mpeg4", 3)

    def denied(*args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    assert "not allowed" in refuse(path)


def test_a_file_removed_while_playing_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_video(tmp_path / "gone.avi", "mjpeg", strict="unofficial")
    source = VideoFile(path)
    assert len(source) == 40
    path.unlink()

    # An open file outlives its name on a local disk; on a network drive nothing more comes.
    monkeypatch.setattr(source, "_frames", lambda: iter(()))
    with pytest.raises(InputError, match="moved or removed"):
        source[20]
