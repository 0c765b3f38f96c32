"""Every action, its shortcut, its place in the menus and when it is enabled: one table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from app.session.review import why_not_accepted
from app.session.session import Session
from app.theme.icons import Icon, icon
from fetalnet.core.planes import KINDS_OF, Kind, Plane
from fetalnet.exam.records import Status
from fetalnet.exam.repeats import repeats_of


class Do(StrEnum):
    """What a person can do. The value is the name of the window's method."""

    OPEN = "open_dialog"
    OPEN_FOLDER = "open_folder_dialog"
    EXPORT_PDF = "export_pdf"
    EXPORT_CSV = "export_csv"
    EXPORT_JSON = "export_json"
    KEEP_TEXT = "keep_text"
    QUIT = "close"

    WATCH = "watch_live"
    RECEIVE = "show_receiver"
    FREEZE = "freeze"
    KEEP_MINUTE = "keep_minute"
    LINK = "show_link"
    STOP_WATCHING = "stop_watching"

    UNDO = "undo"
    REDO = "redo"
    SETTINGS = "show_settings"

    ACCEPT = "accept"
    ACCEPT_PLANE = "accept_plane"
    ACCEPT_WHOLE = "accept_whole_exam"
    CORRECT = "correct"
    REJECT = "reject"
    MEASURE_HERE = "measure_here"
    REPEAT = "repeat_here"
    HAND_HEAD = "measure_head_by_hand"
    HAND_ABDOMEN = "measure_abdomen_by_hand"
    HAND_FEMUR = "measure_femur_by_hand"
    SET_SCALE = "ask_scale"
    TWO_POINTS = "two_points"
    RULER_SCALE = "scale_from_ruler"
    USE_SCALE = "use_refused_scale"
    PRESET_SCALE = "use_preset_scale"
    REMEMBER_DEVICE = "ask_device_name"
    PRESETS = "show_presets"
    EDIT_FAN = "edit_fan"
    NEXT_CALIPER = "next_caliper"
    CANCEL = "cancel"
    SELECT_BPD = "select_bpd"
    SELECT_OFD = "select_ofd"
    SELECT_HC = "select_hc"
    SELECT_AC = "select_ac"
    SELECT_FL = "select_fl"

    PLAY = "play"
    STEP_BACK = "step_back"
    STEP_FORWARD = "step_forward"
    TO_START = "to_start"
    TO_END = "to_end"
    LOOP = "loop"
    SLOWER = "slower"
    FASTER = "faster"
    BEST_HEAD = "best_head"
    BEST_ABDOMEN = "best_abdomen"
    BEST_FEMUR = "best_femur"
    PREVIOUS_BEST = "previous_best"
    NEXT_BEST = "next_best"

    ANALYSE = "analyse"
    CANCEL_ANALYSIS = "cancel_analysis"

    ZOOM_IN = "zoom_in"
    ZOOM_OUT = "zoom_out"
    FIT = "fit"
    OVERLAY = "show_overlay"
    HIDE_TEXT = "hide_text"
    FULL_SCREEN = "full_screen"
    EXAMINATION = "show_examination"

    SHORTCUTS = "show_shortcuts"
    ENGINE = "ask_engine"
    ABOUT = "about"


class When(StrEnum):
    """When an action is enabled; ``is_enabled`` says what each means."""

    ALWAYS = "always"
    OPEN = "a recording is open"
    FRAMES = "the recording has more than one frame"
    MEASURED = "something is proposed"
    ACCEPTABLE = "the selected measurement can be accepted"
    REJECTABLE = "the selected measurement can be rejected"
    CORRECTABLE = "the selected measurement has a caliper"
    PLANE_ACCEPTABLE = "the selected plane has something to accept"
    ON_PLANE = "the shown frame was measured"
    WHOLE_EXAM = "the selected measurement has a value from the whole exam and can be accepted"
    DECIDED = "the shown frame was measured and its plane is already decided"
    HEAD = "the head was found"
    ABDOMEN = "the abdomen was found"
    FEMUR = "the femur was found"
    PRESET = "a preset offers a scale for the open recording"
    ANALYSING = "the analysis runs"
    IDLE = "a recording is open and no analysis runs"
    REFUSED = "the scale of the shown frame was refused"
    SCALABLE = "a recording is open or a watch runs"
    LIVE = "a watch runs"
    UNDOABLE = "there is something to undo"
    REDOABLE = "there is something to redo"


@dataclass(frozen=True, slots=True)
class ActionInfo:
    """One row of the table."""

    do: Do
    text: str
    shortcuts: tuple[str, ...] = ()
    when: When = When.OPEN
    icon: Icon | None = None
    checkable: bool = False
    on_canvas: bool = False
    """The shortcut works while the picture has the focus; elsewhere the key keeps its usual meaning."""


ACTIONS: tuple[ActionInfo, ...] = (
    ActionInfo(Do.OPEN, "&Open…", ("Ctrl+O",), When.ALWAYS),
    ActionInfo(Do.OPEN_FOLDER, "Open &folder…", ("Ctrl+Shift+O",), When.ALWAYS),
    ActionInfo(Do.EXPORT_PDF, "Report as &PDF…", ("R",), When.MEASURED),
    ActionInfo(Do.EXPORT_CSV, "Table as &CSV…", ("Ctrl+Shift+C",), When.MEASURED),
    ActionInfo(Do.EXPORT_JSON, "Exam as &JSON…", ("Ctrl+Shift+J",), When.MEASURED),
    ActionInfo(Do.KEEP_TEXT, "Reports show the scanner's &text too", (), When.ALWAYS, checkable=True),
    ActionInfo(Do.QUIT, "&Quit", ("Ctrl+Q",), When.ALWAYS),
    ActionInfo(Do.WATCH, "&Watch live…", ("W",), When.ALWAYS),
    ActionInfo(Do.RECEIVE, "&Receive by DICOM…", (), When.ALWAYS),
    ActionInfo(Do.FREEZE, "&Freeze or go on", ("Space", "F"), When.LIVE),
    ActionInfo(Do.KEEP_MINUTE, "&Keep the last minute", ("K",), When.LIVE),
    ActionInfo(Do.LINK, "Capture &doctor…", ("Ctrl+L",), When.LIVE),
    ActionInfo(Do.STOP_WATCHING, "&Stop and review", ("Ctrl+W",), When.LIVE),
    ActionInfo(Do.UNDO, "&Undo", ("Ctrl+Z",), When.UNDOABLE),
    ActionInfo(Do.REDO, "&Redo", ("Ctrl+Y", "Ctrl+Shift+Z"), When.REDOABLE),
    ActionInfo(Do.SETTINGS, "&Settings…", ("Ctrl+,",), When.ALWAYS),
    ActionInfo(Do.ACCEPT, "&Accept", ("Return", "Enter"), When.ACCEPTABLE),
    ActionInfo(Do.ACCEPT_PLANE, "Accept the whole &plane", ("Shift+Return", "Shift+Enter"), When.PLANE_ACCEPTABLE),
    ActionInfo(Do.ACCEPT_WHOLE, "Accept the &whole exam's value", ("Ctrl+Return", "Ctrl+Enter"), When.WHOLE_EXAM),
    ActionInfo(Do.CORRECT, "&Correct", ("C",), When.CORRECTABLE),
    ActionInfo(Do.REJECT, "&Reject", ("Del",), When.REJECTABLE),
    ActionInfo(Do.MEASURE_HERE, "&Measure in this frame instead", ("M",), When.ON_PLANE),
    ActionInfo(Do.REPEAT, "Measure a&gain in this frame", ("Shift+M",), When.DECIDED),
    ActionInfo(Do.HAND_HEAD, "Measure &head by hand", ("Shift+H",), When.OPEN),
    ActionInfo(Do.HAND_ABDOMEN, "Measure a&bdomen by hand", ("Shift+A",), When.OPEN),
    ActionInfo(Do.HAND_FEMUR, "Measure &femur by hand", ("Shift+F",), When.OPEN),
    ActionInfo(Do.SET_SCALE, "Set &scale in mm per pixel…", ("S",), When.SCALABLE),
    ActionInfo(Do.TWO_POINTS, "Set scale by &two points", ("T",), When.OPEN),
    ActionInfo(Do.RULER_SCALE, "Scale from the ru&ler…", ("Shift+T",), When.OPEN),
    ActionInfo(Do.USE_SCALE, "&Use this scale", ("Shift+S",), When.REFUSED),
    ActionInfo(Do.PRESET_SCALE, "Use the device's scale", ("D",), When.PRESET),
    ActionInfo(Do.REMEMBER_DEVICE, "Remember this device…", (), When.OPEN),
    ActionInfo(Do.PRESETS, "Device presets…", (), When.ALWAYS),
    ActionInfo(Do.EDIT_FAN, "&Edit the fan", ("Ctrl+F",), When.OPEN),
    ActionInfo(Do.NEXT_CALIPER, "&Next caliper", ("Tab",), When.OPEN, on_canvas=True),
    ActionInfo(Do.CANCEL, "Cancel", ("Esc",), When.ALWAYS),
    ActionInfo(Do.SELECT_BPD, "Go to BPD", ("1",), When.OPEN),
    ActionInfo(Do.SELECT_OFD, "Go to OFD", ("2",), When.OPEN),
    ActionInfo(Do.SELECT_HC, "Go to HC", ("3",), When.OPEN),
    ActionInfo(Do.SELECT_AC, "Go to AC", ("4",), When.OPEN),
    ActionInfo(Do.SELECT_FL, "Go to FL", ("5",), When.OPEN),
    ActionInfo(Do.PLAY, "&Play or pause", ("Space",), When.FRAMES, Icon.PLAY),
    ActionInfo(Do.STEP_BACK, "Frame &back", ("Left",), When.FRAMES, Icon.STEP_BACK),
    ActionInfo(Do.STEP_FORWARD, "Frame &forward", ("Right",), When.FRAMES, Icon.STEP_FORWARD),
    ActionInfo(Do.TO_START, "To the &start", ("Home",), When.FRAMES, Icon.TO_START),
    ActionInfo(Do.TO_END, "To the &end", ("End",), When.FRAMES, Icon.TO_END),
    ActionInfo(Do.LOOP, "&Loop", ("L",), When.ALWAYS, Icon.LOOP, checkable=True),
    ActionInfo(Do.SLOWER, "Slower", ("[",), When.FRAMES),
    ActionInfo(Do.FASTER, "Faster", ("]",), When.FRAMES),
    ActionInfo(Do.BEST_HEAD, "Best &head", ("H", "Ctrl+1"), When.HEAD),
    ActionInfo(Do.BEST_ABDOMEN, "Best &abdomen", ("A", "Ctrl+2"), When.ABDOMEN),
    ActionInfo(Do.BEST_FEMUR, "Best fem&ur", ("F", "Ctrl+3"), When.FEMUR),
    ActionInfo(Do.PREVIOUS_BEST, "Previous best frame", ("P",), When.MEASURED, Icon.BEST_BACK),
    ActionInfo(Do.NEXT_BEST, "Next best frame", ("N",), When.MEASURED, Icon.BEST_FORWARD),
    ActionInfo(Do.ANALYSE, "&Analyse again", ("Ctrl+R",), When.IDLE),
    ActionInfo(Do.CANCEL_ANALYSIS, "&Stop the analysis", ("Ctrl+.",), When.ANALYSING),
    ActionInfo(Do.ZOOM_IN, "Zoom &in", ("+", "="), When.OPEN),
    ActionInfo(Do.ZOOM_OUT, "Zoom &out", ("-",), When.OPEN),
    ActionInfo(Do.FIT, "&Fit", ("0",), When.OPEN),
    ActionInfo(Do.OVERLAY, "Show &overlay", ("O",), When.ALWAYS, checkable=True),
    ActionInfo(Do.HIDE_TEXT, "Hide &burned-in text", ("B",), When.ALWAYS, checkable=True),
    ActionInfo(Do.FULL_SCREEN, "Full s&creen", ("F11",), When.ALWAYS, checkable=True),
    ActionInfo(Do.EXAMINATION, "The whole &examination", ("E",), When.OPEN, checkable=True),
    ActionInfo(Do.SHORTCUTS, "&Keys", ("F1",), When.ALWAYS),
    ActionInfo(Do.ENGINE, "&Engine of the network…", (), When.ALWAYS),
    ActionInfo(Do.ABOUT, "&About, licences, model card", (), When.ALWAYS),
)

MENUS: dict[str, tuple[Do | None, ...]] = {
    "&File": (
        Do.OPEN, Do.OPEN_FOLDER, None, Do.EXPORT_PDF, Do.EXPORT_CSV, Do.EXPORT_JSON, Do.KEEP_TEXT, None,
        Do.QUIT,
    ),
    "&Edit": (Do.UNDO, Do.REDO, None, Do.SETTINGS),
    "&Measure": (
        Do.ACCEPT, Do.ACCEPT_PLANE, Do.ACCEPT_WHOLE, Do.CORRECT, Do.REJECT, Do.MEASURE_HERE, Do.REPEAT, None,
        Do.HAND_HEAD, Do.HAND_ABDOMEN, Do.HAND_FEMUR, None,
        Do.SET_SCALE, Do.TWO_POINTS, Do.RULER_SCALE, Do.USE_SCALE, Do.PRESET_SCALE, None,
        Do.EDIT_FAN, Do.REMEMBER_DEVICE, Do.PRESETS, None,
        Do.SELECT_BPD, Do.SELECT_OFD, Do.SELECT_HC, Do.SELECT_AC, Do.SELECT_FL, None,
        Do.NEXT_CALIPER, Do.CANCEL,
    ),
    "&Play": (
        Do.PLAY, Do.STEP_BACK, Do.STEP_FORWARD, Do.TO_START, Do.TO_END, Do.LOOP, Do.SLOWER, Do.FASTER, None,
        Do.BEST_HEAD, Do.BEST_ABDOMEN, Do.BEST_FEMUR, Do.PREVIOUS_BEST, Do.NEXT_BEST, None,
        Do.ANALYSE, Do.CANCEL_ANALYSIS,
    ),
    "&Live": (Do.WATCH, Do.RECEIVE, None, Do.FREEZE, Do.KEEP_MINUTE, Do.LINK, None, Do.STOP_WATCHING),
    "&View": (
        Do.EXAMINATION, None, Do.ZOOM_IN, Do.ZOOM_OUT, Do.FIT, None, Do.OVERLAY, Do.HIDE_TEXT, Do.FULL_SCREEN,
    ),
    "&Help": (Do.SHORTCUTS, Do.ENGINE, Do.ABOUT),
}  # fmt: skip

SELECTING = {
    Do.SELECT_BPD: Kind.BPD,
    Do.SELECT_OFD: Kind.OFD,
    Do.SELECT_HC: Kind.HC,
    Do.SELECT_AC: Kind.AC,
    Do.SELECT_FL: Kind.FL,
}


_WHILE_WATCHING = (When.ALWAYS, When.LIVE, When.SCALABLE)


def is_enabled(when: When, session: Session) -> bool:
    """Whether an action with this condition can be done now."""
    recording = session.recording
    selected = session.measurement_of(session.selected)
    live = session.watch.watching
    if live and when not in _WHILE_WATCHING:
        # The open exam is not on screen: nothing in it may change unseen.
        return False
    match when:
        case When.ALWAYS:
            return True
        case When.LIVE:
            return live
        case When.SCALABLE:
            return live or recording is not None
        case When.OPEN:
            return recording is not None
        case When.FRAMES:
            return recording is not None and len(recording) > 1
        case When.MEASURED:
            return session.is_open and bool(session.exam.measurements)
        case When.ACCEPTABLE:
            return session.is_open and why_not_accepted(session.exam, selected) is None
        case When.PLANE_ACCEPTABLE:
            return bool(acceptable_of_plane(session))
        case When.REJECTABLE:
            return selected is not None and selected.status is not Status.REJECTED
        case When.CORRECTABLE:
            return selected is not None and (
                selected.status is Status.PLACED or session.scales.at(selected.frame_index).is_known
            )
        case When.ON_PLANE:
            shown = session.shown_prediction
            return shown is not None and shown.geometry is not None
        case When.WHOLE_EXAM:
            estimate = session.estimate_of(session.selected)
            known = estimate is not None and estimate.value.mm is not None
            return known and session.is_open and why_not_accepted(session.exam, selected) is None
        case When.DECIDED:
            shown = session.shown_prediction
            if shown is None or shown.geometry is None:
                return False
            return any(repeats_of(session.exam, kind) is not None for kind in KINDS_OF[shown.plane])
        case When.HEAD | When.ABDOMEN | When.FEMUR:
            plane = Plane(when.name.lower())
            return any(found is plane for found, _ in session.best_frames())
        case When.PRESET:
            return recording is not None and session.device.offers_scale
        case When.ANALYSING:
            return session.analysis.state.running
        case When.IDLE:
            return recording is not None and not session.analysis.state.running
        case When.REFUSED:
            return session.calibration.refused is not None
        case When.UNDOABLE:
            return session.undo_stack.canUndo()
        case When.REDOABLE:
            return session.undo_stack.canRedo()


def acceptable_of_plane(session: Session) -> tuple[Kind, ...]:
    """The measures of the selected plane that can be accepted now."""
    if not session.is_open:
        return ()
    kinds = (kind for kind in Kind if kind.plane is session.selected.plane)
    return tuple(kind for kind in kinds if why_not_accepted(session.exam, session.measurement_of(kind)) is None)


def make_actions(window: QWidget, canvas: QWidget, slot_of: Callable[[Do], Callable[..., object]]) -> dict[Do, QAction]:
    """A QAction for every row; its slot is the window's method of that name."""
    actions = {}
    for info in ACTIONS:
        action = QAction(info.text, window)
        action.setObjectName(info.do)
        action.setShortcuts([QKeySequence(key) for key in info.shortcuts])
        action.setCheckable(info.checkable)
        if info.icon is not None:
            action.setIcon(icon(info.icon))
        keys = f"  ({action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)})" if info.shortcuts else ""
        action.setToolTip(info.text.replace("&", "") + keys)
        slot = slot_of(info.do)
        if info.checkable:
            action.toggled.connect(slot)
        else:
            # Without the lambda Qt would hand over the checked state.
            action.triggered.connect(lambda _=False, slot=slot: slot())
        if info.on_canvas:
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            canvas.addAction(action)
        else:
            window.addAction(action)
        actions[info.do] = action
    return actions


def refresh_enabled(actions: dict[Do, QAction], session: Session) -> None:
    """Let every action follow the session."""
    answers = {when: is_enabled(when, session) for when in When}
    for info in ACTIONS:
        actions[info.do].setEnabled(answers[info.when])
