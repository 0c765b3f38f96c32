"""The overlay shows what was found where it was found; its video is whole or not there."""

from __future__ import annotations

import errno
from pathlib import Path

import av
import numpy as np
import pytest

from fetalnet.core.errors import InputError
from fetalnet.core.geometry import Ellipse, Geometry, Line
from fetalnet.core.planes import Plane
from fetalnet.core.prediction import Prediction
from fetalnet.core.scale.scale import NO_SCALE, given_scale
from fetalnet.export.overlay import COLOURS, OverlayWriter, draw_overlay
from fetalnet.sources import VideoFile

GREY = np.full((540, 800), 90, np.uint8)
HEAD = Ellipse(400, 270, 150, 110, 20)


def predicted(plane: Plane, geometry: Geometry | None, outline: np.ndarray | None = None) -> Prediction:
    probabilities = {each: 0.97 if each is plane else 0.01 for each in Plane}
    return Prediction(0, 0.0, plane, probabilities, 0.9, outline, geometry)


def share_of_colour(picture: np.ndarray, geometry: Geometry, plane: Plane) -> float:
    """Part of the points along a geometry that carry the plane's colour."""
    x, y = np.rint(geometry.points(400)).astype(int).T
    return float(np.mean(np.abs(picture[y, x].astype(int) - COLOURS[plane]).max(axis=1) < 60))


@pytest.mark.parametrize(
    ("plane", "geometry"),
    [(Plane.HEAD, HEAD), (Plane.ABDOMEN, HEAD), (Plane.FEMUR, Line(200.5, 300.5, 500.5, 200.5))],
)
def test_proposals_are_dashed_and_decisions_solid(plane: Plane, geometry: Geometry) -> None:
    proposal = draw_overlay(GREY, predicted(plane, geometry), NO_SCALE)
    decision = draw_overlay(GREY, predicted(plane, geometry), NO_SCALE, decided=True)
    assert 0.4 < share_of_colour(proposal, geometry, plane) < 0.85
    assert share_of_colour(decision, geometry, plane) > 0.97


def test_the_frame_itself_stays_untouched_and_the_outline_is_tinted() -> None:
    pixels = np.dstack([GREY] * 3)
    pixels.setflags(write=False)
    picture = draw_overlay(pixels, predicted(Plane.HEAD, None, HEAD.points(100).astype(np.float32)), NO_SCALE)
    assert (pixels == 90).all()
    assert picture[270, 400, 0] > picture[270, 400, 2] > 0
    assert (picture[270, 100] == 90).all()


def test_values_change_with_the_scale_and_nothing_is_drawn_without_a_plane() -> None:
    in_px = draw_overlay(GREY, predicted(Plane.HEAD, HEAD), NO_SCALE)
    in_mm = draw_overlay(GREY, predicted(Plane.HEAD, HEAD), given_scale(0.2))
    assert (in_px != in_mm).any()
    other = draw_overlay(GREY, predicted(Plane.OTHER, None), NO_SCALE)
    assert (other[:480] == 90).all()  # the top is the scanner's own
    assert (other[480:] != 90).any()  # the plane and the research-use line


def test_geometry_beyond_the_picture_is_drawn_as_far_as_it_goes() -> None:
    ellipse = Ellipse(20, 20, 150, 110, 20)
    picture = draw_overlay(GREY, predicted(Plane.HEAD, ellipse, ellipse.points(80).astype(np.float32)), NO_SCALE)
    assert (picture[:200, :200] != 90).any()


def test_the_video_holds_every_frame_in_order(tmp_path: Path) -> None:
    path = tmp_path / "overlay.mp4"
    pictures = [np.full((63, 81, 3), 20 * index, np.uint8) for index in range(10)]
    with OverlayWriter(path, (81, 63), 29.97) as writer:
        for picture in pictures:
            writer.write(picture)
        assert not path.exists()
    source = VideoFile(path)
    assert [round(float(frame.pixels.mean()) / 20) for frame in source] == list(range(10))
    assert (source.width, source.height) == (80, 62)
    assert source.frame_rate_hz == pytest.approx(29.97, abs=0.01)
    assert [file.name for file in tmp_path.iterdir()] == ["overlay.mp4"]


def test_a_failure_leaves_what_was_there_before(tmp_path: Path) -> None:
    path = tmp_path / "overlay.mp4"
    path.write_bytes(b"earlier")

    def break_off() -> None:
        with OverlayWriter(path, (64, 48), 25) as writer:
            writer.write(np.zeros((48, 64, 3), np.uint8))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert path.read_bytes() == b"earlier"
    assert [file.name for file in tmp_path.iterdir()] == ["overlay.mp4"]


def test_a_full_disk_gives_a_sentence_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(self: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def write() -> None:
        with OverlayWriter(tmp_path / "overlay.mp4", (64, 48), 25) as writer:
            writer.write(np.zeros((48, 64, 3), np.uint8))

    monkeypatch.setattr(Path, "replace", no_space)
    with pytest.raises(InputError, match="disk is full"):
        write()
    assert list(tmp_path.iterdir()) == []


def test_a_real_full_device_gives_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    real_open = av.open
    monkeypatch.setattr(av, "open", lambda name, mode: real_open(str(full), mode, format="matroska"))

    def write() -> None:
        noise = np.random.default_rng(0).integers(0, 255, (480, 640, 3), dtype=np.uint8)
        with OverlayWriter(tmp_path / "overlay.mkv", (640, 480), 25) as writer:
            for _ in range(5):
                writer.write(noise)

    with pytest.raises(InputError, match=r"overlay\.mkv.*disk is full"):
        write()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_gives_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="folder does not exist"):
        OverlayWriter(tmp_path / "nowhere" / "overlay.mp4", (64, 48), 25)
