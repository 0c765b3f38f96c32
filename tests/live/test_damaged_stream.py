"""Damage in a stream costs what is damaged, never the recording, and the disk is not blamed for it."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from support.senders import encoded, wait_for
from support.watch import Packets, Pictures, Watch

from fetalnet.live import LinkState, LiveFrame, cut_clip
from fetalnet.live.links.base import Arrival
from fetalnet.live.recorder import Recorder, _File
from fetalnet.sources import VideoFile

SPS = b"\0\0\0\1\x67"
FRAMES, KEY_EVERY = 40, 5


def with_damaged_headers(*numbers: int, at: slice = slice(5, 8)) -> bytes:
    """MPEG-TS in which the headers of these key frames have some bytes that mean nothing."""
    content = bytearray(encoded(FRAMES))
    place = -1
    for number in range(max(numbers) + 1):
        place = content.index(SPS, place + 1)
        if number in numbers:
            content[place + at.start : place + at.stop] = b"\xff" * (at.stop - at.start)
    return bytes(content)


@pytest.mark.parametrize("numbers", [(2,), (2, 3), (3, 5)])
@pytest.mark.parametrize("at", [slice(5, 8), slice(6, 9), slice(8, 16)])
def test_that_damaged_headers_end_no_recording(tmp_path: Path, numbers: tuple[int, ...], at: slice) -> None:
    source = Packets(with_damaged_headers(*numbers, at=at))
    with Watch(source, tmp_path) as watch:
        source.due.release(FRAMES - 1)
        assert wait_for(lambda: watch.delivered + watch.capture.doctor.report().damaged == FRAMES - 1)
        assert watch.recorder.problem is None
        assert watch.capture.status.state is LinkState.LIVE
    source.due.release()
    recorded = sum(segment.frames for segment in watch.recorder.segments)
    assert recorded >= FRAMES - 1 - KEY_EVERY * len(numbers)
    assert sorted(tmp_path.iterdir()) == [segment.path for segment in watch.recorder.segments]
    for segment in watch.recorder.segments:
        assert len(VideoFile(segment.path)) == segment.frames


def test_that_what_was_left_out_is_said_and_counted(tmp_path: Path) -> None:
    source = Packets(with_damaged_headers(2, at=slice(8, 9)))
    with Watch(source, tmp_path) as watch:
        source.due.release(FRAMES - 1)
        assert wait_for(lambda: watch.delivered + watch.capture.doctor.report().damaged == FRAMES - 1)
        report = watch.capture.doctor.report()
        assert report.damaged == 1
        assert "Damaged packets" in watch.capture.status.sentence
        assert "disk" not in watch.capture.status.sentence
    source.due.release()
    assert "1 were damaged and left out" in report.text()
    (segment,) = watch.recorder.segments
    assert segment.frames == watch.delivered == FRAMES - 2


def test_that_a_packet_that_is_refused_is_left_out_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = _File.write

    def refuse(self: _File, arrival: Arrival) -> None:
        if self.frames == 3 and not refused:
            refused.append(arrival)
            raise ValueError("no packet")
        write(self, arrival)

    refused: list[Arrival] = []
    monkeypatch.setattr(_File, "write", refuse)
    source = Pictures()
    with Watch(source, tmp_path) as watch:
        source.due.release(6)
        assert wait_for(lambda: watch.delivered == 5)
    source.hang.set()
    (segment,) = watch.recorder.segments
    assert segment.frames == len(VideoFile(segment.path)) == 5


def test_that_a_disk_that_refuses_is_still_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: _File, arrival: Arrival) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(_File, "write", refuse)
    source = Pictures()
    with Watch(source, tmp_path) as watch:
        source.due.release(2)
        watch.wait_frames(1)
        assert "the disk refused" in watch.capture.status.sentence
    source.hang.set()
    assert not list(tmp_path.iterdir())


def test_that_a_stream_that_begins_no_file_is_shown_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: _File, arrival: Arrival) -> None:
        raise ValueError("no such codec in Matroska")

    monkeypatch.setattr(_File, "write", refuse)
    source = Packets(encoded(60))
    with Watch(source, tmp_path) as watch:
        source.due.release(59)
        watch.wait_frames(1)
        assert "this kind of stream cannot be written" in watch.capture.status.sentence
    source.due.release()


def test_that_one_wrong_time_of_the_sender_does_not_push_all_that_follow(tmp_path: Path) -> None:
    source = Packets(encoded(40, b_frames=True))
    form = source.open().form
    recorder = Recorder(tmp_path, free_bytes=lambda _: 1 << 40)
    recorder.begin(form)
    for index in range(38):
        source.due.release()
        arrival = source.read()
        assert arrival is not None
        assert arrival.packet is not None
        if index == 7:
            assert arrival.packet.dts is not None
            assert arrival.packet.pts is not None
            arrival.packet.dts, arrival.packet.pts = arrival.packet.dts + (1 << 32), arrival.packet.pts + (1 << 32)
        assert recorder.write(Arrival(100 + index / 30, arrival.packet))
    recorder.close()
    source.close()
    (segment,) = recorder.segments
    recording = VideoFile(segment.path)
    assert recording[len(recording) - 1].time_s == pytest.approx(38 / 30, abs=0.2)


def test_that_only_their_owner_may_read_recordings_and_clips(tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    source = Pictures()
    with Watch(source, folder) as watch:
        source.due.release(3)
        watch.wait_frames(1)
    source.hang.set()
    (segment,) = watch.recorder.segments
    cut_clip(watch.recorder.segments, segment.began_s - 1.0, segment.ended_s + 1.0, folder / "clip.mkv")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [path.stat().st_mode & 0o777 for path in folder.iterdir()] == [0o600] * 2


def test_that_a_busy_computer_is_no_bad_cable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Pictures()
    with Watch(source, tmp_path) as watch:
        capture = watch.capture
        source.due.release()
        watch.wait_frames(1)
        # As when the processor takes longer than a second for what has come.
        shown = LiveFrame(watch.frames[0].frame, 0.0, 0)
        capture._newest_s = shown.arrived_s - 100.0
        capture._taking_since_s = -100.0
        said = capture.status
        capture._taking_since_s = None
    source.hang.set()
    assert said.state is LinkState.NO_SIGNAL
    assert "close other programs" in said.sentence
    assert "cable" not in said.sentence
