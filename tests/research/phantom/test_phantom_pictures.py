"""Phantom pictures: reproducible, moving with the tissue, written whole."""

from __future__ import annotations

import json
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from fetalnet.core.errors import InputError
from fetalnet.core.geometry import geometry_from_json
from fetalnet.core.planes import Kind, Plane
from fetalnet.research.phantom import Layout, PhantomRecording, render_clip, write_recording
from fetalnet.research.phantom.anatomy.world import build_world
from fetalnet.research.phantom.scanner.beam import Scanner, Settings
from fetalnet.research.phantom.scanner.pose import Pose
from fetalnet.research.phantom.scanner.screen import draw_screen
from fetalnet.research.phantom.scanner.view import Box, Fan, View
from fetalnet.research.phantom.sweep import ideal_target


def test_same_seed_same_pixels() -> None:
    first, again = (render_clip(4, 2, Plane.ABDOMEN, size=(320, 240)) for _ in range(2))
    other = render_clip(5, 2, Plane.ABDOMEN, size=(320, 240))
    for (frame, truth), (frame_again, truth_again) in zip(first, again, strict=True):
        assert np.array_equal(frame.pixels, frame_again.pixels)
        assert truth == truth_again
    assert not np.array_equal(first[0][0].pixels, other[0][0].pixels)


def test_recording_frames_do_not_depend_on_the_way_they_are_reached() -> None:
    first = PhantomRecording(3, duration_s=0.4, frame_rate_hz=10, size=(320, 240))
    played = [frame.pixels for frame, _ in first]
    again = PhantomRecording(3, duration_s=0.4, frame_rate_hz=10, size=(320, 240))
    assert np.array_equal(again[3][0].pixels, played[3])
    assert len(played) == 4


@pytest.mark.parametrize("layout", list(Layout))
def test_clip_fits_its_screen(layout: Layout) -> None:
    frame, truth = render_clip(9, 1, Plane.HEAD, size=(400, 300), layout=layout, colour=True)[0]
    assert frame.pixels.shape == (300, 400, 3)
    assert frame.pixels.dtype == np.uint8
    assert not frame.pixels.flags.writeable
    assert frame.pixels.max() > 150
    assert truth.mm_per_pixel.x == truth.mm_per_pixel.y > 0


def steady_settings(view: View) -> Settings:
    drawn = Settings.drawn(np.random.default_rng(1), view)
    changed = {"noise_db": -90.0, "noise_rise_db": 0.0, "haze_db": -90.0, "contact_loss_db": 0.0, "seed": 5}
    values = {name: getattr(drawn, name) for name in Settings.__dataclass_fields__}
    return Settings(**{**values, **changed})


def speckle(picture: np.ndarray) -> np.ndarray:
    """What is finer than 15 pixels: texture without anatomy."""
    return picture.astype(np.float32) - cv2.blur(picture.astype(np.float32), (15, 15))


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).mean() / (a.std() * b.std()))


def test_speckle_moves_with_the_tissue() -> None:
    world = build_world(np.random.default_rng(8), frozenset({Plane.ABDOMEN}), 28.0)
    target = ideal_target(np.random.default_rng(2), world, Plane.ABDOMEN)
    view = View(Fan(50.0, 0.6, target.depth_mm + 60), (600, 600), Box(0, 0, 600, 600), (300.0, 10.0), 0.3)
    scanner = Scanner(steady_settings(view), view)
    scanner.adjust_gain(world, target.pose)
    shift_px = 10
    aside = Pose(target.pose.origin_mm + target.pose.lateral * shift_px * 0.3, target.pose.axes)
    still, moved = (speckle(scanner.render(world, pose)) for pose in (target.pose, aside))
    row = round(10 + target.depth_mm / 0.3)
    window = still[row - 40 : row + 40, 260:340]
    same_tissue = moved[row - 40 : row + 40, 260 - shift_px : 340 - shift_px]
    same_place = moved[row - 40 : row + 40, 260:340]
    assert correlation(window, same_tissue) > 0.45
    assert abs(correlation(window, same_place)) < 0.25
    far = target.pose.moved(np.array([0.0, 0.0, 4.0]), np.zeros(3))
    assert abs(correlation(window, speckle(scanner.render(world, far))[row - 40 : row + 40, 260:340])) < 0.25


def test_nothing_is_drawn_outside_the_fan() -> None:
    recording = PhantomRecording(2, duration_s=0.1, frame_rate_hz=10, size=(640, 480), layout=Layout.PORTABLE)
    pixels = recording[0][0].pixels
    view = recording.view
    x, y = np.meshgrid(np.arange(640), np.arange(480))
    furniture = draw_screen(np.random.default_rng((2, 3)), Layout.PORTABLE, view).picture
    assert np.array_equal(pixels[~view.inside(x, y)], furniture[~view.inside(x, y)])
    assert pixels[view.inside(x, y)].mean() > 15


def test_recording_is_written_with_its_truth(tmp_path: Path) -> None:
    recording = PhantomRecording(6, planes=[Plane.HEAD], duration_s=0.6, frame_rate_hz=10, size=(320, 240))
    calls: list[tuple[int, int]] = []
    video = write_recording(recording, tmp_path, progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (6, 6)
    assert sorted(path.name for path in tmp_path.iterdir()) == [video.name, video.stem + ".truth.json"]
    truth = json.loads(video.with_name(video.stem + ".truth.json").read_text(encoding="utf-8"))
    assert truth["sizes_mm"]["HC"] == recording.sizes_mm[Kind.HC]
    assert [frame["index"] for frame in truth["frames"]] == list(range(6))
    written = [section for frame in truth["frames"] for section in frame["sections"]]
    known = [section for frame in recording.truths for section in frame.sections]
    assert [geometry_from_json(section["geometry"]) for section in written] == [section.geometry for section in known]
    with av.open(str(video)) as container:
        decoded = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(decoded) == 6
    for picture, (frame, _) in zip(decoded, recording, strict=True):
        assert np.abs(picture.astype(int) - frame.pixels.astype(int)).mean() < 4.0


def test_odd_sizes_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="even"):
        write_recording(PhantomRecording(1, duration_s=0.1, size=(321, 240)), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_absurd_wishes_are_refused() -> None:
    with pytest.raises(InputError, match="duration"):
        PhantomRecording(1, duration_s=0)
    with pytest.raises(InputError, match="rate"):
        PhantomRecording(1, frame_rate_hz=0)
    with pytest.raises(InputError, match="pixels"):
        PhantomRecording(1, size=(10, 10))
