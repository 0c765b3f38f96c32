import numpy as np
import pytest
from support.real_data import real_data

from fetalnet.core.geometry import MmPerPixel
from fetalnet.core.planes import STANDARD_PLANES, Plane
from fetalnet.research.datasets.readers import hc18
from fetalnet.research.training.data import heads, real_planes


@pytest.fixture
def heads_of_hc18():
    return hc18.head_stills(real_data("hc18"))


@pytest.fixture
def data():
    return real_data("fetal_planes").parent


def test_that_a_truth_is_as_long_around_as_its_label_says(heads_of_hc18):
    for still in heads_of_hc18[:10]:
        scale = MmPerPixel(still.mm_per_pixel, still.mm_per_pixel)
        assert still.truth().scaled(scale).perimeter_px == pytest.approx(still.circumference_mm, rel=1e-4)


def test_that_no_examination_is_on_both_sides_of_the_split(heads_of_hc18):
    kept = {still.examination for still in heads_of_hc18 if still.kept_back}
    learned = {still.examination for still in heads_of_hc18 if not still.kept_back}
    assert kept
    assert learned
    assert not kept & learned


def test_that_a_head_lies_on_the_base_grid_where_its_outline_says(heads_of_hc18):
    (example,) = heads.examples(heads_of_hc18[4:5])
    ellipse = example.outlines[Plane.HEAD].geometry
    points = np.rint(ellipse.points(90)).astype(int)
    rim = example.pixels[points[:, 1].clip(0, 319), points[:, 0].clip(0, 479)]
    # A skull is brighter than the picture around it.
    assert rim.mean() > example.pixels.mean()


def test_that_no_woman_is_on_both_sides_of_the_split_in_whichever_folder(data):
    stills = real_planes.stills_in(data)
    kept = {still.patient for still in stills if still.kept_back}
    learned = {still.patient for still in stills if not still.kept_back}
    assert kept
    assert learned
    assert not kept & learned
    names = [still.name for still in stills]
    assert len(names) == len(set(names))


def test_that_real_planes_carry_the_calipers_of_their_plane_and_other_views_none(data):
    stills = real_planes.labelled_stills(data)
    pools = real_planes.by_plane(stills[:60])
    assert all(set(example.outlines) == {plane} for plane in STANDARD_PLANES for example in pools[plane])
    assert not any(example.outlines for example in pools[Plane.OTHER])
    assert pools[Plane.ABDOMEN]
    assert pools[Plane.OTHER]


def test_that_a_femur_keeps_its_length_in_its_own_resolution(data):
    stills = [each for each in real_planes.labelled_stills(data) if each.still.plane is Plane.FEMUR][:3]
    lengths = [each.caliper.geometry.length_px for each in stills if each.caliper.scored]
    examples = real_planes.native_by_plane(stills)[Plane.FEMUR]
    assert [each.outlines[Plane.FEMUR].geometry.length_px for each in examples] == pytest.approx(lengths)
