"""Against the ticks of 13 real screens, read by hand in enlarged pictures.

Spacing: rows of the first and the last tick over the count between. Millimetres: on this scanner dots are 5 mm, short
dashes 10 mm and long ones 50 mm. Ten screens confirm that by the text's depth / zoom, which times the pixels of a
millimetre is the same to 5 %; of the other three (enlarged before scanning) the fan's edges, which meet so far above
the picture that with 10 mm a dot it would lie deeper than the depth written.
"""

import cv2
import pytest
from support.real_data import real_data

from fetalnet.screen.ruler.detect import Axis, find_ruler, follow
from fetalnet.screen.ruler.spacing import hypotheses

# First tick's row, last tick's row, spaces between; mm a space; every how many a longer one; depth in mm, zoom.
BY_HAND = {
    "3vv": (134.5, 665.5, 6, 5, (2,), 103, 1.6),
    "4ch": (84.5, 721.5, 8, 5, (2,), 75, 1.4),
    "abdominal": (73.5, 700.5, 17, 5, (2, 10), 152, 2.3),
    "brain_cb": (82.5, 731.5, 19, 5, (2, 10), 152, 2.2),
    "brain_tv": (76.0, 598.5, 15, 5, (2, 10), 104, 1.6),
    "femur": (76.5, 723.0, 17, 5, (2, 10), 120, 1.9),
    "kidneys": (93.5, 692.5, 14, 5, (2, 10), 120, 2.2),
    "lips": (108.5, 721.5, 15, 5, (2, 10), 120, 2.1),
    "lvot": (114.5, 689.5, 12, 5, (2, 10), 123, 1.4),
    "profile": (87.5, 702.5, 15, 10, (5,), 184, 1.6),
    "rvot": (84.5, 689.5, 13, 5, (2, 10), 104, 2.0),
    "spine_coronal": (85.5, 707.5, 20, 5, (2, 10), 120, 1.6),
    "spine_sagittal": (77.0, 717.5, 22, 5, (2, 10), 120, 1.5),
}
ENLARGED_BEFORE_SCANNING = {"3vv", "4ch", "lvot"}


@pytest.mark.parametrize("name", BY_HAND)
def test_that_the_ruler_of_a_real_screen_agrees_with_the_hand(name: str) -> None:
    first, last, spaces, spacing_mm, major_every, _, _ = BY_HAND[name]
    picture = cv2.cvtColor(cv2.imread(str(real_data(f"scanner_screens/{name}.png"))), cv2.COLOR_BGR2RGB)
    ruler = find_ruler(picture)
    assert ruler is not None
    assert ruler.axis is Axis.DEPTH
    assert ruler.across_px == pytest.approx(29, abs=2)
    assert ruler.period_px == pytest.approx((last - first) / spaces, rel=0.005)
    assert ruler.major_every == major_every
    best, *_ = hypotheses(ruler)
    assert best.spacing_mm == spacing_mm
    again = follow(ruler, picture)
    assert again is not None
    assert again.period_px == pytest.approx(ruler.period_px, rel=0.001)


@pytest.mark.parametrize("name", sorted(BY_HAND.keys() - ENLARGED_BEFORE_SCANNING))
def test_that_the_depth_and_zoom_written_on_the_screen_agree(name: str) -> None:
    first, last, spaces, spacing_mm, _, depth_mm, zoom = BY_HAND[name]
    px_per_mm = (last - first) / spaces / spacing_mm
    assert px_per_mm * depth_mm / zoom == pytest.approx(470, rel=0.05)
