"""How the reader is trained: on crops, after the rest of the network; then how far it and the branch are trusted."""

from __future__ import annotations

import lightning
import torch
from torch import Tensor
from torch.nn import functional

from fetalnet.network.streaming import StreamingFetalNet
from fetalnet.planes import Plane
from fetalnet.training.batches import Collection, draw_batch
from fetalnet.training.config import TrainingConfig, cosine
from fetalnet.training.crops import Crops
from fetalnet.training.losses import weighted_cross

VERDICT_BATCHES = 200


class ReaderTraining(lightning.LightningModule):  # type: ignore[misc]
    """Loss, optimiser and schedule around the reader's encoders; the rest of the network is not touched."""

    def __init__(self, config: TrainingConfig, network: StreamingFetalNet) -> None:
        super().__init__()
        assert config.reader is not None
        self.config, self.stage = config, config.reader
        # Frozen while the rest is trained.
        network.reader.requires_grad_(True)
        self.organs = network.reader.organs.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def training_step(self, batch: list[Crops], _: int) -> Tensor:
        torch.manual_seed(self.config.seed + self.global_step * self.config.processes + self.global_rank)
        parts: dict[str, list[Tensor]] = {"present": [], "standardness": [], "structures": []}
        for organ, truth in zip(self.organs, batch, strict=True):
            reading = organ(truth.crops)
            present = functional.binary_cross_entropy_with_logits(reading.present.float(), truth.present)
            rated = reading.standardness[:, None], truth.standardness[:, None], truth.standardness_weight
            parts["present"].append(present)
            parts["standardness"].append(weighted_cross(*rated))
            if reading.structures.shape[1]:
                structures = weighted_cross(reading.structures, truth.structures, truth.structures_weight)
                parts["structures"].append(structures)
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
    seen, labels = [], []
    with torch.no_grad():
        for number in range(VERDICT_BATCHES):
            # Beyond the last step: batches that training did not draw, of its last stage.
            batch = draw_batch(config, collection, config.steps + number)
            output = network(batch.frames, read=False)
            assert output.class_logits is not None
            reading = network.reader(batch.frames.flatten(0, 1), output.mask_logits.flatten(0, 1))
            seen.append(torch.cat([output.class_logits.flatten(0, 1), reading.present], dim=1))
            labels.append(batch.planes.flatten(0, 1))
    both = torch.cat(seen).float()
    branch, present = both[:, : len(Plane)], both[:, len(Plane) :]
    truth = torch.cat(labels)
    reader = network.reader
    weights = [reader.trust_branch, reader.trust_reader, reader.offset]
    optimizer = torch.optim.LBFGS(weights, max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        logits = reader.verdict(branch, present)
        loss = functional.cross_entropy(logits, truth)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
