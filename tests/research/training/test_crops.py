from dataclasses import replace

import numpy as np
import pytest
import torch

from fetalnet.core.geometry import Ellipse, Line
from fetalnet.core.planes import STANDARD_PLANES, Plane, Structure
from fetalnet.network.config import NetworkConfig
from fetalnet.network.heads.organ_reader import MARGIN, crop_size
from fetalnet.network.streaming import StreamingFetalNet
from fetalnet.research.training.config import Phase, ReaderStage, Stage, TrainingConfig
from fetalnet.research.training.data.batches import Collection
from fetalnet.research.training.data.example import Example, Outline
from fetalnet.research.training.data.targets import soft_mask, warped
from fetalnet.research.training.parts.decoys import with_decoys
from fetalnet.research.training.parts.organ_crops import Decoy, Pools, draw_crop, draw_crops, jittered

HEAD = Ellipse(240, 160, 80, 60, 30)
GRID = (192, 288)


def picture(geometry):
    return (soft_mask(geometry, (320, 480), 3.0) * 200).astype(np.uint8)


@pytest.fixture
def collection():
    seen = frozenset({Structure.STOMACH})
    real = Example(picture(HEAD), {Plane.HEAD: Outline(HEAD)})
    abdomens = [
        Example(
            picture(HEAD), {Plane.ABDOMEN: Outline(HEAD, s)}, rated=True, real=False, structures=seen, assessed=seen
        )
        for s in (0.1, 0.9)
    ]
    shaft = Line.of(200, 150, 260, 170)
    femur = Example(picture(shaft), {Plane.FEMUR: Outline(shaft, 0.8, 3.0)}, rated=True, real=False)
    return Collection([real], [Example(np.full((320, 480), 90, np.uint8))], [*abdomens, femur], [])


def config():
    stage = Stage(height=64, width=96, batch=6, steps=4)
    phases = (Phase(learning_rate=1e-3, stages=(stage,)),)
    return TrainingConfig(phases=phases, processes=1, reader=ReaderStage(batch=5, steps=2))


def test_that_the_outline_fills_the_crop_but_for_the_margin():
    for seed in range(10):
        matrix = jittered(HEAD, Plane.HEAD, np.random.default_rng(seed))
        seen = warped(HEAD, matrix)
        assert isinstance(seen, Ellipse)
        rows, columns = crop_size(Plane.HEAD)
        assert (seen.cx, seen.cy) == (pytest.approx(columns / 2, abs=9), pytest.approx(rows / 2, abs=9))
        assert max(seen.a * MARGIN / (columns / 2), seen.b * MARGIN / (rows / 2)) == pytest.approx(1, abs=0.25)
        assert min(seen.theta_deg, 180 - seen.theta_deg) < 20


def test_that_crops_of_an_organ_carry_its_rating_and_all_others_none(collection):
    pools = Pools.of(collection, GRID)
    drawn = [draw_crop(np.random.default_rng(seed), pools, Plane.ABDOMEN) for seed in range(200)]
    rated = [(float(s), float(present)) for _, present, s, _, _, known in drawn if known.any()]
    assert {(round(s, 1), present) for s, present in rated} == {(0.1, 0.0), (0.9, 1.0)}
    assert 100 < len(rated) < 170
    for _, present, standardness, weight, _, known in drawn:
        if not known.any():
            assert (present, standardness, weight) == (0, 0, 1)


def test_that_a_real_head_counts_as_present_and_its_anatomy_as_unknown(collection):
    pools = Pools.of(collection, GRID)
    drawn = [draw_crop(np.random.default_rng(seed), pools, Plane.HEAD) for seed in range(60)]
    heads = [each for each in drawn if each[1] == 1]
    assert heads
    assert all(0 < weight < 1 and not known.any() for _, _, _, weight, _, known in heads)


def test_that_batches_hold_crops_for_every_plane_and_repeat_themselves(collection):
    pools = Pools.of(collection, GRID)
    batch, again = (draw_crops(config(), pools, 1) for _ in range(2))
    assert [each.crops.shape for each in batch] == [(5, 1, *crop_size(plane)) for plane in STANDARD_PLANES]
    assert [each.structures.shape for each in batch] == [(5, 5), (5, 6), (5, 0)]
    other = draw_crops(config(), pools, 2)
    for one, same, different in zip(batch, again, other, strict=True):
        assert 0 <= one.crops.min() <= one.crops.max() <= 1
        assert np.array_equal(one.crops, same.crops)
        assert not np.array_equal(one.crops, different.crops)


def test_that_a_crop_is_no_sharper_than_the_network_s_own_picture():
    lines = np.zeros((320, 480), np.uint8)
    lines[:, ::2] = 255
    small = Ellipse(240, 160, 24, 18, 0)
    fine = Collection([], [], [Example(lines, {Plane.HEAD: Outline(small)}, rated=True, real=False)], [])

    def contrast(grid):
        pools = Pools.of(fine, grid)
        drawn = [draw_crop(np.random.default_rng(seed), pools, Plane.HEAD)[0] for seed in range(12)]
        return float(np.median([crop[0, 30:50, 40:72].std() for crop in drawn]))

    assert contrast((320, 480)) > 0.2
    assert contrast((160, 240)) < 0.1


def test_that_real_organs_of_other_planes_are_learned_as_none_of_the_plane(collection):
    pools = Pools.of(collection, GRID)
    # The simulated organs dim, the real head bright: what is bright and not the femur is the real head.
    dim = {plane: [replace(each, pixels=each.pixels // 8) for each in pool] for plane, pool in pools.organs.items()}
    pools = replace(pools, organs=dim, empty=[])
    drawn = [draw_crop(np.random.default_rng(seed), pools, Plane.FEMUR) for seed in range(200)]
    assert any(crop.max() > 0.6 and present == 0 for crop, present, *_ in drawn)


def test_that_what_a_network_outlines_wrongly_is_learned_as_nothing(collection):
    pools = Pools.of(collection, GRID)
    bright = Example(np.full(GRID, 255, np.uint8))
    pools = replace(pools, decoys={Plane.ABDOMEN: [Decoy(bright, Ellipse(140, 90, 40, 30, 0))]})
    drawn = [draw_crop(np.random.default_rng(seed), pools, Plane.ABDOMEN) for seed in range(200)]
    labels = {float(present) for crop, present, *_ in drawn if crop.min() > 0.9}
    assert labels == {0.0}


def test_that_decoys_are_what_the_network_outlines_where_there_is_no_such_organ(collection):
    network = StreamingFetalNet(NetworkConfig(*GRID, channels=(8, 8, 16, 16, 16), hidden=8))
    with torch.no_grad():
        # A network that sees an abdomen everywhere, and nothing else.
        network.fuse.weight.zero_()
        network.fuse.bias.copy_(torch.tensor([-9.0, 9.0, -9.0]).repeat_interleave(4))
    decoys = with_decoys(Pools.of(collection, GRID), network).decoys
    assert not decoys[Plane.HEAD]
    assert not decoys[Plane.FEMUR]
    assert {decoy.example.plane for decoy in decoys[Plane.ABDOMEN]} == {Plane.HEAD, Plane.OTHER}
