"""Calipers and criteria of FETAL_PLANES_DB: what they say, and one sentence for what is wrong with them."""

import math

import pytest
from support.drawn import picture, table, write

from fetalnet.core.errors import InputError
from fetalnet.core.geometry import Ellipse, Line
from fetalnet.core.planes import Kind, Structure
from fetalnet.research.datasets.plane_annotations import Quality, read_calipers, read_criteria
from fetalnet.research.datasets.readers.fetal_planes import calipers_of, plane_stills, without_twice

HEADER = "filename,kind,p1x,p1y,p2x,p2y,q1x,q1y,q2x,q2y,quality,placed_by"
FEMUR = "Patient00001_Plane5_1_of_1,FL,10,20,40,60,,,,,good,person"
ABDOMEN = "Patient00002_Plane2_1_of_1,AC,10,50,90,50,50,20,50,80,fair,person"


@pytest.fixture
def calipers(tmp_path):
    def read(*rows, header=HEADER):
        path = tmp_path / "calipers.csv"
        table(path, header, *rows)
        return read_calipers(path)

    return read


@pytest.fixture
def selection(tmp_path):
    def stills(*rows, header="filename,plane,brain_plane,patient,machine"):
        for number, row in enumerate(rows):
            write(tmp_path / "images" / row.split(",")[0], picture(number))
        table(tmp_path / "labels.csv", header, *rows)
        return plane_stills(tmp_path)

    return stills


def test_that_ends_become_a_line_and_axes_an_ellipse(calipers):
    found = calipers(FEMUR, ABDOMEN)
    femur, abdomen = found["Patient00001_Plane5_1_of_1"], found["Patient00002_Plane2_1_of_1"]
    assert isinstance(femur.geometry, Line)
    assert femur.geometry.length_px == pytest.approx(50)
    assert abdomen.geometry == Ellipse(50, 50, 40, 30, 0)
    assert (femur.kind, abdomen.quality) == (Kind.FL, Quality.FAIR)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("a,AC,10,50,90,50,50,20,150,20,good,person", "do not cross at a right angle"),
        ("a,AC,10,50,90,50,20,20,20,80,good,person", "do not cross in their middles"),
        ("a,AC,10,50,90,50,,,,,good,person", "nothing in the column q1x"),
        ("a,FL,10,50,10,50,,,,,good,person", "a shaft without length"),
        ("a,FL,10,x,10,50,,,,,good,person", "no number"),
        ("a,FL,10,50,30,50,,,,,splendid,person", "must be one of good, fair, poor, none"),
        ("a,FL,10,50,30,50,,,,,good,nobody", "must be one of person, network"),
        ("a,CRL,10,50,30,50,,,,,good,person", "must be one of HC"),
    ],
)
def test_that_a_wrong_row_is_named_with_its_remedy(calipers, row, words):
    with pytest.raises(InputError, match=words) as caught:
        calipers(row)
    assert "Line 2 of calipers.csv" in str(caught.value)


def test_that_a_missing_column_and_a_name_twice_are_told(calipers):
    with pytest.raises(InputError, match="no column placed_by"):
        calipers("a,FL,10,50,30,50,,,,,good", header=HEADER.removesuffix(",placed_by"))
    with pytest.raises(InputError, match="again"):
        calipers(FEMUR, FEMUR)


def test_that_a_caliper_outside_its_picture_is_refused(calipers):
    (caliper,) = calipers("a,FL,900,20,940,60,,,,,good,person").values()
    with pytest.raises(InputError, match=r"\(920, 40\), outside its picture of 200 x 100"):
        caliper.check_inside((100, 200))
    caliper.check_inside((100, 1000))


def test_that_a_picture_given_to_another_woman_than_its_name_says_is_refused(selection):
    with pytest.raises(InputError, match=r"Line 2 of labels.csv gives Patient00007.*both sides"):
        selection("Patient00007_Plane5_1_of_1.png,Fetal femur,,8,Aloka")


def test_that_a_label_table_without_a_column_or_a_picture_is_refused(selection, tmp_path):
    with pytest.raises(InputError, match="no column machine"):
        selection("Patient00007_Plane5_1_of_1.png,Fetal femur,,7", header="filename,plane,brain_plane,patient")
    selection("Patient00007_Plane5_1_of_1.png,Fetal femur,,7,Aloka")
    (tmp_path / "images" / "Patient00007_Plane5_1_of_1.png").unlink()
    with pytest.raises(InputError, match="not in images"):
        plane_stills(tmp_path)


def test_that_a_caliper_of_another_plane_than_the_label_is_refused(selection, calipers):
    stills = selection("Patient00001_Plane5_1_of_1.png,Fetal abdomen,,1,Aloka")
    with pytest.raises(InputError, match=r"places FL on Patient00001.*labelled Fetal abdomen"):
        calipers_of(stills, calipers(FEMUR))


def test_that_a_picture_in_two_folders_counts_once(selection):
    stills = selection(
        "Patient00007_Plane5_1_of_1.png,Fetal femur,,7,Aloka", "Patient00008_Plane3_1_of_1.png,Other,,8,x"
    )
    assert without_twice([*stills, *stills]) == stills


def test_that_the_calipers_that_come_along_can_be_read_and_lie_about_their_organs():
    found = read_calipers()
    kinds = [each.kind for each in found.values() if each.geometry is not None]
    assert (kinds.count(Kind.AC), kinds.count(Kind.FL)) == (189, 158)
    assert kinds.count(Kind.HC) > 200
    for each in found.values():
        if isinstance(each.geometry, Ellipse):
            assert each.geometry.b / each.geometry.a > 0.6
            assert math.isfinite(each.geometry.perimeter_px)


def test_that_no_heads_placed_by_a_network_are_ever_scored():
    assert not any(each.scored for each in read_calipers().values() if each.kind is Kind.HC)


def test_that_unsure_counts_as_not_assessed(tmp_path):
    columns = "filename,stomach,portal_sinus,kidneys,cavum,thalami,cerebellum,midline"
    table(tmp_path / "criteria.csv", columns, "a,yes,no,unsure,,,,")
    (seen,) = read_criteria(tmp_path / "criteria.csv").values()
    assert seen.structures == {Structure.STOMACH}
    assert seen.assessed == {Structure.STOMACH, Structure.PORTAL_SINUS}
    table(tmp_path / "criteria.csv", columns, "a,yes,maybe,unsure,,,,")
    with pytest.raises(InputError, match="write yes, no or unsure"):
        read_criteria(tmp_path / "criteria.csv")


def test_that_every_abdomen_with_a_caliper_has_its_criteria():
    named = {name for name, caliper in read_calipers().items() if caliper.kind is Kind.AC}
    assert named == {name for name in read_criteria() if "_Plane2_" in name}
