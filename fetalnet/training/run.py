"""A training run from its configuration to weights with a model card."""

from __future__ import annotations

from pathlib import Path

import cv2
import lightning
import torch
from lightning.pytorch.callbacks import EMAWeightAveraging, ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.loggers import CSVLogger
from torch.utils.data import DataLoader

from fetalnet.network.weights import save_weights
from fetalnet.planes import Plane
from fetalnet.training import hc18, other_planes, phantom_data
from fetalnet.training.batches import Batch, BatchStream, Collection
from fetalnet.training.card import new_card
from fetalnet.training.config import TrainingConfig
from fetalnet.training.example import data_folder
from fetalnet.training.module import Training
from fetalnet.training.thermometer import thermometer


class Data(lightning.LightningDataModule):  # type: ignore[misc]
    """Streams of batches that start where the trainer stands."""

    def __init__(self, config: TrainingConfig, collection: Collection, kept_back: list[Batch]) -> None:
        super().__init__()
        self.config, self.collection, self.kept_back = config, collection, kept_back

    def train_dataloader(self) -> DataLoader[Batch]:
        trainer = self.trainer
        assert trainer is not None
        stream = BatchStream(
            self.config, self.collection, lambda: trainer.global_step, self.config.steps_per_epoch, trainer.global_rank
        )
        return DataLoader(stream, batch_size=None)

    def val_dataloader(self) -> DataLoader[Batch]:
        trainer = self.trainer
        assert trainer is not None
        # An empty share would leave the other process waiting: the list is as long as the processes allow evenly.
        even = len(self.kept_back) // trainer.world_size * trainer.world_size
        return DataLoader(self.kept_back[trainer.global_rank : even : trainer.world_size], batch_size=None)  # type: ignore[arg-type]


def collect(config: TrainingConfig, cache: Path) -> Collection:
    """Everything the run is trained on; renders what the phantom pack lacks."""
    heads: list[hc18.HeadStill] = []
    others: list[other_planes.OtherStill] = []
    if config.real_data:
        heads = [
            each
            for each in hc18.head_stills(data_folder() / "hc18")
            if not (config.hold_out_validation and each.kept_back)
        ]
        others = [each for each in other_planes.other_stills(data_folder() / "other_planes") if not each.kept_back]
    stills, clips = phantom_data.load(config.pack, cache)
    return Collection(list(hc18.examples(heads)), list(other_planes.examples(others)), stills, clips)


def print_table(collection: Collection) -> None:
    """Plane by real and phantom, as trained on."""
    table = collection.table()
    print(f"{'plane':10}{'real':>8}{'phantom':>10}")
    for plane in Plane:
        print(f"{plane:10}{table[plane, True]:>8}{table[plane, False]:>10}")
    print(f"and {len(collection.heads)} real heads erased, or replaced by a phantom's organ, drawn anew each time")


def train(config: TrainingConfig, folder: Path, cache: Path, resume: bool = True) -> Path:
    """Train and write ``<name>.safetensors`` with its card into ``folder``; returns the weights' path.

    Goes on from the newest checkpoint in ``folder`` unless ``resume`` is false. ``cache`` keeps the phantom pack.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # One thread a process: two of them are a quarter faster than one with two threads, and sums keep their order.
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    collection = collect(config, cache)
    print_table(collection)
    lightning.seed_everything(config.seed, verbose=False)
    module = Training(config)
    data = Data(config, collection, thermometer(config))
    checkpoint = folder / "checkpoints" / "last.ckpt"
    trainer = _trainer(config, folder)
    trainer.fit(module, data, ckpt_path=str(checkpoint) if resume and checkpoint.exists() else None)
    path = folder / f"{config.name}.safetensors"
    if trainer.is_global_zero:
        save_weights(path, module.network, new_card(config, collection))
    return path


def _trainer(config: TrainingConfig, folder: Path) -> lightning.Trainer:
    on_cuda = torch.cuda.is_available()
    several = config.processes > 1 and not on_cuda
    return lightning.Trainer(
        accelerator="cuda" if on_cuda else "cpu",
        devices=config.processes if several else 1,
        # Forked processes share the pictures in memory.
        strategy="ddp_fork" if several else "auto",
        precision="bf16-mixed" if config.bf16 else "32-true",
        max_steps=config.steps,
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
