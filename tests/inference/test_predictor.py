import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from fetalnet.core.errors import InputError
from fetalnet.core.frame import Frame
from fetalnet.core.geometry import Ellipse
from fetalnet.core.planes import Plane
from fetalnet.inference.engines import TorchEngine, engine_for
from fetalnet.inference.engines.base import Raw
from fetalnet.inference.engines.openvino import OpenVinoEngine
from fetalnet.inference.predictor import Predictor
from fetalnet.network.config import NetworkConfig
from fetalnet.network.streaming import StreamingFetalNet
from fetalnet.network.weights import LoadedNetwork

TINY = NetworkConfig(64, 96, (8, 8, 16, 16, 16), hidden=8)


@pytest.fixture(scope="module")
def loaded():
    torch.manual_seed(0)
    return LoadedNetwork(StreamingFetalNet(TINY).eval(), "tiny", "ab" * 32, {})


@pytest.fixture
def predictor(loaded):
    return Predictor(loaded, device="torch")


def frames(n=5, shape=(120, 160)):
    rng = np.random.default_rng(0)
    return [Frame(index, index / 25, rng.integers(0, 255, shape, np.uint8)) for index in range(n)]


def test_that_both_engines_give_the_same_answers_over_a_stream(loaded):
    engines = TorchEngine(loaded.network), OpenVinoEngine(loaded.network, threads=1)
    rng = np.random.default_rng(1)
    for _ in range(3):
        grid = rng.random((64, 96), dtype=np.float32)
        torch_says, openvino_says = (engine.run(grid) for engine in engines)
        np.testing.assert_allclose(openvino_says.planes, torch_says.planes, atol=1e-4)
        np.testing.assert_allclose(openvino_says.masks, torch_says.masks, atol=1e-3)
        assert openvino_says.standardness == pytest.approx(torch_says.standardness, abs=1e-4)


@pytest.mark.parametrize("device", ["torch", "openvino"])
def test_that_a_stream_depends_on_its_past_until_reset(loaded, device):
    engine = engine_for(loaded, device, threads=1)
    grids = [frame.pixels[:64, :96].astype(np.float32) / 255 for frame in frames()]
    first = [engine.run(grid).masks for grid in grids]
    assert not np.array_equal(engine.run(grids[0]).masks, first[0])
    engine.reset()
    for grid, masks in zip(grids, first, strict=True):
        np.testing.assert_array_equal(engine.run(grid).masks, masks)


@pytest.mark.parametrize("device", ["torch", "openvino"])
def test_that_a_predictor_comes_back_to_a_place_of_its_stream_as_if_it_had_never_left(loaded, device):
    predictor, stream = Predictor(loaded, device=device, threads=1), frames(8)
    whole = [predictor.predict(frame) for frame in stream]
    predictor.reset()
    for frame in stream[:4]:
        predictor.predict(frame)
    state = predictor.state
    predictor.look_at()
    for frame in stream[6:]:
        predictor.predict(frame)
    predictor.state = state
    for frame, expected in zip(stream[4:], whole[4:], strict=True):
        again = predictor.predict(frame)
        assert (again.probabilities, again.change) == (expected.probabilities, expected.change)


def test_that_a_prediction_names_its_frame_and_its_probabilities_sum_to_one(predictor):
    for frame in frames():
        prediction = predictor.predict(frame)
        assert (prediction.index, prediction.time_s) == (frame.index, frame.time_s)
        assert list(prediction.probabilities) == list(Plane)
        assert sum(prediction.probabilities.values()) == pytest.approx(1.0, abs=1e-5)
        assert 0.0 <= prediction.standardness <= 1.0
        assert (prediction.geometry is None) == (prediction.refused is not None)


def test_that_looking_at_a_part_forgets_the_past_and_blanks_the_rest(predictor):
    frame = frames(1)[0]
    fan = np.zeros((120, 160), bool)
    fan[20:100, 30:130] = True
    predictor.predict(frame)
    predictor.look_at((30, 20, 130, 100), fan)
    prepared = predictor.prepare(frame)
    assert prepared.letterbox.box == (30, 20, 130, 100)
    elsewhere = Frame(0, 0.0, np.where(fan, frame.pixels, 255).astype(np.uint8))
    np.testing.assert_array_equal(predictor.prepare(elsewhere).grid, prepared.grid)
    once = predictor.run(prepared)
    predictor.reset()
    np.testing.assert_array_equal(predictor.run(prepared).masks, once.masks)


def test_that_frames_of_another_size_are_taken_whole(predictor):
    predictor.look_at(None, np.ones((120, 160), bool))
    assert predictor.prepare(frames(1, (50, 60))[0]).letterbox.box == (0, 0, 60, 50)


def raw(plane, probability, mask, standardness=0.9):
    planes = np.full(4, (1 - probability) / 3, np.float32)
    planes[list(Plane).index(plane)] = probability
    masks = np.zeros((3, 64, 96), np.float32)
    if plane is not Plane.OTHER:
        masks[list(Plane).index(plane)] = mask
    return Raw(planes, np.full(3, standardness, np.float32), masks)


def disc(inside=0.99, radius=20.0):
    y, x = np.ogrid[:64, :96]
    return inside * np.clip(0.5 + radius - np.hypot(x - 48, y - 32), 0, 1)


@pytest.mark.parametrize("device", ["torch", "openvino"])
def test_that_a_still_is_seen_by_a_network_of_its_own_and_leaves_the_stream_alone(loaded, device):
    large_one = replace(TINY, height=128, width=192)
    torch.manual_seed(3)
    network = StreamingFetalNet(replace(TINY, stills=large_one)).eval()
    both = Predictor(replace(loaded, network=network), device, threads=1)
    large = Predictor(replace(loaded, network=network.stills), device, threads=1)
    stream, still = frames(4), frames(1, (200, 300))[0]
    whole = [both.predict(frame).probabilities for frame in stream]
    both.reset()
    begun = [both.predict(frame).probabilities for frame in stream[:2]]
    assert both.predict_still(still).probabilities == large.predict_still(still).probabilities
    assert [*begun, *(both.predict(frame).probabilities for frame in stream[2:])] == whole
    assert large.predict(stream[0]).probabilities != whole[0]


def test_that_a_network_for_stills_runs_in_float32_and_signs_so(loaded):
    network = StreamingFetalNet(replace(TINY, stills=replace(TINY, height=128, width=192))).eval()
    ranges = {"stem.0": [-1.0, 3.0]}
    predictor = Predictor(replace(loaded, network=network, card={"int8": {"ranges": ranges}}), "openvino:int8", 1)
    frame = frames(1)[0]
    predictor.predict(frame)
    assert predictor.model.engine == "openvino cpu int8"
    predictor.predict_still(frame)
    assert predictor.model.engine == "openvino cpu"
    assert predictor.notice is None
    predictor.predict(frame)
    assert predictor.model.engine == "openvino cpu int8"


def test_that_a_sure_head_is_measured_in_native_pixels(predictor):
    frame = Frame(3, 0.1, np.zeros((128, 192), np.uint8))
    prediction = predictor.fit(frame, predictor.prepare(frame), raw(Plane.HEAD, 0.95, disc()))
    assert prediction.plane is Plane.HEAD
    assert isinstance(prediction.geometry, Ellipse)
    assert prediction.geometry.a == pytest.approx(40, abs=0.5)
    assert (prediction.geometry.cx, prediction.geometry.cy) == pytest.approx((96.5, 64.5), abs=0.3)
    assert prediction.outline is not None
    assert prediction.outline.dtype == np.float32


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (raw(Plane.OTHER, 0.9, disc()), "no standard plane"),
        (raw(Plane.HEAD, 0.28, disc()), "uncertain"),
        (raw(Plane.HEAD, 0.9, disc(), standardness=0.05), "too far from its standard plane"),
        (raw(Plane.ABDOMEN, 0.9, disc(inside=0.3)), "no abdomen outline"),
        (raw(Plane.FEMUR, 0.9, disc(inside=0.6)), "outline is uncertain"),
        (raw(Plane.FEMUR, 0.9, disc()), "too wide"),
    ],
)
def test_that_what_cannot_be_trusted_is_not_measured_and_says_why(predictor, answer, reason):
    frame = Frame(0, None, np.zeros((128, 192), np.uint8))
    prediction = predictor.fit(frame, predictor.prepare(frame), answer)
    assert prediction.geometry is None
    assert reason in (prediction.refused or "")


def test_that_an_unknown_device_is_named(loaded):
    with pytest.raises(InputError, match="no device 'abacus'; choose auto"):
        Predictor(loaded, device="abacus")
    if not torch.cuda.is_available():
        with pytest.raises(InputError, match="No CUDA device"):
            Predictor(loaded, device="cuda")


def test_that_nothing_reports_on_its_user(loaded):
    OpenVinoEngine(loaded.network, threads=1)
    assert not [name for name in sys.modules if name.startswith("openvino_telemetry")]
