"""Where recordings are put on and taken off: the player that plays, the one that opens, and those that leave."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from app.session.picture_folders import Restore
from app.workers.hanging import wait_or_leave
from app.workers.player import Opened, Player
from fetalnet.sources import Frame, Source
from fetalnet.sources.pictures.folder import TakenFor


class Deck(QObject):
    """Holds one recording at a time; its newest frame is looked for at the screen's rate.

    Signals:
        listed(Listing): what is opened holds these clips; opened(Opened): this recording plays from now on;
        frame_shown(Frame), state_changed(PlayState);
        failed(str): one sentence for a person.
    """

    listed = Signal(object)
    opened = Signal(object)
    frame_shown = Signal(object)
    state_changed = Signal(object)
    failed = Signal(str)

    def __init__(
        self,
        open_source: Callable[[Path], Source],
        restore: Restore,
        screen_rate_hz: float,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.player: Player | None = None
        self.frame: Frame | None = None
        self._opening: Player | None = None
        self._open_source = open_source
        self._restore = restore
        self._leaving: list[Player] = []
        # Frames never travel as queued signals: they would pile up while the UI is busy. The screen looks itself.
        self._display = QTimer(self)
        self._display.setInterval(max(round(1000 / screen_rate_hz), 4))
        self._display.timeout.connect(self._show_newest)

    @property
    def opening(self) -> bool:
        """Whether a recording is being opened."""
        return self._opening is not None

    def open(self, path: Path, said: dict[Path, TakenFor]) -> None:
        """Begin to open a recording; the one now open stays until the new one is.

        ``said`` is what a person takes folders of pictures for.
        """
        player = self._opening = Player(path, self._open_source, self._restore, dict(said), self)
        player.listed.connect(self.listed)
        player.opened.connect(self._on_opened)
        player.failed.connect(self._on_failed)
        player.finished.connect(self._on_finished)
        self._leaving.append(player)
        player.start()

    def stop(self) -> None:
        """Ask every player's thread to end."""
        self._display.stop()
        for player in self._players():
            player.stop()

    def wait(self) -> None:
        """Wait until every player's thread has ended."""
        for player in self._players():
            wait_or_leave(player)

    def _players(self) -> list[Player]:
        return [*self._leaving, *([self.player] if self.player else [])]

    def _on_opened(self, opened: Opened) -> None:
        player = self.sender()
        assert isinstance(player, Player)
        self._leaving.remove(player)
        if player is not self._opening:
            self._leave(player)
            return
        if self.player is not None:
            self._leave(self.player)
        self._opening = None
        self.player, self.frame = player, None
        player.state_changed.connect(self.state_changed)
        self._display.start()
        self.opened.emit(opened)

    def _leave(self, player: Player) -> None:
        """Let a player go without waiting for it: it is forgotten when its thread has ended."""
        player.disconnect(self)
        player.finished.connect(self._on_finished)
        self._leaving.append(player)
        player.stop()

    def _on_finished(self) -> None:
        player = self.sender()
        if player in self._leaving:
            self._leaving.remove(player)
            player.deleteLater()

    def _on_failed(self, sentence: str) -> None:
        if self.sender() is self._opening:
            self._opening = None
        self.failed.emit(sentence)

    def _show_newest(self) -> None:
        frame = self.player.screen.take() if self.player is not None else None
        if frame is not None:
            self.frame = frame
            self.frame_shown.emit(frame)
