"""The network behind the judges: what the frame network said of one frame, and what that means among the others."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fetalnet.core.errors import InputError
from fetalnet.core.planes import Plane
from fetalnet.core.system.files import write_file
from fetalnet.network.weights import read_card, write_card

EVIDENCE = len(Plane) + 1
"""Log odds of each plane, and of the rating."""

LIMIT = 4.0
"""Surer than these log odds counts as no surer."""

_WIDTH = 48
_REMEDY = "restore the files that came with the program"


class JudgeNetwork(nn.Module):
    """Two layers of gated recurrent units (Cho et al. 2014) that read a recording in both directions, or a stream as it
    comes.

    FetalNet carries what it saw from frame to frame within a clip. This sees only a few numbers of each frame, and so
    remembers for longer.
    """

    def __init__(self, *, both_ways: bool) -> None:
        super().__init__()
        self.mean: Tensor
        self.spread: Tensor
        self.register_buffer("mean", torch.zeros(EVIDENCE))
        self.register_buffer("spread", torch.ones(EVIDENCE))
        self.take_in = nn.Linear(EVIDENCE, _WIDTH)
        self.remember = nn.GRU(_WIDTH, _WIDTH, num_layers=2, batch_first=True, dropout=0.3, bidirectional=both_ways)
        self.forget = nn.Dropout(0.3)
        self.shown = nn.Linear(_WIDTH * (2 if both_ways else 1), 1)

    def forward(self, evidence: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """``evidence`` (b, t, EVIDENCE), as many steps a second as it was trained with, and the state before them, None
        at the start: the log odds (b, t) that a plane is shown near its ideal, and the state after them.
        """
        # Beyond what training shows often there is nothing to be learned.
        bounded = evidence.clamp(-LIMIT, LIMIT)
        taken = torch.relu(self.take_in((bounded - self.mean) / self.spread))
        remembered, state = self.remember(self.forget(taken), state)
        assert state is not None
        return self.shown(self.forget(remembered))[..., 0], state

    def probabilities(
        self, evidence: NDArray[np.float32], state: Tensor | None = None
    ) -> tuple[NDArray[np.float32], Tensor]:
        """That a plane is shown (t,), for ``evidence`` (t, EVIDENCE) of one stream, and the state after it."""
        with torch.inference_mode():
            odds, state = self(torch.from_numpy(evidence)[None], state)
            shown: NDArray[np.float32] = odds[0].sigmoid().numpy()
        return shown, state


def save_judge(path: Path, network: JudgeNetwork, card: dict[str, Any]) -> None:
    """Write a judge and its card ``<name>.json`` with the file's checksum, each at once."""
    content = safetensors.torch.save(network.state_dict())
    write_file(path, content)
    write_card(path, card | {"sha256": hashlib.sha256(content).hexdigest()})


def load_judge(path: Path, *, both_ways: bool) -> JudgeNetwork:
    """A network in evaluation mode. Raises ``InputError`` where its file is missing, damaged or altered."""
    network = JudgeNetwork(both_ways=both_ways)
    try:
        content = path.read_bytes()
        network.load_state_dict(safetensors.torch.load(content))
    except (OSError, RuntimeError, safetensors.SafetensorError) as error:
        raise InputError(f"The judge {path.name} is missing or damaged; {_REMEDY}.") from error
    if hashlib.sha256(content).hexdigest() != read_card(path)["sha256"]:
        raise InputError(f"The judge {path.name} is not the one its card names (checksum differs); {_REMEDY}.")
    return network.eval()
