"""What is shown stays as it was, upright and at its own times; what stands beside the fan goes; nothing is skipped."""

from __future__ import annotations

import io
import os
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import MPEG2MPML, generate_uid
from support.dicom_files import FORMS, write
from support.marked_files import fan_dicom, marked_video
from support.patient_files import X0, X1, Y0, Y1, dicom, fan_screen, region, screen

from fetalnet.core.errors import InputError
from fetalnet.dicom_network.deidentification import Report, deidentify_file
from fetalnet.sources import VideoFile, open_source, read_image

FAULTS = Path(__file__).parent / "files"


def boxed(pixels: np.ndarray):
    """A file whose calibrated region is a box around the fan, as scanners write it."""
    ds = dicom(pixels[..., None], instance=generate_uid(), regions=False)
    ds.SequenceOfUltrasoundRegions = [
        region(RegionLocationMinX0=2, RegionLocationMinY0=2, RegionLocationMaxX1=310, RegionLocationMaxY1=290)
    ]
    return ds


@pytest.mark.parametrize("words", ["letters", "banner"])
def test_that_a_name_in_the_region_but_beside_the_fan_goes(run, tmp_path, words):
    pixels = fan_screen()
    if words == "banner":
        pixels[8:30, 8:60] = 190
        cv2.putText(pixels, "DOE", (12, 25), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 0)
    boxed(pixels).save_as(tmp_path / "in.dcm", enforce_file_format=True)
    status, report, _ = run(tmp_path / "in.dcm", tmp_path / "out.dcm")
    after = dcmread(tmp_path / "out.dcm")
    assert not after.pixel_array[:32, :100].any()
    assert (after.pixel_array[90:270, 150:170] == pixels[90:270, 150:170]).all()
    assert (status, after.BurnedInAnnotation) == (0, "NO")
    assert "nothing is claimed" not in report["pixels"]


def test_that_without_a_fan_nothing_is_claimed_about_text_in_the_region(run, tmp_path):
    noise = np.random.default_rng(2).integers(20, 250, (120, 160, 1), np.uint8)
    dicom(noise, instance=generate_uid()).save_as(tmp_path / "in.dcm", enforce_file_format=True)
    status, report, errors = run(tmp_path / "in.dcm", tmp_path / "out.dcm")
    after = dcmread(tmp_path / "out.dcm")
    assert status == 0
    assert "BurnedInAnnotation" not in after
    assert [code.CodeValue for code in after.DeidentificationMethodCodeSequence] == ["113100"]
    assert "nothing is claimed" in report["pixels"]
    assert "nothing is claimed" in " ".join(errors.split())
    assert not after.pixel_array[:Y0].any()
    assert (after.pixel_array[Y0 : Y1 + 1, X0 : X1 + 1] == noise[Y0 : Y1 + 1, X0 : X1 + 1, 0]).all()


@pytest.mark.parametrize("paper", [255, 200, 90])
def test_that_a_scanned_letter_is_not_taken_for_a_fan(run, tmp_path, paper):
    letter = np.full((500, 350), paper, np.uint8)
    for y in range(40, 480, 40):
        cv2.putText(letter, "Dear Mrs Doe", (40, y), cv2.FONT_HERSHEY_SIMPLEX, 1.0, 0, 2)
    Image.fromarray(letter).save(tmp_path / "in.jpg", quality=80)
    dicom(letter[..., None], instance=generate_uid(), regions=False).save_as(tmp_path / "in.dcm")
    for name in ("in.jpg", "in.dcm"):
        status, _, errors = run(tmp_path / name, tmp_path / name.replace("in", "out").replace("jpg", "png"))
        assert (status, "--keep-pixels" in errors) == (2, True)


def test_that_code_strings_keep_defined_terms_alone_each_in_its_place(run, tmp_path):
    ds = fan_dicom()
    ds.ImageType = ["ORIGINAL", "PRIMARY", "JANE DOE", "0011"]
    ds.BodyPartExamined, ds.PatientOrientation, ds.PositionMeasuringDeviceUsed = "JANE", ["DOE", "F"], "DOE JANE"
    ds.SoftwareVersions, ds.Laterality, ds.TransducerType = ["DOE 1.0", "JANE"], "L", "CURVED LINEAR"
    ds.save_as(tmp_path / "in.dcm", enforce_file_format=True)
    assert run(tmp_path / "in.dcm", tmp_path / "out.dcm")[0] == 0
    after = dcmread(tmp_path / "out.dcm")
    assert list(after.ImageType) == ["ORIGINAL", "PRIMARY", "", "0011"]
    assert list(after.PatientOrientation) == ["", "F"]
    assert (after.Laterality, after.TransducerType) == ("L", "CURVED LINEAR")
    gone = {"BodyPartExamined", "PositionMeasuringDeviceUsed", "SoftwareVersions"}
    assert [keyword for keyword in gone if keyword in after] == []


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_that_kept_pixels_are_those_that_were_shown(tmp_path, form):
    source, out = write(tmp_path / "in.dcm", form.make()), tmp_path / "out.dcm"
    deidentify_file(source, out, Report(keep_pixels=True))
    with closing(open_source(source)) as before, closing(open_source(out)) as after:
        assert len(before) == len(after)
        for one, other in zip(before, after, strict=True):
            assert (one.pixels == other.pixels).all()


def test_that_what_older_scanners_drew_in_spare_bits_goes(run, tmp_path):
    values = fan_screen().astype(np.uint16) << 4
    ds = fan_dicom()
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, 12, 11
    ds.PixelData = (values | 0x8000).tobytes()
    ds["PixelData"].VR = "OW"
    ds.save_as(tmp_path / "in.dcm", enforce_file_format=True)
    assert run(tmp_path / "in.dcm", tmp_path / "out.dcm", "--keep-pixels")[0] == 0
    assert (dcmread(tmp_path / "out.dcm").pixel_array == values).all()


def test_that_a_film_in_a_dicom_file_keeps_the_shape_of_its_pixels(run, tmp_path):
    film = marked_video(tmp_path / "film.mpeg", [screen(shape=(120, 160))] * 6, "mpeg2video", aspect=Fraction(4, 3))
    ds = dicom(np.stack([screen()] * 6), instance=generate_uid())
    del ds.SequenceOfUltrasoundRegions
    with av.open(film) as container:
        aspect = container.streams.video[0].codec_context.sample_aspect_ratio
    ds.PhotometricInterpretation, ds.file_meta.TransferSyntaxUID = "YBR_PARTIAL_420", MPEG2MPML
    content = film.read_bytes()
    ds.PixelData = encapsulate([content + b"\0" * (len(content) % 2)])
    ds["PixelData"].is_undefined_length = True
    ds.save_as(tmp_path / "in.dcm", enforce_file_format=True)
    assert run(tmp_path / "in.dcm", tmp_path / "out.dcm", "--keep-pixels")[0] == 0
    assert Fraction(*map(int, reversed(dcmread(tmp_path / "out.dcm").PixelAspectRatio))) == aspect != 1


def test_that_frames_that_a_file_promises_and_lacks_are_told(run, tmp_path):
    ds = dicom(np.stack([screen()] * 3), instance=generate_uid())
    ds.NumberOfFrames = 5
    ds.save_as(tmp_path / "in.dcm", enforce_file_format=True)
    status, _, errors = run(tmp_path / "in.dcm", tmp_path / "out.dcm")
    assert (status, "says it has 5 frames but holds 3" in " ".join(errors.split())) == (0, True)
    assert dcmread(tmp_path / "out.dcm").pixel_array.shape[0] == 3


def test_that_every_container_is_done_or_named(run, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for name, codec in (("a.wmv", "wmv2"), ("b.vob", "mpeg2video"), ("c.ts", "mpeg2video"), ("d.mpg", "mpeg1video"),
                        ("e.flv", "flv1"), ("f.unknown", "mpeg4")):  # fmt: skip
        with av.open(folder / name, "w", format="mp4" if name == "f.unknown" else None) as container:
            stream = container.add_stream(codec, rate=25)
            stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 320, 320, "yuv420p", 8_000_000
            for _ in range(5):
                picture = np.dstack([fan_screen()] * 3)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(stream.encode(None))
    for name in ("g.zip", "h.webp", "i.nii", "j.bin"):
        (folder / name).write_bytes(b"\0not to be read\0" * 100)
    ds = fan_dicom()
    ds.save_as(folder / "KX0001", enforce_file_format=True)
    (folder / "KX0001").write_bytes((folder / "KX0001").read_bytes()[132:])
    del ds.file_meta, ds.preamble
    ds.save_as(folder / "1.2.840.99", implicit_vr=True, little_endian=True, enforce_file_format=False)
    (folder / "letter.txt").write_text("Dear Mrs Doe")
    (folder / "README").write_text("How to use the viewer")
    (folder / "elsewhere").symlink_to(tmp_path)
    status, report, errors = run(folder, tmp_path / "out")
    errors = " ".join(errors.split())
    assert (status, report["files"]["left_out"]) == (1, 2)
    named = [path.name for path in folder.iterdir() if path.name in errors]
    assert {"g.zip", "h.webp", "i.nii", "j.bin", "elsewhere"} <= set(named)
    assert set(named) <= {"g.zip", "h.webp", "i.nii", "j.bin", "elsewhere", "e.flv"}
    assert report["files"]["written"] + len(named) + 2 == len(list(folder.iterdir()))
    assert report["files"]["written"] == len([path for path in (tmp_path / "out").rglob("*") if path.is_file()])
    for path in (tmp_path / "out").glob("*.dcm"):
        assert (dcmread(path).pixel_array[90:270, 150:170] == fan_screen()[90:270, 150:170]).all()


def test_that_all_pages_of_a_tiff_are_done_and_a_page_without_fan_stops_it(run, tmp_path):
    pages = [fan_screen(), fan_screen()[:, ::-1].copy(), fan_screen(400)]
    images = [Image.fromarray(page) for page in pages]
    images[0].save(tmp_path / "in.tif", save_all=True, append_images=images[1:])
    assert run(tmp_path / "in.tif", tmp_path / "out.tif")[0] == 0
    done, after = cv2.imreadmulti(str(tmp_path / "out.tif"), flags=cv2.IMREAD_UNCHANGED)
    assert (done, [page.shape for page in after]) == (True, [page.shape for page in pages])
    assert not after[0][:24, :100].any()
    assert all((page[90:270, 155:165] == old[90:270, 155:165]).all() for page, old in zip(after, pages, strict=True))
    letter = Image.fromarray(np.random.default_rng(3).integers(20, 250, (320, 320), np.uint8))
    letter.save(tmp_path / "text.tif", save_all=True, append_images=images[:1])
    status, _, errors = run(tmp_path / "text.tif", tmp_path / "text-out.tif")
    assert (status, "--keep-pixels" in errors) == (2, True)
    assert not (tmp_path / "text-out.tif").exists()


def test_that_pages_are_written_with_square_pixels(run, tmp_path):
    squeezed = [Image.fromarray(cv2.resize(fan_screen(400), (320, 160)))] * 2
    squeezed[0].save(tmp_path / "in.tif", save_all=True, append_images=squeezed[1:], dpi=(300, 150))
    assert run(tmp_path / "in.tif", tmp_path / "out.tif")[0] == 0
    done, after = cv2.imreadmulti(str(tmp_path / "out.tif"), flags=cv2.IMREAD_UNCHANGED)
    assert (done, [page.shape for page in after]) == (True, [(320, 320)] * 2)


def test_that_an_animation_is_not_taken_for_one_picture(run, tmp_path):
    images = [Image.fromarray(fan_screen()), Image.fromarray(fan_screen()[:, ::-1])]
    images[0].save(tmp_path / "in.png", save_all=True, append_images=images[1:])
    status, _, errors = run(tmp_path / "in.png", tmp_path / "out.tif")
    assert (status, "several pictures" in errors) == (2, True)


def video(path: Path, picture: np.ndarray, ticks: list[int], aspect: Fraction, degrees: int) -> Path:
    """At times of a hundredth of a second each."""
    with av.open(path, "w") as container:
        stream = container.add_stream("mpeg4", rate=100)
        stream.height, stream.width = picture.shape
        stream.pix_fmt, stream.bit_rate = "yuv420p", 8_000_000
        stream.codec_context.sample_aspect_ratio = aspect
        stream.set_display_rotation(degrees)
        for tick in ticks:
            frame = av.VideoFrame.from_ndarray(np.dstack([picture] * 3), format="rgb24")
            frame.pts, frame.time_base = tick, Fraction(1, 100)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_that_a_video_is_upright_with_square_pixels_at_its_own_times(run, tmp_path, degrees):
    upright = cv2.resize(fan_screen(400), (400, 320))
    stored = np.rot90(upright, -degrees // 90)
    height, width = stored.shape
    stored = cv2.resize(stored, (width * 4 // 5, height))  # its pixels are wider than high
    ticks = [0, 4, 8, 20, 24, 28]
    source = video(tmp_path / "in.mp4", stored, ticks, Fraction(5, 4), degrees)
    assert run(source, tmp_path / "out.mp4")[0] == 0
    with closing(VideoFile(tmp_path / "out.mp4")) as after:
        assert (after.height, after.width) == (320, 400)
        assert [frame.time_s for frame in after] == pytest.approx([tick / 100 for tick in ticks], abs=1e-4)
        inside = np.s_[100:220:4, 170:230:4]
        shown = cv2.cvtColor(after[0].pixels, cv2.COLOR_RGB2GRAY).astype(float)
        blurred = cv2.GaussianBlur(shown, (0, 0), 4)[inside], cv2.GaussianBlur(upright.astype(float), (0, 0), 4)[inside]
        assert np.corrcoef(blurred[0].ravel(), blurred[1].ravel())[0, 1] > 0.8
        assert not after[0].pixels[:16, :60].max() > 8
    with av.open(tmp_path / "out.mp4") as container:
        assert container.streams.video[0].sample_aspect_ratio in {None, 0, 1}


def test_that_a_jpeg_comment_in_a_kept_frame_goes(run, tmp_path):
    content = (FAULTS / "jpeg_comment.dcm").read_bytes()
    assert content.count(b"DOE JANE") == 3 * 2
    assert run(FAULTS / "jpeg_comment.dcm", tmp_path / "out.dcm", "--keep-pixels")[0] == 0
    assert b"DOE" not in (tmp_path / "out.dcm").read_bytes()
    with closing(open_source(FAULTS / "jpeg_comment.dcm")) as before, closing(open_source(tmp_path / "out.dcm")) as new:
        assert all((one.pixels == other.pixels).all() for one, other in zip(before, new, strict=True))


def test_that_a_pipe_is_refused_at_once(run, tmp_path):
    os.mkfifo(tmp_path / "pipe.dcm")
    status, _, errors = run(tmp_path / "pipe.dcm", tmp_path / "out.dcm")
    assert (status, "pipe" in errors) == (2, True)


def test_that_the_output_folder_keeps_to_the_umask(run, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(_png(fan_screen()))
    before = os.umask(0o077)
    try:
        assert run(tmp_path / "in", tmp_path / "out")[0] == 0
    finally:
        os.umask(before)
    assert (tmp_path / "out").stat().st_mode & 0o077 == 0
    assert (read_image(tmp_path / "out" / "0001.png").pixels[90:270, 155:165] > 0).all()


def test_that_a_file_that_unpacks_to_too_much_is_refused(tmp_path):
    ds = fan_dicom()
    ds.Rows, ds.Columns = 60_000, 60_000
    ds.save_as(tmp_path / "in.dcm", enforce_file_format=True)
    with pytest.raises(InputError, match="more than can be opened"):
        deidentify_file(tmp_path / "in.dcm", tmp_path / "out.dcm", Report(keep_pixels=True))


def _png(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()
