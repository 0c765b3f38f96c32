"""The scanner burned a name into the picture: one key hides it on screen, and no report shows it unasked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from pypdf import PdfReader
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFileDialog
from support.window import FRAMES, Person

from app.actions.table import Do
from app.log import ErrorHook, start_log, stop_log
from app.session.settings import load_settings
from fetalnet.core.planes import Kind
from fetalnet.core.scale.scale import given_scale
from fetalnet.export.wording import TEXT_KEPT

WIDTH, HEIGHT = 640, 480
LOGO = (slice(440, 470), slice(8, 60))
"""Beside the fan, but within the hull of all that is thick enough for tissue."""


@pytest.fixture(scope="session")
def named_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fan of speckle, a white name in one corner, a logo in another."""
    path = tmp_path_factory.mktemp("Doe Jane") / "Doe_Jane_19870203.mp4"
    fan = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.ellipse(fan, (WIDTH // 2, 30), (420, 420), 90, -38, 38, 1, -1)
    rng = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=24)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = WIDTH, HEIGHT, "yuv420p", 20_000_000
        for _ in range(FRAMES):
            pixels = np.repeat((fan * rng.integers(60, 200, fan.shape, np.uint8))[..., None], 3, axis=2)
            cv2.putText(pixels, "DOE JANE", (8, 22), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (255, 255, 255))
            pixels[LOGO] = 220
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    return path


@pytest.fixture
def reader(start_program: Callable[..., Person], named_clip: Path) -> Person:
    person = start_program(scale=given_scale(0.5))
    person.open_clip(named_clip)
    return person


def brightest(person: Person) -> tuple[int, int]:
    """The brightest value on screen where name and logo are, and in the middle of the fan."""
    image = person.canvas.grab().toImage().convertToFormat(QImage.Format.Format_Grayscale8)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    place = person.canvas.viewport.to_screen()
    ratio = image.width() / person.canvas.width()

    def most(x0: float, y0: float, x1: float, y1: float) -> int:
        (left, top), (right, bottom) = (place.map(x, y) for x, y in ((x0, y0), (x1, y1)))
        left, top, right, bottom = (round(value * ratio) for value in (left, top, right, bottom))
        return int(rows[top:bottom, left:right].max())

    return max(most(4, 4, 130, 28), most(10, 444, 58, 468)), most(300, 200, 340, 240)


def test_that_one_key_hides_the_name_and_the_choice_is_remembered(
    reader: Person, start_program: Callable[..., Person], named_clip: Path
) -> None:
    reader.do(Do.OVERLAY)
    name, fan = brightest(reader)
    assert name > 150
    reader.press(Qt.Key.Key_B)
    name, fan = brightest(reader)
    assert name == 0
    assert fan > 100
    reader.program.stop()
    assert load_settings(reader.program.settings_path).hide_text
    again = start_program()
    again.open_clip(named_clip)
    assert not again.canvas.overlay_visible
    assert brightest(again)[0] == 0


def test_that_where_no_fan_is_found_nobody_is_led_to_believe_that_text_is_hidden(
    start_program: Callable[..., Person], tmp_path: Path
) -> None:
    noise = np.random.default_rng(1).integers(30, 255, (120, 160), np.uint8)
    cv2.imwrite(str(tmp_path / "noise.png"), noise)
    person = start_program()
    person.open_clip(tmp_path / "noise.png")
    person.do(Do.HIDE_TEXT)
    assert "not hidden" in person.message


def test_that_the_small_pictures_of_best_frames_show_no_name(reader: Person) -> None:
    reader.wait(lambda: len(reader.window.gallery._kept) == 3)
    for picture in reader.window.gallery._kept.values():
        image = picture.toImage().convertToFormat(QImage.Format.Format_Grayscale8)
        rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
        assert rows[:15, :75].max() == 0
        assert rows[100:120, 150:170].max() > 80


def report(person: Person, path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[np.ndarray, str]:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    person.do(Do.EXPORT_PDF)
    person.wait(lambda: person.window.verbs.files.exports.running is None)
    pages = PdfReader(path).pages
    (picture,) = [each.image for page in pages for each in page.images]
    return np.asarray(picture.convert("L").resize((WIDTH, HEIGHT))), " ".join(page.extract_text() for page in pages)


def test_that_a_report_shows_the_name_only_when_asked(
    reader: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader.accept(Kind.HC)
    picture, text = report(reader, tmp_path / "report.pdf", monkeypatch)
    assert picture[:26, :60].max() == 0
    assert picture[445:465, 12:55].max() == 0
    assert picture[200:240, 300:340].max() > 100
    assert reader.message == f"Written: {tmp_path / 'report.pdf'}"
    reader.do(Do.KEEP_TEXT)
    picture, text = report(reader, tmp_path / "report.pdf", monkeypatch)
    assert picture[:26, :60].max() > 100
    assert TEXT_KEPT in " ".join(text.split())
    assert TEXT_KEPT in reader.message


def test_that_neither_title_nor_log_nor_a_saved_file_s_name_tells_whose_recording_it_is(
    reader: Person, tmp_path: Path
) -> None:
    reader.accept(Kind.HC)
    reader.wait_saved()
    reader.program.stop()
    assert "Doe" not in reader.window.windowTitle() + reader.window.windowFilePath()
    assert "Doe" not in (tmp_path / "log" / "fetalnet.log").read_text()
    assert not [path for path in (tmp_path / "data").rglob("*") if "Doe" in path.name]
    assert (tmp_path / "config" / "settings.json").stat().st_mode & 0o077 == 0


def test_that_what_libraries_say_of_a_file_stays_out_of_the_log(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    import logging

    path = start_log(tmp_path)
    logging.getLogger("pydicom").warning("Invalid value for VR PN: 'Doe^Jane'")
    logging.getLogger("qt").warning('Cannot open "/scans/Doe Jane.png": no /scans/Doe Jane.png there')
    name = "/scans/Doe Jane.png"
    try:
        raise ValueError(name)
    except ValueError as error:
        logging.getLogger("fetalnet.sources").exception("unexpected")
        hook = ErrorHook(lambda: None)
        hook.handle(type(error), error, error.__traceback__)
    stop_log()
    text = path.read_text()
    assert "Doe" not in text + capfd.readouterr().err
    assert "WARNING" in text
    assert "Cannot open" in text
    assert "ValueError" in text
