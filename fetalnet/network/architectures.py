"""Every network behind one face: built from its configuration, and stepped through a stream of frames."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from fetalnet.network.config import (
    Architecture,
    Config,
    MtlnConfig,
    MultiTaskUNetConfig,
    NetworkConfig,
    PublishedConfig,
)
from fetalnet.network.peers.mtln import Mtln
from fetalnet.network.peers.multitask_unet import MultiTaskUNet
from fetalnet.network.peers.published import PublishedFetalNet
from fetalnet.network.streaming import StreamingFetalNet

Network = StreamingFetalNet | PublishedFetalNet | MultiTaskUNet | Mtln
"""Each has ``config``, ``masks``, ``initial_state``, ``forward`` for clips (``Output``) and ``step`` for one frame."""


def build(config: Config) -> Network:
    """An untrained network of a configuration."""
    match config:
        case NetworkConfig():
            return StreamingFetalNet(config)
        case PublishedConfig():
            return PublishedFetalNet(config)
        case MultiTaskUNetConfig():
            return MultiTaskUNet(config)
        case MtlnConfig():
            return Mtln(config)


def architecture_of(network: Network) -> Architecture:
    """The name that the network's weights carry."""
    config = network.config
    return Architecture.STREAMING if isinstance(config, NetworkConfig) else config.architecture


def config_from_json(architecture: Architecture, value: dict[str, Any]) -> Config:
    """Inverse of ``asdict``. Raises ``KeyError``, ``TypeError`` or ``ValueError`` where a field is wrong."""
    match architecture:
        case Architecture.STREAMING:
            return NetworkConfig.from_json(value)
        case Architecture.PUBLISHED:
            return PublishedConfig(**value)
        case Architecture.MULTITASK_UNET:
            return MultiTaskUNetConfig(**value)
        case Architecture.MTLN:
            return MtlnConfig(**value)


class SingleStep(nn.Module):
    """``step`` of a network as a module, for export: the fields of ``StepOutput`` that it has, in their order."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, frame: Tensor, state: Tensor) -> tuple[Tensor, ...]:
        return tuple(part for part in self.network.step(frame, state) if part is not None)
