"""DICOM files that are damaged, lie or are of something else: one sentence, and no word of the patient."""

from __future__ import annotations

import struct
import tracemalloc
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from support.dicom_files import (
    FORMS,
    PATIENT,
    colour,
    compressed,
    dataset,
    deep,
    grey,
    jpeg,
    jpeg_2000,
    jpeg_ls_of,
    rle,
    video,
    write,
)  # fmt: skip

from fetalnet.core.errors import InputError
from fetalnet.sources import BrokenFrameError, open_source


def play(path: Path) -> str:
    """Show every frame; what the source then says of itself."""
    with closing(open_source(path)) as source:
        for index in range(len(source)):
            source[index]
        return f"{source.name} {source.notice}"


def refusal(path: Path) -> str:
    """What is said where the file does not open or does not play."""
    with pytest.raises(InputError) as caught:
        play(path)
    sentence = str(caught.value)
    assert path.name in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert "SECRET" not in sentence
    return sentence


def changed(made: Dataset | None = None, **elements: object) -> Dataset:
    made = made or dataset(colour(), "RGB")
    for keyword, value in elements.items():
        setattr(made, keyword, value)
    return made


@pytest.mark.parametrize(
    ("elements", "sentence"),
    [
        ({"Modality": "CT", "SOPClassUID": uid.CTImageStorage}, "not of ultrasound"),
        ({"Modality": "MR"}, "not of ultrasound"),
        ({"Modality": "CT", "SOPClassUID": uid.SecondaryCaptureImageStorage}, "not of ultrasound"),
        ({"Modality": "XC", "SOPClassUID": uid.VLPhotographicImageStorage}, "not of ultrasound"),
        ({"Rows": 65535, "Columns": 65535}, "65535 x 65535"),
        ({"Rows": 0}, "how large"),
        ({"SamplesPerPixel": 2}, "colours"),
        ({"PhotometricInterpretation": "CMYK"}, "colours"),
        ({"BitsAllocated": 32}, "8 to 16 bits"),
        ({"BitsStored": 9}, "8 to 16 bits"),
        ({"HighBit": 9}, "8 to 16 bits"),
    ],
)
def test_what_cannot_be_a_recording_is_refused(tmp_path: Path, elements: dict[str, object], sentence: str) -> None:
    assert sentence in refusal(write(tmp_path / "a.dcm", changed(**elements)))


def test_files_without_pictures_are_refused(tmp_path: Path) -> None:
    for kind in (uid.ComprehensiveSRStorage, uid.EncapsulatedPDFStorage, uid.UltrasoundImageStorage):
        made = changed(SOPClassUID=kind)
        del made.PixelData
        assert "without pictures" in refusal(write(tmp_path / "a.dcm", made))


def test_a_palette_without_its_table_is_refused(tmp_path: Path) -> None:
    assert "table of its colours" in refusal(write(tmp_path / "a.dcm", dataset(grey(), "PALETTE COLOR")))


def test_an_unknown_compression_is_refused(tmp_path: Path) -> None:
    made = compressed(dataset(grey(), "MONOCHROME2"), uid.UID("1.2.840.10008.1.2.4.94"), [b"1234"] * 4)
    assert "compressed in a way" in refusal(write(tmp_path / "a.dcm", made))


def test_the_way_pixels_are_stored_must_be_the_one_named(tmp_path: Path) -> None:
    made = jpeg("YBR_FULL_422")
    made.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    made["PixelData"].is_undefined_length = True
    path = tmp_path / "a.dcm"
    content = write(tmp_path / "b.dcm", jpeg("YBR_FULL_422")).read_bytes()
    path.write_bytes(content.replace(b"1.2.840.10008.1.2.4.50", b"1.2.840.10008.1.2.1\0\0\0"))
    assert "says that its pictures are not compressed, but they are" in refusal(path)
    bare = changed(PixelData=b"".join(_frames(jpeg("YBR_FULL_422"))))
    bare["PixelData"].VR = "OB"
    assert "not compressed, but they are" in refusal(write(path, bare))


COUNTS = [1, 3, 5, 400, 2_000_000_000, 0, -3, None]


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("form", ["native", "JPEG", "JPEG with a table", "RLE"])
def test_what_is_there_is_shown_and_another_number_is_said(tmp_path: Path, count: int | None, form: str) -> None:
    made = CUTS[form.split()[0]]()
    if form.startswith("JPEG"):
        made.PixelData = encapsulate(_frames(made), has_bot=form != "JPEG")
    made.NumberOfFrames = count
    if count is None:
        del made.NumberOfFrames
    if form == "RLE" and count == 1:
        return  # fragments of one frame cannot be told from frames
    with closing(open_source(write(tmp_path / "a.dcm", made))) as source:
        assert [frame.index for frame in source] == [0, 1, 2, 3]
        said = source.notice or ""
    assert "holds 4; these are used" in said
    assert ("does not say how many" in said) is (count is None or not 0 < count < 1_000_000)
    assert count is None or count <= 0 or count > 1_000_000 or f"says it has {count} frame" in said


def test_a_fragment_with_nothing_in_it_is_a_frame_that_is_left_out(tmp_path: Path) -> None:
    made = jpeg("YBR_FULL_422")
    frames = _frames(made)
    for empty in (0, 2):
        items = [b"", *(b"" if index == empty else each + b"\0" * (len(each) % 2) for index, each in enumerate(frames))]
        made.PixelData = b"".join(b"\xfe\xff\x00\xe0" + struct.pack("<I", len(each)) + each for each in items)
        made.PixelData += b"\xfe\xff\xdd\xe0\0\0\0\0"
        with closing(open_source(write(tmp_path / "a.dcm", made))) as source:
            assert [frame.index for frame in source] == [index for index in range(4) if index != empty]
            assert "1 of 4 frames is damaged and left out" in (source.notice or "")


def _frames(made: Dataset) -> list[bytes]:
    from pydicom.encaps import generate_frames

    return list(generate_frames(made.PixelData, number_of_frames=int(made.NumberOfFrames)))


@pytest.mark.parametrize("per_frame", [1, 3])
@pytest.mark.parametrize("has_table", [True, False])
def test_frames_in_several_fragments_are_put_together(tmp_path: Path, per_frame: int, has_table: bool) -> None:
    made = jpeg("YBR_FULL_422")
    frames = _frames(made)
    made.PixelData = encapsulate(frames, fragments_per_frame=per_frame, has_bot=has_table)
    with closing(open_source(write(tmp_path / "a.dcm", made))) as source:
        assert len(list(source)) == 4


def test_a_table_that_lies_is_not_believed(tmp_path: Path) -> None:
    made = jpeg("YBR_FULL_422")
    content = write(tmp_path / "a.dcm", made).read_bytes()
    at = content.index(b"\xe0\x7f\x10\x00OB") + 12 + 8
    for places in ((0, 10, 20, 30), (0, 4, 2, 1), (0xFFFFFFFF,) * 4, (8, 16, 24, 32)):
        table = np.array(places, "<u4").tobytes()
        (tmp_path / "a.dcm").write_bytes(content[:at] + table + content[at + 16 :])
        with closing(open_source(tmp_path / "a.dcm")) as source:
            assert len(list(source)) == 4


CUTS = {
    "native": lambda: dataset(colour(), "RGB"), "JPEG": lambda: jpeg("YBR_FULL_422"),
    "RLE": lambda: rle(grey, "MONOCHROME2"), "JPEG-LS": lambda: jpeg_ls_of(grey, "MONOCHROME2"),
    "JPEG 2000": lambda: jpeg_2000(grey, "MONOCHROME2"),
    "deflated": lambda: next(form for form in FORMS if form.name == "deflated RGB").make(),
}  # fmt: skip


@pytest.mark.parametrize("form", CUTS)
def test_a_file_cut_off_anywhere_shows_what_is_there_or_is_refused(tmp_path: Path, form: str) -> None:
    whole = write(tmp_path / "whole.dcm", CUTS[form]()).read_bytes()
    with closing(open_source(tmp_path / "whole.dcm")) as source:
        expected = [frame.pixels for frame in source]
    path = tmp_path / "cut.dcm"
    for length in [*range(1, 1200, 61), *(int(len(whole) * part) for part in (0.1, 0.3, 0.5, 0.7, 0.9, 0.97))]:
        path.write_bytes(whole[:length])
        try:
            source = open_source(path)
        except InputError:
            assert refusal(path)
            continue
        with closing(source):
            frames = list(source)
            assert 0 < len(frames) < 4
            assert f"says it has 4 frames but holds {len(frames)};" in (source.notice or "")
            for frame in frames:
                np.testing.assert_array_equal(frame.pixels, expected[frame.index])


def test_a_video_cut_off_plays_up_to_the_cut(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.dcm", video(uid.MPEG2MPML, "mpeg2video", "mpeg2video")).read_bytes()
    path = tmp_path / "cut.dcm"
    path.write_bytes(whole[: int(len(whole) * 0.6)])
    with closing(open_source(path)) as source:
        assert 4 < len(list(source)) < 24
        assert "24 frames" in (source.notice or "")


@pytest.mark.parametrize("form", ["JPEG", "RLE", "JPEG-LS", "JPEG 2000"])
def test_a_damaged_frame_is_left_out_and_the_recording_goes_on(tmp_path: Path, form: str) -> None:
    made = CUTS[form]()
    frames = _frames(made)
    frames[2] = frames[2][:6] + bytes(len(frames[2]) - 6)
    made.PixelData = encapsulate(frames)
    with closing(open_source(write(tmp_path / "a.dcm", made))) as source:
        indices = [frame.index for frame in source]
        assert indices == [index for index in range(len(frames)) if index != 2]
        assert f"1 of {len(frames)} frames is damaged and left out" in (source.notice or "")
        with pytest.raises(BrokenFrameError):
            source[2]
        assert source[1].index == 1


@pytest.mark.parametrize("form", ["JPEG", "JPEG-LS", "JPEG 2000"])
def test_a_stream_larger_than_its_picture_is_not_decoded(tmp_path: Path, form: str) -> None:
    made = changed(CUTS[form](), Rows=16, Columns=16)
    tracemalloc.start()
    try:
        assert "damaged" in refusal(write(tmp_path / "a.dcm", made))
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()


def test_what_swells_when_inflated_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fetalnet.sources.dicom.header._MAX_INFLATED_BYTES", 10 * 2**20)
    made = dataset(np.zeros((100, 400, 400), np.uint8), "MONOCHROME2")
    made.file_meta.TransferSyntaxUID = uid.DeflatedExplicitVRLittleEndian
    assert "1 GB" in refusal(write(tmp_path / "a.dcm", made))


def test_no_word_of_the_patient_is_said_or_warned(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    made = dataset(deep(12), "MONOCHROME2", 12)
    content = write(tmp_path / "a.dcm", made).read_bytes()
    for tag in (b"\x10\x00\x10\x00", b"\x28\x00\x08\x00", b"\x18\x00\x63\x10", b"\x28\x00\x10\x00"):
        at = content.index(tag)
        (tmp_path / "a.dcm").write_bytes(content[: at + 8] + PATIENT.encode() + content[at + 8 :])
        try:
            said = play(tmp_path / "a.dcm")
        except InputError as error:
            said = f"{error} {error.__cause__}"
        assert "SECRET" not in said
    assert "SECRET" not in "".join(capfd.readouterr())


def test_text_and_rubbish_called_dicom_are_refused(tmp_path: Path) -> None:
    for content in (b"minutes of the meeting\n" * 50, b"\0" * 128 + b"DICM", bytes(range(256)) * 10, b"\0" * 4000):
        (tmp_path / "a.dcm").write_bytes(content)
        assert "DICOM" in refusal(tmp_path / "a.dcm")
