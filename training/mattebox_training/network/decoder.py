"""The recurrent decoder (paper section 2.2)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .conv_gru import ConvGRU
from .conv_norm import EPSILON, conv_norm


def upsample_to(x: Tensor, like: Tensor) -> Tensor:
    """Twice the size, bilinear with half-pixel centres, cropped to `like`."""
    bigger = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    return bigger[..., : like.shape[-2], : like.shape[-1]]


class BottleneckBlock(nn.Module):
    """At 1/16: half of the channels pass, half go through a ConvGRU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gru = ConvGRU(channels // 2)

    def forward(self, x: Tensor, r: Tensor | None, frames: int) -> Tensor:
        plain, recurrent = x.chunk(2, 1)
        return torch.cat([plain, self.gru(recurrent, r, frames)], 1)


class UpsamplingBlock(nn.Module):
    """At 1/8, 1/4 and 1/2: merges the block before, the encoder's features and the shrunk picture; then as above."""

    def __init__(self, below: int, feature: int, outputs: int, batch_norm: bool) -> None:
        super().__init__()
        merge = conv_norm(below + feature + 3, outputs, 3, epsilon=EPSILON if batch_norm else None)
        self.conv = nn.Sequential(*merge, nn.ReLU())
        self.gru = ConvGRU(outputs // 2)

    def forward(self, below: Tensor, feature: Tensor, source: Tensor, r: Tensor | None, frames: int) -> Tensor:
        x = self.conv(torch.cat([upsample_to(below, source), feature, source], 1))
        plain, recurrent = x.chunk(2, 1)
        return torch.cat([plain, self.gru(recurrent, r, frames)], 1)


class OutputBlock(nn.Module):
    """At full low resolution: two convolutions on the upsampled features and the picture."""

    def __init__(self, below: int, outputs: int, batch_norm: bool) -> None:
        super().__init__()
        epsilon = EPSILON if batch_norm else None
        self.conv = nn.Sequential(
            *conv_norm(below + 3, outputs, 3, epsilon=epsilon),
            nn.ReLU(),
            *conv_norm(outputs, outputs, 3, epsilon=epsilon),
            nn.ReLU(),
        )

    def forward(self, below: Tensor, source: Tensor) -> Tensor:
        return self.conv(torch.cat([upsample_to(below, source), source], 1))


class RecurrentDecoder(nn.Module):
    """The blocks by their published names; the network runs them one by one."""

    def __init__(self, batch_norm: bool) -> None:
        super().__init__()
        self.decode4 = BottleneckBlock(128)
        self.decode3 = UpsamplingBlock(128, 40, 80, batch_norm)
        self.decode2 = UpsamplingBlock(80, 24, 40, batch_norm)
        self.decode1 = UpsamplingBlock(40, 16, 32, batch_norm)
        self.decode0 = OutputBlock(32, 16, batch_norm)


def source_pyramid(picture: Tensor) -> list[Tensor]:
    """The picture at 1/2, 1/4 and 1/8 by repeated 2x2 means; edges of odd sizes average what exists."""
    levels = []
    for _ in range(3):
        picture = F.avg_pool2d(picture, 2, 2, ceil_mode=True, count_include_pad=False)
        levels.append(picture)
    return levels
