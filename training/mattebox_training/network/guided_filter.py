"""The refiners' coefficients (paper section 2.3; Wu et al. 2018): all of it in float32, even under mixed precision."""

import torch
from torch import Tensor, nn

from .conv_norm import EPSILON, conv_norm


def guide(picture: Tensor) -> Tensor:
    """[N, 3, h, w] → (R, G, B, gray), gray their mean."""
    return torch.cat([picture, picture.mean(1, keepdim=True)], 1)


class DeepGuidedFilter(nn.Module):
    """Local statistics of guide and answer, and a small network that turns them into A; b = mean y − A · mean x."""

    def __init__(self, batch_norm: bool) -> None:
        super().__init__()
        epsilon = EPSILON if batch_norm else None
        self.box_filter = nn.Conv2d(4, 4, 3, padding=1, groups=4, bias=False)
        nn.init.constant_(self.box_filter.weight, 1 / 9)
        self.conv = nn.Sequential(
            *conv_norm(4 * 2 + 16, 16, 1, epsilon=epsilon),
            nn.ReLU(),
            *conv_norm(16, 16, 1, epsilon=epsilon),
            nn.ReLU(),
            nn.Conv2d(16, 4, 1),
        )

    def forward(self, picture: Tensor, matte: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """
        picture: low-resolution RGB in 0..1; matte: [N, 4, h, w] residual and alpha, unclamped; hidden: [N, 16, h, w].

        Returns A and b, [N, 4, h, w] each.
        """
        with torch.autocast(picture.device.type, enabled=False):
            x, y = guide(picture).float(), matte.float()
            mean_x, mean_y = self.box_filter(x), self.box_filter(y)
            covariance = self.box_filter(x * y) - mean_x * mean_y
            variance = self.box_filter(x * x) - mean_x * mean_x
            a = self.conv(torch.cat([covariance, variance, hidden.float()], 1))
            return a, mean_y - a * mean_x
