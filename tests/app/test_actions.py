"""Every action of the table works, has a place in a menu, and its key belongs to it alone."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from PySide6.QtWidgets import QDialog, QFileDialog, QInputDialog
from support.window import Person

from app.actions.table import ACTIONS, MENUS, ActionInfo, Do, When, is_enabled
from app.dialogs.number import NumberDialog


def test_that_every_action_is_in_the_table_once_and_in_a_menu() -> None:
    assert Counter(info.do for info in ACTIONS) == Counter(Do)
    assert {do for items in MENUS.values() for do in items if do is not None} == set(Do)


def test_that_no_key_means_two_things() -> None:
    for live in (True, False):
        # While a watch runs, what belongs to a recording is off, and the other way round.
        actions = [info for info in ACTIONS if info.when is When.ALWAYS or (info.when is When.LIVE) is live]
        keys = Counter(key for info in actions for key in info.shortcuts)
        assert [key for key, count in keys.items() if count > 1] == []


def test_that_an_empty_window_offers_only_what_it_can(person: Person) -> None:
    offered = {info.do for info in ACTIONS if person.can(info.do)}
    assert offered == {info.do for info in ACTIONS if info.when is When.ALWAYS}


# Quitting has its own test below; stopping the analysis is tested where the network is held back, and a preset's scale
# where a device is remembered, and what is for watching in test_live.
ELSEWHERE = (Do.QUIT, Do.CANCEL_ANALYSIS, Do.PRESET_SCALE)
TRIGGERED = [info for info in ACTIONS if info.do not in ELSEWHERE and info.when is not When.LIVE]


@pytest.mark.parametrize("info", TRIGGERED, ids=lambda info: info.do)
def test_that_every_action_can_be_triggered(
    reviewer: Person, info: ActionInfo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "out"), ""))
    monkeypatch.setattr(NumberDialog, "ask", lambda *_: 0.3)
    monkeypatch.setattr(QInputDialog, "getItem", lambda *_: ("torch", True))
    monkeypatch.setattr(QInputDialog, "getText", lambda *_: ("Room 1", True))
    monkeypatch.setattr(QDialog, "exec", lambda _: 0)
    reviewer.go_to(reviewer.measurement(reviewer.session.selected).frame_index)
    if info.when in (When.UNDOABLE, When.REDOABLE):
        reviewer.do(Do.ACCEPT)
    if info.when is When.REDOABLE:
        reviewer.do(Do.UNDO)
    if info.when is When.DECIDED:
        reviewer.do(Do.ACCEPT)
    if info.when is When.REFUSED:
        scales = reviewer.session.scales
        reviewer.session.set_scales(scales.changed(0, scales.at(0).withdrawn("The depth changed.")))
    assert is_enabled(info.when, reviewer.session)
    reviewer.do(info.do)
    reviewer.wait(lambda: reviewer.window.verbs.files.exports.running is None)
    assert reviewer.window.isVisible()


def test_that_quit_closes_the_window(reviewer: Person) -> None:
    reviewer.do(Do.QUIT)
    assert not reviewer.window.isVisible()


def test_that_undo_names_what_it_undoes(reviewer: Person) -> None:
    reviewer.go_to(reviewer.measurement(reviewer.session.selected).frame_index)
    reviewer.do(Do.ACCEPT)
    assert "ccept HC" in reviewer.window.actions_[Do.UNDO].text()


def test_that_the_overlay_can_be_hidden_and_that_is_remembered(reviewer: Person) -> None:
    reviewer.do(Do.OVERLAY)
    assert not reviewer.canvas.overlay_visible
    assert not reviewer.window.settings.show_overlay
