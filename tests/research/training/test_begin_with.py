"""Training that begins with numbers from before."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fetalnet.core.errors import InputError
from fetalnet.network.architectures import build
from fetalnet.network.config import NetworkConfig, Temporal
from fetalnet.network.streaming import StreamingFetalNet
from fetalnet.network.weights import load_weights, save_weights
from fetalnet.research.training.card import as_markdown, new_card
from fetalnet.research.training.config import Phase, RimStage, ShaftStage, Stage, TrainingConfig
from fetalnet.research.training.configs import load_config
from fetalnet.research.training.data.batches import Collection
from fetalnet.research.training.run import begin_with, with_stills

NARROW = (8, 8, 8, 8, 8)


@pytest.fixture
def before(tmp_path):
    network = StreamingFetalNet(NetworkConfig(64, 96, NARROW, hidden=8))
    config = TrainingConfig(
        seed=5, phases=(Phase(learning_rate=1e-3, stages=(Stage(height=64, width=96, batch=1, steps=1),)),)
    )
    path = tmp_path / "before.safetensors"
    save_weights(path, network, new_card(config, Collection([], [], [], [])))
    return load_weights(path), config


def test_that_a_network_takes_over_the_numbers_and_the_card_says_from_where(before):
    weights, config = before
    network = StreamingFetalNet(NetworkConfig(64, 96, NARROW, hidden=8, crop_scale=1.4))
    begin_with(network, weights)
    for name, tensor in weights.network.state_dict().items():
        assert torch.equal(tensor, network.state_dict()[name])
    card = new_card(config, Collection([], [], [], []), weights) | {"architecture": "a", "sha256": "b"}
    assert f"Began with weights `{weights.sha256[:12]}`" in as_markdown(card)
    assert "alone was trained" not in as_markdown(card)


@pytest.mark.parametrize(
    ("stages", "told"),
    [
        ({"rim": RimStage()}, "The rim reader alone was trained"),
        ({"shaft": ShaftStage()}, "The shaft reader alone was trained"),
        ({"rim": RimStage(), "shaft": ShaftStage()}, "The rim reader and the shaft reader alone were trained"),
    ],
)
def test_that_the_card_says_which_part_was_trained_alone(stages, told, before):
    weights, config = before
    part = config.model_copy(update={"phases": (), **stages})
    card = new_card(part, Collection([], [], [], []), weights) | {"architecture": "a", "sha256": "b"}
    assert told in as_markdown(card)


def test_that_readers_of_strips_may_be_new(before):
    weights, _ = before
    network = StreamingFetalNet(NetworkConfig(64, 96, NARROW, hidden=8, rim=True, shaft=True))
    untrained = network.rim.answer.weight.clone(), network.shaft.answer.weight.clone()
    begin_with(network, weights)
    assert torch.equal(network.fuse.weight, weights.network.fuse.weight)
    assert torch.equal(network.rim.answer.weight, untrained[0])
    assert torch.equal(network.shaft.answer.weight, untrained[1])


def test_that_numbers_of_another_shape_are_refused(before):
    weights, _ = before
    other = StreamingFetalNet(NetworkConfig(64, 96, NARROW, temporal=Temporal.NONE))
    with pytest.raises(InputError, match="another shape"):
        begin_with(other, weights)


def test_that_a_network_for_stills_is_put_in_as_it_is_and_told(before):
    weights, config = before
    torch.manual_seed(2)
    network = StreamingFetalNet(NetworkConfig(32, 64, NARROW, hidden=8, rim=True))
    whole = with_stills(network, weights)
    assert torch.equal(whole.fuse.weight, network.fuse.weight)
    assert torch.equal(whole.rim.answer.weight, network.rim.answer.weight)
    assert torch.equal(whole.stills.fuse.weight, weights.network.fuse.weight)
    assert whole.stills.config == weights.network.config
    card = new_card(config, Collection([], [], [], []), None, weights) | {"architecture": "a", "sha256": "b"}
    assert f"Pictures alone are looked at by the network of weights `{weights.sha256[:12]}`" in as_markdown(card)
    begun = StreamingFetalNet(NetworkConfig(32, 64, NARROW, hidden=8, rim=True))
    begin_with(begun, replace(weights, network=whole))
    assert torch.equal(begun.fuse.weight, network.fuse.weight)


def test_that_a_network_for_stills_of_the_same_size_is_refused(before):
    weights, _ = before
    with pytest.raises(InputError, match="same size"):
        with_stills(StreamingFetalNet(NetworkConfig(64, 96, NARROW, hidden=8)), weights)


@pytest.mark.parametrize("part", ["rim", "shaft"])
def test_that_the_configuration_of_a_part_alone_begins_with_the_weights_that_ship(part):
    shipped = load_weights()
    network = build(load_config(Path(part)).network_config)
    begin_with(network, shipped)
    assert torch.equal(network.fuse.weight, shipped.network.fuse.weight)
