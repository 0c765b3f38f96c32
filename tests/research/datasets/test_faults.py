"""What is missing or wrong in a data set stops with one sentence: the file, the cause, the remedy."""

import shutil

import cv2
import numpy as np
import pytest

from fetalnet.core.errors import InputError
from fetalnet.research.datasets.catalogue import READERS, read_dataset
from fetalnet.research.datasets.readers.acouslic import read_acouslic
from fetalnet.research.datasets.readers.fetal_planes import read_fetal_planes
from fetalnet.research.datasets.readers.folder import read_folder
from fetalnet.research.datasets.readers.fpus23 import read_fpus23
from fetalnet.research.datasets.readers.hc18 import read_hc18
from fetalnet.research.datasets.readers.multicentre import read_multicentre
from fetalnet.research.datasets.split import Split, in_validation


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def sentence(reading, *arguments):
    with pytest.raises(InputError) as caught:
        reading(*arguments)
    text = str(caught.value)
    assert text.endswith((".", "--folder."))
    return text


def test_that_every_reader_says_what_an_empty_folder_lacks(tmp_path):
    for name in READERS:
        assert "There " in sentence(read_dataset, name, tmp_path)
    assert "choose from hc18" in sentence(read_dataset, "nonsense", tmp_path)
    assert "nowhere" in sentence(read_dataset, "hc18", tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("pixel size(mm)", "pixels", "no column pixel size(mm)"),
        ("011_HC.png", "010_HC.png", "names 010_HC.png again"),
        ("010_2HC.png,0.5", "010_2HC.png,half", "'half'"),
        ("010_2HC.png,0.5", "010_2HC.png,-0.5", "above 0"),
        ("010_2HC.png,0.5,", "010_2HC.png,", "number of columns"),
        ("010_2HC.png,0.5", "010_2HC.png,", "lacks the pixel size"),
        ("010_2HC.png", "012_HC.png", "012_HC.png, which is not in training_set"),
    ],
)
def test_that_a_faulty_table_of_hc18_is_named(hc18, old, new, said):
    table = hc18 / "training_set_pixel_size_and_HC.csv"
    edit(table, old, new)
    message = sentence(read_hc18, hc18)
    assert said in message
    assert table.name in message


def test_that_a_packed_or_torn_hc18_is_named(hc18):
    (hc18 / "training_set").rename(hc18 / "elsewhere")
    assert "training_set.zip" in sentence(read_hc18, hc18)
    (hc18 / "elsewhere").rename(hc18 / "training_set")
    still = read_hc18(hc18).stills[0]
    content = still.path.read_bytes()
    still.path.write_bytes(content[: len(content) // 2])
    assert "010_HC.png is damaged" in sentence(still.pixels)


def test_that_an_outline_of_another_size_or_none_is_named(hc18):
    first, second, _ = read_hc18(hc18).stills
    cv2.imwrite(str(first.path.with_name("010_HC_Annotation.png")), np.zeros((60, 90), np.uint8))
    assert "010_HC_Annotation.png is 90 x 60 pixels" in sentence(first.truth)
    cv2.imwrite(str(second.path.with_name("010_2HC_Annotation.png")), np.zeros((120, 180), np.uint8))
    assert "no outline" in sentence(second.truth)


def test_that_an_unknown_plane_or_side_is_named(fetal_planes):
    table = fetal_planes / "FETAL_PLANES_DB_data.csv"
    edit(table, "Fetal thorax", "Fetal heart")
    assert "'Fetal heart'" in sentence(read_fetal_planes, fetal_planes)
    edit(table, "Fetal heart", "Fetal thorax")
    edit(table, "Aloka;0", "Aloka;perhaps")
    assert "neither 0 nor 1" in sentence(read_fetal_planes, fetal_planes)


def test_that_a_picture_without_a_woman_is_named(multicentre):
    table = next(multicentre.rglob("UCL/**/Femur.csv"), None) or multicentre / "annotations" / "UCL" / "Femur.csv"
    edit(table, "006_FL.png", "scan_FL.png")
    edit(table, ",S8,", ",,")
    assert "tells no subject" in sentence(read_multicentre, multicentre)


def test_that_a_torn_or_foreign_volume_is_named(acouslic):
    recording = read_acouslic(acouslic).recordings[0]
    path = recording.image.path
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert "ends early" in sentence(list, recording.frames())
    path.write_bytes(content[:-2000] + bytes(1000) + content[-1000:])
    assert "damaged" in sentence(list, recording.frames())
    path.write_bytes(content.replace(b"MET_UCHAR", b"MET_SHORT"))
    assert "MET_UCHAR" in sentence(read_acouslic, acouslic)
    path.write_bytes(b"no volume at all")
    assert "no MetaImage" in sentence(read_acouslic, acouslic)


def test_that_masks_of_another_size_or_circumferences_of_the_first_release_are_refused(acouslic):
    root = acouslic / "acouslic-ai-train-set"
    table = root / "circumferences" / "fetal_abdominal_circumferences_per_sweep.csv"
    edit(table, "bbbb,2,,,,,,", "bbbb,2,,602.5,610.0,,,")
    assert "release 1.1" in sentence(read_acouslic, acouslic)
    mask = root / "masks" / "stacked_fetal_abdomen" / "aaaa.mha"
    mask.write_bytes(mask.read_bytes().replace(b"DimSize = 180 120 60", b"DimSize = 180 120 30"))
    assert "another size" in sentence(read_acouslic, acouslic)


def test_that_a_missing_plane_of_the_phantom_is_named(fpus23):
    shutil.rmtree(fpus23 / "Dataset_Plane" / "FL_PLANE")
    assert "Dataset_Plane/FL_PLANE" in sentence(read_fpus23, fpus23)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("abdomen.png,abdomen,e1,p1", "abdomen.png,abdomen,e1,p9", "examination e1 to a second patient"),
        ("femur.png,femur,e2", "femur.png,femur,", "nothing in the column examination"),
        ("abdomen.png,abdomen", "abdomen.png,heart", "'heart'"),
        (
            "abdomen.png,abdomen,e1,p1,0.5,,",
            "abdomen.png,abdomen,e1,p1,0.5,100,",
            "gives HC for a picture of the plane",
        ),
        ("examination,patient", "when,who", "no column examination or patient"),
    ],
)
def test_that_a_faulty_table_of_a_clinic_is_named(own_folder, old, new, said):
    edit(own_folder / "labels.csv", old, new)
    assert said in sentence(read_folder, own_folder)


def test_that_a_clinics_mask_of_another_size_or_an_empty_one_is_named(own_folder):
    head, abdomen, *_ = read_folder(own_folder).stills
    cv2.imwrite(str(own_folder / "masks" / "head.png"), np.zeros((50, 60), np.uint8))
    assert "head.png is 60 x 50 pixels" in sentence(head.truth)
    cv2.imwrite(str(own_folder / "masks" / "abdomen.png"), np.zeros((120, 180), np.uint8))
    assert "abdomen.png is empty" in sentence(abdomen.truth)


def test_that_an_empty_or_unpublished_split_is_refused(fpus23, hc18):
    lacking = Split.TRAINING if in_validation("phantom") else Split.VALIDATION
    assert f"The {lacking} split of FPUS23 is empty" in sentence(read_fpus23(fpus23).part, lacking)
    assert "published without a split" in sentence(read_hc18(hc18).part, Split.PUBLISHED_TEST)
