"""The window: joins the session with its views."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QSettings
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QStackedWidget

from app.actions import Verbs
from app.actions.host import ActionHost
from app.actions.table import Do, When, is_enabled, make_actions, refresh_enabled
from app.canvas.overlay import overlay_of
from app.canvas.view import Canvas
from app.dialogs.about import NAME
from app.dialogs.questions import ask_to_take_over, may_leave, tell_error
from app.live.pane import LivePane
from app.live.view import LiveCanvas
from app.panes.gallery import Gallery
from app.panes.measurements import MeasurementsPane
from app.panes.player_bar import PlayerBar
from app.panes.quality import QualityPanel
from app.panes.recordings import RecordingsPane
from app.panes.refused_scale import RefusedScale
from app.panes.timeline import Timeline
from app.session.analysis import AnalysisState
from app.session.session import Session
from app.session.settings import Settings
from app.session.watch import Ended
from app.theme.icons import Icon, icon
from app.window.columns import Columns
from app.window.menus import fill_menu_bar
from app.window.notification import Notification
from app.window.start_page import StartPage
from app.window.status_bar import StatusBar
from app.workers.player import PlayState, RecordingInfo
from fetalnet.analysis.findings import Findings
from fetalnet.analysis.quality import QualityLimits
from fetalnet.core.geometry import Geometry
from fetalnet.core.planes import KINDS_OF, Kind, Plane
from fetalnet.core.prediction import Prediction
from fetalnet.dicom_network import Received
from fetalnet.export.wording import scale_change_text, scale_text
from fetalnet.screen.burned_in import FanOnly
from fetalnet.screen.fan.shape import FanShape
from fetalnet.sources import Frame, Source


class Window(ActionHost):
    """The one window."""

    def __init__(
        self,
        session: Session,
        settings: Settings,
        geometry: QSettings,
        open_source: Callable[[Path], Source],
        model_card: Path,
    ) -> None:
        super().__init__()
        self.session = session
        self.settings = settings
        self._geometry = geometry
        self.open_source = open_source
        self.model_card = model_card
        self.leaves_unasked = False
        # The title names no file: names may tell who the patient is.
        self.setWindowTitle(NAME)
        self.setWindowIcon(icon(Icon.APP))
        self.setAcceptDrops(True)

        self.canvas = Canvas()
        self.live_canvas = LiveCanvas(session.watch)
        self.verbs = Verbs(self)
        self.actions_ = make_actions(self, self.canvas, self.verbs.of)
        act = self.actions_
        self.timeline = Timeline()
        transport = (Do.PREVIOUS_BEST, Do.TO_START, Do.STEP_BACK, Do.PLAY, Do.STEP_FORWARD, Do.TO_END, Do.NEXT_BEST)
        self.player_bar = PlayerBar([act[do] for do in transport], act[Do.LOOP])
        self.measurements = MeasurementsPane(
            session, [act[Do.ACCEPT], act[Do.CORRECT], act[Do.REJECT]], act[Do.ACCEPT_WHOLE]
        )
        self.quality = QualityPanel(session)
        self.refused_scale = RefusedScale(session, [act[Do.USE_SCALE], act[Do.SET_SCALE], act[Do.TWO_POINTS]])
        self.gallery = Gallery(session, open_source)
        self.recordings = RecordingsPane(session, settings)
        self.start_page = StartPage([act[Do.OPEN], act[Do.OPEN_FOLDER], act[Do.WATCH]])
        self.picture = QStackedWidget()
        self.picture.addWidget(self.start_page)
        self.picture.addWidget(self.canvas)
        self.picture.addWidget(self.live_canvas)
        live = (Do.FREEZE, Do.KEEP_MINUTE, Do.LINK, Do.STOP_WATCHING)
        self.live_pane = LivePane(session.watch, [act[do] for do in live])
        self.notification = Notification(self.picture)
        self.columns = Columns(
            recordings=self.recordings,
            gallery=self.gallery,
            picture=self.picture,
            review=(self.measurements, self.quality),
            refused_scale=self.refused_scale,
            live=self.live_pane,
            lower=(self.player_bar, self.timeline),
        )
        self.setCentralWidget(self.columns)
        fill_menu_bar(self.menuBar(), act, settings, self.open_path)
        self.setStatusBar(StatusBar(session, act[Do.CANCEL_ANALYSIS]))
        self._connect()
        act[Do.OVERLAY].setChecked(settings.show_overlay)
        act[Do.HIDE_TEXT].setChecked(settings.hide_text)
        act[Do.LOOP].setChecked(settings.loop)
        for canvas in (self.canvas, self.live_canvas):
            canvas.set_overlay_visible(settings.show_overlay)
        self.apply_settings()
        refresh_enabled(act, session)
        self.start_page.setFocus()
        self.resize(1280, 800)
        saved = geometry.value("window")
        if saved is not None:
            self.restoreGeometry(saved)

    # Building.

    def apply_settings(self) -> None:
        """Let what is shown follow the settings that a person changes by hand."""
        self.session.set_quality_limits(QualityLimits(min_size=self.settings.min_plane_size))
        for canvas in (self.canvas, self.live_canvas):
            canvas.overlay_opacity = self.settings.overlay_opacity
            canvas.update()

    def _connect(self) -> None:
        session, canvas = self.session, self.canvas
        session.clips_found.connect(self.recordings.add_clips)
        session.recording_opened.connect(self._on_opened)
        session.fan_changed.connect(self._on_fan)
        session.device.changed.connect(self._on_device)
        session.frame_shown.connect(self._on_frame)
        session.analysis.predictions_arrived.connect(self._on_predictions)
        session.exam_changed.connect(self._on_exam)
        session.analysis.findings_changed.connect(self._on_findings)
        session.analysis.changed.connect(self._on_analysis)
        session.selection_changed.connect(self._on_selection)
        session.play_state_changed.connect(self._on_play_state)
        session.notice.connect(self.notification.say)
        session.take_over_asked.connect(lambda sentence: ask_to_take_over(session, self, sentence))
        session.analysis.outdated.connect(lambda sentence: self.notification.say(sentence, self.actions_[Do.ANALYSE]))
        session.undo_stack.indexChanged.connect(self._on_undo_index)
        canvas.corrected.connect(self._on_corrected)
        canvas.two_points.connect(self.verbs.scaling.ask_two_point_scale)
        canvas.fan_drawn.connect(self._on_fan_drawn)
        canvas.refused.connect(self.notification.say)
        canvas.caliper_selected.connect(self._on_caliper_selected)
        self.timeline.sought.connect(session.seek)
        self.player_bar.speed_chosen.connect(self.verbs.playing.set_speed)
        self.measurements.selected.connect(session.go_to)
        self.recordings.chosen.connect(self.open_path)
        session.watch.began.connect(self._on_watch_began)
        session.watch.ended.connect(self._on_watch_ended)
        session.watch.kept.connect(self._on_kept)
        self.live_canvas.refused.connect(self.notification.say)
        session.reception.received.connect(self._on_received)

    # What the session tells.

    def _on_opened(self, recording: RecordingInfo) -> None:
        folder = self.session.picture_folder
        self.settings.add_recent(recording.path if folder is None else folder.path)
        # What was said belongs to the recording before.
        self.notification.hide()
        self.recordings.add(recording)
        self.canvas.clear()
        self.timeline.begin(len(recording))
        self.player_bar.begin(recording)
        if not self.session.watch.watching:
            self.picture.setCurrentWidget(self.canvas)
            self.canvas.setFocus()
        if self.session.player is not None:
            self.session.player.set_loop(self.actions_[Do.LOOP].isChecked())
        self._refresh()

    def _on_watch_began(self) -> None:
        self._show_live(True)
        self.live_canvas.setFocus()

    def _on_watch_ended(self, ended: Ended) -> None:
        """The recording opens as any other; where the link broke or changed there are several."""
        self._show_live(False)
        for path in (*(segment.path for segment in ended.segments), *ended.clips):
            self.recordings.add_path(path)
        if ended.segments:
            self.open_path(max(ended.segments, key=lambda segment: segment.frames).path)
        if ended.sentence or not ended.segments:
            self.notification.say(ended.sentence or "Nothing arrived, so nothing was recorded.")

    def _on_kept(self, path: Path) -> None:
        self.recordings.add_path(path)
        self.notification.say(f"Kept as {path.name}; it is in the list when you stop.")

    def _on_received(self, received: Received) -> None:
        """It opens where nothing else is; an exam in progress stays as it is."""
        self.recordings.add_received(received)
        if self.session.is_free:
            self.open_path(received.path)
            return
        count = self.recordings.received
        where = "it waits" if count == 1 else "they wait"
        stop = " when you stop watching" if self.session.watch.watching else ""
        self.notification.say(f"{count} received; {where} in the list of recordings{stop}. What is open stays open.")

    def _show_live(self, live: bool) -> None:
        """Live, the picture has the room of what belongs to recordings."""
        shown = self.canvas if self.session.recording is not None else self.start_page
        self.picture.setCurrentWidget(self.live_canvas if live else shown)
        self.columns.show_live(live)
        self._refresh()

    def _on_fan(self) -> None:
        fan, recording = self.session.fan, self.session.recording
        if fan is None or recording is None:
            return
        found = FanOnly.of(fan, (recording.height, recording.width)).hides
        self.canvas.set_fan(fan.outlines if found else (), self.session.device.masks)

    def _on_device(self) -> None:
        """Offer a preset's scale where the recording has none: a person decides."""
        self._refresh()
        preset, scale = self.session.device.preset, self.session.device.scale
        known = self.session.scale.mm_per_pixel is not None
        if preset is not None and scale is not None and preset.tick_spacing_mm is None and not known:
            self.notification.say(
                f"This looks like {preset.name}, at the same depth: {scale_text(scale)}. "
                "To use it: Measure, Use the device's scale."
            )

    def _on_frame(self, frame: Frame) -> None:
        self.canvas.show_frame(frame)
        self.player_bar.show_frame(frame)
        self.timeline.set_index(frame.index)
        self._refresh_overlay()
        self.actions_[Do.MEASURE_HERE].setEnabled(self.session.shown_prediction is not None)
        self.actions_[Do.REPEAT].setEnabled(is_enabled(When.DECIDED, self.session))
        self.actions_[Do.USE_SCALE].setEnabled(is_enabled(When.REFUSED, self.session))

    def _on_predictions(self, predictions: tuple[Prediction, ...]) -> None:
        self.timeline.add(predictions)
        shown = self.session.frame
        if shown is not None and any(each.index == shown.index for each in predictions):
            self._refresh_overlay()

    def _on_exam(self) -> None:
        self.timeline.set_best(self.session.best_frames())
        self.timeline.set_scale_changes(
            tuple((step.from_index, scale_change_text(step)) for step in self.session.scales.changes)
        )
        self._refresh()
        self._refresh_overlay()

    def _on_findings(self, findings: Findings) -> None:
        self.timeline.set_segments(findings.segments, findings.frozen, findings.broken)

    def _on_analysis(self, state: AnalysisState) -> None:
        if not state.running and not state.complete:
            self.timeline.recall()
        self._refresh()

    def _on_selection(self, kind: Kind) -> None:
        self._refresh()

    def _on_play_state(self, state: PlayState) -> None:
        self.player_bar.show_state(state)
        play = self.actions_[Do.PLAY]
        play.setIcon(icon(Icon.PAUSE if state.playing else Icon.PLAY))

    def _on_undo_index(self, _: int) -> None:
        self._refresh()

    def _refresh(self) -> None:
        refresh_enabled(self.actions_, self.session)
        stack = self.session.undo_stack
        for do, name in ((Do.UNDO, stack.undoText()), (Do.REDO, stack.redoText())):
            word = do.capitalize()
            self.actions_[do].setText(f"&{word} {name[:1].lower()}{name[1:]}".rstrip())
        again = "&Go on with the analysis" if self.session.analysis.goes_on else "&Analyse again"
        self.actions_[Do.ANALYSE].setText(again)

    def _refresh_overlay(self) -> None:
        session = self.session
        analysed = "analysing…" if session.analysis.state.running else "not analysed"
        if session.analysis.predictor is None:
            analysed = "loading the network…" if session.analysis.state.running else "not analysed"
        calibration = session.calibration
        self.canvas.grip.locked_reason = calibration.why_no_mm(None)
        overlay = overlay_of(session.shown_prediction, session.shown_measurements, calibration, analysed=analysed)
        self.canvas.set_overlay(overlay)

    # What the person does on the views.

    def _on_corrected(self, plane: Plane, geometry: Geometry) -> None:
        if self.session.player is not None:
            self.session.player.pause()
        self.session.review.correct(plane, geometry)

    def _on_caliper_selected(self, plane: Plane) -> None:
        if self.session.player is not None:
            self.session.player.pause()
        if self.session.selected.plane is not plane:
            self.session.select(KINDS_OF[plane][0])

    def _on_fan_drawn(self, fan: FanShape) -> None:
        self.timeline.forget()
        self.session.review.set_fan(fan)

    # Files dropped.

    def open_path(self, path: Path) -> None:
        if self.session.watch.watching:
            self.notification.say("A watch is running; stop it to open a recording (Live, Stop and review).")
            return
        self.session.open(path)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        event.acceptProposedAction()
        for path in paths[1:]:
            self.recordings.add_path(path)
        if paths:
            self.open_path(paths[0])

    # Leaving.

    def tell_error(self, what: str) -> None:
        tell_error(self.session, self, what)

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self.leaves_unasked and not may_leave(self.session, self):
            event.ignore()
            return
        self._geometry.setValue("window", self.saveGeometry())
        self.hide()  # what ends slowly ends without it
        self.verbs.stop()
        self.gallery.close_thread()
        self.session.close()
        super().closeEvent(event)
