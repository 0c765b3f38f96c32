"""The network as Lightning trains it."""

from __future__ import annotations

import math

import lightning
import numpy as np
import torch
from torch import Tensor, nn

from fetalnet.network.streaming import StreamingFetalNet
from fetalnet.planes import Plane
from fetalnet.training.batches import Batch
from fetalnet.training.config import TrainingConfig
from fetalnet.training.losses import losses


class Training(lightning.LightningModule):  # type: ignore[misc]
    """Loss, optimiser and schedule around a network."""

    def __init__(self, config: TrainingConfig) -> None:
        super().__init__()
        self.config = config
        self.network = StreamingFetalNet(config.network.build())
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def training_step(self, batch: Batch, _: int) -> Tensor:
        if self.config.at(self.global_step)[0].freeze_norm:
            for module in self.network.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()
        # Checkpoints hold no random state: so a resumed run drops out what an unbroken one would.
        torch.manual_seed(self.config.seed + self.global_step * self.config.processes + self.global_rank)
        parts = losses(self.network(batch.frames, self._past(batch.frames)), batch)
        values = {f"train/{name}": value.detach() for name, value in parts._asdict().items()}
        self.log_dict(values, batch_size=batch.frames.shape[0])
        self.log("loss", parts.total.detach(), prog_bar=True, batch_size=batch.frames.shape[0])
        return parts.total

    def _past(self, frames: Tensor) -> Tensor | None:
        """The state before a clip: none, an old one, or, as after a cut, an old one of another clip."""
        if frames.shape[1] == 1:
            return None
        rng = np.random.default_rng([self.config.seed, self.global_step, self.global_rank])
        with torch.no_grad():
            state = self.network.rehearse(frames, int(rng.integers(0, 4)))
        return state.roll(1, dims=0) if rng.random() < 0.15 else state

    def validation_step(self, batch: Batch, _: int) -> None:
        output = self.network(batch.frames)
        hard, truth = output.mask_logits.float() > 0, batch.masks > 0.5
        both, either = (hard & truth).sum(dim=(3, 4)), hard.sum(dim=(3, 4)) + truth.sum(dim=(3, 4))
        present = truth.any(dim=4).any(dim=3) & (batch.mask_weight > 0)
        for channel, plane in enumerate(list(Plane)[:3]):
            here = present[:, :, channel]
            if here.any():
                dice = (2 * both[:, :, channel] / either[:, :, channel])[here]
                self.log(f"dice/{plane}", dice.mean(), batch_size=int(here.sum()), prog_bar=True, sync_dist=True)
        clear = batch.planes.amax(dim=2) > 0.99
        right = (output.class_logits.argmax(dim=2) == batch.planes.argmax(dim=2))[clear]
        if len(right):
            self.log("accuracy", right.float().mean(), batch_size=len(right), prog_bar=True, sync_dist=True)

    def configure_optimizers(self) -> dict[str, object]:
        shrunk = [parameter for parameter in self.parameters() if parameter.ndim > 1]
        kept = [parameter for parameter in self.parameters() if parameter.ndim <= 1]
        groups = [
            {"params": shrunk, "weight_decay": self.config.weight_decay},
            {"params": kept, "weight_decay": 0.0},
        ]
        # The rate itself comes from the schedule.
        optimizer = torch.optim.AdamW(groups, lr=1.0)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, self._rate)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _rate(self, step: int) -> float:
        """Each phase warms up, then falls along a cosine."""
        phase, _, share = self.config.at(step)
        if share < self.config.warm_up:
            return phase.learning_rate * (share + 1.0 / phase.steps) / self.config.warm_up
        return phase.learning_rate * 0.5 * (1.0 + math.cos(math.pi * min(share, 1.0)))
