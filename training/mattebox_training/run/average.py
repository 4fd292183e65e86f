"""Exponential moving average of the weights: what is validated and exported."""

import copy

import torch
from torch import nn


class Average:
    """Follows a network; early on it forgets faster, so that it does not drag the random beginning along."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decay = decay
        self.updates = 0

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for mine, its in zip(self.network.parameters(), network.parameters(), strict=True):
            mine.lerp_(its.to(mine.dtype), 1 - decay)
        # BatchNorm's statistics are averages already.
        for mine, its in zip(self.network.buffers(), network.buffers(), strict=True):
            mine.copy_(its)

    def state_dict(self) -> dict[str, object]:
        return {"network": self.network.state_dict(), "updates": self.updates}

    def load_state_dict(self, state: dict[str, object]) -> None:
        self.network.load_state_dict(state["network"])
        self.updates = state["updates"]
