"""The best frames of every plane, apart in time, to look at and to cut clips around."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QVBoxLayout

from app.canvas.overlay import calipers_of
from app.panes.gallery import Card, Thumbnail, ThumbnailThread, Wanted
from app.session.session import Session
from app.widgets.scrolled import scrolled
from app.workers.hanging import wait_or_leave
from fetalnet.analysis.examination import BEST_COUNT
from fetalnet.core.measurement import measure
from fetalnet.core.planes import KINDS_OF, STANDARD_PLANES, Plane
from fetalnet.export.wording import length_text
from fetalnet.sources import Source

COLUMNS = 3
ROWS = -(-BEST_COUNT // COLUMNS)
"""Cards side by side where the player keeps its room, and rows a plane."""
CARD_PX = 132


class BestFrames(QFrame):
    """Some rows a plane; each card is a frame with its value and score. A click shows it in the player."""

    def __init__(self, session: Session, open_source: Callable[[Path], Source]) -> None:
        super().__init__()
        self.setObjectName("pane")
        self._session = session
        self._kept: dict[int, QPixmap] = {}
        self._path: Path | None = None
        cards = QFrame()
        cards.setObjectName("pane")
        grid = QGridLayout(cards)
        grid.setContentsMargins(0, 0, 0, 0)
        for number in range(COLUMNS):
            grid.setColumnStretch(number, 1)
        self.cards: dict[Plane, list[Card]] = {}
        self._none: dict[Plane, QLabel] = {}
        for row, plane in enumerate(STANDARD_PLANES):
            self.cards[plane] = [Card(plane) for _ in range(BEST_COUNT)]
            for number, card in enumerate(self.cards[plane]):
                card.clicked.connect(self._on_clicked)
                card.setMinimumHeight(CARD_PX)
                grid.addWidget(card, ROWS * row + number // COLUMNS, number % COLUMNS)
            none = self._none[plane] = QLabel()
            none.setObjectName("hint")
            none.setAlignment(Qt.AlignmentFlag.AlignCenter)
            none.setMinimumHeight(CARD_PX // 2)
            grid.addWidget(none, ROWS * row, 0, 1, COLUMNS)
        grid.setRowStretch(ROWS * len(STANDARD_PLANES), 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 6, 0, 6)
        column.addWidget(scrolled(cards))
        self.thread_ = ThumbnailThread(open_source, self)
        self.thread_.made.connect(self._on_made)
        self.thread_.start()

    def stop(self) -> None:
        """End the thread that decodes the pictures, and wait for it."""
        self.thread_.stop()
        wait_or_leave(self.thread_)

    @property
    def frames(self) -> tuple[tuple[Plane, int], ...]:
        """Every frame shown."""
        bests = self._session.analysis.findings.bests
        return tuple((plane, index) for plane, best in bests.items() for index, _ in best)

    def refresh(self) -> None:
        """Show the best frames found so far, and ask for the pictures that are not there yet."""
        session = self._session
        if session.recording is None:
            return
        if session.recording.path != self._path:
            self._path, self._kept = session.recording.path, {}
        for plane in STANDARD_PLANES:
            best = session.analysis.findings.bests.get(plane, ())
            self._none[plane].setVisible(not best)
            waits = session.analysis.state.running
            self._none[plane].setText(
                f"The best {plane} frames appear here." if waits else f"No {plane} frame was good enough."
            )
            for number, card in enumerate(self.cards[plane]):
                card.setVisible(number < len(best))
                if number < len(best):
                    index, score = best[number]
                    card.show_frame(index, self._kept.get(index), self._value(plane, index), f"★ {score:.2f}")
        missing = tuple(sorted({index for _, index in self.frames} - set(self._kept)))
        if missing and session.fan is not None and not session.analysis.state.running:
            self.thread_.ask(Wanted(session.recording.path, missing, session.fan, session.device.masks))

    def _value(self, plane: Plane, index: int) -> str:
        kind = KINDS_OF[plane][0]
        measured = next((each for each in self._session.measurements_in(index) if each.kind is kind), None)
        if measured is not None:
            (line,) = calipers_of((measured,), self._session.scales.at(index))[0].labels
            return line
        prediction = self._session.analysis.predictions.get(index)
        if prediction is None or prediction.geometry is None:
            return ""
        size = self._session.scales.scale_for(index, prediction.geometry).mm_per_pixel
        length = measure(prediction.geometry, plane, size).get(kind)
        return f"{kind} {length_text(length)}"

    def _on_made(self, thumbnail: Thumbnail) -> None:
        if thumbnail.path == self._path:
            self._kept[thumbnail.index] = thumbnail.pixmap()
            if len(self._kept) >= len(self.frames) or len(self._kept) % BEST_COUNT == 0:
                self.refresh()

    def _on_clicked(self) -> None:
        card = self.sender()
        if isinstance(card, Card) and card.index is not None:
            self._session.show(card.index)
            self._session.select(KINDS_OF[card.plane][0])
