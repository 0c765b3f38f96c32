"""What all networks share: one face, one weights file."""

from dataclasses import asdict

import numpy as np
import pytest
import torch
from support.drawn import ellipse_of_mtln

from fetalnet.core.errors import InputError
from fetalnet.inference.engines import TorchEngine
from fetalnet.inference.engines.openvino import OpenVinoEngine
from fetalnet.network.architectures import architecture_of, build, config_from_json
from fetalnet.network.config import (
    Architecture,
    Masks,
    MtlnConfig,
    MultiTaskUNetConfig,
    NetworkConfig,
    PublishedConfig,
)
from fetalnet.network.weights import load_weights, save_weights

TINY = {
    Architecture.STREAMING: NetworkConfig(64, 96, (8, 8, 8, 8, 8), hidden=8),
    Architecture.PUBLISHED: PublishedConfig(height=64, width=96, base=4, temporal_width=4),
    Architecture.MULTITASK_UNET: MultiTaskUNetConfig(height=64, width=96, base=4),
    Architecture.MTLN: MtlnConfig(height=64, width=96, base=4),
}
every_architecture = pytest.mark.parametrize("architecture", list(Architecture))


@pytest.fixture
def network(architecture):
    torch.manual_seed(0)
    return build(TINY[architecture]).eval()


@pytest.fixture
def clip():
    return torch.rand(2, 2, 1, 64, 96, generator=torch.Generator().manual_seed(1))


@every_architecture
def test_that_a_network_is_known_by_its_configuration(architecture, network):
    assert architecture_of(network) is architecture
    assert config_from_json(architecture, asdict(network.config)) == TINY[architecture]


@every_architecture
@torch.inference_mode()
def test_that_each_answers_for_clips_and_for_frames_alike(network, clip):
    whole = network(clip)
    assert whole.mask_logits.shape == (2, 2, network.masks.channels, 64, 96)
    state = network.initial_state(2)
    for number in range(2):
        step = network.step(clip[:, number], state)
        state = step.state
        assert step.planes.shape == (2, 4)
        assert step.standardness.shape == (2, 3)
        assert step.masks.shape == (2, 3, 64, 96)
        torch.testing.assert_close(step.planes.sum(dim=1), torch.ones(2))
        torch.testing.assert_close(step.masks[:, 0], torch.sigmoid(whole.mask_logits[:, number, 0]))


@every_architecture
def test_that_pytorch_and_openvino_say_the_same(network):
    frames = np.random.default_rng(0).random((2, 64, 96), np.float32)
    one, other = TorchEngine(network), OpenVinoEngine(network)
    for frame in frames:
        for found, expected in zip(other.run(frame), one.run(frame), strict=True):
            if expected is None:
                assert found is None
            else:
                np.testing.assert_allclose(found, expected, atol=1e-4)


@every_architecture
def test_that_saved_weights_come_back_whole(architecture, network, tmp_path):
    path = tmp_path / "tiny.safetensors"
    save_weights(path, network, {"name": "tiny"})
    loaded = load_weights(path, architecture)
    assert loaded.card["architecture"] == architecture
    assert loaded.network.config == TINY[architecture]
    for name, tensor in loaded.network.state_dict().items():
        assert torch.equal(tensor, network.state_dict()[name]), name


@pytest.mark.parametrize("architecture", [Architecture.MTLN])
def test_that_weights_of_another_network_than_asked_for_are_refused(network, tmp_path):
    path = tmp_path / "tiny.safetensors"
    save_weights(path, network, {})
    with pytest.raises(InputError, match=r"another network \(mtln\); wanted is fetalnet-published"):
        load_weights(path, Architecture.PUBLISHED)


@pytest.mark.parametrize("architecture", [Architecture.PUBLISHED, Architecture.MULTITASK_UNET, Architecture.MTLN])
def test_that_configurations_of_another_network_or_with_unknown_fields_are_refused(architecture):
    with pytest.raises(ValueError, match="architecture"):
        config_from_json(architecture, {"architecture": "unet"})
    with pytest.raises(ValueError, match="colour"):
        config_from_json(architecture, {"colour": 3})


@torch.inference_mode()
def test_that_the_multitask_unet_may_know_the_three_planes_alone(clip):
    network = build(MultiTaskUNetConfig(height=64, width=96, base=4, classes=3)).eval()
    assert network(clip).class_logits.shape == (2, 2, 3)
    step = network.step(clip[:, 0], network.initial_state(2))
    assert torch.equal(step.planes[:, 3], torch.zeros(2))
    # Its confidence stands in for a rating of the plane.
    assert torch.equal(step.standardness, step.planes[:, :3])


@pytest.mark.parametrize("architecture", [Architecture.MTLN])
@torch.inference_mode()
def test_that_the_mtln_outlines_heads_and_gives_their_ellipse(network, clip):
    assert network.masks is Masks.HEAD
    output = network(clip)
    assert output.class_logits is None
    assert output.ellipses.shape == (2, 2, 5)
    step = network.step(clip[:, 0], network.initial_state(2))
    assert step.planes.tolist() == [[1, 0, 0, 0]] * 2
    assert step.masks[:, 1:].max() == 0
    ellipse = ellipse_of_mtln(torch.tensor([0.5, 0.25, 0.125, 0.25, 1.25]), 64, 96)
    assert (ellipse.cx, ellipse.cy, ellipse.a, ellipse.b, ellipse.theta_deg) == (47.5, 15.5, 24, 12, 135)


@pytest.mark.parametrize(("config", "millions"), [(MultiTaskUNetConfig(), (31.0, 31.1)), (MtlnConfig(), (11.5, 12.5))])
def test_that_the_peers_have_their_usual_size(config, millions):
    with torch.device("meta"):
        count = sum(parameter.numel() for parameter in build(config).parameters())
    assert millions[0] < count / 1e6 < millions[1]


@pytest.mark.parametrize("architecture", [Architecture.PUBLISHED, Architecture.MULTITASK_UNET, Architecture.MTLN])
def test_that_a_size_that_cannot_be_halved_is_refused(network):
    with pytest.raises(ValueError, match="divisible by"):
        network(torch.zeros(1, 1, 1, 60, 96))
