import pytest

from fetalnet.core.geometry import Ellipse, Line, MmPerPixel
from fetalnet.core.scale.calibration import NO_CALIBRATION, Calibration, Region
from fetalnet.core.scale.scale import NO_SCALE, Scale, ScaleOrigin, given_scale

LEFT = Region(0, 0, 99, 199, MmPerPixel(0.2, 0.25))
RIGHT = Region(100, 0, 199, 199, MmPerPixel(0.3, 0.3))
DUAL = Calibration(ScaleOrigin.DICOM_REGION, regions=(LEFT, RIGHT))


@pytest.mark.parametrize(
    ("geometry", "size"),
    [
        (Line(10, 10, 99, 90), LEFT.mm_per_pixel),
        (Line(100, 10, 199.4, 90), RIGHT.mm_per_pixel),
        (Line(90, 10, 110, 90), None),
        (Line(190, 10, 210, 90), None),
        (Ellipse(50, 100, 40, 30, 0), LEFT.mm_per_pixel),
        (Ellipse(50, 100, 60, 30, 90), LEFT.mm_per_pixel),
        (Ellipse(50, 100, 60, 30, 0), None),
        (Ellipse(150, 10, 30, 20, 0), None),
    ],
)
def test_that_a_caliper_has_the_scale_of_the_one_region_that_holds_all_of_it(geometry, size):
    assert DUAL.scale_for(geometry).mm_per_pixel == size
    assert DUAL.scale_for(geometry).origin is ScaleOrigin.DICOM_REGION
    assert (DUAL.why_no_mm(geometry) is None) == (size is not None)


def test_that_the_first_of_two_overlapping_regions_counts():
    inset = Region(20, 20, 60, 60, MmPerPixel(0.1, 0.1))
    calibration = Calibration(ScaleOrigin.DICOM_REGION, regions=(inset, LEFT))
    assert calibration.scale_for(Line(30, 30, 50, 30)).mm_per_pixel == inset.mm_per_pixel
    assert calibration.scale_for(Line(70, 30, 90, 30)).mm_per_pixel == LEFT.mm_per_pixel
    assert calibration.scale_for(Line(50, 30, 90, 30)).mm_per_pixel is None


def test_that_regions_that_differ_are_no_scale_of_the_whole_picture():
    assert DUAL.scale.mm_per_pixel is None
    assert "differ" in DUAL.scale.note
    assert Calibration(ScaleOrigin.DICOM_REGION, regions=(LEFT,)).scale.mm_per_pixel == LEFT.mm_per_pixel


def test_that_a_refused_scale_counts_after_a_person_said_so():
    refused = Calibration(ScaleOrigin.DICOM_REGION, regions=(LEFT,), refused="The region leaves the picture.")
    line = Line(10, 10, 50, 50)
    assert not refused.is_known
    assert refused.scale_for(line) == Scale(None, ScaleOrigin.DICOM_REGION, "The region leaves the picture.")
    assert "The region leaves the picture. Use it all the same" in refused.why_no_mm(line)
    assert refused.accepted().scale_for(line).mm_per_pixel == LEFT.mm_per_pixel
    assert refused.accepted().scale_for(line).note.startswith("Accepted by a person although")


def test_that_nothing_known_is_no_scale():
    assert NO_CALIBRATION.scale == NO_SCALE
    assert NO_CALIBRATION.accepted() == NO_CALIBRATION.withdrawn("The depth changed.") == NO_CALIBRATION
    assert "no scale yet" in NO_CALIBRATION.why_no_mm(Line(0, 0, 9, 9))
    assert Calibration.of_whole(given_scale(0.2)).why_no_mm(Line(0, 0, 9, 9)) is None


@pytest.mark.parametrize(("size", "usual"), [((0.05, 0.6), True), ((0.049, 0.1), False), ((0.2, 0.61), False)])
def test_that_a_scale_which_hardly_ever_is_right_is_warned_of(size, usual):
    assert (Scale(MmPerPixel(*size), ScaleOrigin.RULER).warning is None) == usual
    assert NO_SCALE.warning is None
