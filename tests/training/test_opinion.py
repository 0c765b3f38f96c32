"""What the second opinion learns from: heads and abdomens alone, told apart, and early heads beyond their share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fetalnet.errors import InputError
from fetalnet.geometry import Ellipse
from fetalnet.network.opinion import SIDE_PX
from fetalnet.planes import Plane
from fetalnet.training.batches import Collection
from fetalnet.training.config import OpinionStage, TrainingConfig, load_config
from fetalnet.training.example import Example, Outline
from fetalnet.training.opinion import OpinionPools, draw_views

ORGAN = Ellipse(240.0, 160.0, 70.0, 60.0, 20.0)


def showing(plane: Plane, grey: int, *, real: bool) -> Example:
    rng = np.random.default_rng(grey)
    pixels = np.clip(rng.normal(grey, 6.0, (320, 480)), 1, 255).astype(np.uint8)
    return Example(pixels, {plane: Outline(ORGAN)}, not real, real)


HEAD, TRUNK = showing(Plane.HEAD, 200, real=True), showing(Plane.ABDOMEN, 60, real=False)


def config(**changes) -> TrainingConfig:
    return TrainingConfig(phases=(), processes=1, opinion=OpinionStage(batch=64, steps=2, implants=4), **changes)


def test_that_views_show_heads_and_abdomens_and_say_which():
    collection = Collection([HEAD], [], [TRUNK], [], [HEAD], guests={Plane.HEAD: [], Plane.ABDOMEN: [TRUNK]})
    pools = OpinionPools.of(config(), collection)
    assert {plane for _, plane, _ in pools.drawn} == {Plane.HEAD, Plane.ABDOMEN}
    # Abdomens of the phantom, and the four that were set into real pictures.
    assert sorted(len(pool) for _, plane, pool in pools.drawn if plane is Plane.ABDOMEN) == [1, 4]
    views = draw_views(config(), pools, 0)
    assert views.crops.shape == (64, 1, SIDE_PX, SIDE_PX)
    assert set(views.head.tolist()) == {0.0, 1.0}
    middles = views.crops[:, 0, 40:56, 40:56].mean(dim=(1, 2))
    assert middles[views.head == 1].median() > middles[views.head == 0].median() + 0.2
    again = draw_views(config(), pools, 0)
    np.testing.assert_array_equal(views.crops, again.crops)


def test_that_one_organ_alone_teaches_nothing():
    with pytest.raises(InputError, match="heads and abdomens; render more stills"):
        OpinionPools.of(config(), Collection([HEAD], [], [], []))


def test_that_the_configuration_that_comes_along_trains_the_second_opinion_alone():
    run = load_config(Path("opinion"))
    assert run.phases == ()
    assert run.opinion is not None
    assert (run.network.opinion, run.reader, run.rim, run.shaft) == (True, None, None, None)
