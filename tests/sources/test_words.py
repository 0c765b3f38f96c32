"""What cannot be opened is called by its name, and only what is cut off or damaged is called so."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from pydicom import uid
from support.dicom_files import colour, dataset, write

from fetalnet.core.errors import InputError
from fetalnet.sources import open_source
from fetalnet.sources.video_container import VIDEO_SUFFIXES

UNSUPPORTED = {
    "exam.rar": (b"Rar!\x1a\x07\x01\x00" + bytes(500), "packed archive"),
    "exam.7z": (b"7z\xbc\xaf\x27\x1c" + bytes(500), "packed archive"),
    "exam.tar.gz": (b"\x1f\x8b\x08" + bytes(500), "packed archive"),
    "exam.tar": (bytes(257) + b"ustar" + bytes(500), "packed archive"),
    "renamed.mp4": (b"Rar!\x1a\x07\x01\x00" + bytes(500), "packed archive"),
    "head.jp2": (b"\x00\x00\x00\x0cjP  \r\n\x87\n" + bytes(500), "save it as PNG"),
    "head.heic": (b"\x00\x00\x00\x18ftypheic" + bytes(500), "save it as PNG"),
    "sweep.igs.mha": (b"ObjectType = Image\nNDims = 3\n" + bytes(500), "PLUS or 3D Slicer"),
    "volume.mha": (b"ObjectType = Image\nNDims = 3\n" + bytes(500), "volume"),
    "volume.vol": (b"KRETZFILE 1.0   " + bytes(500), "volume"),
    "volume.nrrd": (b"NRRD0004\n" + bytes(500), "volume"),
    "volume.nii": (bytes(348), "volume"),
    "report.pdf": (b"%PDF-1.7\n" + bytes(500), "document"),
    "report.docx": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "document"),
    "VIDEO_TS.IFO": (b"DVDVIDEO-VMG" + bytes(500), "list of other files"),
}


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_each_kind_of_file_that_people_have_gets_its_own_sentence(tmp_path: Path, name: str) -> None:
    content, words = UNSUPPORTED[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as caught:
        open_source(tmp_path / name)
    sentence = str(caught.value)
    assert sentence.startswith(f"{name} is ")
    assert words in sentence
    assert sentence.count(".") - name.count(".") == 1
    assert "not a video that can be read" not in sentence


def test_a_picture_for_the_web_is_called_a_picture(tmp_path: Path) -> None:
    Image.fromarray(colour()[0]).save(tmp_path / "head.webp")
    with pytest.raises(InputError, match="picture in a form that is not opened here; save it as PNG"):
        open_source(tmp_path / "head.webp")


FORMATS = {
    "a.vob": ("mpeg2video", "vob"), "a.wmv": ("wmv2", "asf"), "a.flv": ("flv", "flv"), "a.ts": ("mpeg2video", "mpegts"),
    "a.mpg": ("mpeg1video", "mpeg"), "a.mxf": ("mpeg2video", "mxf"), "a.dv": ("dvvideo", "dv"),
    "a.ogv": ("libtheora", "ogg"), "a.3gp": ("mpeg4", "3gp"),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
def test_a_folder_lists_the_recordings_of_discs_cameras_and_grabbers(tmp_path: Path, name: str) -> None:
    codec, form = FORMATS[name]
    if codec not in av.codecs_available or form not in av.formats_available:
        pytest.skip(f"this PyAV writes no {codec} in {form}")
    assert Path(name).suffix in VIDEO_SUFFIXES
    size = (720, 576) if codec == "dvvideo" else (352, 288)
    with av.open(str(tmp_path / name), "w", format=form) as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for index in range(12):
            picture = np.full((size[1], size[0], 3), 15 * index, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    with closing(open_source(tmp_path)) as source:
        assert source.name == name
        assert len(list(source)) == len(source) >= 11
        assert source.notice is None


def test_interlaced_pictures_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.mpg"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg2video", rate=25, options={"flags": "+ilme+ildct", "top": "1"})
        stream.width, stream.height, stream.pix_fmt = 352, 288, "yuv420p"
        for index in range(8):
            picture = np.full((288, 352, 3), 15 * index, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    with closing(open_source(path)) as source:
        assert "interlaced" in (source.remark or "")


@pytest.mark.parametrize("modality", ["OT", "SC", "", "IVUS", "US"])
def test_an_object_of_ultrasound_opens_whatever_its_modality_is_called(tmp_path: Path, modality: str) -> None:
    for kind in (uid.UltrasoundMultiFrameImageStorage, uid.UltrasoundImageStorage):
        path = write(tmp_path / "a.dcm", dataset(colour(), "RGB", Modality=modality, SOPClassUID=kind))
        with closing(open_source(path)) as source:
            assert len(list(source)) == 4
