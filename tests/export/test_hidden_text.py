"""What the command line draws shows no name that a scanner burned in, unless it is asked to."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from pypdf import PdfReader

from fetalnet.cli import main
from fetalnet.core.geometry import Ellipse
from fetalnet.core.planes import Plane
from fetalnet.core.prediction import ModelRef, Prediction
from fetalnet.export.overlay import OverlayWriter
from fetalnet.export.wording import TEXT_KEPT, TEXT_NOT_FOUND
from fetalnet.screen.burned_in import FanOnly
from fetalnet.screen.fan.sector import Sector
from fetalnet.sources import VideoFile

WIDTH, HEIGHT = 640, 480
NAME = (slice(4, 40), slice(4, 140))


class HeadFinder:
    """Sees the same head in every frame."""

    model = ModelRef("fake", "0" * 64, "none")

    def look_at(self, crop: object, fan: object) -> None:
        pass

    def predict(self, frame) -> Prediction:
        probabilities = {each: 0.97 if each is Plane.HEAD else 0.01 for each in Plane}
        head = Ellipse.of(320, 260, 90, 70, 10)
        return Prediction(frame.index, frame.time_s, Plane.HEAD, probabilities, 0.9, None, head, file=frame.file)

    predict_still = predict


def screen() -> np.ndarray:
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    cv2.ellipse(pixels, (WIDTH // 2, 30), (420, 420), 90, -38, 38, (1, 1, 1), -1)
    pixels *= np.random.default_rng(0).integers(60, 200, (HEIGHT, WIDTH, 1), np.uint8)
    cv2.putText(pixels, "DOE JANE", (8, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (255, 255, 255))
    return pixels


@pytest.fixture
def clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys.modules["fetalnet.cli.analyze"], "_predictor", lambda *_, **__: HeadFinder())
    with OverlayWriter(tmp_path / "clip.mp4", (WIDTH, HEIGHT), 25) as writer:
        for _ in range(12):
            writer.write(screen())
    return tmp_path / "clip.mp4"


def analysed(source: Path, capsys: pytest.CaptureFixture, *more: str) -> tuple[np.ndarray, np.ndarray, str, str]:
    """A frame of the overlay, a picture of the report, the report's text and what was said."""
    report, overlay = source.with_name("r.pdf"), source.with_name("o.mp4")
    with pytest.raises(SystemExit) as left:
        main(["analyze", str(source), "--report", str(report), "--overlay", str(overlay), *more])
    assert left.value.code == 0
    video = VideoFile(overlay)
    frame = video[len(video) // 2].pixels
    video.close()
    pages = PdfReader(report).pages
    picture = next(each.image for page in pages for each in page.images)
    text = " ".join(" ".join(page.extract_text().split()) for page in pages)
    return frame, np.asarray(picture.convert("L")), text, capsys.readouterr().err


def test_that_report_and_overlay_show_the_fan_alone(clip: Path, capsys: pytest.CaptureFixture) -> None:
    frame, picture, _, said = analysed(clip, capsys)
    assert frame[NAME].max() < 8
    assert picture[NAME].max() == 0
    assert frame[200:240, 300:340].max() > 100
    assert picture[200:240, 300:340].max() > 100
    assert "text" not in said


def test_that_the_scanner_s_text_is_kept_when_asked_and_that_this_is_said(
    clip: Path, capsys: pytest.CaptureFixture
) -> None:
    frame, picture, text, said = analysed(clip, capsys, "--keep-text")
    assert frame[NAME].max() > 200
    assert picture[NAME].max() > 200
    assert TEXT_KEPT in text
    assert TEXT_KEPT in said


def test_that_a_picture_without_a_fan_is_not_called_clean(clip: Path, capsys: pytest.CaptureFixture) -> None:
    noise = np.random.default_rng(1).integers(30, 255, (HEIGHT, WIDTH), np.uint8)
    cv2.imwrite(str(clip.with_name("noise.png")), noise)
    _, _, text, said = analysed(clip.with_name("noise.png"), capsys)
    assert TEXT_NOT_FOUND in text
    assert TEXT_NOT_FOUND in said


@pytest.mark.parametrize("shape", [(40, 60), (40, 60, 3)])
def test_that_only_what_lies_outside_goes_black(shape: tuple[int, ...]) -> None:
    pixels = np.full(shape, 90, np.uint8)
    pixels.setflags(write=False)
    shown = FanOnly.of(Sector((10, 5, 40, 30), np.array([[10, 5], [40, 5], [40, 30], [10, 30]])), shape).shown(pixels)
    assert (shown[6:30, 11:40] == 90).all()
    assert not shown[:4].any()
    assert not shown[:, 42:].any()
    assert FanOnly.of(Sector.whole(shape), shape).shown(pixels) is pixels
