import numpy as np
import pytest

from fetalnet.core.geometry import Ellipse, Line
from fetalnet.core.planes import Plane, Structure
from fetalnet.research.datasets.split import in_validation
from fetalnet.research.training.augment.erase import erased
from fetalnet.research.training.augment.warp import Appearance, Warp, warp_picture
from fetalnet.research.training.config import Mixture, Phase, Stage, TrainingConfig
from fetalnet.research.training.data.batches import Collection, draw_batch, targets
from fetalnet.research.training.data.example import Example, Outline

GRID = (64, 96)


def picture(seed=0):
    return np.random.default_rng(seed).integers(20, 120, (80, 120), np.uint8)


def head():
    return Example(picture(), {Plane.HEAD: Outline(Ellipse(60, 40, 25, 18, 30))})


def femur(standardness=1.0):
    line = Outline(Line(20, 30, 70, 50), standardness, half_width_px=2.0)
    return Example(picture(1), {Plane.FEMUR: line}, True, False, frozenset({Structure.BLADDER}), frozenset(Structure))


@pytest.fixture
def collection():
    others = [Example(picture(2))]
    return Collection([head()], others, [femur(), femur(0.1)], [[femur(s) for s in (0.1, 0.4, 0.7, 0.9)]])


def config(**changes):
    stage = Stage(height=64, width=96, batch=6, steps=4)
    return TrainingConfig(phases=(Phase(learning_rate=1e-3, stages=(stage,)),), processes=1, **changes)


def truth(example):
    return targets(example, Warp().matrix(example.pixels.shape, GRID), GRID)


def test_that_a_real_head_asks_for_its_mask_alone_and_counts_less_as_a_rating():
    planes, standardness, rated, _, structures_known, masks, weight = truth(head())
    assert planes.tolist() == [1, 0, 0, 0]
    assert standardness.tolist() == pytest.approx([0.9, 0, 0])
    assert 0 < rated < 1
    assert not structures_known.any()
    assert masks[0].sum() > 0
    assert masks[1:].sum() == 0
    assert weight.tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("standardness", "label", "drawn", "asked"),
    [
        (0.9, [0, 0, 1, 0], True, 1),
        (0.5, [0, 0, 0.5, 0.5], True, 1),
        (0.1, [0, 0, 0, 1], True, 1),
        (0.01, [0, 0, 0, 1], False, 0),
    ],
)
def test_that_labels_and_masks_follow_the_standardness(standardness, label, drawn, asked):
    planes, ratings, rated, structures, structures_known, masks, weight = truth(femur(standardness))
    assert planes.tolist() == pytest.approx(label, abs=1e-6)
    assert ratings.tolist() == pytest.approx([0, 0, standardness])
    assert rated == 1
    assert structures_known.all()
    assert [each for each, there in zip(Structure, structures, strict=True) if there] == [Structure.BLADDER]
    assert bool(masks[2].max() > 0.5) is drawn
    assert weight.tolist() == [1, 1, asked]


def test_that_a_picture_and_its_outline_move_together():
    pixels = np.zeros((160, 240), np.uint8)
    ellipse = Ellipse(120, 80, 40, 25, 20)
    y, x = np.mgrid[:160, :240]
    angle = np.radians(20)
    u, v = (x - 120) * np.cos(angle) + (y - 80) * np.sin(angle), (y - 80) * np.cos(angle) - (x - 120) * np.sin(angle)
    pixels[(u / 40) ** 2 + (v / 25) ** 2 < 1] = 255
    for seed in range(5):
        matrix = Warp.draw(np.random.default_rng(seed)).matrix((160, 240), GRID)
        seen = warp_picture(pixels, matrix, GRID) / 255
        *_, masks, _ = targets(Example(pixels, {Plane.HEAD: Outline(ellipse)}), matrix, GRID)
        assert np.abs(seen - masks[0]).sum() < 0.06 * masks[0].sum()


def test_that_the_same_step_gives_the_same_batch_and_another_step_another(collection):
    one, again, other = (draw_batch(config(), collection, step) for step in (3, 3, 2))
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))
    assert not np.array_equal(one.frames, other.frames)
    assert not np.array_equal(one.frames, draw_batch(config(), collection, 3, rank=1).frames)


def test_that_batches_have_the_documented_shapes_and_ranges(collection):
    batch = draw_batch(config(), collection, 0)
    assert batch.frames.shape == (6, 1, 1, 64, 96)
    assert batch.masks.shape == (6, 1, 3, 64, 96)
    assert batch.mask_weight.shape == (6, 1, 3)
    assert 0 <= batch.frames.min() <= batch.frames.max() <= 1
    assert batch.planes.sum(dim=2).allclose(batch.planes.new_ones(6, 1))


def test_that_clips_hold_consecutive_frames_of_a_recording(collection):
    stage = Stage(height=64, width=96, frames=4, batch=2, steps=1)
    phases = (Phase(learning_rate=1e-3, stages=(stage,)),)
    clips = Collection([], [], [], collection.clips)
    batch = draw_batch(TrainingConfig(phases=phases, processes=1), clips, 0)
    assert batch.standardness[:, :, 2].numpy() == pytest.approx(np.array([[0.1, 0.4, 0.7, 0.9]] * 2))


def test_that_the_table_counts_planes_by_real_and_phantom(collection):
    table = collection.table()
    assert table[Plane.HEAD, True] == 1
    assert table[Plane.OTHER, True] == 1
    assert table[Plane.FEMUR, False] == 3
    assert table[Plane.OTHER, False] == 3


def test_that_an_erased_head_is_gone_and_the_rest_is_left():
    before = head()
    for seed in range(4):
        after = erased(before, np.random.default_rng(seed), [Example(picture(2))])
        assert after.plane is Plane.OTHER
        assert not np.array_equal(after.pixels[35:45, 50:70], before.pixels[35:45, 50:70])
        np.testing.assert_array_equal(after.pixels[:5, :10], before.pixels[:5, :10])


def test_that_looks_differ_but_stay_grey_between_0_and_1():
    pictures = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        pictures.append(Appearance.draw(rng, (80, 120)).apply(picture(), rng))
    assert all(each.dtype == np.float32 and each.min() >= 0 and each.max() <= 1 for each in pictures)
    assert len({each.tobytes() for each in pictures}) == 20


def test_that_one_in_five_examinations_is_kept_back_by_the_hash_of_its_name():
    # Fixed by docs/definitions.md: sha1("000") and sha1("009") as integers, modulo five.
    import hashlib

    for name in ("000", "009", "131", "805"):
        assert in_validation(name) == (int(hashlib.sha1(name.encode()).hexdigest(), 16) % 5 == 0)
    kept = sum(in_validation(f"{number:03}") for number in range(1000))
    assert 160 < kept < 240


def test_that_small_heads_are_drawn_beyond_their_share():
    small = Example(picture(3), {Plane.HEAD: Outline(Ellipse(60, 40, 10, 8, 0))})
    heads = Collection([head()] * 50 + [small], [], [], [], [small])
    mixture = Mixture(**dict.fromkeys(Mixture.model_fields, 0.0) | {"real_head": 0.5, "real_small_head": 0.5})
    batches = [draw_batch(config(mixture=mixture), heads, step) for step in range(4)]
    areas = np.concatenate([batch.masks[:, 0, 0].sum(dim=(1, 2)).numpy() for batch in batches])
    assert 4 <= (areas < 500).sum() <= 20


@pytest.mark.parametrize("source", ["phantom_head", "phantom_early_head"])
def test_that_simulated_heads_are_drawn_beyond_their_share_where_there_are_any(source):
    shown = Example(picture(3), {Plane.HEAD: Outline(Ellipse(60, 40, 30, 22, 0), 0.9)}, rated=True, real=False)
    empty = Example(picture(4), rated=True, real=False)
    mixture = Mixture(**dict.fromkeys(Mixture.model_fields, 0.0) | {"phantom": 0.5, source: 0.5})
    for heads, seen in (([shown], range(4, 21)), ([], range(1))):
        pools = {"phantom_head": "phantom_heads", "phantom_early_head": "early_phantom_heads"}
        pictures = Collection([], [], [empty] * 50, [], **{pools[source]: heads})
        batches = [draw_batch(config(mixture=mixture), pictures, step) for step in range(4)]
        assert sum(int((batch.masks[:, 0, 0].amax(dim=(1, 2)) > 0.5).sum()) for batch in batches) in seen


def test_that_shares_of_missing_sources_go_to_the_others(collection):
    phantom_only = Collection([], [], collection.stills, [])
    batch = draw_batch(config(mixture=Mixture(real_head=0.9, phantom=0.1)), phantom_only, 0)
    assert batch.standardness_weight.min() == 1
