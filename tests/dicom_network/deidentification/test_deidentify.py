"""What leaves the house tells no name: not in attributes, not in pixels, not in the report."""

from __future__ import annotations

import io
import json

import av
import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.encaps import encapsulate
from pydicom.pixels import compress
from pydicom.uid import (
    MPEG2MPML,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
    UltrasoundImageStorage,
    generate_uid,
)
from support.patient_files import (
    COLUMNS,
    FRAME_OF_REFERENCE,
    ROWS,
    SECRETS,
    SERIES,
    STUDY,
    X0,
    X1,
    Y0,
    Y1,
    dicom,
    fan_screen,
    screen,
)

from fetalnet.sources import VideoFile, read_image


def test_that_nothing_of_the_patient_is_left_in_the_file_or_told_in_the_report(run, tmp_path):
    source, out = tmp_path / "in.dcm", tmp_path / "out.dcm"
    uid = generate_uid()
    dicom(screen(), instance=uid).save_as(source, enforce_file_format=True)
    status, report, errors = run(source, out)
    assert status == 0
    content = out.read_bytes()
    assert [each for each in (*SECRETS, uid, STUDY, SERIES, FRAME_OF_REFERENCE) if each.encode() in content] == []
    ds = dcmread(out)
    assert (ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.StudyDate) == ("", "", "", "")
    assert ds.PatientIdentityRemoved == "YES"
    assert [code.CodeValue for code in ds.DeidentificationMethodCodeSequence] == ["113100", "113101"]
    assert ds.BurnedInAnnotation == "NO"
    assert not any(element.tag.is_private for element in ds.iterall())
    # What measuring needs is still there.
    assert ds.SequenceOfUltrasoundRegions[0].PhysicalDeltaY == -0.02
    assert (ds.Manufacturer, ds.ManufacturerModelName) == ("Maker", "Model 5")
    assert [code.CodeValue for code in ds.AnatomicRegionSequence] == ["87878005"]
    assert (report["removed"]["PatientAge"], report["removed"]["RequestAttributesSequence"]) == (1, 1)
    assert report["emptied"]["PatientName"] == 1
    assert report["private_attributes_removed"] == 3
    assert [each for each in SECRETS if each in json.dumps(report) + errors] == []


def test_that_pixels_outside_the_regions_are_black_and_those_inside_untouched(run, tmp_path):
    frames = np.stack([screen(seed) for seed in range(3)])
    dicom(frames, instance=generate_uid()).save_as(tmp_path / "in.dcm", enforce_file_format=True)
    assert run(tmp_path / "in.dcm", tmp_path / "out.dcm")[0] == 0
    after = dcmread(tmp_path / "out.dcm").pixel_array
    assert after.shape == frames.shape
    inside = np.s_[:, Y0 : Y1 + 1, X0 : X1 + 1]
    assert (after[inside] == frames[inside]).all()
    after[inside] = 0
    assert not after.any()


def as_syntax(ds: Dataset, syntax: str) -> Dataset:
    if syntax in (RLELossless, JPEGLSLossless):
        compress(ds, syntax, encoding_plugin="pydicom" if syntax == RLELossless else "", generate_instance_uid=False)
    ds.file_meta.TransferSyntaxUID = syntax
    return ds


@pytest.mark.parametrize(
    "syntax",
    [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian, RLELossless, JPEGLSLossless],
)
@pytest.mark.parametrize("shape", [(ROWS, COLUMNS, 1), (ROWS, COLUMNS, 3)], ids=["grey", "colour"])
def test_that_every_way_of_storing_pixels_is_masked(run, tmp_path, syntax, shape):
    pixels = screen(shape=shape)
    ds = as_syntax(dicom(pixels, instance=generate_uid()), syntax)
    ds.save_as(tmp_path / "in.dcm", enforce_file_format=True)
    assert run(tmp_path / "in.dcm", tmp_path / "out.dcm")[0] == 0
    after = dcmread(tmp_path / "out.dcm").pixel_array.reshape(shape)
    assert (after[Y0 : Y1 + 1, X0 : X1 + 1] == pixels[Y0 : Y1 + 1, X0 : X1 + 1]).all()
    assert not after[:Y0].any()


def test_that_black_is_what_the_palette_or_monochrome1_shows_as_black(run, tmp_path):
    grey = screen(shape=(ROWS, COLUMNS, 1))
    inverse = dicom(grey, instance=generate_uid())
    inverse.PhotometricInterpretation = "MONOCHROME1"
    palette = dicom(grey, instance=generate_uid())
    palette.PhotometricInterpretation = "PALETTE COLOR"
    for colour in ("Red", "Green", "Blue"):
        setattr(palette, f"{colour}PaletteColorLookupTableDescriptor", [256, 0, 16])
        table = np.arange(256, dtype="<u2")[::-1] * 256
        setattr(palette, f"{colour}PaletteColorLookupTableData", table.tobytes())
    for name, ds in {"inverse": inverse, "palette": palette}.items():
        ds.save_as(tmp_path / f"{name}.dcm", enforce_file_format=True)
        assert run(tmp_path / f"{name}.dcm", tmp_path / f"{name}-out.dcm")[0] == 0
        after = dcmread(tmp_path / f"{name}-out.dcm").pixel_array
        assert (after[:Y0] == 255).all()
        assert (after[Y0 : Y1 + 1, X0 : X1 + 1] == grey[Y0 : Y1 + 1, X0 : X1 + 1, 0]).all()


def test_that_a_film_in_a_dicom_file_is_masked_frame_by_frame(run, tmp_path):
    film = io.BytesIO()
    with av.open(film, "w", format="mpeg") as container:
        stream = container.add_stream("mpeg2video", rate=25)
        stream.width, stream.height, stream.pix_fmt = COLUMNS, ROWS, "yuv420p"
        for _ in range(6):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(screen(), format="rgb24")))
        container.mux(stream.encode(None))
    ds = dicom(np.stack([screen()] * 6), instance=generate_uid())
    ds.PhotometricInterpretation = "YBR_PARTIAL_420"
    ds.file_meta.TransferSyntaxUID = MPEG2MPML
    ds.PixelData = encapsulate([film.getvalue()])
    ds["PixelData"].is_undefined_length = True
    ds.save_as(tmp_path / "in.dcm", enforce_file_format=True)
    assert run(tmp_path / "in.dcm", tmp_path / "out.dcm")[0] == 0
    after = dcmread(tmp_path / "out.dcm")
    assert after.pixel_array.shape == (6, ROWS, COLUMNS, 3)
    assert not after.pixel_array[:, :Y0].any()
    assert after.pixel_array[:, Y0 + 5 : Y1 - 5, X0 + 5 : X1 - 5].std() > 20
    assert (after.LossyImageCompression, after.LossyImageCompressionMethod) == ("01", "ISO_13818_2")


def test_that_without_regions_the_fan_is_kept_and_without_a_fan_nothing_is_passed_on(run, tmp_path):
    pixels = fan_screen()
    dicom(pixels[..., None], instance=generate_uid(), regions=False).save_as(tmp_path / "fan.dcm")
    assert run(tmp_path / "fan.dcm", tmp_path / "fan-out.dcm")[0] == 0
    after = dcmread(tmp_path / "fan-out.dcm").pixel_array
    assert not after[:24, :100].any()
    assert (after[90:270, 150:170] == pixels[90:270, 150:170]).all()

    noise = np.random.default_rng(2).integers(20, 250, (ROWS, COLUMNS, 1), np.uint8)
    dicom(noise, instance=generate_uid(), regions=False).save_as(tmp_path / "noise.dcm")
    status, report, errors = run(tmp_path / "noise.dcm", tmp_path / "noise-out.dcm")
    assert (status, report) == (2, None)
    assert "--keep-pixels" in errors
    assert not (tmp_path / "noise-out.dcm").exists()
    status, report, errors = run(tmp_path / "noise.dcm", tmp_path / "noise-out.dcm", "--keep-pixels")
    assert status == 0
    assert "Pixels were kept" in report["pixels"]
    kept = dcmread(tmp_path / "noise-out.dcm")
    assert (kept.pixel_array == noise[..., 0]).all()
    assert "BurnedInAnnotation" not in kept


def test_that_a_folder_keeps_its_order_and_its_references_but_no_name(run, tmp_path):
    folder = tmp_path / "in" / "Doe Jane 19870203"
    folder.mkdir(parents=True)
    first, second = generate_uid(), generate_uid()
    dicom(screen(1), instance=first).save_as(folder / "a Doe.dcm", enforce_file_format=True)
    dicom(screen(2), instance=second, refers_to=first).save_as(folder / "b Doe", enforce_file_format=True)
    (folder / "letter.txt").write_text("Dear Mrs Doe")
    letter = dicom(screen(), instance=generate_uid())
    del letter.PixelData
    letter.save_as(folder / "a report.dcm", enforce_file_format=True)
    cut = folder / "c.dcm"
    cut.write_bytes((folder / "a Doe.dcm").read_bytes()[:300])
    status, report, errors = run(tmp_path / "in", tmp_path / "out")
    assert status == 1
    assert "c.dcm" in errors
    assert report["files"] == {"written": 2, "failed": 1, "left_out": 2}
    names = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*"))
    assert names == ["0001/0001.dcm", "0001/0003.dcm"]
    a, b = (dcmread(tmp_path / "out" / name) for name in names)
    assert (a.StudyInstanceUID, a.SeriesInstanceUID) == (b.StudyInstanceUID, b.SeriesInstanceUID)
    assert b.SourceImageSequence[0].ReferencedSOPInstanceUID == a.SOPInstanceUID != first
    assert b.SourceImageSequence[0].ReferencedSOPClassUID == UltrasoundImageStorage
    assert a.file_meta.MediaStorageSOPInstanceUID == a.SOPInstanceUID


def test_that_doing_it_again_finds_nothing_more(run, tmp_path):
    dicom(screen(), instance=generate_uid()).save_as(tmp_path / "in.dcm", enforce_file_format=True)
    assert run(tmp_path / "in.dcm", tmp_path / "once.dcm")[0] == 0
    status, report, _ = run(tmp_path / "once.dcm", tmp_path / "twice.dcm")
    assert status == 0
    assert report["emptied"] == {}
    assert report["private_attributes_removed"] == 0
    assert set(report["removed"]) <= {
        "PatientIdentityRemoved", "DeidentificationMethod", "DeidentificationMethodCodeSequence", "BurnedInAnnotation",
        "LongitudinalTemporalInformationModified",
    }  # fmt: skip
    once, twice = (dcmread(tmp_path / name) for name in ("once.dcm", "twice.dcm"))
    assert (once.pixel_array == twice.pixel_array).all()
    assert [each.tag for each in once] == [each.tag for each in twice]


def test_that_images_and_videos_are_masked_and_lose_what_else_they_carry(run, tmp_path):
    from PIL import Image, PngImagePlugin

    from fetalnet.export.overlay import OverlayWriter

    pixels = fan_screen()
    info = PngImagePlugin.PngInfo()
    info.add_text("Patient", "Doe Jane")
    Image.fromarray(pixels).save(tmp_path / "in.png", pnginfo=info)
    with OverlayWriter(tmp_path / "in.mp4", (320, 320), 25) as writer:
        for _ in range(4):
            writer.write(np.dstack([pixels] * 3))
    assert run(tmp_path / "in.png", tmp_path / "out.png")[0] == 0
    assert run(tmp_path / "in.mp4", tmp_path / "out.mp4")[0] == 0
    assert b"Doe" not in (tmp_path / "out.png").read_bytes()
    image = read_image(tmp_path / "out.png").pixels
    assert not image[:24, :100].any()
    assert (image[90:270, 150:170] == pixels[90:270, 150:170]).all()
    video = VideoFile(tmp_path / "out.mp4")
    assert len(video) == 4
    assert video[3].pixels[:20, :100].max() < 8
    assert video[3].pixels[90:270, 150:170].mean() > 80
    video.close()


def test_that_originals_and_earlier_work_are_never_written_over(run, tmp_path):
    source = tmp_path / "in.dcm"
    dicom(screen(), instance=generate_uid()).save_as(source, enforce_file_format=True)
    before = source.read_bytes()
    (tmp_path / "there.dcm").write_text("earlier")
    (tmp_path / "text.txt").write_text("no picture")
    for arguments, sentence in (
        ((source, source), "recording itself"),
        ((source, tmp_path / "there.dcm"), "there already"),
        ((tmp_path, tmp_path / "inside"), "beside it"),
        ((tmp_path / "none.dcm", tmp_path / "x.dcm"), "none.dcm"),
        ((tmp_path / "text.txt", tmp_path / "x.dcm"), "no picture"),
        ((source, tmp_path / "no" / "x.dcm"), "folder does not exist"),
    ):
        status, report, errors = run(*arguments)
        assert (status, report) == (2, None)
        assert sentence in " ".join(errors.split())
    assert source.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.dcm", "text.txt", "there.dcm"]
