"""Start the program: arguments, log, error hook, window."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QSettings, Qt, QTimer
from PySide6.QtWidgets import QApplication

from app.dialogs.about import NAME
from app.log import ErrorHook, route_qt_messages, start_log, stop_log
from app.session.session import Session
from app.session.settings import load_settings, save_settings
from app.theme import apply_theme
from app.window.window import Window
from app.workers.hanging import left_behind
from app.workers.predictor_loading import DEFAULT_WEIGHTS, MODEL_CARD, predictor_loader
from fetalnet import __version__
from fetalnet.analysis.findings import DescribedPredictor
from fetalnet.core.decimal_text import decimal
from fetalnet.core.errors import InputError
from fetalnet.core.planes import Plane
from fetalnet.core.scale.scale import NO_SCALE, Scale, given_scale
from fetalnet.core.system.folders import PROGRAM, Folders
from fetalnet.core.system.leftovers import remove_leftovers
from fetalnet.sources import Source, open_source

log = logging.getLogger(__name__)

ENGINE_MEMORY = "engine.json"
"""Which engine was measured to be the fastest on this computer."""
SWITCH_S = 0.0005
"""How long a thread may keep the interpreter from another that asks for it. With Python's own 5 ms the threads of a
live picture, which do much outside the interpreter, wait longer to come back into it than they work.
"""


@dataclass(slots=True)
class Program:
    """A started program; ``stop`` puts everything away, and asks nothing any more."""

    app: QApplication
    window: Window
    session: Session
    hook: ErrorHook
    settings_path: Path

    def stop(self) -> None:
        self.window.leaves_unasked = True
        self.window.close()
        save_settings(self.window.settings, self.settings_path)
        self.hook.remove()
        stop_log()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program until its window is closed. Returns the exit status: 0, or 2 for bad usage."""
    arguments = _parser().parse_args(argv)
    try:
        scale = given_scale(arguments.mm_per_pixel) if arguments.mm_per_pixel is not None else NO_SCALE
    except InputError as error:
        print(f"fetalnet-app: {error}", file=sys.stderr)
        return 2
    if arguments.screenshot and "DISPLAY" not in os.environ and "WAYLAND_DISPLAY" not in os.environ:
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    running = QApplication.instance()
    app = running if isinstance(running, QApplication) else QApplication(sys.argv[:1])
    folders = Folders()
    device = arguments.device or load_settings(folders.config / "settings.json").engine
    program = start(
        app,
        files=[Path(name) for name in arguments.files],
        scale=scale,
        load_predictor=predictor_loader(arguments.weights, device, folders.data / ENGINE_MEMORY, folders.cache),
        folders=folders,
        model_card=(arguments.weights or DEFAULT_WEIGHTS).with_suffix(".md"),
    )
    if arguments.size:
        program.window.resize(*arguments.size)
    shot = Screenshot(program.window, arguments.screenshot, quit_=arguments.quit_when_analysed)
    shot.watch()
    try:
        app.exec()
    finally:
        program.stop()
    status = 1 if shot.failed else 0
    if any(thread.isRunning() for thread in left_behind):
        # It hangs in the system, and would keep the process for ever.
        logging.shutdown()
        os._exit(status)
    return status


def start(
    app: QApplication,
    *,
    files: Sequence[Path] = (),
    scale: Scale = NO_SCALE,
    load_predictor: Callable[[], DescribedPredictor],
    model_card: Path = MODEL_CARD,
    open_source: Callable[[Path], Source] = open_source,
    folders: Folders | None = None,
) -> Program:
    """Build session and window and show them; everything that may be slow goes on beside."""
    folders = folders or Folders()
    sys.setswitchinterval(SWITCH_S)
    app.setApplicationName(PROGRAM)
    app.setApplicationDisplayName(NAME)
    app.setApplicationVersion(__version__)
    start_log(folders.log)
    route_qt_messages()
    log.info("start, version %s", __version__)
    apply_theme(app)
    ours = (folders.config, folders.data, folders.data / "exams", folders.presets)
    threading.Thread(target=remove_leftovers, args=ours, name="leftovers", daemon=True).start()
    settings_path = folders.config / "settings.json"
    session = Session(
        open_source=open_source,
        load_predictor=load_predictor,
        exam_folder=folders.data / "exams",
        preset_folder=folders.presets,
        live_folder=folders.data / "live recordings",
        receive_folder=folders.data / "received",
        given_scale=scale,
        screen_rate_hz=app.primaryScreen().refreshRate(),
    )
    geometry = QSettings(str(folders.config / "window.ini"), QSettings.Format.IniFormat)
    window = Window(session, load_settings(settings_path), geometry, session.open_again, model_card)
    session.setParent(window)
    hook = ErrorHook(session.save_now, window)
    hook.raised.connect(window.tell_error, Qt.ConnectionType.QueuedConnection)
    hook.install()
    window.show()
    for path in files[1:]:
        window.recordings.add_path(path)
    if files:
        window.open_path(files[0])
    if window.settings.receive:
        window.verbs.live.begin_receiving()
    return Program(app, window, session, hook, settings_path)


class Screenshot:
    """Saves a picture of the window when the analysis is complete, standing on the best head, abdomen or femur."""

    def __init__(self, window: Window, path: Path | None, *, quit_: bool) -> None:
        self.failed = False
        self._window, self._path, self._quit = window, path, quit_
        self._done = False

    def watch(self) -> None:
        if self._path is not None or self._quit:
            self._window.session.analysis.changed.connect(lambda state: self._look(state.complete))
            self._window.session.notice.connect(self._on_notice)

    def _look(self, complete: bool) -> None:
        if complete and not self._done:
            self._done = True
            best = self._window.session.best_frames()
            planes = [plane for plane in Plane if any(found is plane for found, _ in best)]
            if planes:
                self._window.verbs.playing.go_to_best(planes[0])
            # The frame and the small pictures come from other threads: give them a moment.
            QTimer.singleShot(1500, self._save)

    def _on_notice(self, sentence: str) -> None:
        """Nobody watches: say it on the terminal, and leave where nothing can be analysed."""
        print(f"fetalnet-app: {sentence}", file=sys.stderr)
        # What is said of a recording as it opens is said before its analysis begins.
        QTimer.singleShot(0, self._leave_where_idle)

    def _leave_where_idle(self) -> None:
        state = self._window.session.analysis.state
        if self._quit and not state.running and not state.complete:
            self.failed = True
            self._window.close()

    def _save(self) -> None:
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if not self._window.grab().save(str(self._path)):
                print(f"fetalnet-app: Cannot write {self._path.name}; choose another folder.", file=sys.stderr)
                self.failed = True
        if self._quit:
            self._window.close()


def _decimal(text: str) -> float:
    try:
        return decimal(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fetalnet-app", description=f"{NAME} {__version__}")
    parser.add_argument("files", nargs="*", help="recordings to open: videos, DICOM files, images, folders, archives")
    parser.add_argument("--mm-per-pixel", type=_decimal, help="scale of every recording opened")
    parser.add_argument("--weights", type=Path, help="weights other than those that come with the program")
    parser.add_argument(
        "--device",
        help="auto, cpu, openvino, openvino:int8, openvino:bf16, torch, cuda (default: as chosen in the window)",
    )
    parser.add_argument("--screenshot", type=Path, help="save a picture of the window when analysed")
    parser.add_argument("--quit-when-analysed", action="store_true", help="leave when analysed")
    parser.add_argument("--size", type=_size, help="size of the window, for example 1280x800")
    parser.add_argument("--version", action="version", version=__version__)
    return parser


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    return int(width), int(height)


if __name__ == "__main__":
    sys.exit(main())
