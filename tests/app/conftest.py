"""The real window with isolated folders, a quick predictor, and a person's verbs."""

from __future__ import annotations

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from support.window import FakePredictor, Person, write_clip

from app.__main__ import Program, start
from fetalnet.core.scale.scale import NO_SCALE, Scale, given_scale
from fetalnet.core.system.folders import Folders


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The offscreen platform says at every window that it has no size hints; all other Qt warnings fail a test."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.qt_log_ignore("propagateSizeHints", extend=True))


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clips") / "clip.mp4")


@pytest.fixture
def predictor() -> FakePredictor:
    return FakePredictor()


@pytest.fixture
def start_program(
    qtbot: QtBot, qapp: QApplication, tmp_path: Path, predictor: FakePredictor, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Person]]:
    """Starts the real program in folders of its own; stops it after the test, and undoes what it hooked."""
    # The tests' own hooks see Qt's messages and errors, and fail on them.
    monkeypatch.setattr("app.__main__.route_qt_messages", lambda: None)
    monkeypatch.setattr("app.log.ErrorHook.install", lambda _: None)
    programs: list[Program] = []

    def begin(*files: Path, scale: Scale = NO_SCALE, **more: object) -> Person:
        folders = Folders(tmp_path / "config", tmp_path / "data", tmp_path / "log")
        arguments = {"load_predictor": lambda: predictor} | more
        program = start(qapp, files=files, scale=scale, folders=folders, **arguments)
        programs.append(program)
        qtbot.waitExposed(program.window)
        return Person(qtbot, program)

    yield begin
    predictor.gate.set()
    for program in programs:
        program.stop()
        program.window.deleteLater()
    qapp.processEvents()


@pytest.fixture
def person(start_program: Callable[..., Person]) -> Person:
    """Somebody with an empty window."""
    return start_program()


@pytest.fixture
def reviewer(start_program: Callable[..., Person], clip: Path) -> Person:
    """Somebody with an analysed clip with a scale."""
    person = start_program(scale=given_scale(0.5))
    person.open_clip(clip)
    return person
