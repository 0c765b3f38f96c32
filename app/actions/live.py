"""Watching a scanner and receiving from it."""

from __future__ import annotations

from app.actions.host import ActionHost
from app.dialogs.receiver import ReceiveDialog
from app.live.dialogs import LinkDialog, WatchDialog
from app.session.reception import receiver_settings
from fetalnet.core.errors import InputError


class Live:
    """Verbs of the Live menu."""

    def __init__(self, window: ActionHost) -> None:
        self.window, self.session = window, window.session

    def watch_live(self) -> None:
        if self.session.watch.watching:
            self.window.notification.say("A watch is running; stop it first (Live, Stop and review).")
            return
        dialog = WatchDialog(self.window.settings, self.session.watch.folder, self.window)
        if dialog.exec() and dialog.source is not None:
            self.session.watch.begin(dialog.source, connection=dialog.connection)

    def show_receiver(self) -> None:
        ReceiveDialog(self.session.reception, self.window.settings, self.window).exec()

    def begin_receiving(self) -> None:
        try:
            self.session.reception.begin(receiver_settings(self.window.settings))
        except InputError as error:
            self.window.notification.say(f"Nothing is received by DICOM: {error}")

    def freeze(self) -> None:
        self.session.watch.freeze()

    def keep_minute(self) -> None:
        self.session.watch.keep()

    def show_link(self) -> None:
        LinkDialog(self.session.watch, self.window).exec()

    def stop_watching(self) -> None:
        self.session.watch.stop()
