"""Every legal pair of transfer syntax and photometric form is read back as it was written."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from pydicom import uid
from pydicom.dataset import Dataset
from support.dicom_files import FORMS, Form, as_eight_bits, colour, dataset, deep, native, write

from fetalnet.sources import open_source
from fetalnet.sources.dicom.file import DicomFile


def check(source: DicomFile, expected: np.ndarray, tolerance: float, interval_s: float = 0.033333) -> None:
    """``tolerance``: the mean of grey levels over the recording."""
    assert len(source) == len(expected)
    assert (source.height, source.width) == expected.shape[1:3]
    seen = list(source)
    assert all(frame.pixels.shape == expected.shape[1:] and not frame.pixels.flags.writeable for frame in seen)
    assert [frame.time_s for frame in seen] == pytest.approx([k * interval_s for k in range(len(expected))], abs=1e-9)
    pixels = np.stack([frame.pixels for frame in seen])
    assert np.abs(pixels.astype(int) - expected).mean() <= tolerance
    for index in (len(source) - 1, 1):  # however they are reached
        np.testing.assert_array_equal(source[index].pixels, pixels[index])


def first_picture(folder: Path, made: Dataset) -> np.ndarray:
    with closing(open_source(write(folder / "a.dcm", made))) as source:
        return source[0].pixels


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_every_form_is_read_back(tmp_path: Path, form: Form) -> None:
    with closing(open_source(write(tmp_path / "IM_0001", form.make()))) as source:
        check(source, form.expected(), form.tolerance)
        assert source.notice is None
        assert source.frame_rate_hz == pytest.approx(1000 / 33.333)


DCMTK = {
    "extended 12 bit": (["dcmcjpeg", "+ee", "+q", "100"], 12),
    "lossless": (["dcmcjpeg", "+e1"], 12),
    "process 14, predictor 6": (["dcmcjpeg", "+el", "+sv", "6"], 12),
    "baseline colour 4:2:2": (["dcmcjpeg", "+eb", "+q", "95"], 0),
    "baseline colour 4:2:0": (["dcmcjpeg", "+eb", "+q", "95", "+s2"], 0),
    "baseline true RGB": (["dcmcjpeg", "+eb", "+cr", "+q", "95"], 0),
    "fragments of 2 kB": (["dcmcjpeg", "+eb", "+q", "95", "+fs", "2"], 0),
    "fragments without a table": (["dcmcjpeg", "+eb", "+q", "95", "+fs", "2", "-ot"], 0),
    "JPEG-LS": (["dcmcjpls"], 12),
    "RLE": (["dcmcrle"], 0),
}


@pytest.mark.parametrize("way", DCMTK)
def test_what_dcmtk_writes_is_read_back(tmp_path: Path, way: str) -> None:
    command, bits = DCMTK[way]
    if shutil.which(command[0]) is None:
        pytest.skip("DCMTK's tools are not installed")
    values, photometric = (deep(bits), "MONOCHROME2") if bits else (colour(), "RGB")
    plain = write(tmp_path / "plain.dcm", dataset(values, photometric, bits or 8))
    subprocess.run([*command, plain, tmp_path / "packed.dcm"], check=True, capture_output=True)
    exact = way in {"lossless", "process 14, predictor 6", "JPEG-LS", "RLE"}
    with closing(open_source(tmp_path / "packed.dcm")) as source:
        check(source, as_eight_bits(values, bits) if bits else values, 0.0 if exact else 2.0)
        assert source.is_lossy is not exact


def test_bits_may_lie_anywhere_in_their_word(tmp_path: Path) -> None:
    values = deep(12)
    made = dataset(values << 4 | 5, "MONOCHROME2", 12, HighBit=15)
    np.testing.assert_array_equal(first_picture(tmp_path, made), as_eight_bits(values[0], 12))
    signed = dataset((values.astype(np.int32) - 2048).astype(np.int16), "MONOCHROME2", 12, PixelRepresentation=1)
    np.testing.assert_array_equal(first_picture(tmp_path, signed), as_eight_bits(values[0], 12))


WINDOWS = {
    "linear": ((1024.0, 1025.0, "LINEAR"), lambda v: (v - 1023.5) / 1024 + 0.5),
    "exact": (([1024, 9], [1024, 9], "LINEAR_EXACT"), lambda v: v / 1024 - 0.5),
    "sigmoid": ((2048, 900, "SIGMOID"), lambda v: 1 / (1 + np.exp(-4 * (v - 2048) / 900))),
    "no width": ((2048, 0, "LINEAR"), lambda v: v / 4095),
}


@pytest.mark.parametrize("name", WINDOWS)
def test_windows_are_applied_as_the_standard_says(tmp_path: Path, name: str) -> None:
    (centre, width, function), shown = WINDOWS[name]
    window = {"WindowCenter": centre, "WindowWidth": width, "VOILUTFunction": function}
    seen = first_picture(tmp_path, dataset(deep(12), "MONOCHROME2", 12, **window))
    expected = np.rint(np.clip(shown(deep(12)[0].astype(float)), 0, 1) * 255)
    assert np.abs(seen - expected).max() <= 1


def test_a_window_is_one_of_rescaled_values(tmp_path: Path) -> None:
    elements = {"RescaleSlope": 2, "RescaleIntercept": -100, "WindowCenter": 1948, "WindowWidth": 4097}
    seen = first_picture(tmp_path, dataset(deep(12), "MONOCHROME2", 12, **elements))
    expected = np.rint(np.clip((2.0 * deep(12)[0] - 100 - 1947.5) / 4096 + 0.5, 0, 1) * 255)
    assert np.abs(seen - expected).max() <= 1


def test_a_lookup_table_of_values_is_applied(tmp_path: Path) -> None:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [4096, 0, 8])
    item.add_new("LUTData", "US", [255 - each // 16 for each in range(4096)])
    seen = first_picture(tmp_path, dataset(deep(12), "MONOCHROME2", 12, VOILUTSequence=[item]))
    np.testing.assert_array_equal(seen, 255 - deep(12)[0] // 16)


@pytest.mark.parametrize(
    "kind",
    [
        uid.UltrasoundImageStorage, uid.UltrasoundMultiFrameImageStorage, uid.SecondaryCaptureImageStorage,
        uid.EnhancedUSVolumeStorage, "1.2.840.10008.5.1.4.1.1.3", "1.2.840.10008.5.1.4.1.1.6", None,
    ],
)  # fmt: skip
def test_every_kind_of_ultrasound_opens(tmp_path: Path, kind: str | None) -> None:
    made = native(uid.ExplicitVRLittleEndian, colour, "RGB")
    made.SOPClassUID = kind or ""
    path = tmp_path / "a.dcm"
    made.save_as(path, enforce_file_format=kind is not None)
    with closing(open_source(path)) as source:
        assert len(source) == len(colour())


@pytest.mark.parametrize("suffix", ["", ".dcm", ".dicom"])
@pytest.mark.parametrize("syntax", [uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian])
def test_a_file_without_preamble_opens(tmp_path: Path, syntax: str, suffix: str) -> None:
    made = native(uid.UID(syntax), colour, "RGB")
    path = tmp_path / f"scan{suffix}"
    del made.file_meta
    made.save_as(path, implicit_vr=syntax == uid.ImplicitVRLittleEndian, little_endian=True)
    with closing(open_source(path)) as source:
        np.testing.assert_array_equal(source[1].pixels, colour()[1])


def test_it_is_recognised_by_what_it_holds(tmp_path: Path) -> None:
    path = write(tmp_path / "picture.jpg", native(uid.ExplicitVRLittleEndian, colour, "RGB"))
    with closing(open_source(path)) as source:
        assert isinstance(source, DicomFile)
        assert source.name == "picture.jpg"


def test_two_thousand_frames_are_not_read_to_open_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fetalnet.sources.dicom import frames as dicom_frames

    read: list[int] = []
    original = dicom_frames._read
    monkeypatch.setattr(
        dicom_frames, "_read", lambda file, span, name: read.append(span.length) or original(file, span, name)
    )
    frames = np.zeros((2000, 8, 16), np.uint8)
    frames += (np.arange(2000) % 250).astype(np.uint8)[:, None, None]
    with closing(open_source(write(tmp_path / "long.dcm", dataset(frames, "MONOCHROME2")))) as source:
        assert len(source) == 2000
        assert sum(read) <= 128
        assert source[1999].pixels[0, 0] == 1999 % 250
        assert [frame.pixels[0, 0] for frame in itertools.islice(source, 3)] == [0, 1, 2]


def test_luminance_of_limited_range_is_spread(tmp_path: Path) -> None:
    stored = np.array([[[16, 128, 128], [235, 128, 128], [0, 128, 128], [126, 128, 128]]], np.uint8)
    pairs = np.array([16, 235, 128, 128, 0, 126, 128, 128], np.uint8)
    made = dataset(stored[None], "YBR_PARTIAL_422")
    made.PixelData = pairs.tobytes()
    np.testing.assert_array_equal(first_picture(tmp_path, made)[0, :, 1], [0, 255, 0, 128])
