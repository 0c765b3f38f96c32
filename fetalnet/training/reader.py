"""How the reader is trained: on crops, after the rest of the network; then how far it and the branch are trusted."""

from __future__ import annotations

import lightning
import torch
from torch import Tensor
from torch.nn import functional

from fetalnet.network.streaming import StreamingFetalNet
from fetalnet.training.batches import Collection, draw_batch
from fetalnet.training.config import TrainingConfig, cosine
from fetalnet.training.crops import Crops

VERDICT_BATCHES = 200


class ReaderTraining(lightning.LightningModule):  # type: ignore[misc]
    """Loss, optimiser and schedule around the reader's encoders; the rest of the network is not touched."""

    def __init__(self, config: TrainingConfig, network: StreamingFetalNet) -> None:
        super().__init__()
        assert config.reader is not None
        self.config, self.stage = config, config.reader
        # Frozen while the rest is trained.
        network.reader.requires_grad_(True)
        self.organs = network.reader.organs

    def training_step(self, batch: list[Crops], _: int) -> Tensor:
        torch.manual_seed(self.config.seed + self.global_step * self.config.processes + self.global_rank)
        parts = {"present": [], "standardness": [], "structures": []}  # type: dict[str, list[Tensor]]
        for organ, truth in zip(self.organs, batch, strict=True):
            reading = organ(truth.crops)
            parts["present"].append(_cross(reading.present, truth.present).mean())
            rating = _cross(reading.standardness, truth.standardness)
            parts["standardness"].append(_mean(rating, truth.standardness_weight))
            if reading.structures.shape[1]:
                cross = _cross(reading.structures, truth.structures).mean(dim=1)
                parts["structures"].append(_mean(cross, truth.structures_weight))
        present, standardness, structures = (torch.stack(values).sum() for values in parts.values())
        total = present + standardness + 0.5 * structures
        n = len(batch[0].present)
        self.log_dict(
            {"read/present": present.detach(), "read/standardness": standardness.detach()}
            | {"read/structures": structures.detach()},
            batch_size=n,
        )
        self.log("loss", total.detach(), prog_bar=True, batch_size=n)
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


def fit_verdict(network: StreamingFetalNet, config: TrainingConfig, collection: Collection) -> None:
    """Weigh branch against reader by logistic regression on training pictures that pass through the whole network."""
    network.eval()
    # The run's own mixture: a last phase that shows more of one plane would make that plane likelier than it is.
    config = config.model_copy(update={"phases": (config.phases[-1].model_copy(update={"mixture": None}),)})
    odds, labels = [], []
    with torch.no_grad():
        for number in range(VERDICT_BATCHES):
            # Beyond the last step: batches that training did not draw, of its last stage.
            batch = draw_batch(config, collection, config.steps + number)
            output = network(batch.frames, read=False)
            assert output.class_logits is not None
            reading = network.reader(batch.frames.flatten(0, 1), output.mask_logits.flatten(0, 1))
            odds.append(torch.stack([_against_other(output.class_logits.flatten(0, 1)), reading.present], dim=1))
            labels.append(batch.planes.flatten(0, 1))
    branch, present = torch.cat(odds).float().unbind(dim=1)
    truth = torch.cat(labels)
    reader = network.reader
    weights = [reader.trust_branch, reader.trust_reader, reader.offset]
    optimizer = torch.optim.LBFGS(weights, max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        logits = reader.verdict(functional.pad(branch, (0, 1)), present)
        loss = functional.cross_entropy(logits, truth)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]


def _against_other(logits: Tensor) -> Tensor:
    return logits[:, :-1] - logits[:, -1:]


def _cross(logits: Tensor, target: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(logits.float(), target, reduction="none")


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    return (values * weight).sum() / weight.sum().clamp(min=1.0)
