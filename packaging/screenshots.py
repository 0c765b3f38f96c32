"""Takes the README's pictures of the program on the demo recording: python packaging/screenshots.py."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QDeadlineTimer, QEventLoop
from PySide6.QtWidgets import QApplication

from app.__main__ import Program, start
from app.actions.table import Do
from app.workers.predictor_loading import predictor_loader
from fetalnet.core.scale.scale import given_scale
from fetalnet.core.system.folders import Folders

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "resources" / "demo"
IMAGES = ROOT / "docs" / "images"
SIZE = (1440, 900)


def run_until(app: QApplication, true: Callable[[], bool], limit_s: float) -> None:
    """Let the program work until something holds."""
    deadline = QDeadlineTimer(int(limit_s * 1000))
    while not true():
        if deadline.hasExpired():
            raise TimeoutError("the program did not get there")
        app.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 50)


def settle(app: QApplication) -> None:
    """Let the frame and the small pictures arrive from their threads."""
    deadline = QDeadlineTimer(1500)
    run_until(app, deadline.hasExpired, 5)


def take(app: QApplication, program: Program, name: str) -> None:
    """Save a picture of the window."""
    settle(app)
    program.window.grab().save(str(IMAGES / name))
    print(f"docs/images/{name}")


def main() -> None:
    """Analyse the demo, decide, and take three pictures on the way."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    IMAGES.mkdir(parents=True, exist_ok=True)
    app = QApplication(sys.argv[:1])
    with tempfile.TemporaryDirectory() as home:
        own = Path(home)
        program = start(
            app,
            files=[DEMO / "demo.mp4"],
            scale=given_scale(float((DEMO / "mm_per_pixel").read_text())),
            load_predictor=predictor_loader(None, "auto"),
            folders=Folders(own / "config", own / "data", own / "log"),
        )
        program.window.resize(*SIZE)
        run_until(app, lambda: program.session.analysis.state.complete, 300)
        actions = program.window.actions_
        actions[Do.BEST_HEAD].trigger()
        take(app, program, "head.png")
        actions[Do.ACCEPT_PLANE].trigger()
        actions[Do.BEST_ABDOMEN].trigger()
        settle(app)
        actions[Do.ACCEPT_PLANE].trigger()
        take(app, program, "abdomen.png")
        actions[Do.BEST_FEMUR].trigger()
        take(app, program, "femur.png")
        program.stop()


if __name__ == "__main__":
    main()
