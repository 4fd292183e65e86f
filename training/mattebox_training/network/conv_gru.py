"""ConvGRU (paper section 2.2, equation 2)."""

import torch
from torch import Tensor, nn


class ConvGRU(nn.Module):
    """A recurrent step on a feature map for every frame of a sequence."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.ih = nn.Sequential(nn.Conv2d(2 * channels, 2 * channels, 3, padding=1), nn.Sigmoid())
        self.hh = nn.Sequential(nn.Conv2d(2 * channels, channels, 3, padding=1), nn.Tanh())

    def forward(self, x: Tensor, h: Tensor | None, frames: int) -> Tensor:
        """
        x: [B · T, C, H, W], a sequence's frames one after the other; h: [B, C, H, W], None = zeros; frames: T.

        Returns all states [B · T, C, H, W] in [-1, 1]; the last of each sequence is its next `h`.
        """
        steps = x.unflatten(0, (-1, frames))
        if h is None:
            h = torch.zeros_like(steps[:, 0])
        states = []
        for t in range(frames):
            now = steps[:, t]
            # The published order and meaning of the gates: r first, and z admits the new value, unlike equation 2.
            r, z = self.ih(torch.cat([now, h], 1)).chunk(2, 1)
            proposal = self.hh(torch.cat([now, r * h], 1))
            h = (1 - z) * h + z * proposal
            # Channels last, as the convolutions have them: stacked as they are, every block above would work on copies.
            states.append(h.permute(0, 2, 3, 1))
        return torch.stack(states, 1).flatten(0, 1).permute(0, 3, 1, 2)
