"""The log file, and what happens to errors nobody expected. No patient data: no file names, no labels."""

from __future__ import annotations

import logging
import logging.handlers
import re
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from traceback import extract_tb, format_tb
from types import TracebackType

from PySide6.QtCore import QMessageLogContext, QObject, QtMsgType, Signal, qInstallMessageHandler

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]

log = logging.getLogger("app")
qt_log = logging.getLogger("qt")

LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


OWN = {"app", "fetalnet", "__main__"}
"""Loggers of this program; its messages hold no names."""
_QUOTED_OR_PATH = re.compile(r"""(["']).*?\1|\S*[/\\].*""")


class Discreet(logging.Formatter):
    """Leaves out what may tell a patient's name: values, paths, and the words of errors."""

    def format(self, record: logging.LogRecord) -> str:
        said = logging.makeLogRecord(record.__dict__ | {"exc_text": None, "args": None})
        by = record.name.partition(".")[0]
        if by == qt_log.name:
            said.msg = _QUOTED_OR_PATH.sub("…", record.getMessage())
        else:
            said.msg = record.getMessage() if by in OWN else "(a library's message)"
        return super().format(said)

    def formatException(self, ei: _ExcInfo) -> str:
        return frames_text(ei[0], ei[2])


def frames_text(kind: type[BaseException] | None, traceback: TracebackType | None) -> str:
    """Kind and frames only: an error's own words may hold a file's name, and with it a patient's."""
    return f"{kind.__name__ if kind else 'error'}\n{''.join(format_tb(traceback))}"


def start_log(folder: Path) -> Path | None:
    """Log to a rotating file; a folder that cannot be written does not stop the start."""
    path = folder / "fetalnet.log"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(path, maxBytes=500_000, backupCount=3, encoding="utf-8")
    except OSError:
        return None
    handler.setFormatter(Discreet("%(asctime)s %(levelname)s %(threadName)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    return path


def stop_log() -> None:
    """Close the log's file."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        if isinstance(handler, logging.handlers.RotatingFileHandler):
            root.removeHandler(handler)
            handler.close()


def route_qt_messages() -> None:
    """Put Qt's own messages into the log."""

    def handle(kind: QtMsgType, _: QMessageLogContext, message: str | None) -> None:
        qt_log.log(LEVELS.get(kind, logging.WARNING), message)

    qInstallMessageHandler(handle)


class ErrorHook(QObject):
    """Catches what nobody caught, on any thread: logs it, saves the work, tells the person once.

    Signals:
        raised(str): kind and place of an error not told before; a person may send it on, so it holds no more.
    """

    raised = Signal(str)

    def __init__(self, save: Callable[[], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._save = save
        self._told: set[str] = set()
        self._before: tuple[Callable[..., object], Callable[..., object]] | None = None

    def install(self) -> None:
        self._before = sys.excepthook, threading.excepthook
        sys.excepthook = self.handle
        threading.excepthook = lambda args: self.handle(
            args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback
        )

    def remove(self) -> None:
        if self._before is not None:
            sys.excepthook, threading.excepthook = self._before
            self._before = None

    def handle(self, kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, traceback)
            return
        log.critical("unexpected %s", frames_text(kind, traceback))
        if sys.stderr is not None and sys.stderr.isatty():
            sys.__excepthook__(kind, error, traceback)
        elif sys.stderr is not None:
            # Nobody reads along: a desktop writes this stream into a log of its own.
            print(f"unexpected {frames_text(kind, traceback)}", file=sys.stderr)
        try:
            self._save()
        except Exception:  # noqa: BLE001  nothing may keep the person from being told
            log.critical("saving after the error failed")
        frames = extract_tb(traceback)
        where = kind.__name__
        if frames:
            where += f" in {Path(frames[-1].filename).name}, line {frames[-1].lineno}"
        if where not in self._told:
            self._told.add(where)
            self.raised.emit(where)
