import pytest
import torch

from fetalnet.network.config import Join, Masks, PublishedConfig
from fetalnet.network.peers.published import PublishedFetalNet

TINY = PublishedConfig(height=32, width=48, base=4, temporal_width=6)

PARTS = {
    "encoder.0": 37_824,
    "encoder.1": 221_952,
    "encoder.2": 886_272,
    "encoder.3": 3_542_016,
    "temporal": 37_752_832,
    "classes": 2_052,
    "bottleneck": 14_161_920,
    "up": 2_786_240,
    "gates": 351_532,
    "decoder": 9_406_080,
    "sides": 8_644,
    "fuse": 37,
}
"""Trainable numbers of each part of the released network with one input channel."""


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def on_meta(config):
    with torch.device("meta"):
        return PublishedFetalNet(config)


@pytest.fixture(params=list(Join))
def network(request):
    torch.manual_seed(0)
    return PublishedFetalNet(PublishedConfig(height=32, width=48, base=4, temporal_width=6, join=request.param)).eval()


@pytest.fixture
def clip():
    return torch.rand(2, 3, 1, 32, 48, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("join", list(Join))
def test_that_it_has_the_published_parameters_part_by_part(join):
    network = on_meta(PublishedConfig(join=join))
    assert {name: count(network.get_submodule(name)) for name in PARTS} == PARTS
    assert count(network) == sum(PARTS.values()) == 69_157_401


def test_that_without_the_temporal_unit_less_than_half_remains():
    assert count(on_meta(PublishedConfig(temporal_layers=0))) == 69_157_401 - PARTS["temporal"]


@torch.inference_mode()
def test_that_outputs_have_the_documented_shapes_whatever_the_size(network, clip):
    output = network(clip)
    assert output.class_logits.shape == (2, 3, 4)
    assert output.mask_logits.shape == (2, 3, 1, 32, 48)
    assert output.side_logits == ()
    assert output.standardness_logits is output.structure_logits is output.ellipses is None
    assert output.state.shape == network.initial_state(2).shape == (2, 24, 2, 3)
    assert network(torch.zeros(1, 1, 1, 48, 16)).mask_logits.shape == (1, 1, 1, 48, 16)
    with pytest.raises(ValueError, match="divisible by 16, got 40x48"):
        network(torch.zeros(1, 1, 1, 40, 48))


@torch.inference_mode()
def test_that_masks_can_be_one_a_plane_and_sides_be_returned(clip):
    config = PublishedConfig(
        height=32, width=48, base=4, temporal_layers=0, masks=Masks.PER_PLANE, deep_supervision=True
    )
    output = PublishedFetalNet(config)(clip)
    assert output.mask_logits.shape == (2, 3, 3, 32, 48)
    assert [tuple(side.shape[2:]) for side in output.side_logits] == [(3, 32, 48), (3, 16, 24), (3, 8, 12), (3, 4, 6)]


@torch.inference_mode()
def test_that_frame_by_frame_equals_the_whole_clip(network, clip):
    whole = network(clip)
    state = network.initial_state(2)
    for number in range(clip.shape[1]):
        step = network.step(clip[:, number], state)
        state = step.state
        shared = torch.sigmoid(whole.mask_logits[:, number])
        torch.testing.assert_close(step.masks, shared.expand(-1, 3, -1, -1))
        torch.testing.assert_close(step.planes, torch.softmax(whole.class_logits[:, number], dim=1))
    torch.testing.assert_close(state, whole.state)


@torch.inference_mode()
def test_that_the_past_matters_only_with_a_temporal_unit(network, clip):
    other = clip.clone()
    other[:, 0] = 1.0 - other[:, 0]
    assert not torch.equal(network(other).class_logits[:, 2], network(clip).class_logits[:, 2])
    alone = PublishedFetalNet(PublishedConfig(height=32, width=48, base=4, temporal_layers=0)).eval()
    torch.testing.assert_close(alone(other).class_logits[:, 2], alone(clip).class_logits[:, 2])


@pytest.mark.parametrize(("join", "reaches"), [(Join.RELEASED, False), (Join.ATTENTION_UNET, True)])
def test_that_only_the_released_join_keeps_deeper_maps_from_the_mask(join, reaches, clip):
    torch.manual_seed(0)
    network = PublishedFetalNet(PublishedConfig(height=32, width=48, base=4, temporal_width=6, join=join)).eval()
    # A gate that is closed for good: what still comes from below comes around it.
    for gate in network.gates:
        torch.nn.init.zeros_(gate.weight[1].weight)
    network(clip).mask_logits.sum().backward()
    assert bool(network.bottleneck[0].weight.grad.abs().sum() > 0) is reaches


def test_that_every_parameter_learns(network, clip):
    network.train()
    output = network(clip)
    (output.mask_logits.square().sum() + output.class_logits.square().sum()).backward()
    assert [name for name, parameter in network.named_parameters() if parameter.grad is None] == []


def test_that_a_wrong_shape_is_refused():
    with pytest.raises(ValueError, match="multiple of 16"):
        PublishedConfig(height=230)
    with pytest.raises(ValueError, match="temporal_layers"):
        PublishedConfig(temporal_layers=-1)
