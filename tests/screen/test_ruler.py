import cv2
import numpy as np
import pytest
from support.ruler_screens import RulerScreen, draw_ruler_screen, recompressed

from fetalnet.core.errors import InputError
from fetalnet.core.scale.scale import ScaleOrigin
from fetalnet.screen.ruler.detect import Axis, Ruler, Tick, find_ruler, follow
from fetalnet.screen.ruler.spacing import hypotheses


def _drawn(period_px: float, major_every: int, height: int = 600, x: int = 40) -> np.ndarray:
    picture = np.zeros((height, 800, 3), np.uint8)
    for k in range(int((height - 60) / period_px)):
        y, length = round(40 + k * period_px), 9 if k % major_every == 0 else 3
        picture[y : y + 2, x : x + length] = (240, 240, 120)
    return picture


@pytest.mark.parametrize("seed", range(8))
def test_that_the_ruler_of_a_recompressed_screen_gives_its_scale(seed: int) -> None:
    screen: RulerScreen = draw_ruler_screen(seed)
    ruler = find_ruler(recompressed(screen.picture))
    assert ruler is not None
    assert ruler.across_px == pytest.approx(screen.across_px, abs=12)
    assert ruler.period_px == pytest.approx(screen.period_px, rel=0.005)
    offered = hypotheses(ruler, screen.fan_depth_px)
    assert any(each.mm_per_pixel == pytest.approx(screen.mm_per_pixel, rel=0.005) for each in offered)
    if offered[0].certain:
        assert offered[0].spacing_mm == screen.spacing_mm


def test_that_a_picture_without_ruler_has_none() -> None:
    assert find_ruler(np.zeros((480, 640), np.uint8)) is None
    speckle = np.random.default_rng(0).rayleigh(60, (480, 640)).clip(0, 255).astype(np.uint8)
    assert find_ruler(cv2.GaussianBlur(speckle, (0, 0), 1.5)) is None


def test_that_a_list_of_words_is_no_ruler() -> None:
    picture = np.zeros((480, 640), np.uint8)
    for row, words in enumerate(
        ["Gn -2", "C5 / M7", "P3 / E2", "SRI 3", "Pwr 89", "FR 32", "2D", "Har-mid", "78%"] * 2
    ):
        cv2.putText(picture, words, (12, 60 + 22 * row), cv2.FONT_HERSHEY_SIMPLEX, 0.4, 200, 1, cv2.LINE_AA)
    ruler = find_ruler(picture)
    assert ruler is None or not any(each.certain for each in hypotheses(ruler))


def test_that_a_ruler_along_the_width_is_found() -> None:
    ruler = find_ruler(np.ascontiguousarray(_drawn(30.4, 5).transpose(1, 0, 2)))
    assert ruler is not None
    assert ruler.axis is Axis.WIDTH
    assert ruler.period_px == pytest.approx(30.4, rel=0.002)
    assert not any(each.certain for each in hypotheses(ruler))


def test_that_what_moves_is_told_from_the_ruler() -> None:
    rng = np.random.default_rng(3)
    frames = []
    for _ in range(3):
        frame = _drawn(38.2, 2)
        moving = rng.uniform(size=frame.shape[:2]) < 0.02
        frame[moving] = 250
        frames.append(frame)
    ruler = find_ruler(*frames)
    assert ruler is not None
    assert ruler.period_px == pytest.approx(38.2, rel=0.002)


@pytest.mark.parametrize("period_px", [26.3, 31.0, 47.9])
def test_that_a_known_ruler_is_followed_to_another_depth(period_px: float) -> None:
    ruler = find_ruler(_drawn(31.0, 2))
    assert ruler is not None
    again = follow(ruler, _drawn(period_px, 2))
    assert again is not None
    assert again.period_px == pytest.approx(period_px, rel=0.002)
    assert again.major_every == (2,)
    assert again.across_px == pytest.approx(ruler.across_px, abs=1)


def test_that_a_ruler_that_went_away_is_not_followed() -> None:
    ruler = find_ruler(_drawn(31.0, 2))
    assert ruler is not None
    assert follow(ruler, np.zeros((600, 800, 3), np.uint8)) is None


def _ruler(major_every: tuple[int, ...], period_px: float, count: int = 20) -> Ruler:
    ticks = tuple(Tick(50 + k * period_px, 0) for k in range(count))
    return Ruler(Axis.DEPTH, 30.0, 50.0, period_px, major_every, ticks, 0.95)


@pytest.mark.parametrize(
    ("major_every", "spacing_mm"), [((2, 10), 5), ((2,), 5), ((5,), 10), ((5, 10), 1), ((), 10)]
)  # fmt: skip
def test_that_the_usual_meaning_of_a_ruler_comes_first(major_every: tuple[int, ...], spacing_mm: float) -> None:
    period_px = 6.0 if spacing_mm == 1 else 35.0
    best, *others = hypotheses(_ruler(major_every, period_px), 650.0)
    assert best.spacing_mm == spacing_mm
    assert best.mm_per_pixel == pytest.approx(spacing_mm / period_px)
    assert best.fan_depth_mm == pytest.approx(650 * spacing_mm / period_px)
    assert best.certain == (major_every != ())
    assert not any(each.certain for each in others)
    assert best.plausibility + sum(each.plausibility for each in others) == pytest.approx(1)
    assert best.scale.origin is ScaleOrigin.RULER


def test_that_a_depth_no_examination_has_is_not_offered() -> None:
    offered = hypotheses(_ruler((2,), 35.0), 2000.0)
    assert [each.spacing_mm for each in offered] == [5.0, 1.0]


def test_that_few_ticks_are_never_certain() -> None:
    assert not any(each.certain for each in hypotheses(_ruler((2, 10), 90.0, 6)))


def test_that_an_impossible_depth_is_refused() -> None:
    with pytest.raises(InputError, match="more than 0"):
        hypotheses(_ruler((2,), 35.0), 0.0)
