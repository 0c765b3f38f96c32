"""A part of the network that is trained by itself, once what it looks at is done."""

from __future__ import annotations

from collections.abc import Callable

import lightning
import numpy as np
import torch
from torch import Tensor, nn

from fetalnet.research.training.arithmetic import laid_out
from fetalnet.research.training.config import PartStage, TrainingConfig, cosine
from fetalnet.research.training.data.batches import Fields


def batch_of(
    config: TrainingConfig, stage: PartStage, step: int, rank: int, draw: Callable[[np.random.Generator], Fields]
) -> list[Tensor]:
    """The batch of one step for one process: each field of what ``draw`` gives, item by item, as one tensor."""
    size = config.batch_of_each(stage)
    items = [draw(np.random.default_rng([config.seed, step, rank, item])) for item in range(size)]
    return [torch.from_numpy(np.stack(parts)) for parts in zip(*items, strict=True)]


class PartTraining(lightning.LightningModule):  # type: ignore[misc]  # Lightning is untyped here
    """Optimiser, schedule and random numbers of a stage; the rest of the network is not touched."""

    def __init__(self, config: TrainingConfig, stage: PartStage, part: nn.Module) -> None:
        super().__init__()
        self.config, self.stage = config, stage
        # Frozen while the rest is trained.
        part.requires_grad_(True)
        laid_out(part)

    def seed_step(self) -> None:
        """Checkpoints hold no random state: a resumed run drops out what an unbroken one would."""
        torch.manual_seed(self.config.seed + self.global_step * self.config.processes + self.global_rank)

    def tell(self, total: Tensor, values: dict[str, Tensor], size: int) -> Tensor:
        """Log the loss and what it is made of, for a batch of that ``size``; returns the loss."""
        self.log_dict({name: value.detach() for name, value in values.items()}, batch_size=size)
        self.log("loss", total.detach(), prog_bar=True, batch_size=size)
        return total

    def configure_optimizers(self) -> dict[str, object]:
        optimizer = torch.optim.AdamW(self.parameters(), lr=1.0, weight_decay=self.config.weight_decay)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer,
            lambda step: cosine(
                self.stage.learning_rate, step / self.stage.steps, self.config.warm_up, 1 / self.stage.steps
            ),
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
