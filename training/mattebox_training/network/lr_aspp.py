"""Lite reduced atrous spatial pyramid pooling (paper section 2.1; Howard et al. 2019, section 6.4)."""

from torch import Tensor, nn

from .conv_norm import EPSILON, conv_norm


class LRASPP(nn.Module):
    """Features [N, 960, h/16, w/16] weighed by a gate from the whole picture → [N, 128, h/16, w/16]."""

    def __init__(self, batch_norm: bool) -> None:
        super().__init__()
        self.aspp1 = nn.Sequential(*conv_norm(960, 128, 1, epsilon=EPSILON if batch_norm else None), nn.ReLU())
        self.aspp2 = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(960, 128, 1, bias=False), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        return self.aspp1(x) * self.aspp2(x)
