"""Weights on disk: safetensors with their model card beside them, checked before they are believed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor

from fetalnet.core.errors import InputError
from fetalnet.core.system.files import write_file
from fetalnet.core.system.resources import resource
from fetalnet.network.architectures import Network, architecture_of, build, config_from_json
from fetalnet.network.config import Architecture, Config
from fetalnet.network.streaming import StreamingFetalNet

FORMAT_VERSION = "2"
DEFAULT_WEIGHTS = resource("weights/fetalnet-streaming.safetensors")
_REMEDY = "put the weights back as they were published (file and card together), or choose other weights"


@dataclass(frozen=True, slots=True)
class LoadedNetwork:
    """A network ready to run and which weights it has: ``name`` of the file, ``sha256`` in hex, the model card."""

    network: Network
    name: str
    sha256: str
    card: dict[str, Any]

    @property
    def for_stills(self) -> LoadedNetwork | None:
        """The network for pictures alone, of the same file; None where there is one for all."""
        network = self.network.stills if isinstance(self.network, StreamingFetalNet) else None
        return None if network is None else replace(self, network=network, card=self.card | {"int8": {}})

    @property
    def int8_ranges(self) -> dict[str, tuple[float, float]] | None:
        """The least and the greatest input of each convolution that may be computed in 8-bit integers, by its name;
        None where that was not measured. Raises ``InputError`` where the card is damaged.
        """
        try:
            held = self.card["int8"]["ranges"]
            return {str(name): (float(low), float(high)) for name, (low, high) in held.items()}
        except KeyError:
            return None
        except (TypeError, ValueError, AttributeError) as error:
            raise InputError(f"The calibration in the model card of {self.name} is damaged; {_REMEDY}.") from error


def save_weights(path: Path, network: Network, card: dict[str, Any]) -> str:
    """Write the weights and their card ``<name>.json``, each at once; returns the weights' sha256."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    architecture = architecture_of(network)
    metadata = {
        "architecture": architecture,
        "format_version": FORMAT_VERSION,
        "config": json.dumps(asdict(network.config), sort_keys=True),
    }
    content = safetensors.torch.save(tensors, metadata)
    sha256 = hashlib.sha256(content).hexdigest()
    write_file(path, content)
    write_card(path, card | {"architecture": architecture, "sha256": sha256})
    return sha256


def write_card(path: Path, card: dict[str, Any]) -> None:
    """Write the machine-readable model card of the weights at ``path``."""
    write_file(path.with_suffix(".json"), (json.dumps(card, indent=2) + "\n").encode())


def read_card(path: Path) -> dict[str, Any]:
    """The machine-readable model card of the weights at ``path``. Raises ``InputError``."""
    card_path = path.with_suffix(".json")
    try:
        card = json.loads(card_path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"The model card {card_path.name} is missing or cannot be read; {_REMEDY}.") from error
    except ValueError as error:
        raise InputError(f"The model card {card_path.name} is not valid JSON; {_REMEDY}.") from error
    if not isinstance(card, dict) or not isinstance(card.get("sha256"), str):
        raise InputError(f"The model card {card_path.name} names no checksum; {_REMEDY}.")
    return card


def load_weights(path: Path = DEFAULT_WEIGHTS, architecture: Architecture | None = None) -> LoadedNetwork:
    """The network in evaluation mode; with an ``architecture``, only of that one.

    Raises ``InputError`` where the file is missing, altered or another network's.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(
            f"There are no weights at {path.name}; restore the file or name another with --weights."
        ) from error
    except OSError as error:
        raise InputError(
            f"The weights {path.name} cannot be read ({error.strerror}); check the file's permissions."
        ) from error
    card = read_card(path)
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != card["sha256"]:
        raise InputError(f"The weights {path.name} are not those its model card names (checksum differs); {_REMEDY}.")
    network = build(_config(path, content, architecture))
    network.load_state_dict(_checked(path.name, safetensors.torch.load(content), network.state_dict()))
    return LoadedNetwork(network.eval(), path.stem, sha256, card)


def _config(path: Path, content: bytes, wanted: Architecture | None) -> Config:
    try:
        # The header's length, then the header: the library reads metadata from a path only.
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        metadata = header.get("__metadata__", {})
    except (ValueError, AttributeError) as error:
        raise InputError(f"{path.name} is not a safetensors file; {_REMEDY}.") from error
    architecture = metadata.get("architecture")
    runs = list(Architecture) if wanted is None else [wanted]
    if architecture not in runs or metadata.get("format_version") != FORMAT_VERSION:
        raise InputError(
            f"The weights {path.name} are for another network ({architecture or 'unnamed'}); "
            f"wanted is {' or '.join(runs)}, format {FORMAT_VERSION}: choose weights made for it."
        )
    try:
        return config_from_json(Architecture(architecture), json.loads(metadata["config"]))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"The configuration inside the weights {path.name} cannot be understood; {_REMEDY}."
        ) from error


def _checked(name: str, tensors: dict[str, Tensor], expected: dict[str, Tensor]) -> dict[str, Tensor]:
    for key in sorted(expected.keys() | tensors.keys()):
        if key not in tensors or key not in expected:
            what = "missing" if key in expected else "unknown"
            raise InputError(f"The weights {name} do not fit the network (tensor {key} is {what}); {_REMEDY}.")
        if tensors[key].shape != expected[key].shape:
            raise InputError(
                f"The weights {name} do not fit the network (tensor {key} has shape {tuple(tensors[key].shape)}, "
                f"not {tuple(expected[key].shape)}); {_REMEDY}."
            )
    return tensors
