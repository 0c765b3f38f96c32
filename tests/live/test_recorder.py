"""What is recorded: nothing is lost but what a kill or a full disk takes, and clips are cut out of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.senders import WAIT_S, picture, wait_for
from support.watch import Pictures, Watch

from fetalnet.core.errors import InputError
from fetalnet.live import Recorder, Replay, cut_clip
from fetalnet.live.links.base import Arrival, VideoForm
from fetalnet.sources import VideoFile


def test_that_pictures_are_recorded_without_loss_and_a_new_size_begins_a_file(tmp_path: Path) -> None:
    source = Pictures()
    with Watch(source, tmp_path) as watch:
        for _ in range(5):
            source.due.release()
        assert wait_for(lambda: watch.delivered == 5)
        source.sizes.append((80, 48))
        source.due.release(3)
        assert wait_for(lambda: watch.delivered == 8)
    source.hang.set()
    first, second = (VideoFile(segment.path) for segment in watch.recorder.segments)
    assert (len(first), len(second)) == (5, 3)
    assert (first.width, second.width) == (64, 80)
    assert np.array_equal(second[2].pixels, picture(0, (80, 48)))


def test_that_a_full_disk_stops_the_recording_in_time_and_not_the_watch(tmp_path: Path) -> None:
    source = Pictures()
    free = [1 << 40]
    with Watch(source, tmp_path, free_bytes=lambda _: free[0]) as watch:
        source.due.release()
        watch.wait_frames(1)
        free[0] = 1 << 20
        watch.recorder._looked_s = 0.0
        source.due.release(2)
        assert wait_for(lambda: watch.delivered == 3)
        assert "GB are free" in watch.capture.status.sentence
    source.hang.set()
    (segment,) = watch.recorder.segments
    assert len(VideoFile(segment.path)) == segment.frames == 1


def test_that_a_recording_is_split_at_a_size(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, split_bytes=1, free_bytes=lambda _: 1 << 40)
    recorder.begin(VideoForm(64, 48, 30.0, "rgb24", "raw"))
    rng = np.random.default_rng(3)
    for index in range(40):
        pixels = rng.integers(0, 255, (48, 64, 3), np.uint8)
        assert recorder.write(Arrival(100 + index / 30, picture=pixels))
    recorder.close()
    assert len(recorder.segments) > 1
    assert sum(len(VideoFile(each.path)) for each in recorder.segments) == 40


def test_that_what_just_happened_is_cut_out_while_it_is_recorded(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "recordings", free_bytes=lambda _: 1 << 40)
    recorder.begin(VideoForm(64, 48, 30.0, "rgb24", "raw"))
    for index in range(120):
        recorder.write(Arrival(100 + index / 30, picture=np.full((48, 64, 3), index, np.uint8)))
    clip = VideoFile(cut_clip(recorder.segments, 101.0, 102.0, tmp_path / "clip.mkv"))
    assert [clip[0].pixels[0, 0, 0], clip[len(clip) - 1].pixels[0, 0, 0]] == [30, 60]
    recorder.close()
    with pytest.raises(InputError, match="Nothing was recorded"):
        cut_clip(recorder.segments, 300.0, 301.0, tmp_path / "none.mkv")
    assert not (tmp_path / "none.mkv").exists()


def test_that_a_recording_is_played_as_if_live(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "first", free_bytes=lambda _: 1 << 40)
    recorder.begin(VideoForm(64, 48, 30.0, "rgb24", "raw"))
    for index in range(6):
        recorder.write(Arrival(index / 30, picture=np.full((48, 64, 3), 40 * index, np.uint8)))
    recorder.close()
    watch = Watch(Replay(recorder.segments[0].path, loop=False), tmp_path / "second")
    assert watch.capture.join(WAIT_S)
    again = VideoFile(watch.recorder.segments[0].path)
    assert [frame.pixels[0, 0, 0] for frame in again] == [0, 40, 80, 120, 160, 200]


KILLED = """
import sys, numpy as np
from pathlib import Path
from fetalnet.live import Recorder
from fetalnet.live.links.base import Arrival, VideoForm
recorder = Recorder(Path(sys.argv[1]), free_bytes=lambda _: 1 << 40)
recorder.begin(VideoForm(64, 48, 30.0, "rgb24", "raw"))
for index in range(10_000):
    recorder.write(Arrival(index / 30, picture=np.full((48, 64, 3), index % 250, np.uint8)))
    print(index, flush=True)
    sys.stdin.readline()
"""


def test_that_a_kill_takes_no_more_than_the_last_second(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    for _ in range(100):
        assert process.stdout.readline()
        process.stdin.write("\n")
        process.stdin.flush()
    process.kill()
    process.communicate()
    (path,) = tmp_path.glob("*.mkv")
    recording = VideoFile(path)
    assert len(recording) > 100 - 30
    assert [recording[index].pixels[0, 0, 0] for index in (0, 35, 69)] == [0, 35, 69]
