"""Frame i is one picture however it is reached, and nothing is left out in silence: files that people really have."""

from __future__ import annotations

import random
from contextlib import closing
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image
from pydicom.encaps import encapsulate, generate_frames
from support.dicom_files import colour, jpeg, write
from test_video_file import decoded_in_sequence, write_video

from fetalnet.core.errors import InputError
from fetalnet.sources import BrokenFrameError, VideoFile, open_source, read_image
from fetalnet.sources.pictures.jpeg_stream import whole_jpeg, whole_png

FAULTS = Path(__file__).parents[1] / "faults"


def assert_each_is_one_picture(path: Path, expected: list[np.ndarray]) -> None:
    """In order, and in any other, each by a source of its own."""
    with closing(open_source(path)) as source:
        assert len(source) == len(expected)
        for index, frame in enumerate(source):
            assert frame.index == index
            np.testing.assert_array_equal(frame.pixels, expected[index], err_msg=str(index))
        assert source.notice is None
    order = random.Random(1).sample(range(len(expected)), 12)
    with closing(open_source(path)) as source:
        for index in [len(expected) - 1, 0, *order, 0]:
            np.testing.assert_array_equal(source[index].pixels, expected[index], err_msg=str(index))


@pytest.mark.parametrize("name", ["wrap.ts", "ab.ts"])
def test_a_clock_that_wraps_or_is_set_back_loses_no_frame(name: str) -> None:
    expected = decoded_in_sequence(FAULTS / name)
    assert len(expected) == 120
    assert_each_is_one_picture(FAULTS / name, expected)


@pytest.mark.parametrize("codec", ["mpeg2video", "libx264"])
def test_three_joined_streams_show_all_their_frames(tmp_path: Path, codec: str) -> None:
    parts = [write_video(tmp_path / f"{count}.ts", codec, count, bf="2", g="8") for count in (30, 17, 9)]
    path = tmp_path / "joined.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    expected = [frame for part in parts for frame in decoded_in_sequence(part)]
    assert_each_is_one_picture(path, expected)


def test_joined_streams_of_two_sizes_say_which_frames_are_left_out(tmp_path: Path) -> None:
    small = write_video(tmp_path / "small.ts", "libx264", 20, g="8")
    large = tmp_path / "large.ts"
    with av.open(str(large), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 192, 128, "yuv420p"
        for index in range(12):
            picture = np.full((128, 192, 3), 10 * index, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    path = tmp_path / "both.ts"
    path.write_bytes(small.read_bytes() + large.read_bytes())
    with closing(open_source(path)) as source:
        assert [frame.index for frame in source] == list(range(20))
        assert "12 of 32 frames have another size than the first (96 x 64)" in (source.notice or "")
        assert "damaged" not in (source.notice or "")
        with pytest.raises(BrokenFrameError, match=r"Frame 25 of both\.ts has another size"):
            source[25]
        assert source[3].index == 3


def test_of_two_tracks_the_one_that_the_file_prefers_is_shown() -> None:
    with closing(open_source(FAULTS / "twotracks.mp4")) as source:
        assert (source.width, source.height, len(source)) == (320, 240, 120)
        assert "holds 2 videos, and the one of 320 x 240 pixels is shown" in (source.remark or "")
        assert (source[50].width, source[50].height) == (320, 240)


def test_a_cover_picture_is_no_recording(tmp_path: Path) -> None:
    path = tmp_path / "covered.mp4"
    with av.open(str(path), "w") as container:
        cover, shown = (container.add_stream(codec, rate=25) for codec in ("mjpeg", "libx264"))
        cover.width, cover.height, cover.pix_fmt = 640, 480, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        shown.width, shown.height, shown.pix_fmt = 96, 64, "yuv420p"
        for index in range(10):
            for stream in (cover, shown) if index == 0 else (shown,):
                picture = np.full((stream.height, stream.width, 3), 20 * index, np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(shown.encode(None))
    with closing(open_source(path)) as source:
        assert (source.width, source.height, len(source)) == (96, 64, 10)


def test_a_recording_that_starts_late_is_not_cut_off(tmp_path: Path) -> None:
    for name in ("late.mkv", "late.mp4", "late.ts"):
        times = [7000 + 40 * index for index in range(20)]
        with closing(VideoFile(write_video(tmp_path / name, "mpeg4", 20, times=times))) as source:
            assert (len(list(source)), source.notice) == (20, None)


def test_a_recording_of_a_frame_a_second_is_not_cut_off(tmp_path: Path) -> None:
    for name in ("slow.mkv", "slow.mp4"):
        times = [3000 * index for index in range(6)]
        with closing(VideoFile(write_video(tmp_path / name, "mpeg4", 6, times=times))) as source:
            assert (len(list(source)), source.notice) == (6, None)


def without(path: Path, *frames: int) -> Path:
    """The AVI with the pictures of these frames taken out, as grabbers write it where nothing changed."""
    content = bytearray(path.read_bytes())
    at = content.index(b"movi") + 4
    for number in range(max(frames) + 1):
        size = int.from_bytes(content[at + 4 : at + 8], "little")
        if number in frames:
            content[at + 4 : at + 8] = bytes(4)
            content[at + 8 : at + 8 + size + size % 2] = (
                b"JUNK" + (size + size % 2 - 8).to_bytes(4, "little") + bytes(size + size % 2 - 8)
            )
            place = content.index(b"idx1") + 8 + 16 * number
            content[place + 12 : place + 16] = bytes(4)
        at += 8 + size + size % 2
    path.write_bytes(content)
    return path


def test_an_avi_with_empty_frames_is_not_cut_off(tmp_path: Path) -> None:
    for empty in ((5, 6, 7, 12, 13), (9, 16, 17, 18, 19)):
        path = without(write_video(tmp_path / "empty.avi", "mjpeg", 20, strict="unofficial"), *empty)
        with closing(VideoFile(path)) as source:
            assert len(list(source)) == len(source) == 15
            assert source.notice is None
            assert [round(25 * source.time_s(index)) for index in range(15)] == [
                index for index in range(20) if index not in empty
            ]


def test_a_tiff_of_several_pages_is_a_recording_of_all(tmp_path: Path) -> None:
    pages = [Image.fromarray(np.full((40, 60, 3), 30 * index, np.uint8)) for index in range(5)]
    pages[0].save(tmp_path / "pages.tif", save_all=True, append_images=pages[1:])
    with closing(open_source(tmp_path / "pages.tif")) as source:
        assert len(source) == 5
        assert [int(frame.pixels[0, 0, 0]) for frame in source] == [0, 30, 60, 90, 120]
        assert int(source[3].pixels[5, 5, 0]) == 90
        assert source.time_s(3) is None
        assert source.notice is None
    # Among other stills each page is a picture of its own.
    Image.fromarray(np.full((40, 60, 3), 200, np.uint8)).save(tmp_path / "z.png")
    with closing(open_source(tmp_path)) as source:
        assert [int(frame.pixels[0, 0, 0]) for frame in source] == [0, 30, 60, 90, 120, 200]


def test_a_smaller_copy_in_a_tiff_is_no_page_and_another_size_is_said(tmp_path: Path) -> None:
    first = Image.fromarray(np.full((40, 60), 50, np.uint8))
    copy, other = Image.fromarray(np.full((10, 15), 60, np.uint8)), Image.fromarray(np.full((30, 60), 70, np.uint8))
    copy.encoderinfo = {"tiffinfo": {254: 1}}
    first.save(tmp_path / "copy.tif", save_all=True, append_images=[copy])
    with closing(open_source(tmp_path / "copy.tif")) as source:
        assert (len(source), source.notice) == (1, None)
    first.save(tmp_path / "other.tif", save_all=True, append_images=[other, first])
    with closing(open_source(tmp_path / "other.tif")) as source:
        assert [frame.index for frame in source] == [0, 2]
        assert "page 2 of other.tif" in (source.notice or "")
        with pytest.raises(BrokenFrameError, match=r"Page 2 of other\.tif has another size"):
            source[1]


def test_a_jpeg_that_lacks_its_end_mark_alone_is_shown() -> None:
    with closing(open_source(FAULTS / "no_eoi.jpg")) as source:
        assert (source.width, source.height, source.notice) == (800, 540, None)
        assert np.ptp(source[0].pixels[-60:]) > 0
    with closing(open_source(FAULTS / "no_eoi.dcm")) as source:
        assert len(list(source)) == len(source) > 0
        assert source.notice is None


def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (80, 120, 3), dtype=np.uint8)


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_is_whole_where_every_line_is_there(tmp_path: Path, progressive: bool) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(picture()).save(path, quality=90, progressive=progressive)
    whole = path.read_bytes()
    expected = read_image(path).pixels
    for tail in (b"", b"\xff\xd9", b"\xff\xd9" + bytes(5000), b"\xff\xd9" + whole[:-900], b"\xff\xd9\xff\xda junk"):
        path.write_bytes(whole[:-2] + tail)
        np.testing.assert_array_equal(read_image(path).pixels, expected, err_msg=repr(tail[:4]))
    for lost in (40, 500, 3000):
        path.write_bytes(whole[: -2 - lost])
        with pytest.raises(BrokenFrameError, match="damaged"):
            read_image(path)
    assert whole_jpeg(whole[:300]) is None
    assert whole_jpeg(b"no picture") is None


def test_a_png_is_whole_where_every_line_is_there(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(picture()).save(path)
    whole = path.read_bytes()
    for content in (whole[:-12], whole + bytes(10_000), whole[:-3]):
        path.write_bytes(content)
        np.testing.assert_array_equal(read_image(path).pixels, picture())
    path.write_bytes(whole[:-40])
    with pytest.raises(BrokenFrameError, match="damaged"):
        read_image(path)
    assert whole_png(b"no picture") is None


@pytest.mark.parametrize("tail", [b"", b"\xff\xd9" + b"\0" * 400 + b"\xff\xda", b"\xff\xd9\xff\xd8\xff\xdb\0"])
def test_frames_of_dicom_are_whole_where_every_line_is_there(tmp_path: Path, tail: bytes) -> None:
    made = jpeg("YBR_FULL_422")
    frames = list(generate_frames(made.PixelData, number_of_frames=4))
    with closing(open_source(write(tmp_path / "a.dcm", made))) as source:
        expected = [frame.pixels for frame in source]
    frames[1] = frames[1].rstrip(b"\0").removesuffix(b"\xff\xd9") + tail
    made.PixelData = encapsulate(frames)
    with closing(open_source(write(tmp_path / "b.dcm", made))) as source:
        for frame in source:
            np.testing.assert_array_equal(frame.pixels, expected[frame.index])
        assert (len(source), source.notice) == (len(colour()), None)


def test_a_picture_larger_than_can_be_opened_is_not_called_damaged(tmp_path: Path) -> None:
    for name, side in (("large.png", 11_000), ("huge.png", 20_000)):
        done, content = cv2.imencode(".png", np.zeros((side, side), np.uint8), [cv2.IMWRITE_PNG_COMPRESSION, 1])
        assert done
        (tmp_path / name).write_bytes(content.tobytes())
        with pytest.raises(InputError, match="more than can be opened; save it smaller") as caught:
            open_source(tmp_path / name)
        assert "damaged" not in str(caught.value)
