"""The table of measurements: what the machine proposed, what a person decided, and the difference."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QColor
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QGridLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.canvas.overlay import SIGNS
from app.panes.value_choice import TwoValues
from app.session.review import why_not_accepted
from app.session.session import Session
from app.theme import ACCENT, MUTED, TEXT, WARNING, plane_colour
from fetalnet.core.planes import KINDS_OF, STANDARD_PLANES, Kind
from fetalnet.exam import lengths
from fetalnet.exam.records import Measurement, Origin, Status
from fetalnet.exam.repeats import repeats_of
from fetalnet.export.wording import difference_text, length_text, status_text, time_text

COLUMNS = ("", "Proposed", "Decided", "Diff.", "", "Frame")
ROW_PX = 23


@dataclass(frozen=True, slots=True)
class Row:
    """One measure as text; dashes where nothing is known yet."""

    proposed: str = "–"
    decided: str = "–"
    difference: str = "–"
    status: str = ""
    frame: str = "–"


def row_of(session: Session, measurement: Measurement | None, unit: str) -> Row:
    """The texts of a measurement. ``unit`` stands once, above the table; what has the other one says so."""
    if measurement is None:
        return Row()
    proposed, decided = lengths.proposed_length(session.exam, measurement), lengths.decided_length(measurement)
    return Row(
        proposed=length_text(proposed).removesuffix(unit) if measurement.origin is Origin.MODEL else "hand",
        decided=length_text(decided).removesuffix(unit),
        difference=difference_text(proposed, decided).removesuffix(unit),
        status=SIGNS[measurement.status],
        frame=str(measurement.frame_index),
    )


class MeasurementsPane(QFrame):
    """Rows grouped by plane, the verbs below them, and what is known about the selected row.

    The first of the verbs accepts: it stands below the value of the best frame, beside that of the whole exam.

    Signals:
        selected(Kind): a row was chosen by the person.
    """

    selected = Signal(object)

    def __init__(
        self, session: Session, verbs: list[QAction], accept_whole: QAction, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("pane")
        self._session = session
        self._rows: dict[Kind, int] = {}
        self._cells: dict[Kind, list[QTableWidgetItem]] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(5, 8, 5, 8)
        self._title = QLabel("MEASUREMENTS")
        self._title.setObjectName("paneTitle")
        column.addWidget(self._title)
        self.table = self._new_table()
        column.addWidget(self.table)
        column.addLayout(self._new_buttons(verbs[1:]))
        self.reason = QLabel()
        self.reason.setWordWrap(True)
        # Room for two lines at all times, so that the text below does not jump.
        self.reason.setMinimumHeight(2 * self.fontMetrics().lineSpacing() + 4)
        self.reason.setAlignment(Qt.AlignmentFlag.AlignTop)
        column.addWidget(self.reason)
        self.two_values = TwoValues(session, verbs[0], accept_whole)
        column.addWidget(self.two_values)
        self.detail = QLabel()
        self.detail.setObjectName("hint")
        self.detail.setWordWrap(True)
        self.detail.setTextFormat(Qt.TextFormat.RichText)
        self.detail.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.detail.linkActivated.connect(self._leave_out)
        column.addWidget(self.detail, 1)
        session.exam_changed.connect(self.refresh)
        session.recording_opened.connect(lambda _: self.refresh())
        session.analysis.findings_changed.connect(lambda _: self.refresh())
        session.analysis.changed.connect(lambda _: self._refresh_detail())
        session.selection_changed.connect(lambda _: self.refresh())
        self.refresh()

    def _new_table(self) -> QTableWidget:
        table = QTableWidget(len(STANDARD_PLANES) + len(Kind), len(COLUMNS))
        table.setAccessibleName("Measurements")
        table.setHorizontalHeaderLabels(COLUMNS)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(ROW_PX)
        table.setShowGrid(False)
        table.setTextElideMode(Qt.TextElideMode.ElideNone)
        table.setWordWrap(False)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        table.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        header = table.horizontalHeader()
        header.setSectionsClickable(False)
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        for number, width in ((0, 38), (3, 40), (4, 20), (5, 44)):
            header.setSectionResizeMode(number, QHeaderView.ResizeMode.Fixed)
            table.setColumnWidth(number, width)
        at = 0
        for plane in STANDARD_PLANES:
            title = QTableWidgetItem(plane.upper())
            title.setForeground(plane_colour(plane))
            title.setFlags(Qt.ItemFlag.NoItemFlags)
            table.setItem(at, 0, title)
            table.setSpan(at, 0, 1, len(COLUMNS))
            at += 1
            for kind in KINDS_OF[plane]:
                self._rows[kind] = at
                self._cells[kind] = [QTableWidgetItem() for _ in COLUMNS]
                for number, item in enumerate(self._cells[kind]):
                    item.setToolTip(kind.title)
                    right = Qt.AlignmentFlag.AlignRight if number in (1, 2, 3, 5) else Qt.AlignmentFlag.AlignHCenter
                    side = right if number else Qt.AlignmentFlag.AlignLeft
                    item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
                    table.setItem(at, number, item)
                self._cells[kind][0].setText(kind)
                at += 1
        table.setFixedHeight(at * ROW_PX + header.sizeHint().height() + 4)
        table.cellClicked.connect(self._on_clicked)
        return table

    def _new_buttons(self, verbs: list[QAction]) -> QGridLayout:
        grid = QGridLayout()
        grid.setSpacing(6)
        for number, action in enumerate(verbs):
            button = QPushButton(action.text().replace("&", ""))
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setToolTip(action.toolTip())
            button.setEnabled(action.isEnabled())
            button.clicked.connect(action.trigger)
            action.enabledChanged.connect(button.setEnabled)
            grid.addWidget(button, 0, number)
        return grid

    def refresh(self) -> None:
        """Write every text anew; cells keep their place."""
        session = self._session
        unit = _unit(session)
        self._title.setText(f"MEASUREMENTS ({unit.strip()})" if session.is_open else "MEASUREMENTS")
        for kind, cells in self._cells.items():
            measurement = session.measurement_of(kind)
            row = row_of(session, measurement, unit) if session.is_open else Row()
            texts = (kind, row.proposed, row.decided, row.difference, row.status, row.frame)
            rejected = measurement is not None and measurement.status is Status.REJECTED
            for number, (item, text) in enumerate(zip(cells, texts, strict=True)):
                item.setText(text)
                item.setForeground(QColor(TEXT))
                font = item.font()
                font.setStrikeOut(rejected and number == 1)
                item.setFont(font)
        self.table.selectRow(self._rows[session.selected])
        self._refresh_detail()

    def _refresh_detail(self) -> None:
        """Write anew what is known of the selected row."""
        session = self._session
        measurement = session.measurement_of(session.selected)
        reason = why_not_accepted(session.exam, measurement) if session.is_open else None
        decided = measurement is None or measurement.status in (Status.ACCEPTED, Status.CORRECTED)
        needs_scale = reason is not None and not decided
        self.reason.setText(reason or "")
        self.reason.setStyleSheet(f"color: {WARNING if needs_scale else MUTED};")
        self.detail.setText(self._detail(measurement))

    def texts(self, kind: Kind) -> list[str]:
        """What the row of a measure shows."""
        return [cell.text() for cell in self._cells[kind]]

    def _on_clicked(self, at: int, _: int) -> None:
        kinds = {row: kind for kind, row in self._rows.items()}
        if at in kinds:
            self.selected.emit(kinds[at])

    def _detail(self, measurement: Measurement | None) -> str:
        session, kind = self._session, self._session.selected
        lines = [f"<b>{kind.title}</b>"]
        if measurement is None:
            if not session.is_open:
                lines.append("Open a recording: proposed values appear here, to accept, correct or reject.")
            elif session.analysis.state.complete:
                lines.append(f"No {kind.plane} frame was good enough.")
            else:
                lines.append("Values appear here when the analysis has found the plane.")
            return "<br>".join(lines)
        at = time_text(measurement.time_s)
        where = f"frame {measurement.frame_index}" + (f" at {at}" if measurement.time_s is not None else "")
        lines.append(f"{status_text(measurement).capitalize()}, {where}")
        if measurement.status is Status.PLACED and not measurement.is_unplaced:
            lines.append(f"Now {length_text(lengths.first_length(session.exam, measurement))}")
        lines += self._repeats(kind)
        if kind is Kind.BPD:
            lines.append("Outer to outer edge of the skull")
        return "<br>".join(lines)

    def _repeats(self, kind: Kind) -> list[str]:
        """Each accepted measurement of the kind, their mean and range, and whether that is too wide."""
        repeats = repeats_of(self._session.exam, kind)
        if repeats is None or len(repeats.values_mm) < 2:
            return []
        lines = [
            f"frame {each.frame_index}: {value:.1f} mm <a href='{each.id}' style='color:{ACCENT}'>leave out</a>"
            for each, value in zip(repeats.measurements, repeats.values_mm, strict=True)
        ]
        told = f"Mean {repeats.mean_mm:.1f} mm, range {repeats.range_percent:.1f} %"
        if repeats.limit_percent is not None:
            told += f", one observer's limit {repeats.limit_percent:g} %"
        if repeats.too_far_apart:
            told = f"<span style='color:{WARNING}'>⚠ {told}: too far apart</span>"
        return [*lines, told]

    def _leave_out(self, measurement_id: str) -> None:
        self._session.review.delete_repeat(self._session.exam.measurement(measurement_id))


def _unit(session: Session) -> str:
    """That of the table: mm as soon as any frame has a scale."""
    return " mm" if any(step.calibration.is_known for step in session.scales.steps) else " px"
