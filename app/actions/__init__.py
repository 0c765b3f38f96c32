"""One short method for every action of the table. Asking is apart from doing, so that doing needs no dialog."""

from __future__ import annotations

from collections.abc import Callable

from app.actions.file import Files
from app.actions.host import ActionHost
from app.actions.live import Live
from app.actions.measure import Measuring
from app.actions.play import Playing
from app.actions.scale import Scaling
from app.actions.table import Do
from app.actions.view import Showing


class Verbs:
    """What the actions do, by what it is about. Each method bears the name of its ``Do``."""

    def __init__(self, window: ActionHost) -> None:
        self.files = Files(window)
        self.live = Live(window)
        self.measuring = Measuring(window)
        self.scaling = Scaling(window)
        self.playing = Playing(window)
        self.showing = Showing(window)

    def of(self, do: Do) -> Callable[..., object]:
        """The method of an action."""
        parts = (self.files, self.live, self.measuring, self.scaling, self.playing, self.showing)
        method: Callable[..., object] = next(getattr(part, do) for part in parts if hasattr(part, do))
        return method

    def stop(self) -> None:
        """Wait for what still runs beside the window."""
        self.files.exports.stop()
        self.scaling.stop()
        if self.showing.examination is not None:
            self.showing.examination.stop()
