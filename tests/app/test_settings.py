"""Settings and the log never stop the start."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support.window import BEST, FakePredictor, Person

from app.actions.table import Do
from app.dialogs.settings import SettingsDialog
from app.log import ErrorHook, start_log, stop_log
from app.session.settings import RECENT_LIMIT, Settings, load_settings, save_settings
from fetalnet.analysis.quality import Criterion
from fetalnet.core.planes import Plane
from fetalnet.core.prediction import Prediction, Shape
from fetalnet.sources import Frame


def test_that_settings_come_back(tmp_path: Path) -> None:
    settings = Settings(loop=True)
    settings.add_recent(tmp_path / "a clip.mp4")
    save_settings(settings, tmp_path / "new" / "settings.json")
    assert load_settings(tmp_path / "new" / "settings.json") == settings


@pytest.mark.parametrize("content", ["", "not json", "[1, 2]", "null", '{"loop": "perhaps"}'])
def test_that_a_broken_file_gives_defaults(tmp_path: Path, content: str) -> None:
    path = tmp_path / "settings.json"
    path.write_text(content)
    assert load_settings(path) == Settings()


def test_that_one_wrong_value_costs_that_value_alone(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"loop": True, "overlay_opacity": 7, "unknown": 1}))
    settings = load_settings(path)
    assert settings.loop
    assert settings.overlay_opacity == Settings().overlay_opacity


def test_that_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    save_settings(Settings(), tmp_path / "file" / "settings.json")
    assert start_log(tmp_path / "file" / "log") is None


def test_that_recent_files_are_few_and_newest_first(tmp_path: Path) -> None:
    settings = Settings()
    for number in range(RECENT_LIMIT + 3):
        settings.add_recent(tmp_path / f"{number}.mp4")
    settings.add_recent(tmp_path / "5.mp4")
    assert len(settings.recent_files) == RECENT_LIMIT
    assert settings.recent_files[0].endswith("5.mp4")


def test_that_an_unexpected_error_is_saved_logged_and_told_once(tmp_path: Path, qtbot: object) -> None:
    saved: list[int] = []
    told: list[str] = []
    name = "Jane_Doe.mp4"
    hook = ErrorHook(lambda: saved.append(1))
    hook.raised.connect(told.append)
    path = start_log(tmp_path)
    for _ in range(2):
        try:
            raise ValueError(f"surprise at {name}")
        except ValueError as error:
            hook.handle(type(error), error, error.__traceback__)
    stop_log()
    assert len(saved) == 2
    assert len(told) == 1
    assert told[0].startswith("ValueError in test_settings.py, line ")
    assert path is not None
    text = path.read_text()
    assert text.count("unexpected ValueError") == 2
    assert "Jane_Doe" not in text


def test_that_how_much_a_plane_must_fill_is_set_by_the_person_and_remembered(
    start_program: Callable[..., Person], clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Sized(FakePredictor):
        def predict(self, frame: Frame) -> Prediction:
            prediction = super().predict(frame)
            return replace(prediction, shape=prediction.geometry and Shape(1.0, 0.01, 0.9, 0.02, 0.4))

        predict_still = predict

    def set_to(percent: int) -> None:
        def agreed(dialog: SettingsDialog) -> bool:
            dialog.min_plane_size.setValue(percent)
            dialog.accept()
            return True

        monkeypatch.setattr(SettingsDialog, "exec", agreed)
        person.do(Do.SETTINGS)

    person = start_program(load_predictor=Sized)
    person.open_clip(clip)
    person.go_to(BEST[Plane.HEAD])
    assert person.window.quality.texts()[Criterion.SIZE][0] == "●"
    set_to(50)
    assert person.window.quality.texts()[Criterion.SIZE][0] == "✕"
    person.program.stop()
    assert load_settings(person.program.settings_path).min_plane_size == 0.5
    set_to(30)
    assert person.window.quality.texts()[Criterion.SIZE][0] == "●"
