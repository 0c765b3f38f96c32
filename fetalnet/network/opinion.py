"""The second opinion: whether what was outlined as a head in a picture alone is one, or an abdomen taken for one."""

from __future__ import annotations

from torch import Tensor, nn

from fetalnet.network.reader import HIDDEN, crop_encoder, hidden_layer, pooled

SIDE_PX = 96
"""Of the square crops it looks at."""


class SecondOpinion(nn.Module):
    """A small encoder that knows heads and abdomens alone, and them in any pose: (n, 1, SIDE_PX, SIDE_PX), grey 0 to 1,
    to the log-odds (n,) of a head.

    It sees nothing but the organ, where the network sees all that lies around: in every real picture that it was
    trained on there lay a head.
    """

    def __init__(self) -> None:
        super().__init__()
        self.encoder = crop_encoder()
        self.hidden = hidden_layer()
        self.head = nn.Linear(HIDDEN, 1)

    def forward(self, crops: Tensor) -> Tensor:
        odds: Tensor = self.head(self.hidden(pooled(self.encoder(4.0 * crops - 1.0))))[:, 0]
        return odds
