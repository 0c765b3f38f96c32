"""Trains the networks that name the frames of streams and of whole recordings, and fits how wide intervals are.

``python -m fetalnet.research.training.judges.train [CACHE]`` renders phantom recordings that nothing else is trained
on, runs the shipped weights over them and writes ``stream_judge.safetensors``, ``recording_judge.safetensors`` and
``interval_widths.json`` into ``resources``; an hour on two cores, nearly all of it for the recordings. CACHE keeps
them: a run that was broken off goes on from there.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2
import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import EMAWeightAveraging, TQDMProgressBar
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader

from fetalnet.core.geometry import MmPerPixel
from fetalnet.core.planes import Kind
from fetalnet.core.prediction import Prediction
from fetalnet.core.system.files import write_file
from fetalnet.core.system.resources import resource
from fetalnet.inference.judges import recording as recording_judge
from fetalnet.inference.judges import stream as judgement
from fetalnet.network.frame_judge import LIMIT, JudgeNetwork, save_judge
from fetalnet.network.weights import DEFAULT_WEIGHTS, load_weights
from fetalnet.research.datasets.catalogue import data_folder
from fetalnet.research.evaluation.clip_scores import MeasuredStill, clip_predictions, measured_stills
from fetalnet.research.evaluation.phantom_scores import look_at_fan, predictor_of
from fetalnet.research.phantom import PhantomRecording
from fetalnet.research.processes import spread
from fetalnet.research.training.config import cosine
from fetalnet.research.training.data.batches import BatchStream
from fetalnet.research.training.judges.batches import SweepBatch, draw_sweeps
from fetalnet.research.training.judges.intervals import Miss, coverage, fit_shared_error, misses, still_misses, widest
from fetalnet.research.training.judges.sweeps import Sweep, still_sweeps_of, sweeps_of

TRAINED_SEEDS = range(5000, 5120)
"""Neither in the training pack nor among the recordings that are evaluated or that thresholds were set on."""
INTERVAL_SEEDS = range(100, 150)
"""For the intervals: recordings that the judge was not trained on."""
DURATION_S = 10.0

_SEED = 1
_STEPS, _WARM_UP, _LEARNING_RATE, _SHRINKAGE = 2400, 0.02, 3e-3, 0.05


class JudgeTraining(lightning.LightningModule):  # type: ignore[misc]  # Lightning is untyped here
    """Loss, optimiser and schedule around the network that sees recordings whole."""

    def __init__(self, network: JudgeNetwork, steps: int) -> None:
        super().__init__()
        self.network, self.steps = network, steps

    def training_step(self, batch: SweepBatch, _: int) -> Tensor:
        odds, _state = self.network(batch.evidence)
        loss = functional.binary_cross_entropy_with_logits(odds, batch.shown)
        self.log("loss", loss.detach(), prog_bar=True, batch_size=len(odds))
        return loss

    def configure_optimizers(self) -> dict[str, object]:
        optimizer = torch.optim.AdamW(self.parameters(), lr=1.0, weight_decay=_SHRINKAGE)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: cosine(_LEARNING_RATE, step / self.steps, _WARM_UP, 1 / self.steps)
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def train_judge(
    sweeps: Sequence[Sweep], rests: Sequence[Sweep] = (), *, both_ways: bool, seed: int = _SEED, steps: int = _STEPS
) -> JudgeNetwork:
    """The network in evaluation mode, from a random start; ``rests`` are clips of real stills."""
    lightning.seed_everything(seed, verbose=False)
    network = JudgeNetwork(both_ways=both_ways)
    seen = torch.from_numpy(np.concatenate([sweep.evidence for sweep in (*sweeps, *rests)])).clamp(-LIMIT, LIMIT)
    network.mean.copy_(seen.mean(dim=0))
    network.spread.copy_(seen.std(dim=0) + 1e-2)
    trainer = lightning.Trainer(
        accelerator="cpu", max_steps=steps, max_epochs=-1, gradient_clip_val=1.0, logger=False, deterministic=True,
        enable_checkpointing=False, enable_model_summary=False,
        callbacks=[EMAWeightAveraging(decay=0.99), TQDMProgressBar(refresh_rate=25)],
    )  # fmt: skip
    stream = BatchStream(lambda step: draw_sweeps(sweeps, seed, step, rests), lambda: 0, steps, steps)
    trainer.fit(JudgeTraining(network, steps), DataLoader(stream, batch_size=None))
    return network.eval()


class Watched(NamedTuple):
    """A recording as the network alone sees it, and the truth of what is measured."""

    predictions: list[Prediction]
    mm_per_pixel: MmPerPixel
    sizes_mm: dict[Kind, float]


def watched_phantom(weights: Path, seed: int) -> Watched:
    """One recording, rendered and predicted on one thread."""
    cv2.setNumThreads(1)
    recording, predictor = PhantomRecording(seed, duration_s=DURATION_S), predictor_of(weights)
    look_at_fan(predictor, recording)
    predictions = [replace(predictor.predict(frame), outline=None) for frame, _ in recording]
    return Watched(predictions, recording.mm_per_pixel, recording.sizes_mm)


def _watched_clip(weights: Path, measured: MeasuredStill) -> list[Prediction]:
    return [replace(each, outline=None) for each in clip_predictions(weights, measured.still)]


def main(cache: Path, weights: Path = DEFAULT_WEIGHTS) -> None:
    """Train the judges and fit intervals to ``weights``, and write all where the program looks for them."""
    sha256 = load_weights(weights).sha256
    sweeps = sweeps_of(weights, TRAINED_SEEDS, cache)
    rests = still_sweeps_of(weights, cache)
    trained_on = f"{_named(TRAINED_SEEDS)}, and clips of {len(rests)} real stills of the training split"
    about = {"trained_on": trained_on, "seed": _SEED, "weights_sha256": sha256}
    for path, both_ways in ((judgement.JUDGE, False), (recording_judge.JUDGE, True)):
        network = train_judge(sweeps, rests, both_ways=both_ways)
        save_judge(path, network, about)
    fit_intervals(weights)


def fit_intervals(weights: Path) -> None:
    """Fit them to the recording judge that is there, write them, and print how often they hold the truth."""
    judge = recording_judge.recording_judge()
    recordings = list(spread(partial(watched_phantom, weights), INTERVAL_SEEDS, "Analysing phantom recordings"))
    known = [
        miss
        for number, each in enumerate(recordings)
        for miss in misses(number, each.predictions, judge, each.mm_per_pixel, each.sizes_mm)
    ]
    clips = measured_stills(data_folder())
    seen = list(spread(partial(_watched_clip, weights), clips, "Analysing clips of real stills"))
    real = [
        miss
        for number, (clip, predictions) in enumerate(zip(clips, seen, strict=True))
        for miss in still_misses(number, predictions, judge, clip.sizes_px)
    ]
    write_intervals(known, real, load_weights(weights).sha256)


def write_intervals(phantom: Sequence[Miss], real: Sequence[Miss], weights_sha256: str) -> None:
    """Fit the widths to misses on phantom recordings and on clips of real stills, write them and print them."""
    on_phantom, on_real = fit_shared_error(phantom), fit_shared_error(real)
    fitted = {
        "fitted_on": f"{_named(INTERVAL_SEEDS)}, {DURATION_S:g} s each; clips of real stills of the validation split",
        "weights_sha256": weights_sha256,
        "shared_error": {kind.name: round(width, 4) for kind, width in widest(on_phantom, on_real).items()},
        "phantom_alone": {kind.name: round(width, 4) for kind, width in on_phantom.items()},
        "left_out": {
            "phantom": coverage(phantom, real)._asdict(),
            "real": coverage(real, phantom)._asdict(),
        },
    }
    write_file(resource("interval_widths.json"), (json.dumps(fitted, indent=2) + "\n").encode())
    print(json.dumps(fitted, indent=2))


def _named(seeds: range) -> str:
    return f"phantom seeds {seeds[0]} to {seeds[-1]}"


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("runs") / "cache")
