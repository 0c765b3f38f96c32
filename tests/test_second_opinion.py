"""What a picture alone shows as a head is doubted: an abdomen is named and outlined anew; heads stay heads."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from fetalnet.engine import Raw
from fetalnet.geometry import Ellipse
from fetalnet.inference import Predictor
from fetalnet.network.config import NetworkConfig
from fetalnet.network.opinion import SIDE_PX
from fetalnet.network.opinion import SecondOpinion as OpinionNetwork
from fetalnet.network.streaming import StreamingFetalNet
from fetalnet.network.weights import LoadedNetwork
from fetalnet.picture.letterbox import Letterbox
from fetalnet.planes import Plane
from fetalnet.second_opinion import SecondOpinion, view, walled
from fetalnet.sources.frame import Frame

GRID = (256, 384)
NATIVE = (512, 768)
LETTERBOX = Letterbox.of(NATIVE, GRID)
TRUNK = Ellipse(360.0, 250.0, 130.0, 120.0, 30.0)


def within(ellipse, shape=NATIVE):
    y, x = np.indices(shape)
    at = np.stack([x - ellipse.cx, y - ellipse.cy], axis=-1) @ np.linalg.inv(ellipse.matrix).T
    return np.linalg.norm(at, axis=-1) <= 1.0


def leaking():
    """The trunk's outline on the grid, which runs out into a limb, less surely there."""
    mask = np.where(within(TRUNK), 0.99, 0.0)
    mask[260:420, 380:700] = np.maximum(mask[260:420, 380:700], 0.6)
    return LETTERBOX.apply((255 * mask).astype(np.uint8)).astype(np.float32) / np.float32(255)


def nearer(to):
    """A wall that is seen from some way off and found in a few steps."""

    def at_wall(ellipse):
        return Ellipse.of(
            *(one + 0.6 * (other - one) for one, other in zip(vars_of(ellipse), vars_of(to), strict=True))
        )

    return at_wall


def vars_of(ellipse):
    return ellipse.cx, ellipse.cy, ellipse.a, ellipse.b, ellipse.theta_deg


@pytest.mark.parametrize("turn_deg", [0.0, 90.0, 215.0])
@pytest.mark.parametrize("mirrored", [False, True])
def test_that_a_view_holds_the_organ_in_its_middle_however_it_is_turned(turn_deg, mirrored):
    matrix = view(TRUNK, turn_deg, mirrored)
    at = TRUNK.points(90) @ matrix[:, :2].T + matrix[:, 2]
    middle = (SIDE_PX - 1) / 2
    assert at.mean(axis=0) == pytest.approx((middle, middle), abs=0.01)
    reach = np.hypot(*(at - middle).T)
    assert reach.max() == pytest.approx(SIDE_PX / 2 / 1.25, rel=0.01)
    assert bool(np.linalg.det(matrix[:, :2]) < 0) is mirrored


def test_that_the_wall_is_found_although_the_outline_leaks():
    found = walled(leaking(), LETTERBOX, None, nearer(TRUNK))
    assert found is not None
    assert vars_of(found) == pytest.approx(vars_of(TRUNK), rel=0.03)


def test_that_a_wall_which_two_searches_do_not_agree_on_is_none():
    assert walled(leaking(), LETTERBOX, None, lambda ellipse: ellipse) is None
    assert walled(np.zeros(GRID, np.float32), LETTERBOX, None, nearer(TRUNK)) is None
    places = iter([TRUNK, TRUNK, replace(TRUNK, a=170.0), replace(TRUNK, a=170.0)])
    assert walled(leaking(), LETTERBOX, None, lambda _: next(places)) is None


class Says(OpinionNetwork):
    """A second opinion that is always the same."""

    def __init__(self, odds: float) -> None:
        super().__init__()
        self.odds = odds

    def forward(self, crops):
        assert crops.shape == (16, 1, SIDE_PX, SIDE_PX)
        return torch.full((len(crops),), self.odds)


@pytest.fixture(scope="module")
def predictor():
    config = NetworkConfig(channels=(8, 8, 16, 16, 16), hidden=8, opinion=True)
    loaded = LoadedNetwork(StreamingFetalNet(config).eval(), "untrained", "0" * 64, {})
    return Predictor(loaded, "torch")


def asked(predictor, monkeypatch, odds, wall=TRUNK, rating=0.8, head=0.92):
    """The answer for a picture whose head the network outlines, leaking."""
    mask = leaking() if wall is TRUNK else LETTERBOX.apply(255 * within(wall).astype(np.uint8)) / np.float32(255)
    raw = Raw(
        np.array([head, 0.01, 0.0, 0.99 - head], np.float32),
        np.full(3, 0.5, np.float32),
        np.stack([mask, 0 * mask, 0 * mask]).astype(np.float32),
    )
    opinion = SecondOpinion(Says(odds), predictor._loaded.network.reader)
    rated = opinion._rated
    monkeypatch.setattr(opinion, "_rated", lambda *seen: rated(*seen)._replace(standardness=rating))
    monkeypatch.setattr(predictor, "_opinion", opinion)
    monkeypatch.setattr(predictor, "_run_alone", lambda _: raw)
    monkeypatch.setattr(predictor._refinement, "of_geometry", lambda ellipse, plane, *_, **__: nearer(wall)(ellipse))
    return predictor.predict_still(Frame(0, 0.0, np.full(NATIVE, 60, np.uint8)))


def test_that_an_abdomen_taken_for_a_head_is_named_outlined_and_rated_as_one(predictor, monkeypatch):
    prediction = asked(predictor, monkeypatch, -2.0)
    assert prediction.plane is Plane.ABDOMEN
    assert prediction.refused is None
    assert prediction.probability == pytest.approx(0.92)
    assert sum(prediction.probabilities.values()) == pytest.approx(1.0)
    assert vars_of(prediction.geometry) == pytest.approx(vars_of(TRUNK), rel=0.03)
    assert prediction.standardness == 0.8
    assert prediction.structures.shape == (11,)
    assert prediction.shape is not None


def test_that_a_head_stays_a_head(predictor, monkeypatch):
    skull = Ellipse(380.0, 250.0, 150.0, 118.0, 10.0)
    prediction = asked(predictor, monkeypatch, 3.0, skull)
    assert prediction.plane is Plane.HEAD
    assert vars_of(prediction.geometry)[:4] == pytest.approx(vars_of(skull)[:4], rel=0.1)


def test_that_an_uncertain_abdomen_is_not_measured(predictor, monkeypatch):
    prediction = asked(predictor, monkeypatch, -2.0, head=0.7)
    assert (prediction.plane, prediction.geometry) == (Plane.ABDOMEN, None)
    assert "abdomen is uncertain" in prediction.refused


@pytest.mark.parametrize("lacks", ["wall", "rating"])
def test_that_doubt_alone_makes_no_abdomen(predictor, monkeypatch, lacks):
    if lacks == "wall":
        monkeypatch.setattr("fetalnet.second_opinion.walled", lambda *_: None)
    prediction = asked(predictor, monkeypatch, -2.0, rating=0.05)
    assert prediction.plane is Plane.HEAD
    assert prediction.probability == pytest.approx(0.92)


def test_that_an_opinion_stays_where_it_is_when_the_network_goes_to_another_device():
    config = NetworkConfig(channels=(8, 8, 16, 16, 16), hidden=8, opinion=True)
    loaded = LoadedNetwork(StreamingFetalNet(config).eval(), "untrained", "0" * 64, {})
    opinion = SecondOpinion.of(loaded)
    assert opinion is not None
    loaded.network.reader.to("meta")
    abdomen = opinion._rated(TRUNK, leaking(), LETTERBOX)
    assert 0.0 < abdomen.standardness < 1.0


def test_that_weights_without_a_second_opinion_are_not_doubted():
    network = StreamingFetalNet(NetworkConfig(channels=(8, 8, 16, 16, 16), hidden=8)).eval()
    assert SecondOpinion.of(LoadedNetwork(network, "untrained", "0" * 64, {})) is None
