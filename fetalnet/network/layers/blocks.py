"""Convolution blocks of the encoder and the decoder."""

from __future__ import annotations

from torch import Tensor, nn


def convolution(inside: int, outside: int, kernel: int = 3, stride: int | tuple[int, int] = 1) -> nn.Sequential:
    """Convolution and batch norm (folded into one by OpenVINO); the size of the map is kept, or divided by stride."""
    return nn.Sequential(
        nn.Conv2d(inside, outside, kernel, stride, padding=kernel // 2, bias=False), nn.BatchNorm2d(outside)
    )


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut (He et al. 2016).

    (n, inside, h, w) to (n, outside, h / stride, w / stride).
    """

    def __init__(self, inside: int, outside: int, stride: int = 1) -> None:
        super().__init__()
        self.first = convolution(inside, outside, stride=stride)
        self.second = convolution(outside, outside)
        same = inside == outside and stride == 1
        self.shortcut = nn.Identity() if same else convolution(inside, outside, kernel=1, stride=stride)
        self.relu = nn.ReLU(inplace=True)
        # Starting as the shortcut alone steadies the first steps at a high learning rate (Goyal et al. 2017, 5.1).
        nn.init.zeros_(self.second[1].weight)  # type: ignore[arg-type]  # a normalisation's

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.relu(self.shortcut(x) + self.second(self.relu(self.first(x))))
        return out


class DoubleConvolution(nn.Sequential):
    """A level of a U-Net: twice 3x3 convolution, batch norm and ReLU, then channel dropout.

    (n, inside, h, w) to (n, outside, h, w).
    """

    def __init__(self, inside: int, outside: int, dropout: float = 0.0) -> None:
        super().__init__(
            nn.Conv2d(inside, outside, kernel_size=3, padding=1),
            nn.BatchNorm2d(outside),
            nn.ReLU(inplace=True),
            nn.Conv2d(outside, outside, kernel_size=3, padding=1),
            nn.BatchNorm2d(outside),
            nn.ReLU(inplace=True),
            nn.Dropout2d(dropout),
        )
