"""
The encoder: MobileNetV3-Large without its classifier, its last stage dilated instead of strided (paper section 2.1;
Howard et al. 2019, table 1). Names are those of torchvision, so that its ImageNet weights fit.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .conv_norm import BACKBONE_EPSILON, conv_norm

MEAN = (0.485, 0.456, 0.406)  # ImageNet's, of RGB in 0..1
STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class InvertedResidual:
    """One block; `expanded` equal to `inputs` means no expansion, `squeeze` 0 no squeeze-and-excitation."""

    inputs: int
    kernel: int
    expanded: int
    outputs: int
    squeeze: int
    hard_swish: bool
    stride: int
    dilation: int = 1


# Features 1..15; feature 0 is the stem, feature 16 the last 1x1 convolution.
BLOCKS = (
    InvertedResidual(16, 3, 16, 16, 0, False, 1),
    InvertedResidual(16, 3, 64, 24, 0, False, 2),
    InvertedResidual(24, 3, 72, 24, 0, False, 1),
    InvertedResidual(24, 5, 72, 40, 24, False, 2),
    InvertedResidual(40, 5, 120, 40, 32, False, 1),
    InvertedResidual(40, 5, 120, 40, 32, False, 1),
    InvertedResidual(40, 3, 240, 80, 0, True, 2),
    InvertedResidual(80, 3, 200, 80, 0, True, 1),
    InvertedResidual(80, 3, 184, 80, 0, True, 1),
    InvertedResidual(80, 3, 184, 80, 0, True, 1),
    InvertedResidual(80, 3, 480, 112, 120, True, 1),
    InvertedResidual(112, 3, 672, 112, 168, True, 1),
    InvertedResidual(112, 5, 672, 160, 168, True, 1, dilation=2),
    InvertedResidual(160, 5, 960, 160, 240, True, 1, dilation=2),
    InvertedResidual(160, 5, 960, 160, 240, True, 1, dilation=2),
)

# Last features of the parts that distillation compares; f1, f3, f6 and f16 go to the decoder (1/2, 1/4, 1/8, 1/16).
BOUNDARIES = (1, 3, 6, 9, 12, 16)


class SqueezeExcitation(nn.Module):
    """x · hardSigmoid(fc2(relu(fc1(mean of x)))), a factor a channel."""

    def __init__(self, channels: int, squeeze: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, squeeze, 1)
        self.fc2 = nn.Conv2d(squeeze, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        squeezed = F.relu(self.fc1(F.adaptive_avg_pool2d(x, 1)))
        return x * F.hardsigmoid(self.fc2(squeezed))


class Block(nn.Module):
    """Expand by 1x1, depthwise, squeeze-and-excitation, project by 1x1, add the input where size and width stay."""

    def __init__(self, shape: InvertedResidual, epsilon: float | None) -> None:
        super().__init__()
        activation = nn.Hardswish if shape.hard_swish else nn.ReLU
        wide = shape.expanded
        parts: list[nn.Module] = []
        if wide != shape.inputs:
            parts.append(nn.Sequential(*conv_norm(shape.inputs, wide, 1, epsilon=epsilon), activation()))
        depthwise = conv_norm(
            wide,
            wide,
            shape.kernel,
            epsilon=epsilon,
            stride=shape.stride,
            dilation=shape.dilation,
            groups=wide,
        )
        parts.append(nn.Sequential(*depthwise, activation()))
        if shape.squeeze:
            parts.append(SqueezeExcitation(wide, shape.squeeze))
        parts.append(nn.Sequential(*conv_norm(wide, shape.outputs, 1, epsilon=epsilon)))
        self.block = nn.Sequential(*parts)
        self.residual = shape.stride == 1 and shape.inputs == shape.outputs

    def forward(self, x: Tensor) -> Tensor:
        y = self.block(x)
        return y + x if self.residual else y


class MobileNetV3(nn.Module):
    """Features of pictures; the caller says which part it wants, since distillation may replace what lies between."""

    def __init__(self, batch_norm: bool) -> None:
        super().__init__()
        epsilon = BACKBONE_EPSILON if batch_norm else None
        stem = nn.Sequential(*conv_norm(3, 16, 3, epsilon=epsilon, stride=2), nn.Hardswish())
        last = nn.Sequential(*conv_norm(160, 960, 1, epsilon=epsilon), nn.Hardswish())
        self.features = nn.Sequential(stem, *(Block(shape, epsilon) for shape in BLOCKS), last)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1), persistent=False)

    def normalise(self, picture: Tensor) -> Tensor:
        """RGB in 0..1 → what features 0 takes."""
        return (picture - self.mean) / self.std

    def part(self, x: Tensor, first: int, last: int) -> Tensor:
        """Features `first`..`last`, one after the other."""
        for index in range(first, last + 1):
            x = self.features[index](x)
        return x
