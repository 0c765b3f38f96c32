"""Looks for the fan on a thread of its own, where the analysis has not yet: it reads several frames."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from PySide6.QtCore import QObject, QThread, Signal

from fetalnet.core.errors import InputError
from fetalnet.screen.fan.sector_search import sector_of
from fetalnet.sources import Source


class FanSearch(QThread):
    """Signals: found(Path, FanShape or None), failed(str): one sentence for a person."""

    found = Signal(object, object)
    failed = Signal(str)

    def __init__(self, open_source: Callable[[Path], Source], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._open_source = open_source
        self._path = Path()

    def begin(self, path: Path) -> None:
        self._path = path
        self.start()

    def run(self) -> None:
        try:
            with closing(self._open_source(self._path)) as source:
                fan = sector_of(source).fan
        except InputError as error:
            self.failed.emit(str(error))
        else:
            self.found.emit(self._path, fan)
