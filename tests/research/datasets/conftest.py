"""Tiny data sets, drawn, in the layouts that their publishers use."""

import cv2
import numpy as np
import pytest
from support.drawn import ABDOMEN, FEMUR, HEAD, SHAPE, bar, filled, metaimage, picture, table, write


@pytest.fixture
def hc18(tmp_path):
    """Three pictures of two examinations; the ellipse is drawn a pixel wide, and the pixel is half a millimetre."""
    lines = ["filename,pixel size(mm),head circumference (mm)"]
    for number, name in enumerate(("010_HC", "010_2HC", "011_HC")):
        write(tmp_path / "training_set" / f"{name}.png", picture(number))
        drawn = np.zeros(SHAPE, np.uint8)
        points = np.rint(HEAD.points(720) * 16).astype(np.int32)
        cv2.polylines(drawn, [points], True, 255, 1, shift=4)
        write(tmp_path / "training_set" / f"{name}_Annotation.png", drawn)
        lines.append(f"{name}.png,0.5,{HEAD.perimeter_px * 0.5:.3f}")
    table(tmp_path / "training_set_pixel_size_and_HC.csv", *lines)
    return tmp_path


@pytest.fixture
def fetal_planes(tmp_path):
    rows = [
        ("Patient00001_Plane3_1_of_1", 1, "Fetal brain", "Trans-thalamic", 1),
        ("Patient00002_Plane3_1_of_1", 2, "Fetal brain", "Trans-cerebellum", 0),
        ("Patient00003_Plane3_1_of_1", 3, "Fetal brain", "Other", 1),
        ("Patient00004_Plane2_1_of_1", 4, "Fetal abdomen", "Not A Brain", 1),
        ("Patient00005_Plane5_1_of_1", 5, "Fetal femur", "Not A Brain", 0),
        ("Patient00006_Plane4_1_of_1", 6, "Fetal thorax", "Not A Brain", 1),
        ("Patient00006_Plane6_1_of_1", 6, "Maternal cervix", "Not A Brain", 1),
    ]
    for number, row in enumerate(rows):
        write(tmp_path / "Images" / f"{row[0]}.png", picture(number))
    table(
        tmp_path / "FETAL_PLANES_DB_data.csv",
        "Image_name;Patient_num;Plane;Brain_plane;Operator;US_Machine;Train ",
        *(f"{name};{patient};{plane};{brain};Op. 1;Aloka;{train}" for name, patient, plane, brain, train in rows),
    )
    return tmp_path


_HEAD_COLUMNS = (
    "index,image_name,scale,center_w,center_h,ofd_1_x,ofd_1_y,ofd_2_x,ofd_2_y,bpd_1_x,bpd_1_y,bpd_2_x,bpd_2_y,"
    "px_to_mm_rate,mm_dist,Algo,SubjectID,Split"
)
_ABDOMEN_COLUMNS = _HEAD_COLUMNS.replace("ofd", "tad").replace("bpd", "apad")
_FEMUR_COLUMNS = (
    "index,image_name,scale,center_w,center_h,fl_1_x,fl_1_y,fl_2_x,fl_2_y,px_to_mm_rate,mm_dist,Algo,SubjectID,Split"
)


@pytest.fixture(params=["repository", "archive"])
def multicentre(tmp_path, request):
    """A woman of UCL who goes by a number in one table and by a subject in another, and a woman of FP."""

    def places(site):
        if request.param == "repository":
            return tmp_path / "annotations" / site, tmp_path / "images" / site
        return tmp_path / site / "annotations", tmp_path / site / "data"

    tables, pictures = places("UCL")
    table(
        tables / "Head.csv",
        _HEAD_COLUMNS,
        "0,005_HC.jpeg,1,90,60,50,60,130,60,90,30,90,90,0.5,10,,S7,Train",
        "1,005_2HC.jpeg,1,90,60,50,60,130,60,90,30,90,90,,,,,Train",
        "2,006_HC.jpeg,1,90,60,50,60,130,60,-1,-1,90,90,0.5,,,S8,Test",
    )
    table(
        tables / "Abdomen.csv",
        _ABDOMEN_COLUMNS,
        "0,Patient014-MD-Expert_abdo.jpeg,1,90,60,60,60,120,60,90,30,90,90,0.5,,,S7,Test",
    )
    table(tables / "Femur.csv", _FEMUR_COLUMNS, "0,006_FL.png,1,90,60,40,60,100,60,0.25,,,S8,Test")
    for name in ("Head/005_HC.jpeg", "Head/005_2HC.jpeg", "Head/006_HC.jpeg", "Femur/006_FL.png"):
        write(pictures / name, picture())
    write(pictures / "Abdomen" / "Patient014-MD-Expert_abdo.jpeg", picture())
    tables, pictures = places("FP")
    table(
        tables / "Head.csv",
        _HEAD_COLUMNS,
        "0,Patient00168_Plane3_1_of_2.png,1,90,60,50,60,130,60,90,30,90,90,,,AlokaFit,,Train",
    )
    write(pictures / "Head" / "Patient00168_Plane3_1_of_2.png", picture())
    return tmp_path


@pytest.fixture
def acouslic(tmp_path):
    """One woman, six sweeps of ten frames: the second shows an abdomen, suboptimal, then optimal; a second without."""
    root = tmp_path / "acouslic-ai-train-set"
    volume = np.stack([picture(index) for index in range(60)])
    masks = np.zeros_like(volume)
    for index, value in ((12, 2), (13, 2), (14, 1), (15, 1), (16, 1)):
        masks[index] = value * filled(ABDOMEN)
    for name, mask, packed in (("aaaa", masks, True), ("bbbb", np.zeros_like(masks), False)):
        metaimage(root / "images" / "stacked_fetal_ultrasound" / f"{name}.mha", volume, packed)
        metaimage(root / "masks" / "stacked_fetal_abdomen" / f"{name}.mha", mask, packed)
    table(
        root / "circumferences" / "fetal_abdominal_circumferences_per_sweep.csv",
        "uuid,subject_id," + ",".join(f"sweep_{number}_ac_mm" for number in range(1, 7)),
        f"aaaa,1,,{ABDOMEN.perimeter_px * 0.28:.2f},,,,",
        "bbbb,2,,,,,,",
    )
    return tmp_path


@pytest.fixture
def fpus23(tmp_path):
    for number, name in enumerate(("AC_PLANE", "BPD_PLANE", "FL_PLANE", "NO_PLANE")):
        write(tmp_path / "Dataset_Plane" / name / f"frame_{number:06}.png", picture(number))
    return tmp_path


@pytest.fixture
def own_folder(tmp_path):
    """A head with a mask and a label, an abdomen with a mask, a femur with a mask, another plane, and one unknown."""
    for number, name in enumerate(("head", "abdomen", "femur", "other", "unknown")):
        write(tmp_path / "images" / f"{name}.png", picture(number))
    write(tmp_path / "masks" / "head.png", 255 * filled(HEAD))
    write(tmp_path / "masks" / "abdomen.png", 255 * filled(ABDOMEN))
    write(tmp_path / "masks" / "femur.png", 255 * bar(FEMUR, 6.0))
    table(
        tmp_path / "labels.csv",
        "filename,plane,examination,patient,pixel_size_mm,HC_mm,FL_mm",
        "head.png,head,e1,p1,0.5,112.0,",
        "abdomen.png,abdomen,e1,p1,0.5,,",
        "femur.png,femur,e2,p2,0.5,,36.0",
        "other.png,other,e3,p3,,,",
        "unknown.png,,e3,p3,,,",
    )
    return tmp_path
