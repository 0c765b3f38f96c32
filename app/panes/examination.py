"""The whole examination beside the player: best frames and charts, which can be saved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtGui import QAction, QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QTabWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.panes.best_frames import BestFrames
from app.panes.charts import AgreementChart, Chart, Distribution, OverTime
from app.session.session import Session
from app.workers.all_exams import ExamReader
from app.workers.clip_exporter import ClipExporter, ClipsWanted
from app.workers.hanging import wait_or_leave
from fetalnet.core.errors import InputError
from fetalnet.core.planes import Kind
from fetalnet.exam.records import Exam
from fetalnet.sources import Source

REFRESH_MS = 250
"""Charts follow at most this often while answers arrive."""


class ExaminationPane(QFrame):
    """Tabs: best frames, planes over time, measures, agreement. It follows the session while it is shown.

    ``shown`` is the action that shows it and puts it away.
    """

    def __init__(
        self, session: Session, open_source: Callable[[Path], Source], shown: QAction, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("pane")
        self.setAccessibleName("The whole examination")
        self._session, self._open_source = session, open_source
        self.exporter: ClipExporter | None = None
        self._all: tuple[Exam, ...] | None = None
        self.reader: ExamReader | None = None
        self.best_frames = BestFrames(session, open_source)
        self.over_time, self.distribution, self.agreement = OverTime(), Distribution(), AgreementChart()
        self.kind = QComboBox()
        self.kind.setAccessibleName("Measure")
        self.kind.addItems([each.value for each in Kind])
        self.all_exams = QCheckBox("All exams")
        self.all_exams.setToolTip("Also the exams that were saved on this computer before")
        self.message = QLabel()
        self.message.setObjectName("hint")
        self.message.setWordWrap(True)
        self.tabs = QTabWidget()
        for title, widget in (
            ("&Best frames", self.best_frames), ("&Over time", self.over_time), ("&Measures", self.distribution),
            ("&Agreement", self.agreement),
        ):  # fmt: skip
            self.tabs.addTab(widget, title)
        close = QToolButton()
        close.setText("✕")
        close.setToolTip(f"Back to the recordings{shown.toolTip().removeprefix(shown.iconText())}")
        close.setAccessibleName("Close the whole examination")
        close.clicked.connect(lambda _=False: shown.setChecked(False))
        self.tabs.setCornerWidget(close)
        self.save_button = _button("Save picture…", self._ask_picture)
        self.clips_button = _button("Save clips…", self._ask_clips)
        self.clips_button.setToolTip("Two seconds around each best frame, as videos in a folder")
        self.save_button.setToolTip("The chart that is shown, as PNG or SVG")
        row = QHBoxLayout()
        for each in (self.kind, self.all_exams):
            row.addWidget(each)
        row.addStretch(1)
        row.addWidget(self.clips_button)
        row.addWidget(self.save_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.addWidget(self.tabs, 1)
        column.addLayout(row)
        column.addWidget(self.message)
        self._due = QTimer(self)
        self._due.setSingleShot(True)
        self._due.setInterval(REFRESH_MS)
        self._due.timeout.connect(self.refresh)
        self._connect()

    def _connect(self) -> None:
        session = self._session
        for signal in (
            session.analysis.predictions_arrived, session.analysis.findings_changed, session.analysis.changed,
            session.exam_changed, session.recording_opened, session.quality_limits_changed,
        ):  # fmt: skip
            signal.connect(lambda *_: self._refresh_soon())
        session.frame_shown.connect(lambda frame: self.over_time.set_index(frame.index))
        self.tabs.currentChanged.connect(lambda _: self.refresh())
        self.kind.currentIndexChanged.connect(lambda _: self.refresh())
        self.all_exams.toggled.connect(self._on_all_exams)
        self.over_time.sought.connect(session.seek)

    @property
    def chart(self) -> Chart | None:
        """The chart that is shown."""
        shown = self.tabs.currentWidget()
        return shown if isinstance(shown, Chart) else None

    def refresh(self) -> None:
        """Draw what is shown anew."""
        chart, kind = self.chart, Kind(self.kind.currentText())
        self.kind.setVisible(chart in (self.distribution, self.agreement))
        self.all_exams.setVisible(chart is self.agreement)
        self.save_button.setVisible(chart is not None)
        self.clips_button.setVisible(chart is None)
        self.clips_button.setEnabled(bool(self.best_frames.frames) and self.exporter is None)
        if not self.isVisible() or not self._session.is_open:
            return
        if chart is None:
            self.best_frames.refresh()
        elif chart is self.over_time:
            self.over_time.show_session(self._session)
        elif chart is self.distribution:
            self.distribution.show_session(self._session, kind)
        else:
            exams = self._all if self.all_exams.isChecked() and self._all is not None else (self._session.exam,)
            self.agreement.show_exams(exams, kind)

    def _refresh_soon(self) -> None:
        if self.isVisible() and not self._due.isActive():
            self._due.start()

    def _on_all_exams(self, on: bool) -> None:
        if on and self.reader is None:
            self.reader = ExamReader(self._session.journal.folder, self)
            self.reader.read.connect(self._on_read)
            self.reader.finished.connect(self._on_read_finished)
            self.reader.start()
        self.refresh()

    def _on_read(self, exams: tuple[Exam, ...]) -> None:
        self._all = exams
        self.refresh()

    def _on_read_finished(self) -> None:
        self.reader = None

    # Files out.

    def save_picture(self, path: Path) -> None:
        """Write the chart that is shown as PNG or SVG."""
        if self.chart is None:
            return
        try:
            self.chart.save(path if path.suffix else path.with_suffix(".png"))
        except InputError as error:
            self.message.setText(str(error))
        else:
            self.message.setText(f"Written: {path.name}")

    def save_clips(self, folder: Path, *, keep_text: bool = False) -> None:
        """Write a clip around each best frame into a folder."""
        session = self._session
        if session.recording is None or self.exporter is not None:
            return
        wanted = ClipsWanted(
            session.recording.path, folder, self.best_frames.frames, keep_text, session.known_fan, session.device.masks
        )
        self.exporter = ClipExporter(wanted, self._open_source, self)
        self.exporter.progress.connect(lambda done, total: self.message.setText(f"Writing clip {done + 1} of {total}"))
        self.exporter.done.connect(lambda count, about: self.message.setText(f"{count} clips written. {about}".strip()))
        self.exporter.failed.connect(self.message.setText)
        self.exporter.finished.connect(self._on_exported)
        self.exporter.start()
        self.refresh()

    def _on_exported(self) -> None:
        self.exporter = None
        self.refresh()

    def _ask_picture(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self, "Save the chart", "chart.png", "PNG (*.png);;SVG (*.svg)")
        if name:
            self.save_picture(Path(name))

    def _ask_clips(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Save clips of the best frames into a folder")
        if name:
            self.save_clips(Path(name))

    # Coming and going.

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def stop(self) -> None:
        """End what still runs, and wait for it."""
        self._due.stop()
        self.best_frames.stop()
        for thread in (self.exporter, self.reader):
            if thread is not None:
                thread.requestInterruption()
                wait_or_leave(thread)


def _button(text: str, do: Callable[[], None]) -> QPushButton:
    button = QPushButton(text)
    button.setAutoDefault(False)
    button.clicked.connect(lambda _=False: do())
    return button
