import pytest
import torch

from fetalnet.network.config import NetworkConfig, Temporal
from fetalnet.network.streaming import StreamingFetalNet

TINY = NetworkConfig(64, 96, (8, 8, 16, 16, 16), hidden=8)


@pytest.fixture
def network():
    torch.manual_seed(0)
    return StreamingFetalNet(TINY).eval()


@pytest.fixture
def clip():
    return torch.rand(2, 4, 1, 64, 96, generator=torch.Generator().manual_seed(1))


def test_that_every_output_has_the_documented_shape(network, clip):
    output = network(clip)
    assert output.class_logits.shape == (2, 4, 4)
    assert output.standardness_logits.shape == (2, 4, 3)
    assert output.structure_logits.shape == (2, 4, 11)
    assert output.mask_logits.shape == (2, 4, 3, 64, 96)
    assert [side.shape[-2:] for side in output.side_logits] == [(32, 48), (16, 24), (8, 12), (4, 6)]
    assert output.state.shape == (2, 8, 2, 3)


def test_that_the_default_network_is_small_enough_for_a_laptop():
    count = sum(parameter.numel() for parameter in StreamingFetalNet().parameters())
    assert 1.2e6 < count < 2.0e6


@torch.inference_mode()
def test_that_frame_by_frame_equals_the_whole_clip(network, clip):
    whole = network(clip)
    state = network.initial_state(2)
    for number in range(clip.shape[1]):
        step = network.step(clip[:, number], state)
        state = step.state
        torch.testing.assert_close(step.masks, torch.sigmoid(whole.mask_logits[:, number]))
        torch.testing.assert_close(step.planes, torch.softmax(whole.class_logits[:, number], dim=1))
        torch.testing.assert_close(step.standardness, torch.sigmoid(whole.standardness_logits[:, number]))
        torch.testing.assert_close(step.structures, torch.sigmoid(whole.structure_logits[:, number]))
    torch.testing.assert_close(state, whole.state)


@torch.inference_mode()
def test_that_a_clip_cut_in_two_with_its_state_carried_equals_the_whole(network, clip):
    first = network(clip[:, :2])
    second = network(clip[:, 2:], first.state)
    torch.testing.assert_close(second.mask_logits, network(clip).mask_logits[:, 2:])


@torch.inference_mode()
def test_that_the_past_matters_and_the_future_does_not(network, clip):
    other = clip.clone()
    other[:, 0] = 1.0 - other[:, 0]
    assert not torch.equal(network(other).mask_logits[:, 3], network(clip).mask_logits[:, 3])
    later = clip.clone()
    later[:, 3] = 0.0
    torch.testing.assert_close(network(later).mask_logits[:, :3], network(clip).mask_logits[:, :3])


@torch.inference_mode()
def test_that_without_a_temporal_unit_frames_stand_alone(clip):
    network = StreamingFetalNet(NetworkConfig(64, 96, TINY.channels, Temporal.NONE)).eval()
    alone = network(clip[:, 2:3]).mask_logits
    torch.testing.assert_close(network(clip).mask_logits[:, 2:3], alone)


def test_that_every_parameter_learns(network, clip):
    network.train()
    findings = [logits for read in (False, True) for logits in network(clip, read=read)[:3]]
    output = network(clip)
    total = sum(logits.square().sum() for logits in findings)
    total = total + output.mask_logits.square().sum() + sum(side.square().sum() for side in output.side_logits)
    total.backward()
    assert [name for name, parameter in network.named_parameters() if parameter.grad is None] == []


def test_that_a_size_that_cannot_be_halved_five_times_is_refused(network):
    with pytest.raises(ValueError, match="divisible by 32"):
        network(torch.zeros(1, 1, 1, 60, 96))
    with pytest.raises(ValueError, match="divisible by 32"):
        NetworkConfig(height=250)
