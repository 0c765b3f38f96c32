"""The engines agree, the fastest is chosen and remembered, and a device that is lost does not end the stream."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fetalnet.core.errors import InputError
from fetalnet.core.geometry import Ellipse
from fetalnet.core.planes import Plane
from fetalnet.core.system.resources import resource
from fetalnet.inference.engines import SteppingDown, TorchEngine, engine_for
from fetalnet.inference.engines import choice as engine_choice
from fetalnet.inference.engines.base import Engine, Raw
from fetalnet.inference.engines.choice import choose_engine, measure_engines
from fetalnet.inference.predictor import Predictor
from fetalnet.network.config import NetworkConfig
from fetalnet.network.streaming import StreamingFetalNet
from fetalnet.network.weights import DEFAULT_WEIGHTS, LoadedNetwork, load_weights
from fetalnet.screen.fan.sector import find_sector
from fetalnet.sources import VideoFile

DEMO = resource("demo/demo.mp4")
HEAD_FRAMES = range(396, 420, 3)


@pytest.fixture(scope="module")
def network() -> LoadedNetwork:
    return load_weights(DEFAULT_WEIGHTS)


@pytest.fixture(scope="module")
def small(network: LoadedNetwork) -> LoadedNetwork:
    """Untrained and compiled in a moment, for what does not depend on what it says."""
    torch.manual_seed(0)
    config = NetworkConfig(height=64, width=96, channels=(8, 8, 16, 16, 16), hidden=8)
    net = StreamingFetalNet(config).eval()
    modules = {name for name, _ in net.named_modules()}
    ranges = {name: held for name, held in network.card["int8"]["ranges"].items() if name in modules}
    return LoadedNetwork(net, "small", "0" * 64, {"int8": {"ranges": ranges}})


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where what was compiled once is taken from."""
    return tmp_path_factory.mktemp("compiled")


@pytest.fixture(scope="module")
def on_torch(network: LoadedNetwork) -> Predictor:
    return Predictor(network, "torch", 1)


@pytest.fixture(scope="module")
def on_openvino(network: LoadedNetwork, compiled: Path) -> Predictor:
    return Predictor(network, "openvino", 1, cache=compiled)


class Stub:
    """An engine that fails after some runs, as a device without memory does."""

    notice = None

    def __init__(self, name: str, runs: int = 1000) -> None:
        self.name, self._runs = name, runs

    def run(self, grid: np.ndarray) -> Raw:
        if self._runs == 0:
            raise torch.OutOfMemoryError("CUDA out of memory")
        self._runs -= 1
        return Raw(np.zeros(4), np.zeros(3), grid[None])

    def reset(self) -> None:
        pass


class Overflowing:
    """An engine on a processor whose 8-bit sums overflow: what is there is not seen."""

    notice = None

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.name = engine.name

    def run(self, grid: np.ndarray) -> Raw:
        return self._engine.run(grid * 0.2)

    def reset(self) -> None:
        self._engine.reset()


def test_that_the_engines_agree_on_masks_and_millimetres(on_torch: Predictor, on_openvino: Predictor) -> None:
    one, other = on_torch, on_openvino
    heads = 0
    source = VideoFile(DEMO)
    fan = find_sector(source[HEAD_FRAMES[0]].pixels)
    for each in (one, other):
        each.look_at(fan.box, fan.mask((source.height, source.width)))
    for index in HEAD_FRAMES:
        frame = source[index]
        prepared = one.prepare(frame)
        first, second = one.run(prepared), other.run(prepared)
        for mask, same in zip(first.masks, second.masks, strict=True):
            a, b = mask > 0.5, same > 0.5
            if a.sum() > 50:
                assert 2 * (a & b).sum() / (a.sum() + b.sum()) >= 0.999
        fits = [each.fit(frame, prepared, raw).geometry for each, raw in ((one, first), (other, second))]
        if first.planes.argmax() == list(Plane).index(Plane.HEAD) and isinstance(fits[0], Ellipse):
            heads += 1
            assert isinstance(fits[1], Ellipse)
            assert abs(fits[0].perimeter_px - fits[1].perimeter_px) * 0.2 <= 0.2
    assert heads >= 2


def test_that_the_fastest_engine_is_chosen_once(
    small: LoadedNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = tmp_path / "engine.json"
    choice = choose_engine(small, 1, memory)
    assert choice.frame_ms.keys() >= {"openvino", "torch"}
    assert choice.device == min(choice.frame_ms, key=choice.frame_ms.__getitem__)
    monkeypatch.setattr(engine_choice, "measure_engines", lambda *_: pytest.fail("measured again"))
    assert choose_engine(small, 1, memory) == choice


def test_that_int8_is_chosen_only_where_it_says_what_float32_says(
    network: LoadedNetwork, compiled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "openvino:int8" in measure_engines(network, 1, compiled).frame_ms

    def overflowing(network: LoadedNetwork, device: str, threads: int, cache: Path | None) -> Engine:
        engine = engine_for(network, device, threads, cache)
        return Overflowing(engine) if device == "openvino:int8" else engine

    monkeypatch.setattr(engine_choice, "engine_for", overflowing)
    assert "openvino:int8" not in measure_engines(network, 1, compiled).frame_ms


def test_that_int8_outlines_and_measures_as_float32_does(network: LoadedNetwork, compiled: Path) -> None:
    exact, coarse = (Predictor(network, device, 1, cache=compiled) for device in ("openvino", "openvino:int8"))
    assert coarse.model.engine == "openvino cpu int8"
    source = VideoFile(DEMO)
    fan = find_sector(source[HEAD_FRAMES[0]].pixels)
    for each in (exact, coarse):
        each.look_at(fan.box, fan.mask((source.height, source.width)))
    measured = 0
    for index in HEAD_FRAMES:
        one, other = exact.predict(source[index]), coarse.predict(source[index])
        assert one.plane is other.plane
        if isinstance(one.geometry, Ellipse):
            measured += 1
            assert isinstance(other.geometry, Ellipse)
            assert other.geometry.perimeter_px == pytest.approx(one.geometry.perimeter_px, rel=0.005)
    assert measured >= 2


def test_that_int8_asks_for_weights_that_were_calibrated(network: LoadedNetwork) -> None:
    for ranges, said in (
        ({}, "fetalnet calibrate"),
        ({"nowhere": [0, 1]}, "another network"),
        ({"stem.0": 3}, "damaged"),
    ):
        with pytest.raises(InputError, match=said):
            Predictor(replace(network, card=network.card | {"int8": {"ranges": ranges}}), "openvino:int8", 1)


@pytest.mark.parametrize("device", ["openvino", "openvino:int8"])
def test_that_what_was_compiled_is_kept_and_a_damaged_one_is_made_anew(
    small: LoadedNetwork, tmp_path: Path, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    of_other_version = cache / "0-0-f32.openvino"
    cache.mkdir()
    of_other_version.write_bytes(b"old")
    grid = np.random.default_rng(2).random((small.network.config.height, small.network.config.width), np.float32)
    masks = engine_for(small, device, 1, cache).run(grid).masks.copy()
    (kept,) = cache.iterdir()
    with monkeypatch.context() as patch:
        patch.setattr("fetalnet.inference.engines.openvino._converted", lambda *_: pytest.fail("converted again"))
        np.testing.assert_array_equal(engine_for(small, device, 1, cache).run(grid).masks, masks)
    whole = kept.read_bytes()
    kept.write_bytes(whole[:9000] + b"x" + whole[9001:])
    np.testing.assert_array_equal(engine_for(small, device, 1, cache).run(grid).masks, masks)
    assert kept.read_bytes()[9000] == whole[9000]


def test_that_another_calibration_is_compiled_anew(small: LoadedNetwork, tmp_path: Path) -> None:
    grid = np.random.default_rng(2).random((small.network.config.height, small.network.config.width), np.float32)
    masks = engine_for(small, "openvino:int8", 1, tmp_path).run(grid).masks.copy()
    card = small.card | {"int8": {"ranges": {"stem.0": [-1.0, 3.0]}}}
    again = engine_for(replace(small, card=card), "openvino:int8", 1, tmp_path)
    assert not np.array_equal(again.run(grid).masks, masks)
    assert len(list(tmp_path.iterdir())) == 1


def test_that_a_cache_that_cannot_be_written_does_no_harm(small: LoadedNetwork, tmp_path: Path) -> None:
    cache = tmp_path / "a file"
    cache.write_bytes(b"")
    assert engine_for(small, "openvino", 1, cache).name == "openvino cpu"


@pytest.mark.parametrize("held", ["", "[]", '{"key": ["other"], "device": "torch", "frame_ms": {"torch": 1.0}}'])
def test_that_a_memory_of_another_computer_or_a_damaged_one_is_not_believed(
    network: LoadedNetwork, tmp_path: Path, held: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = engine_choice.EngineChoice("openvino", {"openvino": 3.0, "torch": 9.0})
    monkeypatch.setattr(engine_choice, "measure_engines", lambda *_: measured)
    memory = tmp_path / "engine.json"
    memory.write_text(held)
    assert choose_engine(network, 1, memory) == measured
    assert json.loads(memory.read_text())["device"] == "openvino"


def test_that_a_device_without_memory_gives_way_step_by_step() -> None:
    engine = SteppingDown((lambda: Stub("gpu", 2), lambda: Stub("gpu half", 1), lambda: Stub("cpu")))
    grid = np.ones((4, 4), np.float32)
    names = []
    for _ in range(5):
        assert engine.run(grid).masks.shape == (1, 4, 4)
        names.append(engine.name)
    assert names == ["gpu", "gpu", "gpu half", "cpu", "cpu"]
    assert "gpu half" in engine.notice
    assert "cpu" in engine.notice


def test_that_the_last_engine_does_not_hide_its_error() -> None:
    engine = SteppingDown((lambda: Stub("cpu", 0),))
    with pytest.raises(torch.OutOfMemoryError):
        engine.run(np.ones((4, 4), np.float32))


def test_that_half_precision_names_the_same_planes(network: LoadedNetwork, on_torch: Predictor) -> None:
    grid = on_torch.prepare(VideoFile(DEMO)[60]).grid
    whole, half = (TorchEngine(network.network, "cpu", half=half).run(grid) for half in (False, True))
    assert half.masks.dtype == np.float32
    assert half.planes.argmax() == whole.planes.argmax()
    np.testing.assert_allclose(half.planes, whole.planes, atol=0.1)


@pytest.mark.parametrize("device", ["mps", "xpu", "openvino:npu", "abacus"])
def test_that_a_device_that_is_not_here_is_said(network: LoadedNetwork, device: str) -> None:
    with pytest.raises(InputError, match="choose"):
        engine_for(network, device)
