"""What cannot be used is said in one sentence, and the program goes on."""

from __future__ import annotations

import os
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from support.window import BEST, FRAMES, HEIGHT, RATE, WIDTH, FakePredictor, Person, write_clip

from app.actions.table import Do
from fetalnet.core.errors import InputError
from fetalnet.core.planes import Kind, Plane
from fetalnet.core.scale.scale import given_scale
from fetalnet.exam.records import Status
from fetalnet.exam.store import load_exam


def broken(kind: str, folder: Path, clip: Path) -> Path:
    path = folder / f"{kind}.mp4"
    match kind:
        case "empty":
            path.touch()
        case "text":
            path.write_text("not a video\n" * 50)
        case "headless":
            path.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
        case "folder":
            path = folder / "nothing"
            path.mkdir()
        case "missing":
            pass
        case "damaged image":
            path = folder / "image.png"
            path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"0" * 200)
    return path


@pytest.mark.parametrize("kind", ["empty", "text", "headless", "folder", "missing", "damaged image"])
def test_that_a_bad_file_is_said_and_the_program_goes_on(person: Person, tmp_path: Path, clip: Path, kind: str) -> None:
    person.window.open_path(broken(kind, tmp_path, clip))
    person.wait(lambda: person.message != "")
    assert person.message.endswith(".")
    assert "Traceback" not in person.message
    assert person.session.recording is None
    person.open_clip(clip)
    assert person.shown == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_that_an_unreadable_file_is_said(person: Person, tmp_path: Path, clip: Path) -> None:
    path = tmp_path / "locked.mp4"
    path.write_bytes(clip.read_bytes())
    path.chmod(0)
    person.window.open_path(path)
    person.wait(lambda: "not allowed" in person.message)


def test_that_a_bad_file_leaves_the_open_one_open(reviewer: Person, tmp_path: Path, clip: Path) -> None:
    reviewer.accept(Kind.HC)
    reviewer.window.open_path(broken("text", tmp_path, clip))
    reviewer.wait(lambda: "text.mp4" in reviewer.message)
    assert reviewer.session.recording.path == clip
    assert reviewer.measurement(Kind.HC).status is Status.ACCEPTED
    reviewer.go_to(FRAMES - 1)


def test_that_a_cut_off_recording_is_analysed_as_far_as_it_goes(person: Person, tmp_path: Path) -> None:
    whole = write_clip(tmp_path / "whole.avi", frames=40)
    cut = tmp_path / "cut.avi"
    cut.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * 0.6)])
    person.open_clip(cut)
    assert 0 < person.session.analysis.state.done < 40
    assert "cut.avi" in person.message


def test_that_missing_weights_leave_a_player(start_program, clip: Path) -> None:
    def missing() -> FakePredictor:
        raise InputError("There are no weights at x.safetensors; restore the file or name another with --weights.")

    person = start_program(load_predictor=missing)
    person.open_clip(clip, analysed=False)
    person.wait(lambda: "no weights" in person.message)
    person.go_to(10)
    assert not person.session.analysis.state.running
    assert "No network" in person.window.statusBar().model.text()


def test_that_an_error_inside_the_network_stops_the_analysis_alone(
    person: Person, clip: Path, predictor: FakePredictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: object) -> None:
        raise RuntimeError("inside")

    monkeypatch.setattr(predictor, "predict", fails)
    with person.bot.captureExceptions() as errors:
        person.open_clip(clip, analysed=False)
        person.wait(lambda: "stopped at an error" in person.message)
    assert [str(error[1]) for error in errors] == ["inside"]
    monkeypatch.undo()
    person.do(Do.ANALYSE)
    person.wait(lambda: person.session.analysis.state.complete)


def test_that_a_damaged_exam_is_set_aside(start_program, clip: Path, reviewer: Person) -> None:
    reviewer.accept(Kind.HC)
    reviewer.wait_saved()
    exam = reviewer.session.journal.path_of(reviewer.session.exam.recordings[0])
    reviewer.program.stop()
    exam.write_text("{}")
    again = start_program()
    again.open_clip(clip)
    assert "set aside" in again.message
    assert exam.with_suffix(".damaged").read_text() == "{}"
    assert again.measurement(Kind.HC).status is Status.PROPOSED


def test_that_decisions_that_cannot_be_saved_are_said(reviewer: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object) -> None:
        raise InputError("Cannot write exam: the disk is full; free some space or choose another folder.")

    reviewer.wait_saved()
    monkeypatch.setattr("app.session.autosave.save_exam", refuses)
    reviewer.accept(Kind.HC)
    reviewer.wait(lambda: "disk is full" in reviewer.message)
    assert reviewer.window.statusBar().saved.text() == "NOT SAVED"
    assert reviewer.measurement(Kind.HC).status is Status.ACCEPTED


def write_noise(path: Path) -> Path:
    """A clip too large to lie in a reader's buffer."""
    noise = np.random.default_rng(5)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=RATE)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = WIDTH, HEIGHT, "yuv420p", 20_000_000
        for _ in range(FRAMES):
            pixels = noise.integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    assert path.stat().st_size > 500_000
    return path


@pytest.fixture
def playing(start_program, tmp_path: Path) -> Person:
    """Somebody who accepted a head and plays on, in a copy that can be taken away."""
    person = start_program(scale=given_scale(0.5))
    person.open_clip(write_noise(tmp_path / "copy.mp4"))
    person.accept(Kind.HC)
    person.wait(lambda: len(person.window.gallery._kept) == 3)
    person.do(Do.LOOP)
    person.do(Do.PLAY)
    person.wait(lambda: person.shown > BEST[Plane.HEAD] + 2)
    return person


def check_that_nothing_is_lost(person: Person, clip: Path) -> None:
    """What was found and decided is there, on screen and on disk, and another recording opens."""
    assert person.measurement(Kind.HC).status is Status.ACCEPTED
    assert len(person.session.analysis.predictions) == FRAMES
    assert person.window.timeline._known.all()
    person.wait_saved()
    exam = load_exam(person.session.journal.path_of(person.session.exam.recordings[0]))
    assert [each.status for each in exam.measurements if each.kind is Kind.HC] == [Status.ACCEPTED]
    person.open_clip(clip)
    person.go_to(FRAMES - 1)


def test_that_a_file_lost_while_it_plays_is_said_and_nothing_is_lost(playing: Person, clip: Path) -> None:
    path = playing.session.recording.path
    # As on a stick pulled out: the name is gone and the bytes cannot be read any more.
    os.truncate(path, 0)
    path.unlink()
    playing.wait(lambda: playing.message != "")
    assert playing.message == ("copy.mp4 was moved or removed while it was played; put it back and open it again.")
    playing.wait(lambda: not playing.session.player.state.playing)
    check_that_nothing_is_lost(playing, clip)


def test_that_a_deleted_name_is_said_when_it_is_needed_again(playing: Person, clip: Path) -> None:
    path = playing.session.recording.path
    path.unlink()
    # The open file lives on: it plays round and round.
    playing.wait(lambda: playing.shown > FRAMES - 8)
    playing.wait(lambda: playing.shown < FRAMES - 8)
    assert playing.message == ""
    playing.do(Do.ANALYSE)
    playing.wait(lambda: not playing.session.analysis.state.running)
    assert playing.message.startswith("There is no file copy.mp4 any more")
    check_that_nothing_is_lost(playing, clip)


def test_that_an_image_deleted_while_its_folder_plays_is_said(person: Person, tmp_path: Path, clip: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(6):
        cv2.imwrite(str(folder / f"{number}.png"), np.full((90, 120), 60 + number, np.uint8))
    person.open_clip(folder)
    person.do(Do.LOOP)
    person.do(Do.PLAY)
    person.wait(lambda: person.shown == 1)
    (folder / "4.png").unlink()
    person.wait(lambda: person.message.startswith("There is no file 4.png any more"))
    person.wait(lambda: not person.session.player.state.playing)
    person.go_to(5)
    assert len(person.session.analysis.predictions) == 6


def test_that_images_and_folders_open(person: Person, tmp_path: Path) -> None:
    folder = tmp_path / "some images"
    folder.mkdir()
    for number in range(3):
        cv2.imwrite(str(folder / f"{number}.png"), np.full((90, 120), 60 + number, np.uint8))
    person.drop(folder)
    person.wait(lambda: person.session.analysis.state.complete)
    assert len(person.session.recording) == 3
    person.open_clip(folder / "1.png")
    assert len(person.session.recording) == 1
    assert not person.can(Do.PLAY)


def test_that_dropped_files_are_listed_and_the_first_opened(person: Person, tmp_path: Path, clip: Path) -> None:
    second = write_clip(tmp_path / "second.mp4", frames=5)
    person.drop(clip, second)
    person.wait(lambda: person.session.recording is not None)
    assert person.session.recording.path == clip
    names = person.window.recordings._list
    assert sorted(names.item(row).text() for row in range(names.count())) == ["clip.mp4", "second.mp4"]
