"""What a scanner sends by DICOM arrives in the window's list, and never in the place of an exam in progress."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from pydicom import uid
from pynetdicom import AE
from support.dicom_files import PATIENT, dataset, grey
from support.loopback import free_port
from support.window import Person

from app.actions.table import Do
from app.dialogs.receiver import ReceiveDialog
from app.session.reception import OFF
from app.session.settings import load_settings, save_settings


@pytest.fixture
def port() -> int:
    return free_port()


def switch_on(person: Person, port: int) -> ReceiveDialog:
    dialog = ReceiveDialog(person.session.reception, person.window.settings, person.window)
    dialog.on.setChecked(True)
    dialog.port.setValue(port)
    dialog.apply_button.click()
    person.wait(lambda: person.session.reception.listening)
    return dialog


def send(port: int, number: int) -> None:
    scan = dataset(grey(), "MONOCHROME2", SOPInstanceUID=f"1.2.3.{number}")
    scan.file_meta.MediaStorageSOPClassUID = scan.SOPClassUID
    scan.file_meta.MediaStorageSOPInstanceUID = scan.SOPInstanceUID
    entity = AE("VOLUSON1")
    entity.acse_timeout = entity.dimse_timeout = 60
    entity.add_requested_context(scan.SOPClassUID, uid.ExplicitVRLittleEndian)
    association = entity.associate("127.0.0.1", port)
    take = association.dimse.get_msg
    association.dimse.get_msg = lambda block=False: take(block) if block else (None, None)
    assert association.send_c_store(scan).Status == 0
    association.release()


def test_that_nothing_listens_until_it_is_switched_on(person: Person, port: int) -> None:
    assert person.session.reception.state == OFF
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_that_the_first_opens_and_the_next_waits_in_the_list(person: Person, port: int) -> None:
    dialog = switch_on(person, port)
    send(port, 1)
    person.wait(lambda: person.session.recording is not None)
    opened = person.session.recording.path
    assert len(person.session.recording) == len(grey())
    exam = person.session.exam
    send(port, 2)
    person.wait(lambda: "2 received" in person.message)
    assert "What is open stays open" in person.message
    assert person.session.recording.path == opened
    assert person.session.exam.recordings == exam.recordings
    rows = person.window.recordings._list
    assert rows.count() == 2
    assert rows.item(1).text().startswith("Received")
    assert "2 received" in person.window.recordings.count.text()
    assert "VOLUSON1" in dialog.events.toPlainText()
    assert PATIENT not in dialog.events.toPlainText()


def test_that_a_port_that_is_taken_is_said_and_another_can_be_chosen(person: Person, port: int) -> None:
    with socket.create_server(("127.0.0.1", port)):
        dialog = ReceiveDialog(person.session.reception, person.window.settings, person.window)
        dialog.on.setChecked(True)
        dialog.port.setValue(port)
        dialog.apply_button.click()
        person.wait(lambda: "taken by another program" in dialog.state.text())
        assert "taken by another program" in person.message
    dialog.apply_button.click()
    person.wait(lambda: person.session.reception.listening)


def test_that_settings_that_cannot_be_change_nothing(person: Person) -> None:
    dialog = ReceiveDialog(person.session.reception, person.window.settings, person.window)
    dialog.on.setChecked(True)
    dialog.host.setCurrentIndex(1)
    dialog.apply_button.click()
    assert "AE titles are listed" in dialog.state.text()
    assert not person.window.settings.receive
    assert person.can(Do.RECEIVE)


def test_that_what_was_chosen_holds_at_the_next_start(person: Person, port: int, tmp_path: Path) -> None:
    dialog = ReceiveDialog(person.session.reception, person.window.settings, person.window)
    dialog.on.setChecked(True)
    dialog.port.setValue(port)
    dialog.title.setText("ROOM2")
    dialog.allowed.setText("VOLUSON1, ARCHIVE")
    dialog.apply_button.click()
    person.wait(lambda: person.session.reception.listening)
    save_settings(person.window.settings, tmp_path / "settings.json")
    kept = load_settings(tmp_path / "settings.json")
    assert (kept.receive, kept.receive_port, kept.receive_ae_title) == (True, port, "ROOM2")
    assert kept.receive_from == ["VOLUSON1", "ARCHIVE"]
    dialog.on.setChecked(False)
    dialog.apply_button.click()
    assert person.session.reception.state == OFF
