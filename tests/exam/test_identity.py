"""A recording is known by its pictures: not by its name, and not by another's that begins like it."""

import os

import numpy as np
import pytest

from fetalnet.core.errors import InputError
from fetalnet.exam import identity
from fetalnet.exam.identity import recording_ref

MIB = 1 << 20
WIDTH, HEIGHT = 640, 480


def key(path):
    ref = recording_ref(path, 10)
    return ref.size_bytes, ref.content_sha256


def write_bmps(folder, seed, count=4):
    """Pictures without compression: all of one size, with the names that a scanner gives."""
    folder.mkdir(parents=True)
    pictures = np.random.default_rng(seed)
    for number in range(count):
        (folder / f"IMG{number:04}.bmp").write_bytes(b"BM" + bytes(52) + pictures.bytes(WIDTH * 20))
    return folder


def write_raw(path, frames, picture):
    """Frames without compression: a header, black at the beginning of every frame, and somebody's head in some rows."""
    frame = bytearray(WIDTH * HEIGHT)
    frame[WIDTH * 200 : WIDTH * 200 + len(picture)] = picture
    with path.open("wb") as file:
        file.write(bytes(4 * MIB))
        for _ in range(frames):
            file.write(frame)
    return path


def test_that_a_recording_is_known_again_by_what_it_holds(tmp_path):
    one, same, other = tmp_path / "one.mp4", tmp_path / "same.mp4", tmp_path / "other.mp4"
    one.write_bytes(b"a" * 5000)
    same.write_bytes(b"a" * 5000)
    other.write_bytes(b"b" * 5000)
    assert key(one) == key(same) != key(other)
    assert recording_ref(one, 10).size_bytes == 5000


def test_that_two_patients_pictures_of_the_same_names_and_sizes_are_two_recordings(tmp_path):
    first, second = write_bmps(tmp_path / "a" / "IMAGES", 1), write_bmps(tmp_path / "b" / "IMAGES", 2)
    assert [each.stat().st_size for each in sorted(first.iterdir())] == [
        each.stat().st_size for each in sorted(second.iterdir())
    ]
    assert key(first) != key(second)
    assert key(first) == key(write_bmps(tmp_path / "a copy", 1))


def test_that_one_other_picture_among_many_makes_another_recording(tmp_path):
    first, second = write_bmps(tmp_path / "a", 1, 40), write_bmps(tmp_path / "b", 1, 40)
    changed = second / "IMG0017.bmp"
    changed.write_bytes(changed.read_bytes()[:-1] + b"!")
    assert key(first) != key(second)


@pytest.mark.parametrize("name", ["report.pdf", "Thumbs.db", ".DS_Store", "desktop.ini", "notes.txt", "._IMG0000.bmp"])
def test_that_what_is_no_picture_does_not_make_another_recording(tmp_path, name):
    folder = write_bmps(tmp_path / "IMAGES", 1)
    before = key(folder)
    (folder / name).write_bytes(b"anything")
    (folder / "more").mkdir()
    assert key(folder) == before


def test_that_another_picture_or_another_order_makes_another_recording(tmp_path):
    folder = write_bmps(tmp_path / "IMAGES", 1)
    before = key(folder)
    (folder / "IMG0000.bmp").rename(folder / "IMG0009.bmp")
    assert key(folder) != before
    (folder / "IMG0009.bmp").unlink()
    assert key(folder) != before


def test_that_raw_recordings_that_begin_black_are_told_apart(tmp_path):
    first = write_raw(tmp_path / "a.avi", 12, b"\x40" * 5000)
    second = write_raw(tmp_path / "b.avi", 12, b"\x41" * 5000)
    assert first.stat().st_size == second.stat().st_size
    assert key(first) != key(second)


def test_that_large_raw_recordings_are_told_apart_wherever_their_rows_lie(tmp_path, monkeypatch):
    """As many frames as slices: slices at even steps would all lie in the same rows, and these are black."""
    monkeypatch.setattr(identity, "WHOLE_BYTES", MIB)
    first = write_raw(tmp_path / "a.avi", identity.SLICES // 4, b"\x40" * 40_000)
    second = write_raw(tmp_path / "b.avi", identity.SLICES // 4, b"\x41" * 40_000)
    assert key(first) != key(second)
    assert key(first) == key(write_raw(tmp_path / "again.avi", identity.SLICES // 4, b"\x40" * 40_000))


def test_that_large_folders_are_told_apart_by_their_pictures(tmp_path, monkeypatch):
    monkeypatch.setattr(identity, "WHOLE_BYTES", 1000)
    first, second = write_bmps(tmp_path / "a", 1), write_bmps(tmp_path / "b", 1)
    assert key(first) == key(second)
    changed = second / "IMG0002.bmp"
    changed.write_bytes(changed.read_bytes()[:-1] + b"!")
    assert key(first) != key(second)


def test_that_little_is_read_of_gigabytes(tmp_path, monkeypatch):
    path = tmp_path / "large.avi"
    with path.open("wb") as file:
        file.truncate(6 << 30)
    read = []
    plain = identity._spread

    class Counting:
        def __init__(self, file):
            self.file = file

        def seek(self, place):
            self.file.seek(place)

        def read(self, size):
            read.append(size)
            return self.file.read(size)

    monkeypatch.setattr(identity, "_spread", lambda file, size, slices: plain(Counting(file), size, slices))
    assert recording_ref(path, 10).size_bytes == 6 << 30
    assert sum(read) <= 16 * MIB


def test_that_a_name_that_is_no_text_becomes_text(tmp_path):
    path = tmp_path / os.fsdecode(b"M\xfcller.bmp")
    path.write_bytes(b"12")
    assert recording_ref(path, 1).name == "M\N{REPLACEMENT CHARACTER}ller.bmp"


def test_that_a_recording_that_went_away_is_named(tmp_path):
    with pytest.raises(InputError, match=r"gone\.mp4"):
        recording_ref(tmp_path / "gone.mp4", 3)


def test_that_a_folder_without_pictures_is_said(tmp_path):
    (tmp_path / "report.pdf").write_bytes(b"%PDF")
    with pytest.raises(InputError, match="no images"):
        recording_ref(tmp_path, 1)
