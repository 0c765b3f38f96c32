"""The networks side by side: trained alike from random weights, scored on the same data, timed in one run."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from pydantic import TypeAdapter, ValidationError

import fetalnet
from fetalnet.core.errors import InputError
from fetalnet.core.planes import Kind, Plane
from fetalnet.core.system.files import cannot_write, write_file
from fetalnet.core.system.machine import processor_name
from fetalnet.inference.predictor import Predictor
from fetalnet.network.weights import LoadedNetwork, load_weights
from fetalnet.research.benchmark.steps import thread_limit
from fetalnet.research.code_digest import code_digest
from fetalnet.research.comparison.report import (
    ALL,
    Compared,
    PhantomFigures,
    Report,
    Scores,
    System,
)
from fetalnet.research.comparison.tables import comparison_report, transfer_report
from fetalnet.research.datasets.catalogue import data_folder
from fetalnet.research.datasets.readers.hc18 import HeadStill, head_stills
from fetalnet.research.evaluation.hc18_scores import score_heads, summarise_by_size
from fetalnet.research.evaluation.phantom_scores import EVALUATION_SEEDS, PhantomScores, score_phantom
from fetalnet.research.metrics.statistic import statistic
from fetalnet.research.phantom import PhantomRecording
from fetalnet.research.training.config import TrainingConfig
from fetalnet.research.training.data import phantom_pack as phantom_data
from fetalnet.research.training.run import train
from fetalnet.screen.fan.sector_search import search_sector

SYSTEMS = ("short_streaming", "short_fetalnet", "short_multitask_unet", "short_mtln", "short_streaming_heads")
"""Configurations compared when none is named: what two CPU cores can train, each shown as many pictures."""

COMPARISON_PAGE = Path(fetalnet.__file__).parents[1] / "docs" / "comparison.md"
TIMED_FRAMES = 25
_TIMED_ON = ("openvino", "torch")
_WARM_UP_FRAMES = 3
_SAME = ("seed", "real_data", "hold_out_validation")


def compare(
    configs: Sequence[TrainingConfig],
    out: Path,
    cache: Path,
    presentations: int | None = None,
    recordings: int = len(EVALUATION_SEEDS),
) -> Report:
    """Train each system, or take what ``out`` holds of it; score and time them all, and write the report there.

    All get as many ``presentations`` as the first where no number is given. Raises ``InputError``.
    """
    _check_alike(configs)
    configs = [_of_this_machine(config) for config in configs]
    shown = configs[0].presentations if presentations is None else presentations
    configs = [config.presenting(shown) for config in configs]
    heads = [still for still in head_stills(data_folder() / "hc18") if still.kept_back]
    if not heads:
        raise InputError("No head of this HC18 folder is in the validation split; fetch the whole data set.")
    # All are trained before any is scored: training forks, and forking a process that runs threads may hang.
    systems = [_trained(config, out, cache) for config in configs]
    seeds = EVALUATION_SEEDS[:recordings]
    scores = [_scored(system, system.name, heads, () if system.config.heads_alone else seeds) for system in systems]
    load = f", load {os.getloadavg()[0]:.1f} before" if hasattr(os, "getloadavg") else ""
    ms = time_frames({system.name: system.weights for system in systems})
    compared = [Compared(system, of, ms[system.name]) for system, of in zip(systems, scores, strict=True)]
    machine = f"{processor_name()}, {os.cpu_count()} logical cores{load}"
    report = comparison_report(compared, _examinations(heads), seeds, machine)
    report.write(out)
    return report


def transfer(config: TrainingConfig, out: Path, cache: Path, presentations: int | None = None) -> Report:
    """Train on the phantom alone, or take what ``out`` holds; score on all real heads and write the report there.

    What ``out`` holds of earlier phantoms is shown beside. Raises ``InputError``.
    """
    if config.real_data:
        raise InputError(f"{config.name} is trained on real heads; a transfer needs real_data = false in it.")
    config = _of_this_machine(config)
    config = config.presenting(config.presentations if presentations is None else presentations)
    heads = head_stills(data_folder() / "hc18")
    system = _trained(config, out, cache)
    scores = _scored(system, f"Phantom {system.pack}, {config.presentations:,} presentations", heads, (), told=True)
    others = [path for path in out.glob(f"{config.name}-*/scores.json") if path.parent != system.path.parent]
    known = [_read_scores(path) for path in sorted(others, key=lambda path: path.stat().st_mtime)]
    earlier = [each for each in known if each is not None and each.heads[ALL].count == len(heads)]
    report = transfer_report(system, scores, _examinations(heads), earlier)
    report.write(out)
    return report


def time_frames(networks: dict[str, LoadedNetwork]) -> dict[str, dict[str, float]]:
    """Median ms from a frame to its prediction by system and engine, float32, on one CPU thread.

    Systems and engines take turns on each frame, so that other programs meet all alike.
    """
    recording = PhantomRecording(EVALUATION_SEEDS[0], duration_s=2.0)
    frames = [recording[index][0] for index in range(min(_WARM_UP_FRAMES + TIMED_FRAMES, len(recording)))]
    sector = search_sector(*(frame.pixels for frame in frames[:5]))
    with thread_limit(1):
        predictors = {
            (name, engine): Predictor(network, engine, threads=1)
            for name, network in networks.items()
            for engine in _TIMED_ON
        }
        spent: dict[tuple[str, str], list[float]] = {key: [] for key in predictors}
        for predictor in predictors.values():
            predictor.look_at(sector.box, sector.mask((recording.size[1], recording.size[0])))
        for frame in frames:
            for key, predictor in predictors.items():
                start = time.perf_counter()
                predictor.predict(frame)
                spent[key].append((time.perf_counter() - start) * 1000.0)
    return {
        name: {engine: float(np.median(spent[name, engine][_WARM_UP_FRAMES:])) for engine in _TIMED_ON}
        for name in networks
    }


def _check_alike(configs: Sequence[TrainingConfig]) -> None:
    """Raise ``InputError`` unless all are trained on the same data and none on the validation split."""
    names = [config.name for config in configs]
    for config in configs:
        if names.count(config.name) > 1:
            raise InputError(f"Two configurations are named {config.name}; give each a name of its own.")
        if config.real_data and not config.hold_out_validation:
            raise InputError(f"{config.name} trains on the validation split; set hold_out_validation = true in it.")
        if config.pack.seed < EVALUATION_SEEDS.stop:
            raise InputError(
                f"The phantom pack of {config.name} may hold recordings that it is scored on; start it at a seed of "
                f"{EVALUATION_SEEDS.stop} or more."
            )
        for setting in _SAME:
            if getattr(config, setting) != getattr(configs[0], setting):
                raise InputError(f"{config.name} and {names[0]} differ in {setting}; give both the same.")
        if phantom_data.fingerprint(config.pack) != phantom_data.fingerprint(configs[0].pack):
            raise InputError(f"{config.name} and {names[0]} differ in their phantom pack; give both the same.")


def _of_this_machine(config: TrainingConfig) -> TrainingConfig:
    """A GPU has one process, which is to see the whole batch."""
    return config.model_copy(update={"processes": 1}) if torch.cuda.is_available() else config


def _trained(config: TrainingConfig, out: Path, cache: Path) -> System:
    """The system from its folder in ``out``, which names configuration and phantom: neither is ever mixed."""
    pack = phantom_data.fingerprint(config.pack)
    folder = out / f"{config.name}-{_digest(_recipe(config), pack)}"
    path = folder / f"{config.name}.safetensors"
    if not path.exists():
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(folder, error) from error
        # Rendered before: no system's time is to hold it.
        phantom_data.load(config.pack, cache)
        with _noted(folder / "training.json", config):
            train(config, folder, cache)
    weights = load_weights(path)
    try:
        same = _recipe(TrainingConfig.model_validate(weights.card.get("config"))) == _recipe(config)
    except ValidationError:
        same = False
    if not same:
        raise InputError(f"The weights in {folder.name} were trained otherwise; remove that folder to train anew.")
    return System(config, path, weights, pack, _training_text(folder / "training.json"))


def _recipe(config: TrainingConfig) -> str:
    """All of a configuration but how the work is shared out."""
    return config.model_dump_json(exclude={"processes": True, "pack": {"processes"}})


@contextlib.contextmanager
def _noted(path: Path, config: TrainingConfig) -> Iterator[None]:
    """Add the block's wall time to what ``path`` notes. A killed block leaves the note that it is not whole."""
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    seconds, whole = float(known.get("seconds", 0.0)), bool(known.get("whole", True))
    shared = f" in {config.processes} processes" if config.processes > 1 else ""
    where = torch.cuda.get_device_name() if torch.cuda.is_available() else f"{processor_name()}{shared}"

    def note(seconds: float, whole: bool) -> None:
        write_file(path, json.dumps({"seconds": seconds, "whole": whole, "where": where}).encode())

    note(seconds, False)
    start = time.perf_counter()
    try:
        yield
    finally:
        note(seconds + time.perf_counter() - start, whole)


def _training_text(path: Path) -> str:
    if not path.exists():
        return "time not noted"
    noted = json.loads(path.read_text(encoding="utf-8"))
    return f"{'' if noted['whole'] else 'more than '}{noted['seconds'] / 60:.1f} min on {noted['where']}"


def _scored(
    system: System, label: str, heads: Sequence[HeadStill], seeds: Sequence[int], *, told: bool = False
) -> Scores:
    """The figures kept beside the weights where they are of the same heads, seeds and code; else measured and kept."""
    path = system.path.with_name("scores.json")
    key = _digest(
        system.weights.sha256, *(still.path.name for still in heads), *map(str, (*seeds, told)), _scoring_code()
    )
    known = _read_scores(path)
    if known is not None and known.key == key:
        return known
    # What was shown heads alone takes everything for one: only its outlines say something.
    predictor = Predictor(system.weights)
    of_heads = summarise_by_size(score_heads(predictor, heads, Plane.HEAD if system.config.heads_alone else None))
    of_phantom = _figures(score_phantom(system.path, seeds)) if seeds else None
    of_told = summarise_by_size(score_heads(predictor, heads, Plane.HEAD)) if told else None
    scores = Scores(key, label, of_heads, of_phantom, of_told)
    write_file(path, json.dumps(asdict(scores), indent=1).encode())
    return scores


def _read_scores(path: Path) -> Scores | None:
    """None where there are none, or those of another version of this program."""
    with contextlib.suppress(FileNotFoundError, ValueError):
        return TypeAdapter(Scores).validate_python(json.loads(path.read_text(encoding="utf-8")))
    return None


def _figures(scores: PhantomScores) -> PhantomFigures:
    return PhantomFigures(
        scores.recordings,
        scores.frames.total(),
        {plane: scores.f1(plane) for plane in Plane},
        {kind: statistic([100 * abs(error) for error in scores.errors[kind]]) for kind in Kind},
        scores.right_best,
        len(scores.wrong_best),
        len(scores.missed),
        len(scores.false_measures),
    )


def _scoring_code() -> str:
    """Stands for the code that figures depend on: the scores and all that they import."""
    return code_digest("fetalnet.research.evaluation.hc18_scores", "fetalnet.research.evaluation.phantom_scores")[:12]


def _examinations(heads: Sequence[HeadStill]) -> int:
    return len({still.examination for still in heads})


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
