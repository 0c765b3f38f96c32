"""The real predictor in the real window, with a small untrained network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.window import FRAMES, Person

from app.workers.predictor_loading import predictor_loader


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch

    from fetalnet.network.config import NetworkConfig
    from fetalnet.network.streaming import StreamingFetalNet
    from fetalnet.network.weights import save_weights

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "untrained.safetensors"
    save_weights(path, StreamingFetalNet(NetworkConfig()), {})
    return path


@pytest.mark.parametrize("device", ["cpu", "torch"])
def test_that_the_real_network_analyses_a_clip(
    start_program: Callable[..., Person], clip: Path, weights: Path, device: str
) -> None:
    person = start_program(load_predictor=predictor_loader(weights, device))
    person.open_clip(clip)
    assert len(person.session.analysis.predictions) == FRAMES
    assert "untrained" in person.window.statusBar().model.text()


def test_that_an_unknown_device_is_said(start_program: Callable[..., Person], clip: Path, weights: Path) -> None:
    person = start_program(load_predictor=predictor_loader(weights, "abacus"))
    person.open_clip(clip, analysed=False)
    person.wait(lambda: "abacus" in person.message)
    person.go_to(3)
