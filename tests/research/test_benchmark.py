"""One run times every step for every engine and number of threads, and says on what."""

from __future__ import annotations

import io
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from rich.console import Console

from fetalnet.core.errors import InputError
from fetalnet.export.overlay import OverlayWriter
from fetalnet.inference.engines.openvino import has_bf16
from fetalnet.network.config import MultiTaskUNetConfig, NetworkConfig
from fetalnet.network.streaming import StreamingFetalNet
from fetalnet.network.weights import LoadedNetwork
from fetalnet.research.benchmark.networks import compare_networks, networks_json, networks_plot, networks_table
from fetalnet.research.benchmark.scaling import scaling_json, scaling_plots, scaling_table, time_lengths, time_sizes
from fetalnet.research.benchmark.steps import Step, run_benchmark


@pytest.fixture
def tiny_network() -> LoadedNetwork:
    torch.manual_seed(0)
    config = NetworkConfig(height=64, width=96, channels=(8, 8, 8, 8, 8), hidden=8)
    return LoadedNetwork(StreamingFetalNet(config).eval(), "tiny", "0" * 64, {})


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "noise.mp4"
    rng = np.random.default_rng(0)
    with OverlayWriter(path, (160, 120), 30) as writer:
        for _ in range(20):
            writer.write(rng.integers(0, 255, (120, 160, 3), dtype=np.uint8))
    return path


def test_every_step_is_timed_for_every_engine(tiny_network: LoadedNetwork, video: Path) -> None:
    threads_before = torch.get_num_threads(), cv2.getNumThreads()
    report = run_benchmark(tiny_network, video, seconds=0.5, threads=(1,))
    assert (torch.get_num_threads(), cv2.getNumThreads()) == threads_before

    assert (report.video, report.width, report.height, report.frames) == ("noise.mp4", 160, 120, 15)
    steps = [(timing.step, timing.engine) for timing in report.timings]
    assert steps == [
        (Step.DECODE, None),
        (Step.PREPARATION, None),
        *((Step.NETWORK, engine) for engine in ("openvino", "torch")),
        (Step.FITTING, None),
        (Step.OVERLAY, None),
    ]
    for timing in report.timings:
        assert timing.threads == 1
        assert timing.frames >= 10
        assert 0 < timing.p50_ms <= timing.p95_ms
    assert {rate.engine for rate in report.throughputs} == {"openvino", "torch"}
    assert all(rate.frames_per_s > 0 for rate in report.throughputs)

    assert json.loads(json.dumps(report.to_json()))["versions"]["torch"]
    console = Console(file=io.StringIO(), width=200)
    console.print(report.table())
    text = console.file.getvalue()
    assert "network, openvino" in text
    assert "whole path, torch" in text
    assert "frames/s" in text
    if report.load_before is not None:
        assert f"load {report.load_before:.1f} before" in " ".join(text.split())


def test_the_networks_take_turns_and_are_told_as_ratios(tiny_network: LoadedNetwork) -> None:
    small = MultiTaskUNetConfig(height=64, width=96)
    timings = compare_networks(tiny_network, rounds=4, peers=(small,))
    ours = ["ours, openvino", "ours, torch", *(["ours, openvino bf16"] if has_bf16() else [])]
    assert [each.name for each in timings] == [*ours, "multitask-unet, torch"]
    assert timings[0].ratio == timings[0].ratio_low == timings[0].ratio_high == 1.0
    for each in timings:
        assert each.rounds == 4
        assert 0 < each.p50_ms <= each.p95_ms <= each.p99_ms
        assert each.ratio_low <= each.ratio <= each.ratio_high
    assert timings[-1].ratio > 1.0
    assert json.loads(json.dumps(networks_json(timings)))[-1]["parameters"] > 0
    assert b"<svg" in networks_plot(timings)
    console = Console(file=io.StringIO(), width=160)
    console.print(networks_table(timings))
    assert "multitask-unet" in console.file.getvalue()


def test_that_cost_is_told_by_frame_size_and_by_length(tiny_network: LoadedNetwork) -> None:
    sizes, predictions = time_sizes(tiny_network, 0.5, ((160, 120), (320, 240)))
    assert [(each.width, each.height) for each in sizes] == [(160, 120), (320, 240)]
    assert all(0 < each.p5_ms <= each.p50_ms <= each.p95_ms and each.frames >= 10 for each in sizes)
    lengths = time_lengths(predictions, (0.1, 0.5))
    assert [each.frames for each in lengths] == [180, 900]
    assert all(each.end_s > 0 for each in lengths)
    assert len(json.loads(json.dumps(scaling_json(sizes, lengths)))["lengths"]) == 2
    assert all(b"<svg" in svg for svg in scaling_plots(sizes, lengths).values())
    console = Console(file=io.StringIO(), width=160)
    console.print(scaling_table(sizes, lengths))
    assert "a frame of 320 x 240" in console.file.getvalue()


def test_a_video_that_cannot_be_read_is_said_so(tiny_network: LoadedNetwork, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file"):
        run_benchmark(tiny_network, tmp_path / "missing.mp4")
