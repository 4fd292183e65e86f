"""Distillation's loss on activations at block boundaries."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

MOMENTUM = 0.02


class FeatureLoss(nn.Module):
    """
    Mean over boundaries of the squared distance to the teacher's activation, divided by a running variance of that
    activation: one number a layer, since a channel that the teacher left dead has next to no variance of its own.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__()
        self.names = names
        for name in names:
            self.register_buffer(f"variance_{name}", torch.tensor(-1.0))

    def forward(self, student: Mapping[str, Tensor], teacher: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The loss of each boundary that the student has; 1 is what a constant guess of the mean would cost."""
        return {name: self._one(name, student[name], teacher[name]) for name in self.names if name in student}

    def _one(self, name: str, student: Tensor, teacher: Tensor) -> Tensor:
        seen = teacher.var()
        variance = getattr(self, f"variance_{name}")
        variance.copy_(seen if variance < 0 else torch.lerp(variance, seen, MOMENTUM))
        return (student - teacher).square().mean() / variance.clamp_min(1e-6)
