"""The network as Lightning trains it."""

from __future__ import annotations

import lightning
import numpy as np
import torch
from torch import Tensor, nn

from fetalnet.core.planes import STANDARD_PLANES, Plane
from fetalnet.network.architectures import Network, build
from fetalnet.network.config import Masks
from fetalnet.network.output import Output
from fetalnet.network.streaming import StreamingFetalNet
from fetalnet.research.training.arithmetic import laid_out
from fetalnet.research.training.config import TrainingConfig, cosine
from fetalnet.research.training.data.batches import Batch
from fetalnet.research.training.losses import cost


class Training(lightning.LightningModule):  # type: ignore[misc]  # Lightning is untyped here
    """Loss, optimiser and schedule around a network."""

    def __init__(self, config: TrainingConfig) -> None:
        super().__init__()
        self.config = config
        self.network: Network = build(config.network_config)
        laid_out(self.network)
        if isinstance(self.network, StreamingFetalNet):
            self.network.reader.requires_grad_(False)
            for part in (self.network.rim, self.network.shaft):
                if part is not None:
                    part.requires_grad_(False)

    def training_step(self, batch: Batch, _: int) -> Tensor:
        if self.config.at(self.global_step)[0].freeze_norm:
            for module in self.network.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()
        # Checkpoints hold no random state: so a resumed run drops out what an unbroken one would.
        torch.manual_seed(self.config.seed + self.global_step * self.config.processes + self.global_rank)
        output = self._see(batch.frames, self._past(batch.frames))
        total, parts = cost(self.network, output, batch, self.config.class_share)
        values = {f"train/{name}": value.detach() for name, value in parts.items()}
        self.log_dict(values, batch_size=batch.frames.shape[0])
        self.log("loss", total.detach(), prog_bar=True, batch_size=batch.frames.shape[0])
        return total

    def _past(self, frames: Tensor) -> Tensor | None:
        """The state before a clip: none, an old one, or, as after a cut, an old one of another clip.

        The published networks start each clip anew.
        """
        if frames.shape[1] == 1 or not isinstance(self.network, StreamingFetalNet):
            return None
        rng = np.random.default_rng([self.config.seed, self.global_step, self.global_rank])
        with torch.no_grad():
            state = self.network.rehearse(frames, int(rng.integers(0, 4)))
        return state.roll(1, dims=0) if rng.random() < 0.15 else state

    def _see(self, frames: Tensor, past: Tensor | None = None) -> Output:
        """The network's output; the reader of ours is trained by itself, on crops."""
        unread = {"read": False} if isinstance(self.network, StreamingFetalNet) else {}
        output: Output = self.network(frames, past, **unread)
        return output

    def validation_step(self, batch: Batch, _: int) -> None:
        output = self._see(batch.frames)
        for number, plane in enumerate(STANDARD_PLANES):
            if self.network.masks is Masks.HEAD and plane is not Plane.HEAD:
                continue
            channel = number if self.network.masks is Masks.PER_PLANE else 0
            hard, truth = output.mask_logits[:, :, channel].float() > 0, batch.masks[:, :, number] > 0.5
            here = truth.any(dim=3).any(dim=2) & (batch.mask_weight[:, :, number] > 0)
            if here.any():
                both, either = (hard & truth).sum(dim=(2, 3)), hard.sum(dim=(2, 3)) + truth.sum(dim=(2, 3))
                dice = (2 * both / either)[here]
                self.log(f"dice/{plane}", dice.mean(), batch_size=int(here.sum()), prog_bar=True, sync_dist=True)
        clear = batch.planes.amax(dim=2) > 0.99
        if output.class_logits is not None and clear.any():
            right = (output.class_logits.argmax(dim=2) == batch.planes.argmax(dim=2))[clear]
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
        return cosine(phase.learning_rate, share, self.config.warm_up, 1.0 / phase.steps)
