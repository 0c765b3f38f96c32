import json
from dataclasses import replace

import pytest
import safetensors.torch
import torch

from fetalnet.core.errors import InputError
from fetalnet.network.config import NetworkConfig
from fetalnet.network.streaming import StreamingFetalNet
from fetalnet.network.weights import FORMAT_VERSION, load_weights, save_weights, write_card

TINY = NetworkConfig(64, 96, (8, 8, 16, 16, 16), hidden=8)


@pytest.fixture
def weights(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "tiny.safetensors"
    save_weights(path, StreamingFetalNet(TINY), {"name": "tiny"})
    return path


def test_that_saved_weights_come_back_whole(weights):
    torch.manual_seed(0)
    saved = StreamingFetalNet(TINY).state_dict()
    loaded = load_weights(weights)
    assert loaded.network.config == TINY
    assert loaded.card["sha256"] == loaded.sha256
    assert not loaded.network.training
    for name, tensor in loaded.network.state_dict().items():
        assert torch.equal(tensor, saved[name]), name


def test_that_a_network_for_stills_comes_back_from_the_same_file(tmp_path):
    torch.manual_seed(0)
    network = StreamingFetalNet(replace(TINY, stills=replace(TINY, height=128)))
    path = tmp_path / "both.safetensors"
    save_weights(path, network, {"int8": {"ranges": {"stem.0": [0, 1]}}})
    loaded = load_weights(path)
    stills = loaded.for_stills
    assert stills is not None
    assert (stills.sha256, stills.network.config) == (loaded.sha256, replace(TINY, height=128))
    assert torch.equal(stills.network.fuse.weight, network.stills.fuse.weight)
    assert not torch.equal(stills.network.fuse.weight, loaded.network.fuse.weight)
    # Its convolutions have the same names: the ranges of the other are not for it.
    assert (loaded.int8_ranges, stills.int8_ranges) == ({"stem.0": (0, 1)}, None)
    assert stills.for_stills is None


def test_that_missing_weights_say_what_to_do(tmp_path):
    with pytest.raises(InputError, match=r"There are no weights at none\.safetensors; restore the file"):
        load_weights(tmp_path / "none.safetensors")


def test_that_weights_without_their_card_are_refused(weights):
    weights.with_suffix(".json").unlink()
    with pytest.raises(InputError, match=r"model card tiny\.json is missing"):
        load_weights(weights)


@pytest.mark.parametrize("content", ["{", "[]", "{}"])
def test_that_a_broken_card_is_refused(weights, content):
    weights.with_suffix(".json").write_text(content)
    with pytest.raises(InputError, match=r"model card tiny\.json"):
        load_weights(weights)


def test_that_one_changed_bit_is_noticed(weights):
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(InputError, match="checksum differs"):
        load_weights(weights)


def _resign(path, content):
    """Foreign weights whose card agrees with them: only what is inside can give them away."""
    import hashlib

    path.write_bytes(content)
    write_card(path, {"sha256": hashlib.sha256(content).hexdigest()})


def _metadata(**changes):
    return {
        "architecture": "fetalnet-streaming",
        "format_version": FORMAT_VERSION,
        "config": json.dumps(TINY.to_json()),
    } | changes


def test_that_another_architecture_is_named(weights):
    tensors = StreamingFetalNet(TINY).state_dict()
    _resign(weights, safetensors.torch.save(tensors, _metadata(architecture="unet")))
    with pytest.raises(InputError, match=r"for another network \(unet\)"):
        load_weights(weights)


def test_that_a_configuration_nobody_understands_is_refused(weights):
    tensors = StreamingFetalNet(TINY).state_dict()
    _resign(weights, safetensors.torch.save(tensors, _metadata(config='{"channels": [1, 2]}')))
    with pytest.raises(InputError, match="configuration inside the weights"):
        load_weights(weights)


def test_that_a_missing_an_unknown_and_a_misshapen_tensor_are_named(weights):
    tensors = StreamingFetalNet(TINY).state_dict()
    missing = {name: tensor for name, tensor in tensors.items() if name != "fuse.weight"}
    _resign(weights, safetensors.torch.save(missing, _metadata()))
    with pytest.raises(InputError, match=r"tensor fuse\.weight is missing"):
        load_weights(weights)
    _resign(weights, safetensors.torch.save(tensors | {"extra": torch.zeros(1)}, _metadata()))
    with pytest.raises(InputError, match="tensor extra is unknown"):
        load_weights(weights)
    _resign(weights, safetensors.torch.save(tensors | {"fuse.bias": torch.zeros(1)}, _metadata()))
    with pytest.raises(InputError, match=r"tensor fuse\.bias has shape \(1,\)"):
        load_weights(weights)


@pytest.mark.parametrize("content", [b"", b"no tensors at all, only text"])
def test_that_another_file_is_no_weights(weights, content):
    _resign(weights, content)
    with pytest.raises(InputError, match="is not a safetensors file"):
        load_weights(weights)
