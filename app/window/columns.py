"""Where the panes of the window stand: recordings, picture and measurements side by side, the player below."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from app.widgets.scrolled import scrolled

SIDE_SHARE = 0.333
"""Both side columns together; the picture keeps two thirds of the width."""
LEFT_PART = 0.39
PAGE_SHARE = 0.37
"""The whole examination takes more on the left; measurements stay on the right, the player between them."""
LEFT_MIN_PX, RIGHT_MIN_PX, PAGE_MIN_PX = 166, 260, 440
"""Narrower than in a window of 1280 they would cut numbers: a smaller window takes from the picture."""


class Columns(QWidget):
    """The central widget. ``recordings`` and ``gallery`` stand on the left, ``review`` and ``refused_scale`` on the
    right or ``live`` in their place, the widgets of ``lower`` in rows below.
    """

    def __init__(
        self,
        *,
        recordings: QWidget,
        gallery: QWidget,
        picture: QWidget,
        review: tuple[QWidget, QWidget],
        refused_scale: QWidget,
        live: QWidget,
        lower: Sequence[QWidget],
    ) -> None:
        super().__init__()
        left, upper_right, right = QWidget(), QWidget(), QWidget()
        column = _rows(left, 1)
        column.addWidget(recordings, 2)
        column.addWidget(gallery, 5)
        column = _rows(upper_right, 1)
        column.addWidget(review[0], 1)
        column.addWidget(review[1])
        column = _rows(right, 1)
        # On a low screen it scrolls, and the window never grows.
        column.addWidget(scrolled(upper_right), 1)
        column.addWidget(refused_scale)
        self._left, self._right = QStackedWidget(), QStackedWidget()
        self._left.addWidget(left)
        self._right.addWidget(right)
        self._right.addWidget(live)
        upper = QHBoxLayout()
        upper.setSpacing(1)
        upper.addWidget(self._left)
        upper.addWidget(picture, 1)
        upper.addWidget(self._right)
        self._lower = QFrame()
        self._lower.setObjectName("pane")
        column = _rows(self._lower, 0)
        for each in lower:
            column.addWidget(each)
        rows = _rows(self, 1)
        rows.addLayout(upper, 1)
        rows.addWidget(self._lower)

    def add_side_page(self, page: QWidget) -> None:
        """A page that can take the place of recordings and best frames."""
        self._left.addWidget(page)

    def show_side_page(self, page: QWidget | None) -> None:
        """Show a page in the place of recordings and best frames; None brings them back."""
        self._left.setCurrentIndex(0 if page is None else self._left.indexOf(page))
        self._share_width()

    def show_live(self, live: bool) -> None:
        """Live, the picture has the room of what belongs to recordings."""
        self._right.setCurrentIndex(1 if live else 0)
        self._left.setVisible(not live)
        self._lower.setVisible(not live)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._share_width()
        super().resizeEvent(event)

    def _share_width(self) -> None:
        side = self.width() * SIDE_SHARE
        wide = self._left.currentIndex() > 0
        left = self.width() * PAGE_SHARE if wide else side * LEFT_PART
        self._left.setFixedWidth(max(round(left), PAGE_MIN_PX if wide else LEFT_MIN_PX))
        self._right.setFixedWidth(max(round(side * (1 - LEFT_PART)), RIGHT_MIN_PX))


def _rows(parent: QWidget, spacing_px: int) -> QVBoxLayout:
    rows = QVBoxLayout(parent)
    rows.setContentsMargins(0, 0, 0, 0)
    rows.setSpacing(spacing_px)
    return rows
