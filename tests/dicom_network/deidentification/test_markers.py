"""A marker word in every place of every kind of file: none of it comes through, whether pixels are kept or masked."""

from __future__ import annotations

import io

import jpeg_ls
import numpy as np
import pytest
from openjpeg.utils import encode_array
from pydicom import dcmread
from pydicom.pixels import compress
from pydicom.uid import (
    MPEG2MPML,
    MPEG4HP41,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
    generate_uid,
)
from support.marked_files import (
    MARKER,
    RAW,
    fan_dicom,
    found_in,
    is_marked,
    mark_everything,
    marked_jpeg,
    marked_meta,
    marked_png,
    marked_tiff,
    marked_video,
    places_of,
    with_fragments,
)
from support.patient_files import dicom, fan_screen

KEPT_OR_MASKED = pytest.mark.parametrize("keep", [(), ("--keep-pixels",)], ids=["masked", "kept"])


def test_that_the_search_finds_what_it_looks_for(tmp_path, everything):
    (tmp_path / "in.png").write_bytes(marked_png(fan_screen()))
    with pytest.raises(AssertionError, match=r"prVt|tEXt|iCCP"):
        assert not [is_marked(place) for place in places_of(tmp_path / "in.png")]
    assert len([each for each in everything if is_marked(str(each.value).encode())]) > 3000


@pytest.fixture(scope="module")
def everything():
    return marked_meta(mark_everything(fan_dicom()))


@pytest.mark.parametrize(
    ("syntax", "keep"),
    [
        (ExplicitVRLittleEndian, ()),
        (ExplicitVRLittleEndian, ("--keep-pixels",)),
        (ImplicitVRLittleEndian, ()),
        (ExplicitVRBigEndian, ()),
        (DeflatedExplicitVRLittleEndian, ()),
    ],
    ids=["explicit", "kept", "implicit", "big endian", "deflated"],
)
def test_that_no_attribute_brings_a_word_out(run, tmp_path, everything, syntax, keep):
    folder = tmp_path / "in" / MARKER
    folder.mkdir(parents=True)
    ds = everything
    ds.file_meta.TransferSyntaxUID = syntax
    ds.save_as(folder / f"{MARKER}.dcm", enforce_file_format=True)
    with (folder / f"{MARKER}.dcm").open("ab") as file:
        file.write(RAW)
    status, _, errors = run(tmp_path / "in", tmp_path / "out", *keep)
    assert (status, MARKER in errors) == (0, False)
    assert found_in(tmp_path / "out") == []
    after = dcmread(tmp_path / "out" / "0001" / "0001.dcm")
    assert (after.Rows, after.Modality if "Modality" in after else "US") == (320, "US")


def _fragments(kind: str) -> tuple[str, list[bytes]]:
    pixels = fan_screen()
    if kind == "JPEG":
        return JPEGBaseline8Bit, [marked_jpeg(pixels)]
    comment = b"\xff\xfe" + (len(RAW) + 2).to_bytes(2) + RAW
    if kind == "JPEG-LS":
        made = bytes(jpeg_ls.encode_buffer(
            pixels.tobytes(), rows=320, columns=320, samples_per_pixel=1, bits_stored=8, lossy_error=0,
            interleave_mode=0,
        ))  # fmt: skip
        return JPEGLSLossless, [made[:2] + comment + made[2:] + RAW]
    if kind == "JPEG 2000":
        made = bytes(encode_array(pixels, bits_stored=8, photometric_interpretation=2))
        words = b"\xff\x64" + (len(RAW) + 4).to_bytes(2) + b"\0\1" + RAW
        at = made.index(b"\xff\x52")
        return JPEG2000Lossless, [made[:at] + words + made[at:] + RAW]
    if kind == "RLE":
        ds = fan_dicom()
        compress(ds, RLELossless, encoding_plugin="pydicom", generate_instance_uid=False)
        from pydicom.encaps import get_frame

        return RLELossless, [get_frame(ds.PixelData, 0) + RAW + b"\0"]
    raise AssertionError(kind)


@KEPT_OR_MASKED
@pytest.mark.parametrize("kind", ["JPEG", "JPEG-LS", "JPEG 2000", "RLE"])
def test_that_no_compressed_frame_brings_a_word_out(run, tmp_path, kind, keep):
    ds = with_fragments(fan_dicom(), *_fragments(kind))
    ds.save_as(tmp_path / "in.dcm", enforce_file_format=True)
    assert is_marked((tmp_path / "in.dcm").read_bytes())
    (tmp_path / "out").mkdir()
    assert run(tmp_path / "in.dcm", tmp_path / "out" / "out.dcm", *keep)[0] == 0
    assert found_in(tmp_path / "out") == []
    after = dcmread(tmp_path / "out" / "out.dcm").pixel_array
    assert np.abs(after[90:270, 150:170].astype(int) - fan_screen()[90:270, 150:170]).mean() < 3


@KEPT_OR_MASKED
@pytest.mark.parametrize(
    ("syntax", "form", "codec"), [(MPEG2MPML, "mpeg", "mpeg2video"), (MPEG4HP41, "mp4", "libx264")]
)
def test_that_no_film_in_a_dicom_file_brings_a_word_out(run, tmp_path, syntax, form, codec, keep):
    film = marked_video(tmp_path / f"film.{form}", [fan_screen()] * 4, codec).read_bytes()
    ds = dicom(np.stack([np.dstack([fan_screen()] * 3)] * 4), instance=generate_uid(), regions=False)
    ds = with_fragments(ds, syntax, [film + b"\0" * (len(film) % 2)])
    ds.PhotometricInterpretation = "YBR_PARTIAL_420"
    ds.save_as(tmp_path / "in.dcm", enforce_file_format=True)
    assert is_marked((tmp_path / "in.dcm").read_bytes())
    (tmp_path / "out").mkdir()
    assert run(tmp_path / "in.dcm", tmp_path / "out" / "out.dcm", *keep)[0] == 0
    assert found_in(tmp_path / "out") == []


@KEPT_OR_MASKED
def test_that_words_behind_the_last_uncompressed_frame_stay_behind(run, tmp_path, keep):
    ds = fan_dicom()
    ds.PixelData += RAW + b"\0"
    ds.save_as(tmp_path / "in.dcm", enforce_file_format=True)
    (tmp_path / "out").mkdir()
    assert run(tmp_path / "in.dcm", tmp_path / "out" / "out.dcm", *keep)[0] == 0
    assert found_in(tmp_path / "out") == []


@KEPT_OR_MASKED
def test_that_no_image_and_no_video_brings_a_word_out(run, tmp_path, keep):
    folder = tmp_path / "in" / MARKER
    folder.mkdir(parents=True)
    pixels = fan_screen()
    files = {
        f"{MARKER}.png": marked_png(pixels), "a.jpg": marked_jpeg(pixels), "b.tif": marked_tiff([pixels]),
        "c.tiff": marked_tiff([pixels, pixels[::-1]]), "d.bmp": _bmp(pixels) + RAW,
    }  # fmt: skip
    for name, content in files.items():
        (folder / name).write_bytes(content)
    for form in ("mp4", "mkv", "avi", "mov"):
        marked_video(folder / f"film.{form}", [pixels] * 4)
    marked_video(folder / "x264.mp4", [pixels] * 4, "libx264")
    assert all(is_marked(path.read_bytes()) for path in folder.iterdir())
    status, report, errors = run(tmp_path / "in", tmp_path / "out", *keep)
    assert (status, report["files"]["written"], MARKER in errors) == (0, 10, False)
    assert found_in(tmp_path / "out") == []


def _bmp(pixels: np.ndarray) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "BMP")
    return stream.getvalue()
