"""A folder, a DICOMDIR and a zip archive open as a list of their clips."""

from __future__ import annotations

import shutil
import stat
import struct
import tempfile
import zipfile
from contextlib import closing
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from pydicom import config, uid
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from support.dicom_files import colour, dataset, jpeg, write

from fetalnet.core.errors import InputError
from fetalnet.sources import ImageFolder, clips_of, file_of, open_source


def cine(path: Path, series: int = 1, instance: int = 1) -> Path:
    made = jpeg("YBR_FULL_422")
    made.SeriesNumber, made.InstanceNumber, made.SeriesDescription = series, instance, "SECRET"
    path.parent.mkdir(parents=True, exist_ok=True)
    return write(path, made)


def video(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for grey in range(5):
            pixels = np.full((48, 64, 3), 30 + 40 * grey, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def image(path: Path, grey: int = 90) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", np.full((48, 64), grey, np.uint8))[1].tobytes())
    return path


def report(path: Path) -> Path:
    made = dataset(colour(), "RGB", SOPClassUID=uid.ComprehensiveSRStorage, Modality="SR")
    del made.PixelData
    return write(path, made)


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """What a scanner's export may look like, with things beside that are no recordings."""
    folder = tmp_path / "study"
    cine(folder / "SE1" / "IM10", 1, 10)
    cine(folder / "SE1" / "IM2", 1, 2)
    cine(folder / "SE2" / "IM1.dcm", 2, 1)
    report(folder / "SE2" / "report.dcm")
    video(folder / "SE2" / "clip.mp4")
    image(folder / "stills" / "a.png")
    image(folder / "stills" / "b.png")
    (folder / "readme.txt").write_text("x")
    (folder / ".hidden.mp4").write_text("x")
    return folder


def zipped(folder: Path, how: int = zipfile.ZIP_DEFLATED) -> Path:
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", how) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder).as_posix())
    return path


LABELS = [
    "IM2, Series 1 · Image 2 · 4 frames",
    "IM10, Series 1 · Image 10 · 4 frames",
    "clip.mp4",
    "IM1.dcm, Series 2 · Image 1 · 4 frames",
    "stills",
]


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        open_source(path)
    assert str(caught.value).endswith(".")
    return str(caught.value)


@pytest.mark.parametrize("as_zip", [False, True])
def test_the_clips_of_a_study_are_listed_and_each_opens(study: Path, as_zip: bool) -> None:
    path = zipped(study) if as_zip else study
    clips = clips_of(path)
    assert [", ".join(filter(None, (clip.name, clip.detail))) for clip in clips] == LABELS
    lengths = []
    for clip in clips:
        with closing(open_source(clip.path)) as source:
            assert source.path == clip.path
            assert source.name == clip.path.name
            assert file_of(clip.path).exists()
            lengths.append(len(list(source)))
    assert lengths == [4, 4, 5, 4, 2]


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_a_member_is_unpacked_once_while_it_is_open_and_then_goes(study: Path, temporary: Path) -> None:
    path = clips_of(zipped(study))[0].path
    assert not list(temporary.iterdir())
    first, second = open_source(path), open_source(path)
    (folder,) = temporary.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [file.name for file in folder.iterdir()] == ["IM2"]
    first.close()
    assert len(list(second)) == 4
    second.close()
    assert not list(temporary.iterdir())


def test_what_fails_to_open_leaves_nothing_behind(tmp_path: Path, temporary: Path) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "broken.mp4").write_text("text " * 100)
    assert "broken.mp4 is not a video" in refusal(zipped(folder))
    assert not list(temporary.iterdir())


@pytest.mark.parametrize("as_zip", [False, True])
def test_one_clip_opens_and_several_are_named(study: Path, as_zip: bool) -> None:
    path = zipped(study) if as_zip else study
    sentence = refusal(path)
    assert f"{path.name} holds 5 recordings" in sentence
    assert str(Path(path.name, "SE1", "IM2")) in sentence
    for each in ("SE1", "stills", "SE2/report.dcm", "SE2/clip.mp4"):
        target = study / each
        shutil.rmtree(target) if target.is_dir() else target.unlink()
    with closing(open_source(zipped(study) if as_zip else study)) as source:
        assert source.name == "IM1.dcm"
        assert len(list(source)) == 4


def test_a_folder_of_images_is_one_recording_whatever_lies_deeper(tmp_path: Path) -> None:
    image(tmp_path / "b10.png")
    image(tmp_path / "b9.png")
    (tmp_path / "labels.csv").write_text("x")
    cine(tmp_path / "deeper" / "IM1")
    source = open_source(tmp_path)
    assert isinstance(source, ImageFolder)
    assert [frame.file for frame in source] == ["b9.png", "b10.png"]


def test_images_in_an_archive_are_one_recording(tmp_path: Path) -> None:
    image(tmp_path / "some" / "2.png", 20)
    image(tmp_path / "some" / "10.png", 100)
    with closing(open_source(zipped(tmp_path / "some"))) as source:
        assert [int(frame.pixels[0, 0]) for frame in source] == [20, 100]
        assert source.name == "some.zip"


def test_what_holds_no_ultrasound_says_so(tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    report(tmp_path / "study" / "a.dcm")
    write(tmp_path / "study" / "b.dcm", dataset(colour(), "RGB", Modality="CT"))
    for path in (tmp_path / "study", zipped(tmp_path / "study")):
        assert "2 DICOM files but no ultrasound" in refusal(path)
    (tmp_path / "empty").mkdir()
    assert "no images" in refusal(tmp_path / "empty")
    assert "no images" in refusal(zipped(tmp_path / "empty"))


# DICOMDIR.


def dicomdir(path: Path, *names: object) -> Path:
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    made.file_meta.MediaStorageSOPClassUID = uid.MediaStorageDirectoryStorage
    made.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    records = []
    for name in names:
        record = Dataset()
        record.DirectoryRecordType, record.PatientName = "IMAGE", "SECRET"
        if name is not None:
            record.add(DataElement("ReferencedFileID", "CS", name, validation_mode=config.IGNORE))
        records.append(record)
    made.DirectoryRecordSequence = records
    made.save_as(path, enforce_file_format=True)
    return path


def test_a_dicomdir_lists_the_files_it_names(study: Path) -> None:
    (study / "SE2" / "IM1.dcm").rename(study / "SE2" / "im1")
    (study / "SE2").rename(study / "se2")
    named = ["SE1", "IM2"], ["SE2", "REPORT.DCM"], ["SE2", "IM1"], ["SE9", "GONE"]
    path = dicomdir(study / "DICOMDIR", None, *named)
    clips = clips_of(path)
    assert [", ".join(filter(None, (clip.name, clip.detail))) for clip in clips] == [
        LABELS[0],
        "im1, Series 2 · Image 1 · 4 frames",
    ]
    with closing(open_source(clips[1].path)) as source:
        assert len(list(source)) == 4


@pytest.mark.parametrize("name", [["..", "secret.dcm"], ["SE1/../../IM2"], "/etc/passwd", ["C:\\IM2"]])
def test_a_dicomdir_cannot_reach_outside_its_folder(study: Path, name: object) -> None:
    assert "outside its folder" in refusal(dicomdir(study / "DICOMDIR", name))


def test_a_dicomdir_without_its_files_says_so(tmp_path: Path) -> None:
    assert "None of the files" in refusal(dicomdir(tmp_path / "DICOMDIR", ["SE1", "IM2"]))


# Archives that mean harm.


@pytest.mark.parametrize("name", ["../out.mp4", "/etc/out.mp4", "a/../../out.mp4", "..\\out.mp4", "C:/out.mp4"])
def test_an_archive_cannot_reach_outside_itself(tmp_path: Path, temporary: Path, name: str) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, b"x")
    assert "outside itself" in refusal(path)
    assert not list(temporary.iterdir())


def test_what_would_fill_the_disk_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.mp4", "w") as member:
        for _ in range(70):
            member.write(bytes(2**20))
    assert "more than can be right" in refusal(path)
    monkeypatch.setattr("fetalnet.sources.archive.MAX_TOTAL_BYTES", 1000)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.mp4", bytes(600))
        archive.writestr("b.mp4", bytes(600))
    assert "more than can be right" in refusal(path)
    monkeypatch.setattr("fetalnet.sources.archive.MAX_MEMBERS", 1)
    assert "more than 1 files" in refusal(path)


def test_a_member_longer_than_it_says_is_not_read_on(tmp_path: Path, temporary: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.mp4", bytes(10_000_000))
    content = bytearray(path.read_bytes())
    content[content.rindex(b"PK\x01\x02") + 24 :][:4] = b""
    at = content.rindex(b"PK\x01\x02") + 24
    content[at : at + 4] = struct.pack("<I", 1000)
    path.write_bytes(content)
    assert "a.zip is a damaged archive" in refusal(path)
    assert not list(temporary.iterdir())


def test_a_locked_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "locked.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.mp4", b"x")
    content = bytearray(path.read_bytes())
    for start, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(start) + flags] |= 1
    path.write_bytes(content)
    assert "password" in refusal(path)


def test_a_damaged_archive_is_refused(study: Path) -> None:
    path = zipped(study, zipfile.ZIP_STORED)
    whole = path.read_bytes()
    for cut in (4, 100, len(whole) // 2, len(whole) - 5):
        path.write_bytes(whole[:cut])
        refusal(path)
    at = whole.index(b"DICM") + 2000
    path.write_bytes(whole[:at] + bytes(200) + whole[at + 200 :])
    first = next(clip for clip in clips_of(path) if clip.path.name == "IM10")
    assert "damaged" in refusal(first.path)


def test_a_link_in_an_archive_leads_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    link = zipfile.ZipInfo("link.mp4")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    assert "no recordings" in refusal(path)


def test_a_missing_member_is_said(study: Path) -> None:
    assert "no gone.mp4 in study.zip" in refusal(zipped(study) / "gone.mp4")


def test_another_archive_of_the_same_name_is_not_the_one_that_is_open(tmp_path: Path, temporary: Path) -> None:
    path = tmp_path / "study.zip"

    def write(grey: int) -> None:
        _, png = cv2.imencode(".png", np.full((90, 120), grey, np.uint8))
        with zipfile.ZipFile(tmp_path / "new.zip", "w") as archive:
            archive.writestr("1.png", png.tobytes())
        (tmp_path / "new.zip").replace(path)

    write(60)
    first = open_source(path)
    write(90)
    second = open_source(path)
    assert (first[0].pixels[0, 0], second[0].pixels[0, 0]) == (60, 90)
    first.close()
    assert second[0].pixels[0, 0] == 90
    second.close()
    assert not list(temporary.iterdir())
