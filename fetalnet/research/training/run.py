"""A training run from its configuration to weights with a model card."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Generic

import cv2
import lightning
import torch
from lightning.pytorch.callbacks import EMAWeightAveraging, ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.loggers import CSVLogger
from torch import Tensor
from torch.utils.data import DataLoader

from fetalnet.core.errors import InputError
from fetalnet.core.planes import Plane, Structure
from fetalnet.network.architectures import Network
from fetalnet.network.streaming import BESIDE, PARTS, STILLS, StreamingFetalNet
from fetalnet.network.weights import LoadedNetwork, save_weights
from fetalnet.research.datasets.catalogue import data_folder
from fetalnet.research.datasets.readers.hc18 import HeadStill, head_stills
from fetalnet.research.training.arithmetic import has_wide_vectors
from fetalnet.research.training.card import new_card
from fetalnet.research.training.config import Network as NetworkTable
from fetalnet.research.training.config import TrainingConfig
from fetalnet.research.training.data import batches, real_planes
from fetalnet.research.training.data import phantom_pack as phantom_data
from fetalnet.research.training.data.batches import Batch, BatchStream, Collection, Drawn
from fetalnet.research.training.data.heads import examples as head_examples
from fetalnet.research.training.data.heads import native_examples as native_heads
from fetalnet.research.training.data.validation import thermometer
from fetalnet.research.training.module import Training
from fetalnet.research.training.parts.decoys import with_decoys
from fetalnet.research.training.parts.organ_crops import Pools, draw_crops
from fetalnet.research.training.parts.organ_reader import ReaderTraining, fit_verdict
from fetalnet.research.training.parts.rim_reader import RimPools, RimTraining, draw_strips
from fetalnet.research.training.parts.shaft_reader import ShaftPools, ShaftTraining, draw_shafts
from fetalnet.research.training.parts.strips import measurable

SMALL_HEAD_MM = 100.0
"""Circumference up to which a head is one of the first trimester."""


class Data(lightning.LightningDataModule, Generic[Drawn]):  # type: ignore[misc]  # Lightning is untyped here
    """Streams of batches that start where the trainer stands; ``draw`` gives one for a step and a process."""

    def __init__(
        self, draw: Callable[[int, int], Drawn], steps: int, steps_per_epoch: int, kept_back: Sequence[Batch] = ()
    ) -> None:
        super().__init__()
        self.draw, self.steps, self.steps_per_epoch, self.kept_back = draw, steps, steps_per_epoch, kept_back

    def train_dataloader(self) -> DataLoader[Drawn]:
        trainer = self.trainer
        assert trainer is not None
        stream = BatchStream(
            lambda step: self.draw(step, trainer.global_rank),
            lambda: trainer.global_step,
            self.steps_per_epoch,
            self.steps,
        )
        return DataLoader(stream, batch_size=None)

    def val_dataloader(self) -> DataLoader[Batch]:
        trainer = self.trainer
        assert trainer is not None
        # An empty share would leave the other process waiting: the list is as long as the processes allow evenly.
        even = len(self.kept_back) // trainer.world_size * trainer.world_size
        share = self.kept_back[trainer.global_rank : even : trainer.world_size]
        return DataLoader(share, batch_size=None)  # type: ignore[arg-type]  # a list is all a loader asks for


def collect(config: TrainingConfig, cache: Path) -> Collection:
    """Everything the run is trained on; renders what the phantom pack lacks."""
    heads = real_heads(config)
    planes = real_planes.by_plane(real_stills(config))
    stills, clips = phantom_data.load(config.pack, cache)
    pictures, without = list(head_examples(heads)), planes.pop(Plane.OTHER)
    small = [each for each, still in zip(pictures, heads, strict=True) if still.circumference_mm < SMALL_HEAD_MM]
    simulated = [*stills, *(frame for clip in clips for frame in clip)]
    outlined = [
        each
        for each in simulated
        if each.organ is Plane.HEAD and each.outlines[Plane.HEAD].standardness >= batches.OUTLINED
    ]
    early = [each for each in outlined if each.plane is Plane.HEAD and Structure.THALAMI not in each.structures]
    return Collection(pictures, without, stills, clips, small, outlined, early, planes)


def real_heads(config: TrainingConfig) -> list[HeadStill]:
    """Those that the run is trained on."""
    if not config.real_data:
        return []
    stills = head_stills(data_folder() / "hc18")
    return [each for each in stills if not (config.hold_out_validation and each.kept_back)]


def real_stills(config: TrainingConfig) -> list[real_planes.LabelledStill]:
    """The stills of FETAL_PLANES_DB that the run is trained on."""
    if not config.real_data:
        return []
    stills = real_planes.labelled_stills(data_folder())
    return [each for each in stills if not (config.hold_out_validation and each.still.kept_back)]


def print_table(collection: Collection) -> None:
    """Plane by real and phantom, as trained on."""
    table = collection.table()
    print(f"{'plane':10}{'real':>8}{'phantom':>10}")
    for plane in Plane:
        print(f"{plane:10}{table[plane, True]:>8}{table[plane, False]:>10}")
    print(f"and {len(collection.heads)} real heads erased, drawn anew each time")


def train(
    config: TrainingConfig,
    folder: Path,
    cache: Path,
    resume: bool = True,
    start: LoadedNetwork | None = None,
    stills: LoadedNetwork | None = None,
) -> Path:
    """Train and write ``<name>.safetensors`` with its card into ``folder``; returns the weights' path.

    Goes on from the newest checkpoint in ``folder`` unless ``resume`` is false; begins with the numbers of ``start``
    instead of random ones. The network of ``stills`` is put in as it is, for pictures alone; without it that of
    ``start``, where there is one. ``cache`` keeps the phantom pack. Raises ``InputError``.
    """
    _check_parts(config, start)
    folder.mkdir(parents=True, exist_ok=True)
    # One thread a process: two of them are a quarter faster than one with two threads, and sums keep their order.
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    collection = collect(config, cache)
    print_table(collection)
    lightning.seed_everything(config.seed, verbose=False)
    module = Training(config)
    if start is not None:
        begin_with(module.network, start)
    if stills is None and start is not None and start.for_stills is not None and not _is_for_stills(config, start):
        stills = replace(start.for_stills, card=start.card["stills"])
    if stills is not None:
        with_stills(module.network, stills)  # what does not go together is refused before the training
    if config.phases:
        data = Data(
            lambda step, rank: batches.draw_batch(config, collection, step, rank),
            config.steps,
            config.steps_per_epoch,
            thermometer(config),
        )
        _fit(module, data, config, folder, resume)
    network = module.network
    if isinstance(network, StreamingFetalNet):
        if config.reader is not None:
            train_reader(network, config, collection, folder / "reader", resume)
        if network.rim is not None and config.rim is not None:
            train_rim(network, config, collection, folder / "rim", resume)
        if network.shaft is not None and config.shaft is not None:
            train_shaft(network, config, collection, folder / "shaft", resume)
    path = folder / f"{config.name}.safetensors"
    if stills is not None:
        network = with_stills(network, stills)
    save_weights(path, network, new_card(config, collection, start, stills))
    return path


def _check_parts(config: TrainingConfig, start: LoadedNetwork | None) -> None:
    """Raise ``InputError`` where a part of the network would be written as it was drawn."""
    if start is None and not config.phases:
        raise InputError(f"{config.name} trains a part of a network alone; give the rest with --begin-with WEIGHTS.")
    if not isinstance(config.network, NetworkTable):
        return
    held = () if start is None else tuple(start.network.state_dict())
    untrained = [
        part
        for part in PARTS
        if getattr(config.network, part)
        and getattr(config, part) is None
        and not any(name.startswith(f"{part}.") for name in held)
    ]
    if untrained:
        raise InputError(
            f"The configuration {config.name} wants a network with a part that nobody trains ({', '.join(untrained)}); "
            "add its table, leave the part out of the network, or begin with weights that hold it."
        )


def begin_with(network: Network, start: LoadedNetwork) -> None:
    """Take over trained numbers; the parts that are run beside may be new.

    Raises ``InputError`` where the rest has another shape.
    """
    wanted = network.state_dict()
    held = _of_size(network, start)
    new = {name: tensor for name, tensor in wanted.items() if name.startswith(BESIDE)}
    given = new | {name: each for name, each in held.items() if name in wanted or not name.startswith(BESIDE)}
    if {name: tensor.shape for name, tensor in given.items()} != {name: each.shape for name, each in wanted.items()}:
        raise InputError(
            f"The weights {start.name} are of a network of another shape than the configuration names; "
            "begin with weights of that network, or without any."
        )
    network.load_state_dict(given)


def _of_size(network: Network, start: LoadedNetwork) -> dict[str, Tensor]:
    """The numbers of ``start``: where it holds two networks, of the one that sees pictures of the wanted size."""
    held = {name: each for name, each in start.network.state_dict().items() if not name.startswith(STILLS)}
    alone = None if start.for_stills is None else start.for_stills.network
    if alone is None or _size(alone) != _size(network):
        return held
    beside = {name: each for name, each in held.items() if name.startswith(BESIDE)}
    return beside | alone.state_dict()


def _is_for_stills(config: TrainingConfig, start: LoadedNetwork) -> bool:
    """Whether what is trained is the network for pictures alone that ``start`` holds beside."""
    alone = start.for_stills
    return alone is not None and _size(alone.network) == (config.network.height, config.network.width)


def _size(network: Network) -> tuple[int, int]:
    return network.config.height, network.config.width


def with_stills(network: Network, stills: LoadedNetwork) -> StreamingFetalNet:
    """The network with that of ``stills`` in it, for pictures alone. Raises ``InputError`` where the two do not go
    together.
    """
    other = stills.network
    if not isinstance(network, StreamingFetalNet) or not isinstance(other, StreamingFetalNet):
        raise InputError("Only a streaming FetalNet holds a network for stills; leave out --stills.")
    if (other.config.height, other.config.width) == (network.config.height, network.config.width):
        raise InputError(
            f"The weights {stills.name} see pictures of the same size as the network that is trained; for stills name "
            "weights of another size, or none."
        )
    alone = replace(other.config, rim=False, shaft=False, stills=None)
    whole = StreamingFetalNet(replace(network.config, stills=alone))
    beside = (*BESIDE, STILLS)
    kept = {STILLS + name: each for name, each in other.state_dict().items() if not name.startswith(beside)}
    whole.load_state_dict(network.state_dict() | kept)
    return whole


def train_reader(
    network: StreamingFetalNet, config: TrainingConfig, collection: Collection, folder: Path, resume: bool = True
) -> None:
    """Train the reader of a network whose other parts are done, and weigh its verdict against the branch's."""
    assert config.reader is not None
    pools = with_decoys(Pools.of(collection, (config.network.height, config.network.width)), network)
    data = Data(lambda step, rank: draw_crops(config, pools, step, rank), config.reader.steps, config.steps_per_epoch)
    _fit(ReaderTraining(config, network), data, config, folder, resume)
    fit_verdict(network, config, collection)


def train_rim(
    network: StreamingFetalNet, config: TrainingConfig, collection: Collection, folder: Path, resume: bool = True
) -> None:
    """Train the rim reader of a network; no other part of it is needed for that."""
    assert config.rim is not None
    real = real_planes.native_by_plane(real_stills(config))
    real[Plane.HEAD] = list(native_heads(real_heads(config)))
    pools = RimPools.of(collection, real)
    data = Data(lambda step, rank: draw_strips(config, pools, step, rank), config.rim.steps, config.steps_per_epoch)
    _fit(RimTraining(config, network), data, config, folder, resume)


def train_shaft(
    network: StreamingFetalNet, config: TrainingConfig, collection: Collection, folder: Path, resume: bool = True
) -> None:
    """Train the shaft reader of a network; no other part of it is needed for that. Raises ``InputError``."""
    assert config.shaft is not None
    real = real_planes.native_by_plane(real_stills(config))[Plane.FEMUR]
    pools = ShaftPools(real, measurable(collection, Plane.FEMUR))
    if not pools.phantom:
        raise InputError("The phantom pack shows no femur to learn from; render more stills of it.")
    data = Data(lambda step, rank: draw_shafts(config, pools, step, rank), config.shaft.steps, config.steps_per_epoch)
    _fit(ShaftTraining(config, network), data, config, folder, resume)


def _fit(
    module: lightning.LightningModule, data: Data[Any], config: TrainingConfig, folder: Path, resume: bool
) -> None:
    checkpoint = folder / "checkpoints" / "last.ckpt"
    goes_on = resume and checkpoint.exists()
    if goes_on:
        reached = torch.load(checkpoint, map_location="cpu", weights_only=True)
        if reached["global_step"] >= data.steps:
            # The trainer would leave at once, with the newest weights in place of their average.
            module.load_state_dict(reached["state_dict"])
            return
    trainer = _trainer(config, folder, data.steps)
    trainer.fit(module, data, ckpt_path=str(checkpoint) if goes_on else None)


def _trainer(config: TrainingConfig, folder: Path, steps: int) -> lightning.Trainer:
    on_cuda = torch.cuda.is_available()
    several = config.processes > 1 and not on_cuda
    return lightning.Trainer(
        accelerator="cuda" if on_cuda else "cpu",
        devices=config.processes if several else 1,
        # Forked processes share the pictures in memory.
        strategy="ddp_fork" if several else "auto",
        precision="bf16-mixed" if config.bf16 and (on_cuda or has_wide_vectors()) else "32-true",
        max_steps=steps,
        max_epochs=-1,
        gradient_clip_val=config.clip_norm,
        reload_dataloaders_every_n_epochs=1,
        check_val_every_n_epoch=config.validate_every,
        num_sanity_val_steps=0,
        logger=CSVLogger(folder, name="log", version=""),
        log_every_n_steps=25,
        default_root_dir=folder,
        enable_model_summary=False,
        deterministic=True,
        callbacks=[
            EMAWeightAveraging(decay=config.ema_decay),
            # Without a monitor the best is the newest; ``save_last`` alone would write nothing before the end.
            ModelCheckpoint(
                folder / "checkpoints",
                filename="last",
                save_top_k=1,
                enable_version_counter=False,
                every_n_epochs=1,
                save_on_train_epoch_end=True,
            ),
            TQDMProgressBar(refresh_rate=25),
        ],
    )
