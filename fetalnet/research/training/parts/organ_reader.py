"""How the reader is trained: on crops, after the rest of the network; then how far it and the branch are trusted."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from fetalnet.core.planes import Plane
from fetalnet.network.streaming import StreamingFetalNet
from fetalnet.research.training.config import TrainingConfig
from fetalnet.research.training.data.batches import Collection, draw_batch
from fetalnet.research.training.losses import structure_loss, weighted_cross
from fetalnet.research.training.parts.base import PartTraining
from fetalnet.research.training.parts.organ_crops import Crops

VERDICT_BATCHES = 200


class ReaderTraining(PartTraining):
    """The loss around the reader's encoders."""

    def __init__(self, config: TrainingConfig, network: StreamingFetalNet) -> None:
        assert config.reader is not None
        super().__init__(config, config.reader, network.reader)
        self.organs = network.reader.organs

    def training_step(self, batch: list[Crops], _: int) -> Tensor:
        self.seed_step()
        parts: dict[str, list[Tensor]] = {"present": [], "standardness": [], "structures": []}
        for organ, truth in zip(self.organs, batch, strict=True):
            reading = organ(truth.crops)
            present = functional.binary_cross_entropy_with_logits(reading.present.float(), truth.present)
            rated = reading.standardness[:, None], truth.standardness[:, None], truth.standardness_weight
            parts["present"].append(present)
            parts["standardness"].append(weighted_cross(*rated))
            if reading.structures.shape[1]:
                structures = structure_loss(reading.structures, truth.structures, truth.structures_weight)
                parts["structures"].append(structures)
        present, standardness, structures = (torch.stack(values).sum() for values in parts.values())
        total = present + standardness + 0.5 * structures
        values = {"read/present": present, "read/standardness": standardness, "read/structures": structures}
        return self.tell(total, values, len(batch[0].present))


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
        loss.backward()  # type: ignore[no-untyped-call]  # torch's own
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]  # torch's own
