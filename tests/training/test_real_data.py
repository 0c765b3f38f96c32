import numpy as np
import pytest

from fetalnet.geometry import MmPerPixel
from fetalnet.planes import Plane
from fetalnet.training import hc18, other_planes
from fetalnet.training.example import data_folder

pytestmark = pytest.mark.skipif(
    not (data_folder() / "hc18" / "labels.csv").is_file(), reason="no real data: set FETALNET_DATA to its folder"
)


def test_that_a_truth_is_as_long_around_as_its_label_says():
    for still in hc18.head_stills(data_folder() / "hc18")[:10]:
        scale = MmPerPixel(still.mm_per_pixel, still.mm_per_pixel)
        assert still.truth().scaled(scale).perimeter_px == pytest.approx(still.circumference_mm, rel=1e-4)


def test_that_no_examination_is_on_both_sides_of_the_split():
    stills = hc18.head_stills(data_folder() / "hc18")
    kept = {still.examination for still in stills if still.kept_back}
    learned = {still.examination for still in stills if not still.kept_back}
    assert kept
    assert learned
    assert not kept & learned


def test_that_a_head_lies_on_the_base_grid_where_its_outline_says():
    (example,) = hc18.examples(hc18.head_stills(data_folder() / "hc18")[4:5])
    ellipse = example.outlines[Plane.HEAD].geometry
    points = np.rint(ellipse.points(90)).astype(int)
    rim = example.pixels[points[:, 1].clip(0, 319), points[:, 0].clip(0, 479)]
    # A skull is brighter than the picture around it.
    assert rim.mean() > example.pixels.mean()


def test_that_other_planes_have_no_outline():
    examples = list(other_planes.examples(other_planes.other_stills(data_folder() / "other_planes")[:3]))
    assert [example.plane for example in examples] == [Plane.OTHER] * 3
